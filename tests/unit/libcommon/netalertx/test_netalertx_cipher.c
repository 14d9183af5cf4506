/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/limits.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/netalertx/netalertx_cipher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#define PASSPHRASE SH_SLICE("test-secret-key")
#define VECTOR "AAAAAAAAAAAAAAAAAAAAAA==KsLqtJdK6DfQ5TBof2lE6Q=="

static sh_slice slice_of(const sh_buf *buf)
{
    return (sh_slice){buf->data, buf->len};
}

/* Decrypts a payload; returns the text's length, or SIZE_MAX if it is invalid. */
static size_t decrypt(sh_slice passphrase, sh_slice wire, char ret[static 256])
{
    sh_buf plain = SH_BUF_INIT(255);
    bool valid = false;
    assert_int_equal(sh_netalertx_decrypt(passphrase, wire, &plain, &valid, NULL), SH_OK);
    size_t len = plain.len;
    memcpy(ret, plain.data == NULL ? "" : plain.data, len);
    sh_buf_reset(&plain);
    return valid ? len : SIZE_MAX;
}

static void encrypt_produces_the_published_vector(void **state)
{
    (void)state;
    const uint8_t iv[SH_NETALERTX_IV_BYTES] = {0};
    sh_buf wire = SH_BUF_INIT(1024);
    assert_int_equal(sh_netalertx_encrypt(PASSPHRASE, SH_SLICE("{\"data\": []}"), iv, &wire, NULL),
                     SH_OK);
    assert_string_equal(wire.data, VECTOR);
    sh_buf_reset(&wire);
}

static void the_published_vector_opens(void **state)
{
    (void)state;
    char opened[256];
    assert_int_equal(decrypt(PASSPHRASE, SH_SLICE(VECTOR), opened), 12);
    assert_memory_equal(opened, "{\"data\": []}", 12);
}

static void texts_of_every_length_survive_a_round_trip(void **state)
{
    (void)state;
    char text[64];
    memset(text, 'x', sizeof text);
    for (size_t len = 0; len <= sizeof text; len++) {
        sh_buf wire = SH_BUF_INIT(1024);
        char opened[256];
        assert_int_equal(sh_netalertx_encrypt(PASSPHRASE, (sh_slice){text, len}, NULL, &wire, NULL),
                         SH_OK);
        assert_int_equal(wire.len, 24 + ((len / 16 + 1) * 16 + 2) / 3 * 4);
        assert_int_equal(decrypt(PASSPHRASE, slice_of(&wire), opened), len);
        assert_memory_equal(opened, text, len);
        sh_buf_reset(&wire);
    }
}

static void a_random_iv_makes_each_payload_different(void **state)
{
    (void)state;
    sh_buf one = SH_BUF_INIT(1024), two = SH_BUF_INIT(1024);
    assert_int_equal(sh_netalertx_encrypt(PASSPHRASE, SH_SLICE("same"), NULL, &one, NULL), SH_OK);
    assert_int_equal(sh_netalertx_encrypt(PASSPHRASE, SH_SLICE("same"), NULL, &two, NULL), SH_OK);
    assert_string_not_equal(one.data, two.data);
    sh_buf_reset(&one);
    sh_buf_reset(&two);
}

static void texts_over_the_limit_are_rejected_unread(void **state)
{
    (void)state;
    /* The lengths exceed the buffers: the functions must not read them. */
    bool valid;
    sh_buf ret = SH_BUF_INIT(1024);
    sh_error error = {.code = SH_OK};
    assert_int_equal(
        sh_netalertx_encrypt(PASSPHRASE, (sh_slice){"", SH_PLAIN_MAX + 1}, NULL, &ret, &error),
        SH_E_LIMIT);
    sh_error_clear(&error);
    assert_int_equal(sh_netalertx_decrypt(PASSPHRASE, (sh_slice){"", SH_NETALERTX_BODY_MAX + 1},
                                          &ret, &valid, &error),
                     SH_E_LIMIT);
    assert_null(ret.data);
}

static void a_result_that_does_not_fit_appends_nothing(void **state)
{
    (void)state;
    sh_error error = {.code = SH_OK};
    sh_buf wire = SH_BUF_INIT(47); /* the vector has 48 */
    assert_int_equal(
        sh_netalertx_encrypt(PASSPHRASE, SH_SLICE("{\"data\": []}"), NULL, &wire, &error),
        SH_E_LIMIT);
    assert_int_equal(wire.len, 0);
    sh_buf_reset(&wire);
    sh_buf plain = SH_BUF_INIT(11); /* the text has 12 */
    sh_error_clear(&error);
    bool valid;
    assert_int_equal(sh_netalertx_decrypt(PASSPHRASE, SH_SLICE(VECTOR), &plain, &valid, &error),
                     SH_E_LIMIT);
    assert_int_equal(plain.len, 0);
    sh_buf_reset(&plain);
}

static int start_crypto(void **state)
{
    (void)state;
    return sh_crypto_init(NULL) == SH_OK ? 0 : -1;
}

/* Whether OpenSSL accepts the padding of a block. */
static bool openssl_accepts(const uint8_t iv[static 16], const unsigned char block[static 16])
{
    unsigned char key[32], text[32];
    int len = 0, last = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    assert_non_null(context);
    assert_int_equal(EVP_Digest("test-secret-key", 15, key, NULL, EVP_sha256(), NULL), 1);
    assert_int_equal(EVP_DecryptInit_ex(context, EVP_aes_256_cbc(), NULL, key, iv), 1);
    assert_int_equal(EVP_DecryptUpdate(context, text, &len, block, 16), 1);
    bool accepted = EVP_DecryptFinal_ex(context, text + len, &last) == 1;
    EVP_CIPHER_CTX_free(context);
    return accepted;
}

/* Compares every last byte and a range of other bytes with OpenSSL. */
static void padding_is_validated_as_by_openssl(void **state)
{
    (void)state;
    for (unsigned last = 0; last < 256; last++) {
        for (unsigned other = 0; other < 32; other++) {
            char block[16], opened[256];
            sh_buf wire = SH_BUF_INIT(1024);
            memset(block, (int)other, sizeof block);
            block[15] = (char)last;
            uint8_t iv[16] = {0};
            assert_int_equal(
                sh_netalertx_encrypt(PASSPHRASE, (sh_slice){block, 16}, iv, &wire, NULL), SH_OK);
            /* Keep the IV and the first block. */
            sh_buf bytes = SH_BUF_INIT(64), one = SH_BUF_INIT(64);
            assert_int_equal(
                sh_base64_decode((sh_slice){wire.data + 24, wire.len - 24}, &bytes, NULL), SH_OK);
            assert_int_equal(sh_buf_append(&one, wire.data, 24), SH_OK);
            assert_int_equal(sh_base64_encode((sh_slice){bytes.data, 16}, &one), SH_OK);
            bool accepted = openssl_accepts(iv, (const unsigned char *)bytes.data);
            assert_int_equal(decrypt(PASSPHRASE, slice_of(&one), opened) != SIZE_MAX, accepted);
            sh_buf_reset(&wire);
            sh_buf_reset(&bytes);
            sh_buf_reset(&one);
        }
    }
}

static void invalid_payloads_are_decrypted_and_marked_invalid(void **state)
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
        "KsLqtJdK6DfQ5TBof2lE6QAA", /* an incomplete block */
        "AAAAAAAAAAAAAAAAAAAAAA=="
        "KsLqtJdK6Dfâ5TBof2lE6==", /* invalid base64 */
        "AAAAAAAAAAAAAAAAAAAAAA=="
        "////",
        "====",
    };
    char opened[256];
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        assert_true(decrypt(PASSPHRASE, sh_slice_of(broken[i]), opened) == SIZE_MAX);
    assert_true(decrypt(SH_SLICE("another key"), SH_SLICE(VECTOR), opened) == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encrypt_produces_the_published_vector),
        cmocka_unit_test(the_published_vector_opens),
        cmocka_unit_test(texts_of_every_length_survive_a_round_trip),
        cmocka_unit_test(a_random_iv_makes_each_payload_different),
        cmocka_unit_test(texts_over_the_limit_are_rejected_unread),
        cmocka_unit_test(a_result_that_does_not_fit_appends_nothing),
        cmocka_unit_test(padding_is_validated_as_by_openssl),
        cmocka_unit_test(invalid_payloads_are_decrypted_and_marked_invalid),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
