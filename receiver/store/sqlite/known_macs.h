/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_KNOWN_MACS_H
#define RECEIVER_KNOWN_MACS_H

#include "libcommon/netalertx/mac.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Six-byte MACs that a database was seen to hold, so that they need not be looked up again. Exact,
 * and never more than KNOWN_MACS_BYTES_MAX; other keys, and those there is no room for, are not
 * remembered. Whoever keeps one clears it when the database may have lost a row.
 */
#define KNOWN_MACS_BYTES_MAX (16 * SH_MIB)

typedef struct {
    uint64_t *slots; /* sh_mac.number, 0 where free */
    size_t size, count;
    uint64_t seed; /* nobody can choose MACs that meet in one place */
} known_macs;

bool known_macs_has(const known_macs *k, const sh_mac *mac);
bool known_macs_add(known_macs *k, const sh_mac *mac); /* whether it is remembered now */
void known_macs_clear(known_macs *k);
void known_macs_reset(known_macs *k); /* frees; zeroed is accepted, and left behind */

#endif
