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
        cmocka_unit_test(invalid_base64_is_rejected),
        cmocka_unit_test(base64_keeps_the_limit),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
