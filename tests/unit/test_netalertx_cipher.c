/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/crypto.h"
#include "libcommon/limits.h"
#include "libcommon/netalertx_cipher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PASSPHRASE SH_SLICE("test-secret-key")
#define VECTOR "AAAAAAAAAAAAAAAAAAAAAA==KsLqtJdK6DfQ5TBof2lE6Q=="

static sh_slice slice_of(const sh_buf *buf)
{
    return (sh_slice){buf->data, buf->len};
}

static void the_published_vector_is_what_encrypt_gives(void **state)
{
    (void)state;
    const uint8_t iv[SH_NETALERTX_IV_BYTES] = {0};
    sh_buf wire = SH_BUF_INIT(1024);
    assert_int_equal(sh_netalertx_encrypt(PASSPHRASE, SH_SLICE("{\"data\": []}"), iv, &wire, NULL),
                     SH_OK);
    assert_string_equal(wire.data, VECTOR);
    sh_buf_done(&wire);
}

static void the_published_vector_opens(void **state)
{
    (void)state;
    sh_buf plain = SH_BUF_INIT(1024);
    assert_int_equal(sh_netalertx_decrypt(PASSPHRASE, SH_SLICE(VECTOR), &plain, NULL), SH_OK);
    assert_string_equal(plain.data, "{\"data\": []}");
    sh_buf_done(&plain);
}

static void every_length_around_a_block_comes_back(void **state)
{
    (void)state;
    char text[64];
    memset(text, 'x', sizeof text);
    for (size_t len = 0; len <= sizeof text; len++) {
        sh_buf wire = SH_BUF_INIT(1024);
        sh_buf plain = SH_BUF_INIT(1024);
        assert_int_equal(sh_netalertx_encrypt(PASSPHRASE, (sh_slice){text, len}, NULL, &wire, NULL),
                         SH_OK);
        assert_int_equal(wire.len, 24 + ((len / 16 + 1) * 16 + 2) / 3 * 4);
        assert_int_equal(sh_netalertx_decrypt(PASSPHRASE, slice_of(&wire), &plain, NULL), SH_OK);
        assert_int_equal(plain.len, len);
        assert_memory_equal(plain.data == NULL ? "" : plain.data, text, len);
        sh_buf_done(&wire);
        sh_buf_done(&plain);
    }
}

static void a_random_iv_makes_every_payload_another(void **state)
{
    (void)state;
    sh_buf one = SH_BUF_INIT(1024), two = SH_BUF_INIT(1024);
    assert_int_equal(sh_netalertx_encrypt(PASSPHRASE, SH_SLICE("same"), NULL, &one, NULL), SH_OK);
    assert_int_equal(sh_netalertx_encrypt(PASSPHRASE, SH_SLICE("same"), NULL, &two, NULL), SH_OK);
    assert_string_not_equal(one.data, two.data);
    sh_buf_done(&one);
    sh_buf_done(&two);
}

static void what_does_not_open_says_why_and_adds_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *passphrase, *wire;
        sh_err expected;
        const char *words;
    } cases[] = {
        {"another-key", VECTOR, SH_E_CRYPTO, "SYNC_encryption_key"},
        {"test-secret-key", "", SH_E_FORMAT, "too short"},
        {"test-secret-key", "AAAAAAAAAAAAAAAAAAAAAA==", SH_E_FORMAT, "too short"},
        {"test-secret-key", "not base64 at all, you see", SH_E_FORMAT, "IV"},
        {"test-secret-key", "AAAAAAAAAAAAAAAAAAAAAAAAKsLqtJdK6DfQ5TBof2lE6Q==", SH_E_FORMAT, "IV"},
        {"test-secret-key", "AAAAAAAAAAAAAAAAAAAAAA==KsLqtJdK6DfQ5TBof2lE6Q=", SH_E_FORMAT,
         "base64"},
        {"test-secret-key", "AAAAAAAAAAAAAAAAAAAAAA==KsLq!JdK6DfQ5TBof2lE6Q==", SH_E_FORMAT,
         "base64"},
        {"test-secret-key", "AAAAAAAAAAAAAAAAAAAAAA==KsLqtJdK6DfQ5TBof2lE", SH_E_FORMAT, "cut"},
        /* The last block is another one, so its padding is none. */
        {"test-secret-key", "AAAAAAAAAAAAAAAAAAAAAA==AAAAAAAAAAAAAAAAAAAAAA==", SH_E_CRYPTO,
         "does not open"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_error error = {.code = SH_OK};
        sh_buf plain = SH_BUF_INIT(1024);
        assert_int_equal(sh_buf_append_text(&plain, "before"), SH_OK);
        assert_int_equal(sh_netalertx_decrypt(sh_slice_of(cases[i].passphrase),
                                              sh_slice_of(cases[i].wire), &plain, &error),
                         cases[i].expected);
        assert_non_null(strstr(error.message, cases[i].words));
        assert_string_equal(plain.data, "before");
        sh_buf_done(&plain);
    }
}

static void texts_over_the_limit_are_refused_before_work(void **state)
{
    (void)state;
    /* Only the lengths are looked at: the bytes are not there. */
    sh_buf ret = SH_BUF_INIT(1024);
    sh_error error = {.code = SH_OK};
    assert_int_equal(
        sh_netalertx_encrypt(PASSPHRASE, (sh_slice){"", SH_PLAIN_MAX + 1}, NULL, &ret, &error),
        SH_E_LIMIT);
    sh_error_clear(&error);
    assert_int_equal(
        sh_netalertx_decrypt(PASSPHRASE, (sh_slice){"", SH_NETALERTX_BODY_MAX + 1}, &ret, &error),
        SH_E_LIMIT);
    assert_null(ret.data);
}

static void a_result_that_does_not_fit_adds_nothing(void **state)
{
    (void)state;
    sh_error error = {.code = SH_OK};
    sh_buf wire = SH_BUF_INIT(47); /* the vector has 48 */
    assert_int_equal(
        sh_netalertx_encrypt(PASSPHRASE, SH_SLICE("{\"data\": []}"), NULL, &wire, &error),
        SH_E_LIMIT);
    assert_int_equal(wire.len, 0);
    sh_buf_done(&wire);
    sh_buf plain = SH_BUF_INIT(11); /* the text has 12 */
    sh_error_clear(&error);
    assert_int_equal(sh_netalertx_decrypt(PASSPHRASE, SH_SLICE(VECTOR), &plain, &error),
                     SH_E_LIMIT);
    assert_int_equal(plain.len, 0);
    sh_buf_done(&plain);
}

static int start_crypto(void **state)
{
    (void)state;
    return sh_crypto_init(NULL) == SH_OK ? 0 : -1;
}

/* Decrypts one payload evenly; the text's length, or SIZE_MAX where it is not valid. */
static size_t evenly(sh_slice wire, char ret[static 256])
{
    sh_buf plain = SH_BUF_INIT(255);
    bool valid = false;
    assert_int_equal(sh_netalertx_decrypt_evenly(PASSPHRASE, wire, &plain, &valid, NULL), SH_OK);
    size_t len = plain.len;
    memcpy(ret, plain.data == NULL ? "" : plain.data, len);
    sh_buf_done(&plain);
    return valid ? len : SIZE_MAX;
}

static void decrypting_evenly_opens_what_decrypting_opens(void **state)
{
    (void)state;
    char text[64], opened[256];
    memset(text, 'x', sizeof text);
    for (size_t len = 0; len <= sizeof text; len++) {
        sh_buf wire = SH_BUF_INIT(1024);
        assert_int_equal(sh_netalertx_encrypt(PASSPHRASE, (sh_slice){text, len}, NULL, &wire, NULL),
                         SH_OK);
        assert_int_equal(evenly(slice_of(&wire), opened), len);
        assert_memory_equal(opened, text, len);
        sh_buf_done(&wire);
    }
}

/* Every padding byte there can be, by way of the IV: OpenSSL is the judge. */
static void decrypting_evenly_knows_padding_as_openssl_does(void **state)
{
    (void)state;
    for (unsigned last = 0; last < 256; last++) {
        for (unsigned other = 0; other < 32; other++) {
            char block[16], opened[256];
            sh_buf wire = SH_BUF_INIT(1024), plain = SH_BUF_INIT(64);
            memset(block, (int)other, sizeof block);
            block[15] = (char)last;
            uint8_t iv[16] = {0};
            assert_int_equal(
                sh_netalertx_encrypt(PASSPHRASE, (sh_slice){block, 16}, iv, &wire, NULL), SH_OK);
            /* Its first block alone: base64 of 16 bytes, cut out of that of 32. */
            sh_buf bytes = SH_BUF_INIT(64), one = SH_BUF_INIT(64);
            assert_int_equal(
                sh_base64_decode((sh_slice){wire.data + 24, wire.len - 24}, &bytes, NULL), SH_OK);
            assert_int_equal(sh_buf_append(&one, wire.data, 24), SH_OK);
            assert_int_equal(sh_base64_encode((sh_slice){bytes.data, 16}, &one), SH_OK);
            bool good = sh_netalertx_decrypt(PASSPHRASE, slice_of(&one), &plain, NULL) == SH_OK;
            assert_int_equal(evenly(slice_of(&one), opened) != SIZE_MAX, good);
            sh_buf_done(&wire);
            sh_buf_done(&plain);
            sh_buf_done(&bytes);
            sh_buf_done(&one);
        }
    }
}

static void decrypting_evenly_takes_any_bytes(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "",
        "A",
        "AAAAAAAAAAAAAAAAAAAAAA==",
        "AAAAAAAAAAAAAAAAAAAAAAAA"
        "KsLqtJdK6DfQ5TBof2lE6Q==", /* an IV of 18 bytes */
        "AAAAAAAAAAAAAAAAAAAAAA=="
        "KsLqtJdK6DfQ5TBof2lE6Q=", /* cut */
        "AAAAAAAAAAAAAAAAAAAAAA=="
        "KsLqtJdK6DfQ5TBof2lE6QAA", /* no whole block */
        "AAAAAAAAAAAAAAAAAAAAAA=="
        "KsLqtJdK6Dfâ5TBof2lE6==", /* no base64 */
        "AAAAAAAAAAAAAAAAAAAAAA=="
        "////",
        "====",
    };
    char opened[256];
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        assert_true(evenly(sh_slice_of(broken[i]), opened) == SIZE_MAX);
    assert_int_equal(evenly(SH_SLICE(VECTOR), opened), 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_vector_is_what_encrypt_gives),
        cmocka_unit_test(the_published_vector_opens),
        cmocka_unit_test(every_length_around_a_block_comes_back),
        cmocka_unit_test(a_random_iv_makes_every_payload_another),
        cmocka_unit_test(what_does_not_open_says_why_and_adds_nothing),
        cmocka_unit_test(texts_over_the_limit_are_refused_before_work),
        cmocka_unit_test(a_result_that_does_not_fit_adds_nothing),
        cmocka_unit_test(decrypting_evenly_opens_what_decrypting_opens),
        cmocka_unit_test(decrypting_evenly_knows_padding_as_openssl_does),
        cmocka_unit_test(decrypting_evenly_takes_any_bytes),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
