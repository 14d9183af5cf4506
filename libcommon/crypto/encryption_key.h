/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_ENCRYPTION_KEY_H
#define SH_ENCRYPTION_KEY_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/limits.h"
#include "libcommon/crypto/crypto.h"

/*
 * What people set as a key (PROTOCOL.md, section 1): a passphrase, from which a key is derived
 * slowly, or a random key that a hub made, as "shkey1_" and its 32 bytes in base64url, which is
 * used as it is. No I/O; thread-safe.
 */

#define SH_RANDOM_KEY_PREFIX "shkey1_"
#define SH_ENCRYPTION_KEY_TEXT_BYTES (sizeof SH_RANDOM_KEY_PREFIX - 1 + SH_SECRET_TEXT_BYTES)

/* Writes a random key as text; the caller wipes it. */
void sh_random_key_write(const uint8_t key[static SH_KEY_BYTES],
                         char ret[static SH_ENCRYPTION_KEY_TEXT_BYTES]);

/* SH_E_CONFIG if the text begins like a random key and is none. Any other text is a passphrase. */
sh_err sh_encryption_key_check(sh_slice text, sh_error *error);

/*
 * The key of a text: at once for a random key, after sh_key_from_passphrase() for a passphrase.
 * SH_E_MEMORY; SH_E_CONFIG as sh_encryption_key_check().
 */
sh_err sh_encryption_key_derive(sh_slice text, uint8_t ret[static SH_KEY_BYTES], sh_error *error);

#endif
