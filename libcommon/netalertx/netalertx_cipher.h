/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_NETALERTX_CIPHER_H
#define SH_NETALERTX_CIPHER_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/text.h"
#include "libcommon/base/version.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * NetAlertX's payload encryption, for compatibility only: AES-256-CBC
 * with PKCS#7 under SHA-256 of the passphrase, no authentication. The one module that uses
 * libcrypto.
 */
#define SH_NETALERTX_IV_BYTES 16

/* Adds base64(IV) and base64(ciphertext) as one string. iv NULL: a random one. */
sh_err sh_netalertx_encrypt(sh_slice passphrase, sh_slice plain, const uint8_t *iv, sh_buf *ret,
                            sh_error *error);

/*
 * Decrypts for peers who may not know the key: one who can tell what went wrong decrypts and forges
 * payloads by trying (a padding oracle). Whatever the payload is, the same work is done; *valid
 * tells whether all of it was right, and *ret gets the text, or bytes of the same length that are
 * none. Its limit must leave two blocks more than the longest text. SH_E_LIMIT by the length alone,
 * SH_E_MEMORY; then nothing is added.
 */
sh_err sh_netalertx_decrypt(sh_slice passphrase, sh_slice wire, sh_buf *ret, bool *valid,
                            sh_error *error);

/* Name and version of the library, for --version. */
sh_library_version sh_netalertx_cipher_library;

#endif
