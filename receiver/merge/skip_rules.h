/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_SKIP_RULES_H
#define RECEIVER_SKIP_RULES_H

#include "libcommon/base/error.h"
#include "libcommon/netalertx/app_conf_list.h"
#include "libcommon/netalertx/mac.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Devices that are not merged: the keys in SYNC_skip_macs and the blocklist, in a hash table, as
 * each row is checked. A new rule must also change the digest of the rules.
 */
typedef struct skip_rules skip_rules;

/* Borrows both lists of normalized keys. SH_E_MEMORY. */
sh_err skip_rules_new(const sh_list *keys, const sh_list *blocked, skip_rules **ret,
                      sh_error *error);
void skip_rules_free(skip_rules *s); /* NULL is accepted */

/* Compares ignoring ASCII case. */
bool skip_rules_has(const skip_rules *s, const sh_mac *mac);

/* A digest of the rules, SH_DIGEST_BYTES, for store_rules_note(). Borrowed. */
const uint8_t *skip_rules_digest(const skip_rules *s);

#endif
