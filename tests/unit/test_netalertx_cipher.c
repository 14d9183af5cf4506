/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/crypto.h"
#include "libcommon/limits.h"
#include "libcommon/netalertx_cipher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
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
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
