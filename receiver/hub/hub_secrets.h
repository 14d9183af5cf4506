/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_HUB_SECRETS_H
#define RECEIVER_HUB_SECRETS_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"
#include "libcommon/config/settings.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/native/envelope.h"

/* The hub's secrets, as ingest and merge use them. Read-only after hub_secrets_init(). */
typedef struct {
    sh_slice token;      /* borrowed from the settings */
    sh_slice passphrase; /* borrowed; decrypts NetAlertX's payloads */
    uint8_t passphrase_key[SH_KEY_BYTES];
    uint8_t credential_key[SH_KEY_BYTES]; /* seals the nodes' own credentials */
} hub_secrets;

/* SH_E_MEMORY. Release with hub_secrets_reset(). */
sh_err hub_secrets_init(const sh_settings *settings, hub_secrets *ret, sh_error *error);
void hub_secrets_reset(hub_secrets *k);

#endif
