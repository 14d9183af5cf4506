/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_STORE_TIDY_H
#define RECEIVER_STORE_TIDY_H

#include "receiver/store/store.h"

/*
 * Which rows both kinds of databases delete, and in which order. Names are quoted for PostgreSQL.
 */

#define STORE_TIDY_ROWS 2000 /* approximate number of rows of a table per transaction */

typedef struct {
    const char *count;  /* counts rows */
    const char *forget; /* deletes about $2 rows older than $1; NULL: none by age */
    const char *oldest; /* deletes about the $1 oldest */
    /* SQL that deletes dependent rows first, with the same parameters; NULL: none. */
    const char *forget_presence, *oldest_presence;
} store_tidy_table;

enum { TIDY_ITEMS, TIDY_PARTS, TIDY_NODES, TIDY_PRESENCE, TIDY_TABLES };

/* How many of them a database has, counted from the first. */
int store_tidy_count(const store *s);

extern const store_tidy_table store_tidy_tables[TIDY_TABLES];

/* The node with most items among those with more than $1: its name, its number of items. */
extern const char store_tidy_fullest_node[];
/* Deletes about the $2 oldest items of node $1. */
extern const char store_tidy_oldest_of_node[];

/* The limits of a table: delete rows before this time (0: none), and rows over this number. */
void store_tidy_limits(const store_limits *limits, int table, int64_t *before_ms, int64_t *max);

/* How many of the oldest rows to delete, at most STORE_TIDY_ROWS. */
int64_t store_tidy_excess(int64_t count, int64_t max, bool *more);

#endif
