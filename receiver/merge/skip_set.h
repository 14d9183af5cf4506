/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_SKIP_SET_H
#define RECEIVER_SKIP_SET_H

#include "libcommon/base/error.h"
#include "libcommon/netalertx/app_conf_list.h"
#include "libcommon/netalertx/mac.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Devices that are not merged: the keys in SYNC_skip_macs and the blocklist, in a hash table, as
 * each row is checked. A new rule must also change the digest of the rules.
 */
typedef struct skip_set skip_set;

/* Borrows both lists of normalized keys. SH_E_MEMORY. */
sh_err skip_set_new(const sh_list *keys, const sh_list *blocked, skip_set **ret, sh_error *error);
void skip_set_free(skip_set *s); /* NULL is accepted */

/* Compares ignoring ASCII case. */
bool skip_set_has(const skip_set *s, const sh_mac *mac);

/* A digest of the rules, SH_DIGEST_BYTES, for store_rules_note(). Borrowed. */
const uint8_t *skip_set_rules(const skip_set *s);

#endif
