/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/netalertx/netalertx_cipher.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/crypto/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define KEY_BYTES 32
#define BLOCK_BYTES 16
#define IV_WIRE_BYTES 24 /* base64 of SH_NETALERTX_IV_BYTES */

_Static_assert(SH_NETALERTX_PIECE_BYTES % 4 == 0 &&
                   SH_NETALERTX_PIECE_BYTES / 4 * 3 % BLOCK_BYTES == 0,
               "a piece has whole blocks");

static void free_context(EVP_CIPHER_CTX **context)
{
    EVP_CIPHER_CTX_free(*context); /* wipes the key schedule */
}

/* Initializes AES-256-CBC with the passphrase's key. NULL if libcrypto is out of memory. */
static EVP_CIPHER_CTX *cipher_new(sh_slice passphrase, const uint8_t *iv, bool encrypt)
{
    uint8_t key[KEY_BYTES];
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool ok = context != NULL &&
              EVP_Digest(passphrase.data, passphrase.len, key, NULL, EVP_sha256(), NULL) == 1 &&
              EVP_CipherInit_ex(context, EVP_aes_256_cbc(), NULL, key, iv, encrypt ? 1 : 0) == 1;
    sh_wipe(key, sizeof key);
    if (!ok) {
        EVP_CIPHER_CTX_free(context);
        return NULL;
    }
    return context;
}

sh_err sh_netalertx_encrypt(sh_slice passphrase, sh_slice plain, const uint8_t *iv, sh_buf *ret,
                            sh_error *error)
{
    if (plain.len > SH_PLAIN_MAX)
        return sh_fail(error, SH_E_LIMIT, "the text has %zu bytes, more than the limit of %lu",
                       plain.len, SH_PLAIN_MAX);
    uint8_t random_iv[SH_NETALERTX_IV_BYTES];
    if (iv == NULL) {
        sh_random(random_iv, sizeof random_iv);
        iv = random_iv;
    }
    SH_CLEANUP(free_context) EVP_CIPHER_CTX *context = cipher_new(passphrase, iv, true);
    SH_CLEANUP(sh_buf_reset) sh_buf sealed = SH_BUF_INIT(plain.len + BLOCK_BYTES);
    if (context == NULL || sh_buf_reserve(&sealed, plain.len + BLOCK_BYTES) != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "no memory to encrypt %zu bytes", plain.len);

    unsigned char *out = (unsigned char *)sealed.data;
    int body = 0, last = 0;
    if (EVP_CipherUpdate(context, out, &body, (const unsigned char *)plain.data, (int)plain.len) !=
            1 ||
        EVP_CipherFinal_ex(context, out + body, &last) != 1)
        return sh_fail(error, SH_E_MEMORY, "libcrypto could not encrypt %zu bytes", plain.len);

    size_t before = ret->len;
    sh_err err = sh_base64_encode((sh_slice){(const char *)iv, SH_NETALERTX_IV_BYTES}, ret);
    if (err == SH_OK)
        err = sh_base64_encode((sh_slice){sealed.data, (size_t)(body + last)}, ret);
    if (err == SH_OK)
        return SH_OK;
    ret->len = before;
    return sh_fail(error, err, "the buffer is too small for %d encrypted bytes", body + last);
}

void sh_netalertx_cipher_library(char ret[static SH_LIBRARY_BYTES])
{
    (void)snprintf(ret, SH_LIBRARY_BYTES, "libcrypto %s", OpenSSL_version(OPENSSL_VERSION_STRING));
}

/*
 * The length of the PKCS#7 padding in the last block, in constant time. Returns 1 and sets *valid =
 * false if it is invalid.
 */
static size_t padding_len(const uint8_t last[static BLOCK_BYTES], bool *valid)
{
    uint32_t padding = last[BLOCK_BYTES - 1];
    uint32_t invalid = (padding - 1) >> 4; /* nonzero for 0 and for values over 16 */
    for (uint32_t i = 0; i < BLOCK_BYTES; i++) {
        uint32_t is_padding = (i - padding) >> 31; /* 1 if this byte is padding */
        invalid |= (0 - is_padding) & (last[BLOCK_BYTES - 1 - i] ^ padding);
    }
    uint32_t ok = ((invalid | (0 - invalid)) >> 31) ^ 1;
    *valid = ok != 0;
    return (padding & (0 - ok)) | (1 & (ok - 1));
}

/* Decrypts complete blocks in place. */
static bool decrypt_blocks(EVP_CIPHER_CTX *context, uint8_t *sealed, size_t len)
{
    int out = 0;
    return len == 0 ||
           (EVP_CipherUpdate(context, sealed, &out, sealed, (int)len) == 1 && out == (int)len);
}

/*
 * Decodes and decrypts body, each piece right after it was decoded, while it is in the cache.
 * Writes *len bytes: whole blocks, at least one, for which ret must have room. Every piece but the
 * last, and a valid body as a whole, are whole blocks, so padding within a body is found as well.
 * False if libcrypto fails.
 */
static bool decrypt_body(EVP_CIPHER_CTX *context, sh_slice body, uint8_t *ret, size_t *len,
                         bool *valid)
{
    size_t left = body.len - body.len % 4;
    *valid = left == body.len && left > 0;
    *len = 0;
    memset(ret, 0, BLOCK_BYTES); /* decrypted if the payload is shorter than a block */
    for (const char *at = body.data; left > 0;) {
        size_t piece = left < SH_NETALERTX_PIECE_BYTES ? left : SH_NETALERTX_PIECE_BYTES;
        size_t decoded = 0;
        bool ok = sh_base64_decode_constant_time((sh_slice){at, piece}, ret + *len, &decoded);
        size_t blocks = decoded - decoded % BLOCK_BYTES;
        *valid &= ok & (blocks == decoded);
        if (!decrypt_blocks(context, ret + *len, blocks))
            return false;
        *len += blocks;
        at += piece;
        left -= piece;
    }
    if (*len > 0)
        return true;
    *valid = false;
    *len = BLOCK_BYTES;
    return decrypt_blocks(context, ret, BLOCK_BYTES);
}

sh_err sh_netalertx_decrypt(sh_slice passphrase, sh_slice wire, sh_buf *ret, bool *valid,
                            sh_error *error)
{
    uint8_t iv[IV_WIRE_BYTES] = {0};
    size_t iv_len = 0, len = 0, len_max = wire.len / 4 * 3;
    if (len_max > SH_PLAIN_MAX + SH_NETALERTX_IV_BYTES + 2 * BLOCK_BYTES)
        return sh_fail(error, SH_E_LIMIT, "the payload has %zu bytes, more than the %zu allowed",
                       wire.len, (size_t)SH_PLAIN_MAX / 3 * 4);
    size_t split = wire.len < IV_WIRE_BYTES ? wire.len : IV_WIRE_BYTES;
    sh_slice body = {wire.data + split, wire.len - split};
    len_max = body.len / 4 * 3 < BLOCK_BYTES ? BLOCK_BYTES : body.len / 4 * 3;
    sh_err err = sh_buf_reserve(ret, ret->len + len_max);
    if (err == SH_E_LIMIT)
        return sh_fail(error, err, "the buffer is too small for a payload of %zu bytes", wire.len);
    if (err != SH_OK)
        return sh_fail(error, err, "no memory for a payload of %zu bytes", wire.len);
    uint8_t *bytes = (uint8_t *)ret->data + ret->len;
    bool iv_ok = sh_base64_decode_constant_time((sh_slice){wire.data, split}, iv, &iv_len);
    bool body_ok = false;
    SH_CLEANUP(free_context) EVP_CIPHER_CTX *context = cipher_new(passphrase, iv, false);
    if (context == NULL || EVP_CIPHER_CTX_set_padding(context, 0) != 1 ||
        !decrypt_body(context, body, bytes, &len, &body_ok)) {
        bytes[0] = '\0';
        return sh_fail(error, SH_E_MEMORY, "no memory to decrypt %zu bytes", len_max);
    }
    bool padded = false;
    size_t text_len = len - padding_len(bytes + len - BLOCK_BYTES, &padded);
    *valid = iv_ok & (iv_len == SH_NETALERTX_IV_BYTES) & body_ok & padded;
    bytes[text_len] = '\0';
    ret->len += text_len;
    return SH_OK;
}
