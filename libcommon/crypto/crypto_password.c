/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/crypto/crypto_password.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>

#define MEMORY_BYTES (19UL * 1024 * 1024)
#define PASSES 2

static_assert(SH_CRYPTO_PASSWORD_HASH_BYTES == crypto_pwhash_STRBYTES, "size of a hash");

sh_err sh_password_hash(sh_slice password, char ret[static SH_CRYPTO_PASSWORD_HASH_BYTES],
                        sh_error *error)
{
    if (crypto_pwhash_str_alg(ret, password.data, password.len, PASSES, MEMORY_BYTES,
                              crypto_pwhash_ALG_ARGON2ID13) != 0)
        return sh_fail(error, SH_E_MEMORY, "no memory to hash a password");
    return SH_OK;
}

bool sh_password_verify(sh_slice password, const char *hash)
{
    return crypto_pwhash_str_verify(hash, password.data, password.len) == 0;
}
