/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/crypto/chacha20_poly1305.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

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
    (void)ERR_set_mark(); /* a failure is none for who asks for errors later */
    cipher = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
    (void)ERR_pop_to_mark();
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

/* Wipes what the context has of the key, and of the text. */
static void end(EVP_CIPHER_CTX *context)
{
    (void)EVP_CIPHER_CTX_reset(context);
}

static EVP_CIPHER_CTX *begin(const sh_chacha20_poly1305 *c, size_t len, bool seals)
{
    EVP_CIPHER_CTX *context = NULL;
    int out = 0;
    if (len <= SH_CHACHA20_POLY1305_MAX && c->associated.len <= SH_CHACHA20_POLY1305_MAX)
        context = own_context();
    if (context == NULL)
        return NULL;
    bool ok = EVP_CipherInit_ex2(context, cipher, c->key, c->nonce, seals ? 1 : 0, NULL) == 1 &&
              (c->associated.len == 0 ||
               EVP_CipherUpdate(context, NULL, &out, (const unsigned char *)c->associated.data,
                                (int)c->associated.len) == 1);
    if (ok)
        return context;
    end(context);
    return NULL;
}

sh_err sh_chacha20_poly1305_seal(const sh_chacha20_poly1305 *c, sh_slice plain, uint8_t *ret)
{
    EVP_CIPHER_CTX *context = begin(c, plain.len, true);
    int out = 0, last = 0;
    if (context == NULL)
        return SH_E_UNSUPPORTED;
    bool ok = EVP_CipherUpdate(context, ret, &out, (const unsigned char *)plain.data,
                               (int)plain.len) == 1 &&
              EVP_CipherFinal_ex(context, ret + out, &last) == 1 &&
              EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, SH_CHACHA20_POLY1305_TAG_BYTES,
                                  ret + plain.len) == 1;
    end(context);
    return ok ? SH_OK : SH_E_UNSUPPORTED;
}

sh_err sh_chacha20_poly1305_open(const sh_chacha20_poly1305 *c, sh_slice sealed, uint8_t *ret)
{
    assert(sealed.len >= SH_CHACHA20_POLY1305_TAG_BYTES);
    size_t len = sealed.len - SH_CHACHA20_POLY1305_TAG_BYTES;
    uint8_t tag[SH_CHACHA20_POLY1305_TAG_BYTES];
    EVP_CIPHER_CTX *context = begin(c, len, false);
    int out = 0, last = 0;
    if (context == NULL)
        return SH_E_UNSUPPORTED;
    memcpy(tag, sealed.data + len, sizeof tag);
    bool ready =
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) == 1 &&
        EVP_CipherUpdate(context, ret, &out, (const unsigned char *)sealed.data, (int)len) == 1;
    bool good = ready && EVP_CipherFinal_ex(context, ret + out, &last) == 1;
    end(context);
    if (!good)
        OPENSSL_cleanse(ret, len);
    return good ? SH_OK : ready ? SH_E_CRYPTO : SH_E_UNSUPPORTED;
}
