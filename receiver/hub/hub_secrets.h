/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_HUB_KEYS_H
#define RECEIVER_HUB_KEYS_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"
#include "libcommon/config/settings.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/native/envelope.h"

/* The hub's secrets, as ingest and merge use them. Read-only after keys_init(). */
typedef struct {
    sh_slice token;      /* borrowed from the settings */
    sh_slice passphrase; /* borrowed; decrypts NetAlertX's payloads */
    uint8_t passphrase_key[SH_KEY_BYTES];
    uint8_t credential_key[SH_KEY_BYTES]; /* seals the nodes' own credentials */
} hub_keys;

/* SH_E_MEMORY. Release with keys_reset(). */
sh_err keys_init(const sh_settings *settings, hub_keys *ret, sh_error *error);
void keys_reset(hub_keys *k);

#endif
