/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/keys.h"

sh_err keys_init(const sh_settings *settings, hub_keys *ret, sh_error *error)
{
    ret->token = sh_slice_of(settings->api_token);
    ret->passphrase = sh_slice_of(settings->encryption_key);
    return sh_key_from_passphrase(ret->passphrase, ret->passphrase_key, error);
}

void keys_done(hub_keys *k)
{
    sh_wipe(k->passphrase_key, sizeof k->passphrase_key);
}
