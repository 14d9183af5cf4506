/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_PRESENCE_CACHE_H
#define RECEIVER_PRESENCE_CACHE_H

#include "libcommon/base/error.h"
#include "receiver/merge/sightings.h"
#include "receiver/store/store.h"

#include <stdbool.h>

/*
 * Remembers what the newest table of a node said of presence, so that the next one that says the
 * same need not be compared with the database. An entry holds only while that table is the newest
 * one in the database: after a rollback, a merge by another receiver or a restored backup it does
 * not match. Has a fixed size; a node can lose its place to another one.
 */
typedef struct presence_cache presence_cache;

sh_err presence_cache_new(presence_cache **ret, sh_error *error); /* SH_E_MEMORY */
void presence_cache_free(presence_cache *c);                      /* NULL is accepted */

/* For rows that were deleted from the database: nothing is known of it any more. */
void presence_cache_clear(presence_cache *c);

/*
 * Identifies what a table says; 0 if the sightings are not the whole table. Not cryptographic, as a
 * node can only deceive itself.
 */
uint64_t presence_fingerprint(const sightings *from, const sightings_range *range);

/* Whether newest, the node's newest table in the database, said the same. */
bool presence_cache_matches(const presence_cache *c, const char *node, const store_table *newest,
                            uint64_t fingerprint);
void presence_cache_set(presence_cache *c, const char *node, const store_table *newest,
                        uint64_t fingerprint);

#endif
