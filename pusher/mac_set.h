/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_MAC_SET_H
#define PUSHER_MAC_SET_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"
#include "libcommon/crypto/crypto.h"

#include <stddef.h>
#include <stdint.h>

/*
 * A set of device keys, each as a keyed hash of 16 bytes: small, and its file does not reveal which
 * devices exist. For SYNC_RUN=on_new_device, which records the MACs that were pushed.
 */
#define MAC_SET_HASH_BYTES 16

typedef struct {
    uint8_t (*hashes)[MAC_SET_HASH_BYTES]; /* sorted, each once */
    size_t count;
} mac_set;

void mac_set_reset(mac_set *set); /* NULL and zeroed are accepted */

/*
 * The keys of a table that passed sh_table_check(). Skips rows without a valid key, which the hub
 * would reject. SH_E_MEMORY.
 */
sh_err mac_set_of_table(const uint8_t key[static SH_KEY_BYTES], sh_slice table, mac_set *ret,
                        sh_error *error);

/* How many elements of `of` are not in `known`. */
size_t mac_set_count_missing(const mac_set *known, const mac_set *of);

/*
 * Adds the elements of `more`; if that would exceed SH_ROWS_MAX, keeps only `more`. SH_E_MEMORY
 * leaves `known` unchanged.
 */
sh_err mac_set_merge(mac_set *known, const mac_set *more, sh_error *error);

/*
 * Reads the set that was saved at path for this owner (node and hub); it is empty for another owner
 * or without a file. SH_E_FORMAT if the file is damaged, SH_E_IO, SH_E_MEMORY.
 */
sh_err mac_set_load(const char *path, sh_slice owner, mac_set *ret, sh_error *error);
sh_err mac_set_save(const char *path, sh_slice owner, const mac_set *set, sh_error *error);

#endif
