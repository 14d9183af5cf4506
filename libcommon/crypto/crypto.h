/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_CRYPTO_H
#define SH_CRYPTO_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"
#include "libcommon/base/version.h"

#include <stdbool.h>
#include <stdint.h>

/* Wraps libsodium. Thread-safe after sh_crypto_init(). */

#define SH_KEY_BYTES 32
#define SH_KEY_ID_BYTES 8
#define SH_NONCE_BYTES 24
#define SH_TAG_BYTES 16
#define SH_DIGEST_BYTES 32
#define SH_ID_BYTES 16
#define SH_ID_HEX_BYTES (2 * SH_ID_BYTES + 1)
#define SH_DIGEST_HEX_BYTES (2 * SH_DIGEST_BYTES + 1)

/* Call once, before starting threads. SH_E_IO if the system provides no randomness. */
sh_err sh_crypto_init(sh_error *error);

void sh_random(void *bytes, size_t len);

/* A secret of 32 bytes as base64url without padding (RFC 4648, section 5): 43 characters. */
#define SH_SECRET_BYTES 32
#define SH_SECRET_TEXT_BYTES 44
void sh_secret_encode(const uint8_t secret[static SH_SECRET_BYTES],
                      char ret[static SH_SECRET_TEXT_BYTES]);
/* Whether text is what sh_secret_encode() writes; only then is ret set. */
bool sh_secret_decode(sh_slice text, uint8_t ret[static SH_SECRET_BYTES]);
/* Writes 32 random bytes as such a text. */
void sh_random_secret(char ret[static SH_SECRET_TEXT_BYTES]);

/* Overwrites a secret; the compiler does not optimize it away. */
void sh_wipe(void *bytes, size_t len);

/* Compares two secrets in a time that depends only on their lengths. */
bool sh_secret_equals(sh_slice a, sh_slice b);

/*
 * Derives a key from a passphrase: Argon2id 1.3 with 8 MiB, 5 passes, one lane and the salt of
 * PROTOCOL.md, section 1. Slow: call it at startup. SH_E_MEMORY.
 */
sh_err sh_key_from_passphrase(sh_slice passphrase, uint8_t ret[static SH_KEY_BYTES],
                              sh_error *error);

/* BLAKE2b, keyed with SH_KEY_BYTES bytes or unkeyed if key is NULL; ret_len is 16 to 64. */
void sh_keyed_hash(const uint8_t *key, sh_slice text, uint8_t *ret, size_t ret_len);

/* SipHash-2-4, for hash tables with keys chosen by peers. */
#define SH_SHORT_KEY_BYTES 16
uint64_t sh_short_hash(const uint8_t key[static SH_SHORT_KEY_BYTES], sh_slice text);

/*
 * XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha), of large texts by OpenSSL. Writes plain.len +
 * SH_TAG_BYTES bytes to ret.
 */
void sh_aead_seal(const uint8_t key[static SH_KEY_BYTES],
                  const uint8_t nonce[static SH_NONCE_BYTES], sh_slice associated, sh_slice plain,
                  uint8_t *ret);

/*
 * Verifies and decrypts; writes sealed.len - SH_TAG_BYTES bytes to ret. SH_E_CRYPTO for another key
 * or altered data.
 */
sh_err sh_aead_open(const uint8_t key[static SH_KEY_BYTES],
                    const uint8_t nonce[static SH_NONCE_BYTES], sh_slice associated,
                    sh_slice sealed, uint8_t *ret);
/* Verifies the tag alone, without decrypting, in a third of the time. SH_E_CRYPTO. */
sh_err sh_aead_verify(const uint8_t key[static SH_KEY_BYTES],
                      const uint8_t nonce[static SH_NONCE_BYTES], sh_slice associated,
                      sh_slice sealed);

/* Base64 with padding (RFC 4648, section 4). Appends to *ret. SH_E_LIMIT, SH_E_MEMORY. */
sh_err sh_base64_encode(sh_slice bytes, sh_buf *ret);
/* The inverse. SH_E_FORMAT for invalid base64 or padding, SH_E_LIMIT, SH_E_MEMORY. */
sh_err sh_base64_decode(sh_slice text, sh_buf *ret, sh_error *error);
/*
 * Decodes in a time that depends only on text.len: writes *len bytes, at most text.len / 4 * 3, for
 * valid and invalid text alike. False if text is not valid base64.
 */
bool sh_base64_decode_constant_time(sh_slice text, uint8_t *ret, size_t *len);

sh_library_version sh_crypto_library;

#endif
