/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/crypto/encryption_key.h"

#include <string.h>

#define PREFIX_LEN (sizeof SH_RANDOM_KEY_PREFIX - 1)

static bool is_random_key(sh_slice text)
{
    return text.len >= PREFIX_LEN && memcmp(text.data, SH_RANDOM_KEY_PREFIX, PREFIX_LEN) == 0;
}

static sh_err read_random_key(sh_slice text, uint8_t ret[static SH_KEY_BYTES], sh_error *error)
{
    sh_slice encoded = {text.data + PREFIX_LEN, text.len - PREFIX_LEN};
    if (sh_secret_decode(encoded, ret))
        return SH_OK;
    return sh_fail(error, SH_E_CONFIG,
                   "the key begins with " SH_RANDOM_KEY_PREFIX
                   ", as those that a hub makes, but is none: copy all its %zu characters, without "
                   "a change",
                   SH_ENCRYPTION_KEY_TEXT_BYTES - 1);
}

void sh_random_key_write(const uint8_t key[static SH_KEY_BYTES],
                         char ret[static SH_ENCRYPTION_KEY_TEXT_BYTES])
{
    memcpy(ret, SH_RANDOM_KEY_PREFIX, PREFIX_LEN);
    sh_secret_encode(key, ret + PREFIX_LEN);
}

sh_err sh_encryption_key_check(sh_slice text, sh_error *error)
{
    uint8_t key[SH_KEY_BYTES];
    if (!is_random_key(text))
        return SH_OK;
    sh_err err = read_random_key(text, key, error);
    sh_wipe(key, sizeof key);
    return err;
}

sh_err sh_encryption_key_derive(sh_slice text, uint8_t ret[static SH_KEY_BYTES], sh_error *error)
{
    return is_random_key(text) ? read_random_key(text, ret, error)
                               : sh_key_from_passphrase(text, ret, error);
}
