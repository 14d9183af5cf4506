/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/hub/hub_secrets.h"

#include "libcommon/crypto/encryption_key.h"
#include "libcommon/native/credentials.h"

sh_err hub_secrets_init(const sh_settings *settings, hub_secrets *ret, sh_error *error)
{
    ret->token = sh_slice_of(settings->api_token);
    ret->passphrase = sh_slice_of(settings->encryption_key);
    sh_err err = sh_encryption_key_derive(ret->passphrase, ret->passphrase_key, error);
    if (err == SH_OK)
        sh_credential_key_derive(ret->passphrase_key, ret->credential_key);
    return err;
}

void hub_secrets_reset(hub_secrets *k)
{
    sh_wipe(k->passphrase_key, sizeof k->passphrase_key);
    sh_wipe(k->credential_key, sizeof k->credential_key);
}
