/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_STORE_H
#define RECEIVER_STORE_H

#include "libcommon/base/error.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/text.h"
#include "libcommon/base/version.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/netalertx/mac.h"
#include "libcommon/netalertx/plugin_lines.h"
#include "receiver/store/device_row.h"
#include "receiver/store/node_contact.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The Devices database, behind one interface for every kind of database. A store belongs to one
 * thread. Errors: SH_E_BUSY (locked by someone else: try the transaction again), SH_E_IO (disk
 * full, broken, read-only; the message names the file or server and what to mend), SH_E_NETWORK (a
 * database server is away), SH_E_CONFIG, SH_E_MEMORY. After any of them inside a transaction only
 * store_rollback() is allowed.
 */
typedef struct store store;

typedef enum {
    STORE_READ_ONLY,  /* must exist; safe beside a running receiver */
    STORE_READ_WRITE, /* made, with its schema, where it does not exist */
} store_access;

/*
 * Prepares this process for the database that SYNC_db names: to be called once, before its first
 * thread. SH_E_MEMORY.
 */
sh_err store_prepare(const char *db, sh_error *error);

/* Opens what SYNC_db names. */
sh_err store_open(const char *db, store_access access, store **ret, sh_error *error);
void store_close(store *s); /* NULL is accepted; an open transaction is rolled back */

/*
 * SH_E_IO where it must be opened anew: the file that is open is no longer the one at its path, so
 * that what is committed to it is lost (store_commit() asks that by itself), its tables were
 * changed, as an update of NetAlertX does, or an earlier state was put back (store_begin() asks
 * that, too). SH_E_NETWORK where the server went away, and so may be
 * another one when it is back. To be asked before each use after a pause.
 */
sh_err store_check(store *s, sh_error *error);

/*
 * Notes the rules by which rows are passed over, as a hash. Where they are not those noted before,
 * the digests of all nodes are forgotten: a table that was merged may hold rows that are wanted
 * now. A transaction of its own.
 */
sh_err store_rules_note(store *s, const uint8_t rules[static SH_DIGEST_BYTES], sh_error *error);

/* What is kept under a name beside the tables; "" where nothing is. */
#define STORE_META_BYTES 65
sh_err store_meta_get(store *s, const char *name, char ret[static STORE_META_BYTES],
                      sh_error *error);
/* Keeps it, where nothing was kept or it is to be replaced. A transaction of its own. */
sh_err store_meta_set(store *s, const char *name, const char *value, bool replace, sh_error *error);

/* The columns of this database's Devices, for sh_device_row_read(). Borrowed from the store. */
const sh_column *store_columns(const store *s, size_t *count);

/*
 * What somebody should know of how this database is reached, for the log: "" where all is well. To
 * be asked after each store_open().
 */
#define STORE_ADVICE_BYTES 512
void store_advice(const store *s, char ret[static STORE_ADVICE_BYTES]);

#define STORE_ROWS_AT_ONCE 256 /* of one call, at most */

/* How long a transaction may take, so that nobody waits long for this database. */
typedef struct {
    int64_t begin_ms; /* no other entry is begun in a transaction that is so old */
    int64_t end_ms;   /* an entry is interrupted then, and goes on in another transaction */
    size_t rows;      /* between two looks at the clock */
    bool pauses; /* between two transactions it is left unlocked for as long as the first took */
} store_pace;
store_pace store_pace_of(const store *s);

sh_err store_begin(store *s, sh_error *error);
sh_err store_commit(store *s, sh_error *error);
void store_rollback(store *s);

/*
 * Does what is better done while there is nothing to merge. Outside a transaction; what was
 * committed is so whatever comes of it.
 */
sh_err store_rest(store *s, sh_error *error);

/* A mark inside the transaction to which one entry's work can be undone. */
sh_err store_mark(store *s, sh_error *error);
sh_err store_undo_to_mark(store *s, sh_error *error);

typedef struct {
    const char *node;
    uint8_t id[SH_ID_BYTES]; /* sh_item_key() */
    int64_t now_ms;
} store_item;

/* Records that the item is merged in this transaction; *seen: it was merged before. */
sh_err store_item_note(store *s, const store_item *item, bool *seen, sh_error *error);
/* Takes that back: in this transaction only a piece of the item was merged. */
sh_err store_item_unnote(store *s, const uint8_t id[static SH_ID_BYTES], sh_error *error);
/* What the database may keep beside devices and results. */
typedef struct {
    int64_t items_before_ms; /* items and parts of tables noted before are forgotten; 0: none */
    int64_t
        nodes_before_ms; /* so are nodes last merged before that never brought a device; 0: none */
    int64_t items_max, parts_max, nodes_max; /* over them the oldest go; of nodes, those that never
                                                brought a device first */
    int64_t node_items_max;                  /* items of one node; over them its oldest go */
    int64_t presence_max;                    /* over it those absent for the longest go */
} store_limits;

/*
 * Forgets what is over these limits, a few thousand rows at a time, in a transaction of its own;
 * *more: call again.
 */
sh_err store_tidy(store *s, const store_limits *limits, bool *more, sh_error *error);

/* known[i]: a row with macs[i] is there. */
sh_err store_find_known(store *s, const sh_mac *const macs[], size_t count, bool known[],
                        sh_error *error);

typedef enum {
    STORE_INSERTED,
    STORE_KNOWN,    /* a row with its MAC was there, or came earlier in this call */
    STORE_REJECTED, /* the database's own rules refuse it: see reason */
} store_outcome;

typedef struct {
    const sh_device_row *row;
    store_outcome outcome;
    char reason[200]; /* of STORE_REJECTED */
} store_insert;

/*
 * Inserts rows whose MAC is not there, never changing one that is; of rows with one MAC the first
 * is taken. In a NetAlertX database each inserted row gets its `New Device` event. now is
 * `YYYY-MM-DD HH:MM:SS`.
 */
sh_err store_insert_devices(store *s, store_insert inserts[], size_t count, const char *now,
                            sh_error *error);

/*
 * Puts lines of a plugin's result: one row per plugin, node, primary and secondary id; a result
 * that is not older replaces the watched values, extra, foreign key, help values and
 * dateTimeChanged. *changed counts rows inserted or replaced.
 */
sh_err store_put_plugin_lines(store *s, const char *plugin, const char *node,
                              const sh_plugin_line lines[], size_t count, const char *now,
                              int64_t *changed, sh_error *error);

/* A device table, or the newest one of a node. */
typedef struct {
    int64_t order; /* of its entry in the stream, see merge/table_order.h; 0: none */
    int64_t sealed_ms;
    uint8_t digest[SH_DIGEST_BYTES];
} store_table;

/* What `synchub-receiver nodes` shows of a node, from its merges. */
typedef struct {
    char node[SH_NODE_NAME_MAX + 1];
    char mode[8];                      /* push or pull */
    int64_t merged_ms;                 /* last merge, Unix time */
    int64_t sent;                      /* rows of its last table */
    int64_t inserted;                  /* of them all, ever */
    int64_t known, skipped, set_aside; /* of its last table */
    char reason[SH_DEAD_REASON_MAX];   /* why the first of its last table were set aside */
    bool has_digest;
    uint8_t digest[SH_DIGEST_BYTES]; /* of its last whole table */
    node_contact contact;            /* recorded with each merge */
    store_table newest;              /* table of which a part was merged */
} store_node;

/*
 * Reads what is recorded of a node, and keeps others from changing it and its presence until the
 * end of the transaction; *ret is zeroed where nothing is, which is no lock either unless `create`.
 * To avoid deadlocks, lock several nodes in the order of their names.
 */
sh_err store_node_lock(store *s, const char *node, bool create, store_node *ret, sh_error *error);

/* Records contacts without tables, of nodes that are locked. */
sh_err store_node_contact(store *s, const char *node, const node_contact *contact, sh_error *error);

/* Records a merge of a node's table: inserted is added up, all else replaced. */
sh_err store_node_record(store *s, const store_node *node, sh_error *error);

/* Records that rows of a node's table were inserted, which is not merged to its end yet. */
sh_err store_node_add(store *s, const store_node *node, sh_error *error);

/* One part of a table that was cut. */
typedef struct {
    const store_node *of; /* counters of this part; digest of the whole table */
    uint32_t part, parts;
    sh_slice keys; /* of its devices, as bytes; no data: not known */
} store_part;

/*
 * Records a merge of a part: inserted is added up at once. Once all parts of this very table (its
 * digest) were recorded, *whole is true and all else is replaced by the sum of them; a digest
 * therefore never stands for a table of which a part is missing. The parts are kept until
 * store_parts_end().
 */
sh_err store_part_record(store *s, const store_part *part, bool *whole, sh_error *error);

/*
 * Gives the keys of each part of a table. *complete: those of all its parts are known, which is not
 * so for parts of an older version and for tables over SH_ROWS_MAX.
 */
typedef sh_err (*store_keys_each)(void *context, sh_slice keys, sh_error *error);
sh_err store_part_keys(store *s, const store_part *part, store_keys_each each, void *context,
                       bool *complete, sh_error *error);

/* Removes the parts of a table that is whole. */
sh_err store_parts_end(store *s, const store_part *part, sh_error *error);

/* Whether this database keeps presence; NetAlertX's own does not. */
bool store_has_presence(const store *s);

/* A device as one node sees it. Times are Unix time of this hub. */
typedef enum { STORE_ABSENT, STORE_PRESENT, STORE_NOT_KNOWN } store_present;
typedef struct {
    sh_slice mac; /* as sh_mac has it, ASCII letters in lower case */
    store_present present;
    int64_t since_ms;
    int64_t first_seen_ms;
    int64_t connected_ms; /* when it was last present, as far as it is not now; 0: not known */
    sh_slice ip;
} store_presence;

/* Gives all devices that a node has seen, in no order. */
typedef sh_err (*store_presence_each)(void *context, const store_presence *row, sh_error *error);
sh_err store_presence_read(store *s, const char *node, store_presence_each each, void *context,
                           sh_error *error);

/* Inserts or replaces rows of a node that is locked; each device once. */
sh_err store_presence_put(store *s, const char *node, const store_presence rows[], size_t count,
                          sh_error *error);

/* Removes so many devices of a node, those that have been absent for the longest. */
sh_err store_presence_trim(store *s, const char *node, int64_t count, sh_error *error);

typedef sh_err (*store_node_each)(void *context, const store_node *node, sh_error *error);
sh_err store_nodes(store *s, store_node_each each, void *context, sh_error *error);

typedef enum {
    STORE_SORT_NONE, /* in the order in which they were inserted */
    STORE_SORT_MAC,
    STORE_SORT_NAME,
    STORE_SORT_IP,
    STORE_SORT_VENDOR,
    STORE_SORT_NODE,
    STORE_SORT_PRESENT,
    STORE_SORT_SINCE,
    STORE_SORT_FIRST_SEEN,
    STORE_SORT_LAST_SEEN,
} store_sort;

/* Which devices, and in which order; zeroed: all. */
typedef struct {
    const char *node;    /* NULL, or the node that sees them: presence is that at this node, then */
    const char *present; /* NULL, "yes", "no" or "unknown" */
    int64_t first_seen_ms; /* by this hub, then or later; 0: any time */
    const char *search; /* NULL, or part of a name, address, …, ignoring ASCII case; or a MAC */
    const sh_mac *mac;  /* NULL, or this device alone */
    store_sort sort;
    bool descending;
    int64_t limit; /* 0: none */
} store_device_query;

/* A device, valid during the call. */
typedef struct {
    int64_t rowid;
    const sh_column *columns;
    const sh_value *values; /* with their text; NULL values have NULL data */
    size_t count;
    sh_slice present;                              /* `yes`, `no` or `unknown` */
    int64_t since_ms, first_seen_ms, connected_ms; /* 0: not known */
    sh_slice nodes;                                /* that see it: see store_node_view_next() */
} store_device;

/* Gives the devices of a query. Outside a transaction. */
typedef sh_err (*store_device_each)(void *context, const store_device *device, sh_error *error);
sh_err store_devices(store *s, const store_device_query *query, store_device_each each,
                     void *context, sh_error *error);

/* How one node sees a device. */
typedef struct {
    sh_slice node, present, ip;
    int64_t since_ms;
} store_node_view;

/* Takes the first one from store_device.nodes; false at its end. */
bool store_node_view_next(sh_slice *nodes, store_node_view *ret);

/* Name and version of each backend's library, for --version. */
sh_library_version store_sqlite_library;
sh_library_version store_postgres_library;

#endif
