/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_CRYPTO_PASSWORD_H
#define SH_CRYPTO_PASSWORD_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

#include <stdbool.h>

/*
 * Hashes of passwords that people choose: Argon2id 1.3 with 19 MiB and 2 passes (OWASP), a random
 * salt, as text in the PHC format. Both take tens of milliseconds and 19 MiB.
 */
#define SH_CRYPTO_PASSWORD_HASH_BYTES 128 /* with the final NUL */

/* SH_E_MEMORY. */
sh_err sh_password_hash(sh_slice password, char ret[static SH_CRYPTO_PASSWORD_HASH_BYTES],
                        sh_error *error);

/* False for another password, for a text that is no hash, and without memory. */
bool sh_password_verify(sh_slice password, const char *hash);

#endif
