/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_ROW_H
#define RECEIVER_NODE_ROW_H

#include "libcommon/queue/queue.h"
#include "receiver/store/arena.h"
#include "receiver/store/node_state.h"
#include "receiver/store/store.h"

/*
 * What node_overview.h reads. A store_node_info has room for the longest of each text, 4 KiB in
 * all; of thousands of nodes only the texts that there are fit into the CPU's caches. They belong
 * to the overview, and are "" if there are none.
 */

/* As store_node_info. */
typedef struct {
    const char *node, *mode;
    node_contact contact;
    int64_t first_contact_ms;
    const char *agent, *protocol, *instance;
    int64_t problem_ms, problem_seen_ms, problem_status;
    const char *problem_kind, *problem_text;
    int64_t conflict_ms;
    const char *conflict_text;
    const char *labels, *note;
    int64_t ephemeral, expected_ms;
} node_row_info;

/* As store_node. */
typedef struct {
    int64_t merged_ms, changed_ms; /* 0 if nothing was merged yet */
    int64_t sent, inserted, known, skipped, set_aside;
    const char *reason;
} node_row_merged;

typedef struct {
    node_row_info info;
    node_row_merged merged;
    int64_t queue, dead;
    int64_t present; /* only after node_overview_count_present() */
    node_credentials credentials;
    int64_t credentials_ms;
    const char *refused_from; /* "": none */
    int64_t refused_ms;
    const char *lookalike; /* the name of another node of the overview, or NULL */
} node_row;

/* Where a row is, by the hash of its name. */
typedef struct {
    uint32_t hash;
    uint32_t position; /* in rows, plus one; 0: free */
} node_row_place;

typedef struct {
    node_row *rows; /* sorted by name after node_overview_read() */
    size_t count, capacity;
    node_row_place *index;
    size_t index_size;
    uint8_t hash_key[SH_SHORT_KEY_BYTES];
    sh_arena texts;
    store *store;
    bool has_redis; /* Redis answered; else away says why */
    sh_error away;
    sh_queue_depth depth;
    node_thresholds thresholds;
    int64_t now_ms;
} node_overview;

/*
 * The row of a node, added if `create`; NULL: there is none. Valid until the next one is added.
 * SH_E_MEMORY.
 */
sh_err node_row_of(node_overview *o, sh_slice name, bool create, node_row **ret, sh_error *error);

/* Copies a text for a row; *ret stays as it is without memory: SH_E_MEMORY. */
sh_err node_row_text(node_overview *o, sh_slice text, const char **ret, sh_error *error);

/* Sorts the rows by name; none may be added afterwards. */
void node_rows_sort(node_overview *o);

#endif
