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
 * The Devices database, with one interface for all kinds of databases. A store belongs to one
 * thread. Errors: SH_E_BUSY (locked by another program: retry the transaction), SH_E_IO (disk full,
 * damaged, read-only; the message has the file or server and the remedy), SH_E_NETWORK (the
 * database server is down), SH_E_CONFIG, SH_E_MEMORY. After any of them inside a transaction only
 * store_rollback() is allowed.
 */
typedef struct store store;

typedef enum {
    STORE_READ_ONLY,  /* must exist; safe beside a running receiver */
    STORE_READ_WRITE, /* created with its schema if it does not exist */
} store_access;

/*
 * Prepares this process for the database of SYNC_db; call it once, before the first thread.
 * SH_E_MEMORY.
 */
sh_err store_prepare(const char *db, sh_error *error);

/* Opens the database of SYNC_db. */
sh_err store_open(const char *db, store_access access, store **ret, sh_error *error);
void store_close(store *s); /* NULL is accepted; an open transaction is rolled back */

/*
 * Checks the database before use after a pause. SH_E_IO if it must be opened again: the open file
 * is no longer the one at its path, so that commits would be lost (store_commit() also checks
 * this), its tables were changed, for example by an update of NetAlertX, or an earlier state was
 * restored (store_begin() also checks this). SH_E_NETWORK if the server is down; after it returns,
 * it may be a different server.
 */
sh_err store_check(store *s, sh_error *error);

/*
 * Records a hash of the rules for skipping rows. If they have changed, deletes the digests of all
 * nodes: a merged table may contain rows that must be inserted now. Has its own transaction.
 */
sh_err store_rules_note(store *s, const uint8_t rules[static SH_DIGEST_BYTES], sh_error *error);

/* Reads a named value in SyncHub_Meta; "" if there is none. */
#define STORE_META_BYTES 65
#define STORE_META_RULES "rules"             /* of store_rules_note(), in hex */
#define STORE_META_DATABASE_ID "database_id" /* see merge/database_check.h */
sh_err store_meta_get(store *s, const char *name, char ret[static STORE_META_BYTES],
                      sh_error *error);
/* Sets it if there is none or replace is true. Has its own transaction. */
sh_err store_meta_set(store *s, const char *name, const char *value, bool replace, sh_error *error);

/* The clock of the database server, Unix time in ms; 0 if it is that of this host. */
sh_err store_clock(store *s, int64_t *ret, sh_error *error);

/* The columns of this database's Devices, for sh_device_row_read(). Borrowed from the store. */
const sh_column *store_columns(const store *s, size_t *count);

/*
 * Advice about the security of the connection, for the log; "" if there is none. Call it after each
 * store_open().
 */
#define STORE_ADVICE_BYTES 512
void store_advice(const store *s, char ret[static STORE_ADVICE_BYTES]);

#define STORE_ROWS_AT_ONCE 256 /* in one call, at most */

/* How long a transaction may take, so that other users of the database do not wait long. */
typedef struct {
    int64_t begin_ms; /* a transaction of this age starts no other entry */
    int64_t end_ms;   /* an entry is interrupted then, and continued in another transaction */
    size_t rows;      /* rows between two checks of the clock */
    bool pauses;      /* leave it unlocked after a transaction for as long as that took */
} store_pace;
store_pace store_pace_of(const store *s);

sh_err store_begin(store *s, sh_error *error);
sh_err store_commit(store *s, sh_error *error);
void store_rollback(store *s);

/*
 * Does maintenance while there is nothing to merge. Call it outside a transaction; a failure does
 * not affect committed data.
 */
sh_err store_rest(store *s, sh_error *error);

/* Sets a savepoint to which the work of one entry can be rolled back. */
sh_err store_savepoint(store *s, sh_error *error);
sh_err store_undo_to_mark(store *s, sh_error *error);

typedef struct {
    const char *node;
    uint8_t id[SH_ID_BYTES]; /* sh_item_key() */
    int64_t now_ms;
} store_item;

/* Records that the item is merged in this transaction; *seen: it was already merged. */
sh_err store_item_note(store *s, const store_item *item, bool *seen, sh_error *error);
/* Undoes that, as only a part of the item was merged in this transaction. */
sh_err store_item_unnote(store *s, const uint8_t id[static SH_ID_BYTES], sh_error *error);
/* Limits of Sync Hub's own records in the database. */
typedef struct {
    int64_t items_before_ms;      /* delete items and parts of tables recorded before; 0: none */
    int64_t nodes_before_ms;      /* delete nodes last merged before without any device; 0: none */
    int64_t items_max, parts_max; /* delete the oldest over these */
    int64_t nodes_max;            /* delete the oldest over this, nodes without devices first */
    int64_t node_items_max;       /* items of one node; delete its oldest over this */
    int64_t presence_max;         /* rows of presence; delete those absent longest over this */
} store_limits;

/*
 * Deletes records over these limits, a few thousand rows at a time, in its own transaction; *more:
 * call again.
 */
sh_err store_prune(store *s, const store_limits *limits, bool *more, sh_error *error);

/* Sets known[i] if a row with macs[i] exists. */
sh_err store_find_known(store *s, const sh_mac *const macs[], size_t count, bool known[],
                        sh_error *error);

typedef enum {
    STORE_INSERTED,
    STORE_KNOWN,    /* a row with its MAC existed, or was inserted earlier in this call */
    STORE_REJECTED, /* the database's constraints refuse it: see reason */
} store_outcome;

typedef struct {
    const sh_device_row *row;
    store_outcome outcome;
    char reason[200]; /* of STORE_REJECTED */
} store_insert;

/*
 * Inserts rows with new MACs and never changes existing rows; of several rows with one MAC the
 * first is inserted. In a NetAlertX database each inserted row gets a `New Device` event. now is
 * `YYYY-MM-DD HH:MM:SS`.
 */
sh_err store_insert_devices(store *s, store_insert inserts[], size_t count, const char *now,
                            sh_error *error);

/* Lines of a plugin's result; now is `YYYY-MM-DD HH:MM:SS`. */
typedef struct {
    const char *plugin, *node, *now;
    const sh_plugin_line *lines;
    size_t count;
} store_plugin_lines;

/*
 * Stores lines of a plugin's result: one row for each plugin, node, primary and secondary id. A
 * result that is not older replaces the watched values, extra, foreign key, help values and
 * dateTimeChanged. *changed is the number of rows inserted or replaced.
 */
sh_err store_put_plugin_lines(store *s, const store_plugin_lines *lines, int64_t *changed,
                              sh_error *error);

/* Identifies a device table. */
typedef struct {
    int64_t order; /* of its entry in the stream, see merge/table_order.h; 0: none */
    int64_t sealed_ms;
    uint8_t digest[SH_DIGEST_BYTES];
} store_table;

/* The record of a node's merges, for `synchub-receiver nodes`. */
typedef struct {
    char node[SH_NODE_NAME_MAX + 1];
    char mode[8];                      /* push or pull */
    int64_t merged_ms;                 /* last merge, Unix time */
    int64_t sent;                      /* rows of its last table */
    int64_t inserted;                  /* of all its tables */
    int64_t known, skipped, set_aside; /* of its last table */
    char reason[SH_DEAD_REASON_MAX];   /* why the first rows of its last table were rejected */
    bool has_digest;
    uint8_t digest[SH_DIGEST_BYTES]; /* of its last whole table */
    node_contact contact;            /* recorded with each merge */
    bool has_content_problem;        /* node_problem_is_content(); read only */
    store_table newest;              /* table of which a part was merged */
    int64_t changed_ms;              /* when a table last differed from the one before */
    /* The presence in its newest table, see presence_fingerprint(); 0: not recorded. */
    int64_t presence_fingerprint;
} store_node;

/*
 * What is known of a node apart from its merges. Times are Unix times in ms of this hub, 0: never.
 * store_node_info_columns lists the columns.
 */
typedef struct {
    char node[SH_NODE_NAME_MAX + 1];
    char mode[8]; /* of the last contact */
    node_contact contact;
    int64_t first_contact_ms;
    char agent[SH_AGENT_MAX + 1];
    char protocol[16]; /* native or netalertx */
    char instance[SH_INSTANCE_MAX + 1];
    /* The last problem, until a contact without one: since when, when it was last seen. */
    int64_t problem_ms, problem_seen_ms, problem_status;
    char problem_kind[SH_PROBLEM_KIND_MAX + 1], problem_text[SH_PROBLEM_TEXT_MAX + 1];
    int64_t conflict_ms; /* when several instances were last seen under this name */
    char conflict_text[SH_PROBLEM_TEXT_MAX + 1];
    /* Set by the operator. */
    char labels[SH_NODE_LABELS_BYTES_MAX + 1]; /* lines `key=value`, sorted */
    char note[SH_NODE_NOTE_MAX + 1];
    int64_t ephemeral, expected_ms;
} store_node_info;

/* Reads it, locked until the end of the transaction; *found is false without a record. */
sh_err store_node_info_get(store *s, const char *node, store_node_info *ret, bool *found,
                           sh_error *error);
/* Inserts or replaces it; the record of merges stays as it is. */
sh_err store_node_info_put(store *s, const store_node_info *info, sh_error *error);
/*
 * Deletes all that is recorded of a node but its devices. *found: there was a record. Call it in a
 * transaction.
 */
sh_err store_node_forget(store *s, const char *node, bool *found, sh_error *error);
/*
 * Deletes nodes that were never accepted and are not expected, over `max`: those seen longest ago.
 */
sh_err store_node_strangers_trim(store *s, int64_t max, sh_error *error);
typedef sh_err (*store_node_info_each)(void *context, const store_node_info *info, sh_error *error);
/* Passes all of them to each(), by name. Call it outside a transaction. */
sh_err store_node_infos(store *s, store_node_info_each each, void *context, sh_error *error);

/* ret[i] is the number of devices that are present at nodes[i]: 0 if presence is not stored. */
#define STORE_PRESENT_AT_ONCE 64 /* nodes in one call, at most */
sh_err store_present_counts(store *s, const char *const nodes[], size_t count, int64_t ret[],
                            sh_error *error);

/* Refused requests from one address that claimed one name without proving it. */
typedef struct {
    char address[SH_ADDRESS_MAX + 1];
    char node[SH_NODE_NAME_MAX + 1]; /* "": none, or several */
    int64_t first_ms, last_ms, failures;
    char reason[SH_PROBLEM_TEXT_MAX + 1];
} store_auth_failure;

/* Adds to the failures of this address and name. */
sh_err store_auth_failure_add(store *s, const store_auth_failure *failure, sh_error *error);
/* Deletes those over `max`, the oldest first; 0: all. */
sh_err store_auth_failures_trim(store *s, int64_t max, sh_error *error);
/* Deletes that of an address and name if it is from before a time: the node was accepted then. */
sh_err store_auth_failure_end(store *s, const store_auth_failure *accepted, sh_error *error);
typedef sh_err (*store_auth_failure_each)(void *context, const store_auth_failure *failure,
                                          sh_error *error);
/* Passes all of them to each(), the latest first. Call it outside a transaction. */
sh_err store_auth_failures(store *s, store_auth_failure_each each, void *context, sh_error *error);

/*
 * Reads a node's record and locks the record and its presence until the end of the transaction.
 * Without a record *ret is zeroed, and nothing is locked unless `create`. To avoid deadlocks, lock
 * several nodes in the order of their names.
 */
sh_err store_node_lock(store *s, const char *node, bool create, store_node *ret, sh_error *error);

/* Records a merge of a node's table: adds to inserted, replaces the other fields. */
sh_err store_node_record(store *s, const store_node *node, sh_error *error);

/* Records inserted rows of a table that is not completely merged yet. */
sh_err store_node_add(store *s, const store_node *node, sh_error *error);

/* One part of a table that was split. */
typedef struct {
    const store_node *of; /* counters of this part; digest of the whole table */
    uint32_t part, parts;
    sh_slice keys; /* keys of its devices, as bytes; NULL data: not known */
} store_part;

/*
 * Records a merge of a part and adds to inserted at once. When all parts of the same table (by its
 * digest) are recorded, sets *whole and replaces the other fields by the sums over the parts, so
 * that a digest is never recorded for an incomplete table. The parts are kept until
 * store_parts_end().
 */
sh_err store_part_record(store *s, const store_part *part, bool *whole, sh_error *error);

/*
 * Passes the keys of each part of a table to each(). *complete: the keys of all its parts are
 * known, which is false for parts stored by an older version and for tables over SH_ROWS_MAX.
 */
typedef sh_err (*store_keys_each)(void *context, sh_slice keys, sh_error *error);
sh_err store_part_keys(store *s, const store_part *part, store_keys_each each, void *context,
                       bool *complete, sh_error *error);

/* Deletes the parts of a complete table. */
sh_err store_parts_end(store *s, const store_part *part, sh_error *error);

/* Whether several connections can write at the same time, as with a server. */
bool store_is_concurrent(const store *s);

/* Whether this database stores presence; NetAlertX's own does not. */
bool store_has_presence(const store *s);

/* A device as seen by one node. Times are Unix times in ms by this hub's clock. */
typedef enum { STORE_ABSENT, STORE_PRESENT, STORE_NOT_KNOWN } store_present;
typedef struct {
    sh_slice mac; /* in the form of sh_mac, ASCII letters in lower case */
    store_present present;
    int64_t since_ms;
    int64_t first_seen_ms;
    int64_t connected_ms; /* last time it was present, if it is absent now; 0: not known */
    sh_slice ip;
} store_presence;

/* Passes all devices that a node has seen to each(), in no order. */
typedef sh_err (*store_presence_each)(void *context, const store_presence *row, sh_error *error);
sh_err store_presence_read(store *s, const char *node, store_presence_each each, void *context,
                           sh_error *error);

/* Inserts or replaces rows of a locked node; no device twice. */
sh_err store_presence_put(store *s, const char *node, const store_presence rows[], size_t count,
                          sh_error *error);

/* Deletes count devices of a node, those absent longest first. */
sh_err store_presence_trim(store *s, const char *node, int64_t count, sh_error *error);

typedef sh_err (*store_node_each)(void *context, const store_node *node, sh_error *error);
sh_err store_nodes(store *s, store_node_each each, void *context, sh_error *error);

typedef enum {
    STORE_SORT_NONE, /* in order of insertion */
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

/* A filter and an order; zeroed: all devices. */
typedef struct {
    const char *node;      /* NULL, or devices seen by this node, with their presence at it */
    const char *present;   /* NULL, "yes", "no" or "unknown" */
    int64_t first_seen_ms; /* first seen by this hub at this time or later; 0: any time */
    const char *search; /* NULL, or part of a name, address, …, ignoring ASCII case; or a MAC */
    const sh_mac *mac;  /* NULL, or only this device */
    store_sort sort;
    bool descending;
    int64_t limit; /* 0: none */
    int64_t after; /* rowid of the device behind which the list begins; 0: at its start */
    bool patient;  /* takes as long as it takes; otherwise 30 s until the next devices */
} store_device_query;

/* A device, valid during the call. */
typedef struct {
    int64_t rowid;
    const sh_column *columns;
    const sh_value *values; /* with their texts; NULL values have NULL data */
    size_t count;
    sh_slice present;                              /* `yes`, `no` or `unknown` */
    int64_t since_ms, first_seen_ms, connected_ms; /* 0: not known */
    sh_slice nodes;                                /* see store_node_view_next() */
} store_device;

/* Passes the devices of a query to each(). Call it outside a transaction. */
typedef sh_err (*store_device_each)(void *context, const store_device *device, sh_error *error);
sh_err store_devices(store *s, const store_device_query *query, store_device_each each,
                     void *context, sh_error *error);

/*
 * How many devices there are, and how many this hub first saw at one of two times or later (the
 * earlier comes first): 0 in a database without presence. Reads every device that was first seen
 * since.
 */
typedef struct {
    int64_t total, new_since[2];
} store_device_counts;
sh_err store_count_devices(store *s, const int64_t since_ms[static 2], store_device_counts *ret,
                           sh_error *error);

/* A device's presence at one node. */
typedef struct {
    sh_slice node, present, ip;
    int64_t since_ms, first_seen_ms, connected_ms;
} store_node_view;

/* Removes the first entry from store_device.nodes; false at the end. */
bool store_node_view_next(sh_slice *nodes, store_node_view *ret);

/* Name and version of each backend's library, for --version. */
sh_library_version store_sqlite_library;
sh_library_version store_postgres_library;

#endif
