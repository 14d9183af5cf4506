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

/* A payload near the size of a piece, and the same payload as OpenSSL alone opens it. */
#define PIECE SH_NETALERTX_PIECE_BYTES
#define IV_TEXT "AAAAAAAAAAAAAAAAAAAAAA=="

typedef struct {
    char *wire; /* IV_TEXT and the body, malloc'ed without a NUL: ASan finds reads past it */
    size_t len;
    unsigned char *text; /* that OpenSSL decrypts; NULL: it accepts no padding */
    size_t text_len;
} payload;

static unsigned char *openssl_decrypt(const unsigned char *bytes, size_t len, size_t *ret_len)
{
    const uint8_t iv[16] = {0};
    unsigned char key[32], *text = malloc(len + 16);
    int body = 0, last = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    assert_true(text != NULL && context != NULL);
    assert_int_equal(EVP_Digest("test-secret-key", 15, key, NULL, EVP_sha256(), NULL), 1);
    assert_int_equal(EVP_DecryptInit_ex(context, EVP_aes_256_cbc(), NULL, key, iv), 1);
    assert_int_equal(EVP_DecryptUpdate(context, text, &body, bytes, (int)len), 1);
    bool accepted = EVP_DecryptFinal_ex(context, text + body, &last) == 1;
    EVP_CIPHER_CTX_free(context);
    *ret_len = (size_t)body + (size_t)last;
    if (accepted)
        return text;
    free(text);
    return NULL;
}

/* The payload of a text with `len` bytes, all by OpenSSL; cut: bytes of its end that are missing.
 */
static payload payload_make(size_t len, size_t cut)
{
    const uint8_t iv[16] = {0};
    unsigned char key[32], *plain = malloc(len + 1), *bytes = malloc(len + 16);
    unsigned char *base64 = malloc((len + 16) / 3 * 4 + 5);
    int body = 0, last = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    assert_true(plain != NULL && bytes != NULL && base64 != NULL && context != NULL);
    for (size_t i = 0; i < len; i++)
        plain[i] = i + 80 < len ? (unsigned char)(i * 7 + i / 251) : 1;
    assert_int_equal(EVP_Digest("test-secret-key", 15, key, NULL, EVP_sha256(), NULL), 1);
    assert_int_equal(EVP_EncryptInit_ex(context, EVP_aes_256_cbc(), NULL, key, iv), 1);
    assert_int_equal(EVP_EncryptUpdate(context, bytes, &body, plain, (int)len), 1);
    assert_int_equal(EVP_EncryptFinal_ex(context, bytes + body, &last), 1);
    EVP_CIPHER_CTX_free(context);
    size_t sealed = (size_t)body + (size_t)last - cut;
    payload ret = {0};
    size_t base64_len = (size_t)EVP_EncodeBlock(base64, bytes, (int)sealed);
    ret.len = 24 + base64_len;
    ret.wire = malloc(ret.len);
    assert_non_null(ret.wire);
    memcpy(ret.wire, IV_TEXT, 24);
    memcpy(ret.wire + 24, base64, base64_len);
    if (sealed % 16 == 0)
        ret.text = openssl_decrypt(bytes, sealed, &ret.text_len);
    free(plain);
    free(bytes);
    free(base64);
    return ret;
}

static void payload_free(payload *p)
{
    free(p->wire);
    free(p->text);
}

/* Decrypts `len` bytes of the wire; whether it is valid and then the text that OpenSSL found. */
static bool opens(const payload *p, size_t len)
{
    sh_buf plain = SH_BUF_INIT(SH_PLAIN_MAX);
    bool valid = false;
    char *exact = malloc(len);
    assert_non_null(exact);
    memcpy(exact, p->wire, len);
    assert_int_equal(sh_buf_append_text(&plain, "before"), SH_OK);
    assert_int_equal(sh_netalertx_decrypt(PASSPHRASE, (sh_slice){exact, len}, &plain, &valid, NULL),
                     SH_OK);
    assert_memory_equal(plain.data, "before", 6);
    if (valid) {
        assert_non_null(p->text);
        assert_int_equal(plain.len, 6 + p->text_len);
        assert_memory_equal(plain.data + 6, p->text, p->text_len);
        assert_int_equal(plain.data[plain.len], 0);
    }
    free(exact);
    sh_buf_reset(&plain);
    return valid;
}

/* Texts whose base64 ends around each of the first two boundaries between pieces. */
static const size_t near_piece[] = {PIECE / 4 * 3 - 32, PIECE / 4 * 3, PIECE / 4 * 3 + 32,
                                    PIECE / 2 * 3 - 32, PIECE / 2 * 3, PIECE / 2 * 3 + 32};
#define NEAR_PIECE (sizeof near_piece / sizeof near_piece[0])

static void payloads_around_each_piece_are_decrypted_as_by_openssl(void **state)
{
    (void)state;
    for (size_t i = 0; i < NEAR_PIECE; i++) {
        for (size_t more = 0; more <= 34; more++) {
            payload p = payload_make(near_piece[i] + more - 17, 0);
            assert_non_null(p.text);
            assert_true(opens(&p, p.len));
            payload_free(&p);
        }
    }
}

static void a_cut_payload_is_valid_only_where_openssl_accepts_it(void **state)
{
    (void)state;
    size_t accepted = 0;
    for (size_t cut = 1; cut <= 64; cut++) {
        for (size_t i = 0; i < NEAR_PIECE; i++) {
            payload p = payload_make(near_piece[i] + 16, cut);
            assert_int_equal(opens(&p, p.len), p.text != NULL);
            accepted += p.text != NULL;
            payload_free(&p);
        }
    }
    assert_int_equal(accepted, 4 * NEAR_PIECE); /* at the end of each block */
    for (size_t i = 0; i < NEAR_PIECE; i++) {
        payload p = payload_make(near_piece[i], 0);
        for (size_t cut = 1; cut <= 8; cut++)
            if (cut != 4) /* whole groups: as above */
                assert_false(opens(&p, p.len - cut));
        payload_free(&p);
    }
}

static void an_invalid_byte_anywhere_makes_a_payload_invalid(void **state)
{
    (void)state;
    static const char bad[] = {'=', ' ', '\n', '-', '_', '\0', (char)0x80, (char)0xff};
    payload p = payload_make(PIECE / 2 * 3 + 160, 0); /* two pieces and a short one */
    const size_t around[] = {24, 24 + PIECE, 24 + 2 * PIECE, p.len};
    assert_true(opens(&p, p.len));
    for (size_t i = 0; i < sizeof around / sizeof around[0]; i++) {
        for (size_t at = around[i] - 5; at < around[i] + 5 && at < p.len; at++) {
            for (size_t k = 0; k < sizeof bad; k++) {
                char before = p.wire[at];
                p.wire[at] = bad[k];
                assert_true(before == bad[k] || !opens(&p, p.len));
                p.wire[at] = before;
            }
        }
    }
    assert_true(opens(&p, p.len));
    payload_free(&p);
}

/* Complete base64 with padding, of a length that is or is not that of whole blocks, in the middle.
 */
static void padding_within_a_body_makes_a_payload_invalid(void **state)
{
    (void)state;
    for (size_t i = 0; i < NEAR_PIECE; i++) {
        payload p = payload_make(near_piece[i] + 160, 0);
        for (size_t group = 1; group <= 2; group++) {
            for (size_t count = 1; count <= 2; count++) {
                char *end = p.wire + 24 + group * PIECE, *group_at = end - 4, saved[4];
                if (end > p.wire + p.len)
                    continue;
                memcpy(saved, group_at, 4);
                memcpy(group_at, count == 1 ? "AAA=" : "AA==", 4);
                assert_false(opens(&p, p.len));
                memcpy(group_at, saved, 4);
            }
        }
        assert_true(opens(&p, p.len));
        payload_free(&p);
    }
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
        cmocka_unit_test(payloads_around_each_piece_are_decrypted_as_by_openssl),
        cmocka_unit_test(a_cut_payload_is_valid_only_where_openssl_accepts_it),
        cmocka_unit_test(an_invalid_byte_anywhere_makes_a_payload_invalid),
        cmocka_unit_test(padding_within_a_body_makes_a_payload_invalid),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
