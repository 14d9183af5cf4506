/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/crypto/crypto.h"

#include "libcommon/crypto/chacha20_poly1305.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* PROTOCOL.md section 1 */
static const unsigned char passphrase_salt[crypto_pwhash_SALTBYTES] = {
    's', 'y', 'n', 'c', 'h', 'u', 'b', '-', 'e', 'n', 'v', 'e', 'l', 'o', 'p', 'e'};
#define PASSPHRASE_MEMORY_BYTES (8UL * 1024 * 1024)
#define PASSPHRASE_PASSES 5

static_assert(SH_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key size");
static_assert(SH_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce size");
static_assert(SH_TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag size");
static_assert(crypto_pwhash_SALTBYTES == 16, "salt size");

sh_err sh_crypto_init(sh_error *error)
{
    if (sodium_init() < 0)
        return sh_fail(error, SH_E_IO, "the system provides no random numbers (/dev/urandom)");
    return SH_OK;
}

void sh_random(void *bytes, size_t len)
{
    randombytes_buf(bytes, len);
}

void sh_secret_encode(const uint8_t secret[static SH_SECRET_BYTES],
                      char ret[static SH_SECRET_TEXT_BYTES])
{
    static_assert(
        sodium_base64_ENCODED_LEN(SH_SECRET_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING) ==
            SH_SECRET_TEXT_BYTES,
        "base64url of a secret");
    sodium_bin2base64(ret, SH_SECRET_TEXT_BYTES, secret, SH_SECRET_BYTES,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool sh_secret_decode(sh_slice text, uint8_t ret[static SH_SECRET_BYTES])
{
    uint8_t secret[SH_SECRET_BYTES];
    size_t len = 0;
    bool valid = sodium_base642bin(secret, sizeof secret, text.data, text.len, NULL, &len, NULL,
                                   sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
                 len == sizeof secret;
    if (valid)
        memcpy(ret, secret, sizeof secret);
    sh_wipe(secret, sizeof secret);
    return valid;
}

void sh_random_secret(char ret[static SH_SECRET_TEXT_BYTES])
{
    uint8_t bytes[SH_SECRET_BYTES];
    sh_random(bytes, sizeof bytes);
    sh_secret_encode(bytes, ret);
    sh_wipe(bytes, sizeof bytes);
}

void sh_wipe(void *bytes, size_t len)
{
    if (len > 0)
        sodium_memzero(bytes, len);
}

bool sh_secret_equals(sh_slice a, sh_slice b)
{
    /* Compare hashes, so that the time reveals neither where they differ nor their lengths. */
    uint8_t hash_a[SH_DIGEST_BYTES];
    uint8_t hash_b[SH_DIGEST_BYTES];
    sh_keyed_hash(NULL, a, hash_a, sizeof hash_a);
    sh_keyed_hash(NULL, b, hash_b, sizeof hash_b);
    bool equal = sodium_memcmp(hash_a, hash_b, sizeof hash_a) == 0;
    sh_wipe(hash_a, sizeof hash_a);
    sh_wipe(hash_b, sizeof hash_b);
    return equal;
}

sh_err sh_key_from_passphrase(sh_slice passphrase, uint8_t ret[static SH_KEY_BYTES],
                              sh_error *error)
{
    int failed =
        crypto_pwhash(ret, SH_KEY_BYTES, passphrase.data, passphrase.len, passphrase_salt,
                      PASSPHRASE_PASSES, PASSPHRASE_MEMORY_BYTES, crypto_pwhash_ALG_ARGON2ID13);
    if (failed != 0)
        return sh_fail(error, SH_E_MEMORY, "no memory to derive a key from a passphrase");
    return SH_OK;
}

void sh_keyed_hash(const uint8_t *key, sh_slice text, uint8_t *ret, size_t ret_len)
{
    int failed = crypto_generichash(ret, ret_len, (const unsigned char *)text.data, text.len, key,
                                    key == NULL ? 0 : SH_KEY_BYTES);
    assert(failed == 0);
}

uint64_t sh_short_hash(const uint8_t key[static SH_SHORT_KEY_BYTES], sh_slice text)
{
    uint8_t hash[crypto_shorthash_BYTES];
    uint64_t number;
    static_assert(crypto_shorthash_KEYBYTES == SH_SHORT_KEY_BYTES, "SipHash key size");
    static_assert(sizeof number == sizeof hash, "SipHash output size");
    (void)crypto_shorthash(hash, (const unsigned char *)text.data, text.len, key);
    memcpy(&number, hash, sizeof number);
    return number;
}

/*
 * From this length on OpenSSL is faster, with the subkey of draft-irtf-cfrg-xchacha section 2.3;
 * but not to check a tag, for which libsodium does not decrypt.
 */
#define OPENSSL_MIN 4096

static void subkey_of(const uint8_t key[static SH_KEY_BYTES],
                      const uint8_t nonce[static SH_NONCE_BYTES], sh_slice associated,
                      sh_chacha20_poly1305 *ret)
{
    static_assert(sizeof ret->key == crypto_core_hchacha20_OUTPUTBYTES, "subkey size");
    static_assert(SH_TAG_BYTES == SH_CHACHA20_POLY1305_TAG_BYTES, "tag size");
    *ret = (sh_chacha20_poly1305){.associated = associated};
    (void)crypto_core_hchacha20(ret->key, nonce, key, NULL);
    memcpy(ret->nonce + 4, nonce + crypto_core_hchacha20_INPUTBYTES, 8);
}

void sh_aead_seal(const uint8_t key[static SH_KEY_BYTES],
                  const uint8_t nonce[static SH_NONCE_BYTES], sh_slice associated, sh_slice plain,
                  uint8_t *ret)
{
    if (plain.len >= OPENSSL_MIN) {
        sh_chacha20_poly1305 c;
        subkey_of(key, nonce, associated, &c);
        sh_err err = sh_chacha20_poly1305_seal(&c, plain, ret);
        sh_wipe(&c, sizeof c);
        if (err == SH_OK)
            return;
    }
    int failed = crypto_aead_xchacha20poly1305_ietf_encrypt(
        ret, NULL, (const unsigned char *)plain.data, plain.len,
        (const unsigned char *)associated.data, associated.len, NULL, nonce, key);
    assert(failed == 0);
}

sh_err sh_aead_open(const uint8_t key[static SH_KEY_BYTES],
                    const uint8_t nonce[static SH_NONCE_BYTES], sh_slice associated,
                    sh_slice sealed, uint8_t *ret)
{
    if (sealed.len < SH_TAG_BYTES)
        return SH_E_CRYPTO;
    if (ret != NULL && sealed.len >= OPENSSL_MIN) {
        sh_chacha20_poly1305 c;
        subkey_of(key, nonce, associated, &c);
        sh_err err = sh_chacha20_poly1305_open(&c, sealed, ret);
        sh_wipe(&c, sizeof c);
        if (err != SH_E_UNSUPPORTED)
            return err;
    }
    int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(
        ret, NULL, NULL, (const unsigned char *)sealed.data, sealed.len,
        (const unsigned char *)associated.data, associated.len, nonce, key);
    return failed == 0 ? SH_OK : SH_E_CRYPTO;
}

sh_err sh_aead_verify(const uint8_t key[static SH_KEY_BYTES],
                      const uint8_t nonce[static SH_NONCE_BYTES], sh_slice associated,
                      sh_slice sealed)
{
    return sh_aead_open(key, nonce, associated, sealed, NULL); /* libsodium then only verifies */
}

sh_err sh_base64_encode(sh_slice bytes, sh_buf *ret)
{
    size_t len = (bytes.len + 2) / 3 * 4;
    if (len > ret->limit - ret->len)
        return SH_E_LIMIT;
    sh_err err = sh_buf_reserve(ret, ret->len + len);
    if (err != SH_OK)
        return err;
    sodium_bin2base64(ret->data + ret->len, len + 1, (const unsigned char *)bytes.data, bytes.len,
                      sodium_base64_VARIANT_ORIGINAL);
    ret->len += len;
    return SH_OK;
}

void sh_crypto_library(char ret[static SH_LIBRARY_BYTES])
{
    (void)snprintf(ret, SH_LIBRARY_BYTES, "libsodium %s", sodium_version_string());
}
