/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_CHACHA20_POLY1305_H
#define SH_CHACHA20_POLY1305_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

#include <stdint.h>

/*
 * ChaCha20-Poly1305 (RFC 8439 section 2.8) by OpenSSL, which has faster code for it than libsodium.
 * Each thread keeps an empty context. All return SH_E_UNSUPPORTED, and the result is not valid, if
 * OpenSSL does not provide the cipher (its FIPS provider does not) or fails, for example for lack
 * of memory, or if a length is over SH_CHACHA20_POLY1305_MAX.
 */
#define SH_CHACHA20_POLY1305_MAX ((size_t)1 << 30)
#define SH_CHACHA20_POLY1305_TAG_BYTES 16

typedef struct {
    uint8_t key[32], nonce[12];
    sh_slice associated;
} sh_chacha20_poly1305;

/* Writes plain.len bytes and the tag to ret, which must not overlap plain. */
sh_err sh_chacha20_poly1305_seal(const sh_chacha20_poly1305 *c, sh_slice plain, uint8_t *ret);

/*
 * Verifies and decrypts; writes all but the tag to ret, which must not overlap. SH_E_CRYPTO for
 * another key or altered data; ret is zeroed then. sealed has a tag.
 */
sh_err sh_chacha20_poly1305_open(const sh_chacha20_poly1305 *c, sh_slice sealed, uint8_t *ret);

#endif
