/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_STORE_PRUNE_H
#define RECEIVER_STORE_PRUNE_H

#include "receiver/store/store.h"

/*
 * Which rows both kinds of databases delete, and in which order. Names are quoted for PostgreSQL.
 */

#define STORE_PRUNE_ROWS 2000 /* approximate number of rows of a table per transaction */

typedef struct {
    const char *count;  /* counts rows */
    const char *forget; /* deletes about $2 rows older than $1; NULL: none by age */
    const char *oldest; /* deletes about the $1 oldest */
    /* SQL about dependent rows that runs first, with the same parameters; NULL: none. */
    const char *forget_first, *oldest_first;
} store_prune_table;

enum { PRUNE_ITEMS, PRUNE_PARTS, PRUNE_NODES, PRUNE_PRESENCE, PRUNE_TABLES };

/* How many of them a database has, counted from the first. */
int store_prune_count(const store *s);

extern const store_prune_table store_prune_tables[PRUNE_TABLES];

/* The node with most items among those with more than $1: its name, its number of items. */
extern const char store_prune_fullest_node[];
/* Deletes about the $2 oldest items of node $1. */
extern const char store_prune_oldest_of_node[];

/* The limits of a table: delete rows before this time (0: none), and rows over this number. */
void store_prune_limits(const store_limits *limits, int table, int64_t *before_ms, int64_t *max);

/* How many of the oldest rows to delete, at most STORE_PRUNE_ROWS. */
int64_t store_prune_excess(int64_t count, int64_t max, bool *more);

#endif
