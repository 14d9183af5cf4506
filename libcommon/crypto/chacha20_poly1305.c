/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/crypto/chacha20_poly1305.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define PIECE_BYTES 8192 /* decrypted at once where only the tag matters */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_CIPHER *cipher;      /* NULL: OpenSSL does not provide it */
static pthread_key_t of_thread; /* an EVP_CIPHER_CTX */

static void free_context(void *context)
{
    EVP_CIPHER_CTX_free(context);
}

static void fetch(void)
{
    if (pthread_key_create(&of_thread, free_context) != 0)
        return;
    cipher = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
}

/* The thread's context; NULL if there is none. */
static EVP_CIPHER_CTX *own_context(void)
{
    (void)pthread_once(&once, fetch);
    if (cipher == NULL)
        return NULL;
    EVP_CIPHER_CTX *context = pthread_getspecific(of_thread);
    if (context != NULL)
        return context;
    context = EVP_CIPHER_CTX_new();
    if (context != NULL && pthread_setspecific(of_thread, context) != 0) {
        EVP_CIPHER_CTX_free(context);
        context = NULL;
    }
    return context;
}

static EVP_CIPHER_CTX *begin(const chacha20_poly1305 *c, size_t len, bool seals)
{
    EVP_CIPHER_CTX *context = NULL;
    int out = 0;
    if (len <= CHACHA20_POLY1305_MAX && c->associated.len <= CHACHA20_POLY1305_MAX)
        context = own_context();
    if (context == NULL ||
        EVP_CipherInit_ex2(context, cipher, c->key, c->nonce, seals ? 1 : 0, NULL) != 1)
        return NULL;
    bool ok = c->associated.len == 0 ||
              EVP_CipherUpdate(context, NULL, &out, (const unsigned char *)c->associated.data,
                               (int)c->associated.len) == 1;
    return ok ? context : NULL;
}

/* Overwrites the key that the context has. */
static void forget_key(EVP_CIPHER_CTX *context)
{
    static const uint8_t zero[32];
    (void)EVP_CipherInit_ex2(context, NULL, zero, zero, -1, NULL);
}

sh_err chacha20_poly1305_seal(const chacha20_poly1305 *c, sh_slice plain, uint8_t *ret)
{
    EVP_CIPHER_CTX *context = begin(c, plain.len, true);
    int out = 0, last = 0;
    if (context == NULL)
        return SH_E_UNSUPPORTED;
    bool ok = EVP_CipherUpdate(context, ret, &out, (const unsigned char *)plain.data,
                               (int)plain.len) == 1 &&
              EVP_CipherFinal_ex(context, ret + out, &last) == 1 &&
              EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, CHACHA20_POLY1305_TAG_BYTES,
                                  ret + plain.len) == 1;
    forget_key(context);
    return ok ? SH_OK : SH_E_UNSUPPORTED;
}

/* Decrypts into ret, or only to get at the tag. */
static bool decrypt(EVP_CIPHER_CTX *context, sh_slice text, uint8_t *ret)
{
    uint8_t piece[PIECE_BYTES];
    int out = 0;
    bool ok = true;
    if (ret != NULL)
        return EVP_CipherUpdate(context, ret, &out, (const unsigned char *)text.data,
                                (int)text.len) == 1;
    for (size_t at = 0; ok && at < text.len; at += PIECE_BYTES) {
        size_t len = text.len - at < PIECE_BYTES ? text.len - at : PIECE_BYTES;
        ok = EVP_CipherUpdate(context, piece, &out, (const unsigned char *)text.data + at,
                              (int)len) == 1;
    }
    OPENSSL_cleanse(piece, sizeof piece);
    return ok;
}

sh_err chacha20_poly1305_open(const chacha20_poly1305 *c, sh_slice sealed, uint8_t *ret)
{
    assert(sealed.len >= CHACHA20_POLY1305_TAG_BYTES);
    sh_slice text = {sealed.data, sealed.len - CHACHA20_POLY1305_TAG_BYTES};
    uint8_t tag[CHACHA20_POLY1305_TAG_BYTES];
    EVP_CIPHER_CTX *context = begin(c, text.len, false);
    int last = 0;
    if (context == NULL)
        return SH_E_UNSUPPORTED;
    memcpy(tag, text.data + text.len, sizeof tag);
    bool ready = EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) == 1 &&
                 decrypt(context, text, ret);
    bool good = ready && EVP_CipherFinal_ex(context, tag, &last) == 1;
    forget_key(context);
    if (!good && ret != NULL)
        OPENSSL_cleanse(ret, text.len);
    return good ? SH_OK : ready ? SH_E_CRYPTO : SH_E_UNSUPPORTED;
}
