/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_ENTRY_GROUPS_H
#define RECEIVER_ENTRY_GROUPS_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which entries of a batch have to be merged in the order of the queue: those of a group. Entries
 * of different groups may be merged at the same time. No I/O.
 */

#define ENTRY_GROUPS_MAX 128 /* entries */

typedef struct {
    size_t leaders[ENTRY_GROUPS_MAX]; /* an earlier entry of the group, or the entry itself */
} entry_groups;

/* Each of count entries, numbered from 0 in the order of the queue, is a group. */
void entry_groups_init(entry_groups *g, size_t count);
/* Joins the groups of two entries. */
void entry_groups_join(entry_groups *g, size_t a, size_t b);
/* The first entry of an entry's group. */
size_t entry_groups_first(const entry_groups *g, size_t entry);

/* --- Devices that tables have in common ------------------------------------------------------ */

/* A device of an entry's table. */
typedef struct {
    uint64_t key; /* see sighting_key() */
    size_t entry;
    sh_slice mac; /* as in the table; borrowed */
} table_key;

/* The devices of several tables. A zeroed one is empty. */
typedef struct {
    table_key *keys;
    size_t count, capacity;
} table_keys;

/* SH_E_MEMORY. */
sh_err table_keys_add(table_keys *t, const table_key *key, sh_error *error);
/* Appends those of another one that belong to entries before `end`. SH_E_MEMORY. */
sh_err table_keys_append(table_keys *t, const table_keys *more, size_t end, sh_error *error);
/* Sorts by key, and by entry. */
void table_keys_sort(table_keys *t);
void table_keys_reset(table_keys *t); /* frees; empty then */

/*
 * Finds the next device that several groups have, from *at on, in sorted keys; its keys are from
 * *at to *end. False if there is none.
 */
bool table_keys_next_shared(const table_keys *t, const entry_groups *g, size_t *at, size_t *end);

#endif
