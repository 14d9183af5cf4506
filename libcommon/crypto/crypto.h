/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_CRYPTO_H
#define SH_CRYPTO_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"
#include "libcommon/base/version.h"

#include <stdbool.h>
#include <stdint.h>

/* The one module that uses libsodium. Everything here is thread-safe after sh_crypto_init(). */

#define SH_KEY_BYTES 32
#define SH_KEY_ID_BYTES 8
#define SH_NONCE_BYTES 24
#define SH_TAG_BYTES 16
#define SH_DIGEST_BYTES 32
#define SH_ID_BYTES 16
#define SH_ID_HEX_BYTES (2 * SH_ID_BYTES + 1)
#define SH_DIGEST_HEX_BYTES (2 * SH_DIGEST_BYTES + 1)

/* To be called once, before any thread. SH_E_IO where the system gives no randomness. */
sh_err sh_crypto_init(sh_error *error);

void sh_random(void *bytes, size_t len);

/* 32 random bytes as base64url without padding (RFC 4648 section 5): a token or a passphrase. */
#define SH_SECRET_TEXT_BYTES 44
void sh_random_secret(char ret[static SH_SECRET_TEXT_BYTES]);

/* Overwrites a secret in a way no compiler removes. */
void sh_wipe(void *bytes, size_t len);

/* Compares two secrets in a time that depends on their lengths alone. */
bool sh_secret_equals(sh_slice a, sh_slice b);

/*
 * The passphrase's key, once at start: Argon2id version 1.3, 8 MiB, 5 passes, one lane, with the
 * salt that PROTOCOL.md names. SH_E_MEMORY.
 */
sh_err sh_key_from_passphrase(sh_slice passphrase, uint8_t ret[static SH_KEY_BYTES],
                              sh_error *error);

/* BLAKE2b of text with a key of SH_KEY_BYTES; ret_len is 16 to 64. key may be NULL. */
void sh_keyed_hash(const uint8_t *key, sh_slice text, uint8_t *ret, size_t ret_len);

/* SipHash-2-4: a short keyed hash for hash tables whose keys a peer may choose. */
#define SH_SHORT_KEY_BYTES 16
uint64_t sh_short_hash(const uint8_t key[static SH_SHORT_KEY_BYTES], sh_slice text);

/* XChaCha20-Poly1305 (IETF draft-irtf-cfrg-xchacha). ret takes len + SH_TAG_BYTES bytes. */
void sh_aead_seal(const uint8_t key[static SH_KEY_BYTES],
                  const uint8_t nonce[static SH_NONCE_BYTES], sh_slice associated, sh_slice plain,
                  uint8_t *ret);

/* Opens sealed (text and tag) into ret, which takes sealed.len - SH_TAG_BYTES. SH_E_CRYPTO. */
sh_err sh_aead_open(const uint8_t key[static SH_KEY_BYTES],
                    const uint8_t nonce[static SH_NONCE_BYTES], sh_slice associated,
                    sh_slice sealed, uint8_t *ret);

/* Standard base64 with padding (RFC 4648 section 4). SH_E_LIMIT, SH_E_MEMORY as the buffer's. */
sh_err sh_base64_encode(sh_slice bytes, sh_buf *ret);
/* SH_E_FORMAT on anything but standard base64, padding included. Adds to *ret. */
sh_err sh_base64_decode(sh_slice text, sh_buf *ret, sh_error *error);
/*
 * As above, in a time that depends on text.len alone: *len bytes, at most text.len / 4 * 3, are
 * written for any text. False where it is no standard base64.
 */
bool sh_base64_decode_evenly(sh_slice text, uint8_t *ret, size_t *len);

/* Name and version of the library, for --version. */
sh_library_version sh_crypto_library;

#endif
