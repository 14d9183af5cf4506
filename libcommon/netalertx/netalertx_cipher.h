/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_NETALERTX_CIPHER_H
#define SH_NETALERTX_CIPHER_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/text.h"
#include "libcommon/base/version.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Wraps libcrypto: NetAlertX's payload encryption, AES-256-CBC with PKCS#7 padding and SHA-256 of
 * the passphrase as the key. Not authenticated; for compatibility only.
 */
#define SH_NETALERTX_IV_BYTES 16
/* Base64 that is decoded and decrypted at a time: it and its 48 KiB of text fit into an L2 cache.
 */
#define SH_NETALERTX_PIECE_BYTES (64 * SH_KIB)

/* Appends base64(IV) base64(ciphertext). iv NULL: a random IV. SH_E_LIMIT, SH_E_MEMORY. */
sh_err sh_netalertx_encrypt(sh_slice passphrase, sh_slice plain, const uint8_t *iv, sh_buf *ret,
                            sh_error *error);

/*
 * Decrypts in constant time for the length of wire, to prevent padding oracle attacks: does the
 * same work for any payload. Sets *valid = false if anything about it is invalid; *ret then gets
 * meaningless bytes. The limit of *ret must be two blocks more than the longest text. SH_E_LIMIT
 * (depends only on the length), SH_E_MEMORY; these leave *ret unchanged.
 */
sh_err sh_netalertx_decrypt(sh_slice passphrase, sh_slice wire, sh_buf *ret, bool *valid,
                            sh_error *error);

sh_library_version sh_netalertx_cipher_library;

#endif
