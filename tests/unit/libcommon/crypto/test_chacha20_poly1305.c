/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/crypto/chacha20_poly1305.h"

#include "libcommon/crypto/crypto.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* libsodium is the counterpart, whose cipher the hub used alone before. */

#define TEXT_MAX 70000

static int start_crypto(void **state)
{
    (void)state;
    return sh_crypto_init(NULL) == SH_OK ? 0 : -1;
}

static uint8_t *bytes_of(size_t len, uint8_t first)
{
    uint8_t *bytes = malloc(len + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(first + i * 7);
    return bytes;
}

static sh_slice slice_of(const uint8_t *bytes, size_t len)
{
    return (sh_slice){(const char *)bytes, len};
}

static sh_chacha20_poly1305 cipher_of(uint8_t seed, sh_slice associated)
{
    sh_chacha20_poly1305 c = {.associated = associated};
    memset(c.key, seed, sizeof c.key);
    memset(c.nonce, seed + 1, sizeof c.nonce);
    return c;
}

/* RFC 8439 section 2.8.2. */
static void the_vector_of_the_rfc(void **state)
{
    (void)state;
    static const char text[] =
        "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
        "future, sunscreen would be it.";
    static const char associated[] = "\x50\x51\x52\x53\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7";
    static const uint8_t first[] = {0xd3, 0x1a, 0x8d, 0x34, 0x64, 0x8e, 0x60, 0xdb};
    static const uint8_t tag[] = {0x1a, 0xe1, 0x0b, 0x59, 0x4f, 0x09, 0xe2, 0x6a,
                                  0x7e, 0x90, 0x2e, 0xcb, 0xd0, 0x60, 0x06, 0x91};
    sh_chacha20_poly1305 c = {.nonce = {7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47},
                              .associated = {associated, 12}};
    uint8_t sealed[sizeof text - 1 + sizeof tag], opened[sizeof text];
    for (size_t i = 0; i < sizeof c.key; i++)
        c.key[i] = (uint8_t)(0x80 + i);
    assert_int_equal(sh_chacha20_poly1305_seal(&c, SH_SLICE(text), sealed), SH_OK);
    assert_memory_equal(sealed, first, sizeof first);
    assert_memory_equal(sealed + sizeof text - 1, tag, sizeof tag);
    assert_int_equal(sh_chacha20_poly1305_open(&c, slice_of(sealed, sizeof sealed), opened), SH_OK);
    assert_memory_equal(opened, text, sizeof text - 1);
}

static void all_lengths_are_those_of_libsodium(void **state)
{
    (void)state;
    static const size_t around[] = {0,     255,   1023,  2048,  4096,  8191,
                                    16384, 16399, 24576, 32767, 65536, TEXT_MAX - 40};
    uint8_t *text = bytes_of(TEXT_MAX, 3), *own = bytes_of(TEXT_MAX + 16, 0);
    uint8_t *expected = bytes_of(TEXT_MAX + 16, 0), *opened = bytes_of(TEXT_MAX, 0);
    for (size_t i = 0; i < sizeof around / sizeof around[0]; i++)
        for (size_t len = around[i]; len < around[i] + 35; len++) {
            size_t associated_len = len % 37;
            sh_chacha20_poly1305 c = cipher_of((uint8_t)len, slice_of(text, associated_len));
            (void)crypto_aead_chacha20poly1305_ietf_encrypt(expected, NULL, text, len, text,
                                                            associated_len, NULL, c.nonce, c.key);
            assert_int_equal(sh_chacha20_poly1305_seal(&c, slice_of(text, len), own), SH_OK);
            assert_memory_equal(own, expected, len + 16);
            assert_int_equal(sh_chacha20_poly1305_open(&c, slice_of(own, len + 16), opened), SH_OK);
            assert_memory_equal(opened, text, len);
        }
    free(text);
    free(own);
    free(expected);
    free(opened);
}

static void an_altered_bit_is_found_anywhere(void **state)
{
    (void)state;
    enum { LEN = 20000 };
    static const uint8_t zero[LEN];
    uint8_t *text = bytes_of(LEN, 9), *sealed = bytes_of(LEN + 16, 0), *opened = bytes_of(LEN, 1);
    sh_chacha20_poly1305 c = cipher_of(1, SH_SLICE("header"));
    assert_int_equal(sh_chacha20_poly1305_seal(&c, slice_of(text, LEN), sealed), SH_OK);
    for (size_t at = 0; at < LEN + 16; at += at < LEN - 99 ? 97 : 1) {
        sealed[at] ^= 4;
        memset(opened, 1, LEN);
        assert_int_equal(sh_chacha20_poly1305_open(&c, slice_of(sealed, LEN + 16), opened),
                         SH_E_CRYPTO);
        assert_memory_equal(opened, zero, LEN);
        sealed[at] ^= 4;
    }
    c.associated = SH_SLICE("Header");
    assert_int_equal(sh_chacha20_poly1305_open(&c, slice_of(sealed, LEN + 16), opened),
                     SH_E_CRYPTO);
    c.associated = SH_SLICE("header");
    c.key[31] ^= 1;
    assert_int_equal(sh_chacha20_poly1305_open(&c, slice_of(sealed, LEN + 16), opened),
                     SH_E_CRYPTO);
    c.key[31] ^= 1;
    c.nonce[0] ^= 1;
    assert_int_equal(sh_chacha20_poly1305_open(&c, slice_of(sealed, LEN + 16), opened),
                     SH_E_CRYPTO);
    free(text);
    free(sealed);
    free(opened);
}

/* Both libraries, around the length from which OpenSSL is used. */
static void the_cipher_with_the_long_nonce_is_that_of_libsodium(void **state)
{
    (void)state;
    uint8_t *text = bytes_of(TEXT_MAX, 5), *sealed = bytes_of(TEXT_MAX + 16, 0);
    uint8_t *expected = bytes_of(TEXT_MAX + 16, 0), *opened = bytes_of(TEXT_MAX, 0);
    uint8_t key[SH_KEY_BYTES] = {1, 2, 3}, nonce[SH_NONCE_BYTES] = {4, 5, 6};
    for (size_t len = 0; len < TEXT_MAX; len += len >= 4000 && len < 4200 ? 1 : 997) {
        nonce[20] = (uint8_t)len;
        (void)crypto_aead_xchacha20poly1305_ietf_encrypt(expected, NULL, text, len, text, len % 37,
                                                         NULL, nonce, key);
        sh_aead_seal(key, nonce, slice_of(text, len % 37), slice_of(text, len), sealed);
        assert_memory_equal(sealed, expected, len + 16);
        sh_slice all = slice_of(sealed, len + 16);
        assert_int_equal(sh_aead_open(key, nonce, slice_of(text, len % 37), all, opened), SH_OK);
        assert_memory_equal(opened, text, len);
        assert_int_equal(sh_aead_verify(key, nonce, slice_of(text, len % 37), all), SH_OK);
        sealed[len / 2] ^= 1;
        assert_int_equal(sh_aead_open(key, nonce, slice_of(text, len % 37), all, opened),
                         SH_E_CRYPTO);
        assert_int_equal(sh_aead_verify(key, nonce, slice_of(text, len % 37), all), SH_E_CRYPTO);
    }
    free(text);
    free(sealed);
    free(expected);
    free(opened);
}

static void *seal_and_open(void *context)
{
    enum { LEN = 5000 };
    uint8_t *text = bytes_of(LEN, 2), *sealed = bytes_of(LEN + 16, 0), *opened = bytes_of(LEN, 0);
    const uint8_t *seed = context;
    bool ok = true;
    for (int i = 0; i < 200 && ok; i++) {
        sh_chacha20_poly1305 c = cipher_of((uint8_t)(*seed + i), SH_SLICE("x"));
        ok = sh_chacha20_poly1305_seal(&c, slice_of(text, LEN), sealed) == SH_OK &&
             sh_chacha20_poly1305_open(&c, slice_of(sealed, LEN + 16), opened) == SH_OK &&
             memcmp(opened, text, LEN) == 0;
    }
    free(text);
    free(sealed);
    free(opened);
    return ok ? context : NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    uint8_t seeds[THREADS] = {0, 50, 100, 150};
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, seal_and_open, &seeds[i]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, &seeds[i]);
    }
}

static void what_is_too_long_is_left_to_libsodium(void **state)
{
    (void)state;
    uint8_t byte = 0;
    const sh_slice endless = {(const char *)&byte, SH_CHACHA20_POLY1305_MAX + 1};
    sh_chacha20_poly1305 c = cipher_of(1, SH_SLICE(""));
    assert_int_equal(sh_chacha20_poly1305_seal(&c, endless, &byte), SH_E_UNSUPPORTED);
    c.associated = endless;
    assert_int_equal(sh_chacha20_poly1305_seal(&c, SH_SLICE(""), &byte), SH_E_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vector_of_the_rfc),
        cmocka_unit_test(all_lengths_are_those_of_libsodium),
        cmocka_unit_test(an_altered_bit_is_found_anywhere),
        cmocka_unit_test(the_cipher_with_the_long_nonce_is_that_of_libsodium),
        cmocka_unit_test(threads_do_not_disturb_each_other),
        cmocka_unit_test(what_is_too_long_is_left_to_libsodium),
    };
    return cmocka_run_group_tests_name("chacha20_poly1305", tests, start_crypto, NULL);
}
