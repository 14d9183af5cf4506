/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "libcommon/base/limits.h"
#include "libcommon/crypto/crypto.h"

#include <string.h>

static int start_crypto(void **state)
{
    (void)state;
    assert_int_equal(sh_crypto_init(NULL), SH_OK);
    return 0;
}

/* RFC 4648 section 10. */
static void base64_goes_both_ways(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *text;
    } cases[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xfb\xff", "+/8="},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_buf text = SH_BUF_INIT(SH_KIB);
        sh_buf bytes = SH_BUF_INIT(SH_KIB);
        assert_int_equal(sh_base64_encode(sh_slice_of(cases[i].bytes), &text), SH_OK);
        assert_true(sh_slice_equals((sh_slice){text.data, text.len}, sh_slice_of(cases[i].text)));
        assert_int_equal(sh_base64_decode(sh_slice_of(cases[i].text), &bytes, NULL), SH_OK);
        assert_true(
            sh_slice_equals((sh_slice){bytes.data, bytes.len}, sh_slice_of(cases[i].bytes)));
        sh_buf_reset(&text);
        sh_buf_reset(&bytes);
    }
}

static void invalid_base64_is_rejected(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "A",
        "AA",
        "AAA",
        "A===",
        "====",
        "Zg=A",
        "Zg==Zg==",
        "Zm9=",
        "Zh==",
        "Zm9v\n\n\n\n",
        "Zm 9",
        "-_8=",
        "\xc3\xa9\xc3\xa9",
        "Zm9\xf6",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_buf bytes = SH_BUF_INIT(SH_KIB);
        sh_error error = {0};
        assert_int_equal(sh_base64_decode(sh_slice_of(cases[i]), &bytes, &error), SH_E_FORMAT);
        assert_int_equal(error.code, SH_E_FORMAT);
        assert_int_equal(bytes.len, 0);
        sh_buf_reset(&bytes);
    }
}

/* libsodium encodes. Several lengths of each number of vectors, and of what is left after them. */
static void base64_of_every_length_is_decoded(void **state)
{
    (void)state;
    sh_buf text = SH_BUF_INIT(SH_KIB);
    sh_buf bytes = SH_BUF_INIT(SH_KIB);
    for (size_t len = 1; len < 300; len++) {
        uint8_t random[300], constant_time[304];
        sh_random(random, len);
        sh_buf_clear(&text);
        sh_buf_clear(&bytes);
        assert_int_equal(sh_base64_encode((sh_slice){(char *)random, len}, &text), SH_OK);
        assert_int_equal(sh_base64_decode((sh_slice){text.data, text.len}, &bytes, NULL), SH_OK);
        assert_int_equal(bytes.len, len);
        assert_memory_equal(bytes.data, random, len);
        size_t found = 0;
        assert_true(
            sh_base64_decode_constant_time((sh_slice){text.data, text.len}, constant_time, &found));
        assert_int_equal(found, len);
        assert_memory_equal(constant_time, random, len);
    }
    sh_buf_reset(&text);
    sh_buf_reset(&bytes);
}

/* RFC 4648, table 1. */
static void only_the_alphabet_is_base64(void **state)
{
    (void)state;
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char text[128];
    uint8_t bytes[96];
    for (size_t at = 0; at < sizeof text; at += 5)
        for (unsigned c = 0; c < 256; c++) {
            memset(text, 'A', sizeof text);
            text[at] = (char)c;
            size_t len = 0;
            const char *known = c == 0 ? NULL : strchr(alphabet, (char)c);
            bool valid = sh_base64_decode_constant_time((sh_slice){text, sizeof text}, bytes, &len);
            assert_int_equal(valid, known != NULL);
            if (known == NULL)
                continue;
            unsigned shift = 18 - 6 * (unsigned)(at % 4);
            uint32_t bits = (uint32_t)(known - alphabet) << shift;
            const uint8_t *group = bytes + at / 4 * 3;
            assert_int_equal(group[0] << 16 | group[1] << 8 | group[2], bits);
        }
}

static void base64_keeps_the_limit(void **state)
{
    (void)state;
    sh_buf bytes = SH_BUF_INIT(3);
    assert_int_equal(sh_base64_decode(SH_SLICE("Zm9v"), &bytes, NULL), SH_OK);
    assert_int_equal(sh_base64_decode(SH_SLICE("Zg=="), &bytes, NULL), SH_E_LIMIT);
    assert_int_equal(bytes.len, 3);
    sh_buf_reset(&bytes);
    sh_buf text = SH_BUF_INIT(3);
    assert_int_equal(sh_base64_encode(SH_SLICE("f"), &text), SH_E_LIMIT);
    sh_buf_reset(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_goes_both_ways),
        cmocka_unit_test(base64_of_every_length_is_decoded),
        cmocka_unit_test(only_the_alphabet_is_base64),
        cmocka_unit_test(invalid_base64_is_rejected),
        cmocka_unit_test(base64_keeps_the_limit),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
