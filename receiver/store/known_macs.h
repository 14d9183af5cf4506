/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_KNOWN_MACS_H
#define RECEIVER_KNOWN_MACS_H

#include "libcommon/netalertx/mac.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A cache of six-byte MACs in a database, to avoid look-ups. Exact, and at most
 * KNOWN_MACS_BYTES_MAX; does not contain other keys, nor those that do not fit. The owner clears it
 * when the database may have lost a row.
 */
#define KNOWN_MACS_BYTES_MAX (16 * SH_MIB)
#define KNOWN_MACS_MAX (KNOWN_MACS_BYTES_MAX / sizeof(uint64_t) / 4 * 3)

typedef struct {
    uint64_t *slots; /* sh_mac.number, 0 where free */
    size_t size, count;
    uint64_t seed; /* random, to prevent chosen collisions */
} known_macs;

bool known_macs_has(const known_macs *k, const sh_mac *mac);
bool known_macs_add(known_macs *k, const sh_mac *mac); /* whether it is in the cache now */
void known_macs_clear(known_macs *k);
void known_macs_reset(known_macs *k); /* frees; zeroed is accepted, and zeroes */

#endif
