/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_SQLITE_STORE_H
#define RECEIVER_SQLITE_STORE_H

#include "receiver/store/known_macs.h"
#include "receiver/store/store_backend.h"
#include "receiver/store/store_common.h"

#include <sqlite3.h>

/* Shared by the files of the SQLite backend. No other file uses SQLite. */

/* Statements that are prepared at their first use and kept. */
enum {
    STATEMENT_SCHEMA_VERSION,
    STATEMENT_DATA_VERSION,
    STATEMENT_GENERATION,
    STATEMENT_GENERATION_NEXT,
    STATEMENT_FIND_KNOWN,
    STATEMENT_INSERT_DEVICE,
    STATEMENT_INSERT_EVENT,
    STATEMENT_ROW_MARK,
    STATEMENT_ROW_UNDO,
    STATEMENT_ROW_DONE,
    STATEMENT_ITEM_NOTE,
    STATEMENT_ITEM_UNNOTE,
    STATEMENT_NODE_RECORD,
    STATEMENT_NODE_ADD,
    STATEMENT_NODE_LOCK,
    STATEMENT_NODE_INFO_GET,
    STATEMENT_NODE_INFO_PUT,
    STATEMENT_PART_NOTE,
    STATEMENT_PARTS_SUM,
    STATEMENT_PARTS_KEYS,
    STATEMENT_PARTS_END,
    STATEMENT_PARTS_TRIM,
    STATEMENT_PRESENCE_READ,
    STATEMENT_PRESENCE_PUT,
    STATEMENT_PRESENCE_TRIM,
    STATEMENT_RESULT_FIND,
    STATEMENT_RESULT_FIND_ROW,
    STATEMENT_RESULT_ROWS,
    STATEMENT_RESULT_INSERT,
    STATEMENT_RESULT_UPDATE,
    STATEMENTS
};

#define SQLITE_BUSY_TIMEOUT_MS 5000

typedef struct sqlite_result_rows sqlite_result_rows;

typedef struct {
    store base;
    sqlite3 *db;
    char *path;
    bool has_savepoint; /* a savepoint is open */
    int wal_pages;      /* pages in the write-ahead log that may not be in the file yet */

    /* Properties of this database's tables, determined when it is opened. */
    int64_t schema_version; /* PRAGMA schema_version: changes with every change of a table */
    sh_column columns[SH_COLUMNS_MAX];
    size_t column_count;
    bool mac_ignores_case; /* devMac's collation is NOCASE */
    bool mac_unique;       /* devMac is unique by itself, so ON CONFLICT(devMac) is valid */
    bool mac_unique_case;  /* … and case-insensitively */
    bool has_events, has_nodes;
    bool is_shared; /* with NetAlertX, which waits for its lock */
    const char *result_table;
    bool result_has[RESULT_COLUMNS];
    bool result_indexed;      /* an index finds the row of a result */
    sqlite_result_rows *rows; /* without an index; for this transaction */

    /*
     * MACs in Devices as of data_version (PRAGMA data_version, which changes with every change of
     * another connection). Valid only inside a transaction, and not if triggers may delete rows. If
     * it is complete, other MACs count as new, and the insert decides.
     */
    known_macs known;
    int64_t data_version;
    int64_t generation;      /* highest one seen, see store_check(); 0: none yet */
    int64_t checked_version; /* data_version at the last check outside a transaction */
    int64_t known_loaded_ms; /* monotonic */
    bool known_has_all, trusts_known, has_triggers;
    bool has_inserted; /* the transaction has inserted devices */

    sqlite3_stmt *statements[STATEMENTS];
    sqlite3_stmt *row_insert;       /* of store_sqlite_rows_begin() */
    sh_value bound[SH_COLUMNS_MAX]; /* bound parameters of STATEMENT_INSERT_DEVICE */
} store_sqlite;

/* sqlite_store.c: a store that is not open yet; NULL without memory. */
store_sqlite *store_sqlite_new(const char *path, sh_error *error);

/* sqlite_call.c */

/*
 * Converts an SQLite result code to an error with the remedy; doing is a phrase such as "write to".
 */
sh_err store_sqlite_fail(const store_sqlite *s, int rc, const char *doing, sh_error *error);

sh_err store_sqlite_exec(store_sqlite *s, const char *sql, const char *doing, sh_error *error);

/* Prepares sql, or returns the statement prepared earlier for `which`. Borrowed from the store. */
sh_err store_sqlite_statement(store_sqlite *s, int which, const char *sql, sqlite3_stmt **ret,
                              sh_error *error);

/* Runs a statement without rows and resets it; returns SQLite's code. */
int store_sqlite_run(sqlite3_stmt *statement);

/* Binds a text, which must be valid until the next run has ended. */
int store_sqlite_bind_text(sqlite3_stmt *statement, int index, sh_slice text);

/* For SH_CLEANUP. */
void store_sqlite_finalize(sqlite3_stmt **statement);

/* A text column of the current row, truncated to ret_bytes; "" for NULL. */
void store_sqlite_text(sqlite3_stmt *statement, int column, char *ret, size_t ret_bytes);

/* sqlite_transaction.c */

/* Adds a MAC that exists to the cache, tentatively until the commit. */
void store_sqlite_known_add(store_sqlite *s, const sh_mac *mac);
sh_err store_sqlite_check(store *base, sh_error *error);
sh_err store_sqlite_begin(store *base, sh_error *error);
sh_err store_sqlite_commit(store *base, sh_error *error);
void store_sqlite_rollback(store *base);
sh_err store_sqlite_rest(store *base, sh_error *error);
sh_err store_sqlite_savepoint(store *base, sh_error *error);
sh_err store_sqlite_undo_to_mark(store *base, sh_error *error);
/* For sqlite3_wal_hook(). */
int store_sqlite_on_commit(void *context, sqlite3 *db, const char *name, int pages);

/* sqlite_nodes.c */
sh_err store_sqlite_item_note(store *base, const store_item *item, bool *seen, sh_error *error);
sh_err store_sqlite_item_unnote(store *base, const uint8_t id[static SH_ID_BYTES], sh_error *error);
sh_err store_sqlite_node_record(store *base, const store_node *node, sh_error *error);
sh_err store_sqlite_node_add(store *base, const store_node *node, sh_error *error);
sh_err store_sqlite_node_lock(store *base, const char *node, bool create, store_node *ret,
                              sh_error *error);
sh_err store_sqlite_nodes(store *base, store_node_each each, void *context, sh_error *error);

/* sqlite_node_info.c */
sh_err store_sqlite_node_info_get(store *base, const char *node, store_node_info *ret, bool *found,
                                  sh_error *error);
sh_err store_sqlite_node_info_put(store *base, const store_node_info *info, sh_error *error);
sh_err store_sqlite_node_infos_get(store *base, const char *const nodes[], size_t count,
                                   store_node_info ret[], bool found[], sh_error *error);
sh_err store_sqlite_node_infos_put(store *base, const store_node_info *const infos[], size_t count,
                                   sh_error *error);
sh_err store_sqlite_node_forget(store *base, const char *node, bool *found, sh_error *error);
sh_err store_sqlite_node_strangers_trim(store *base, int64_t max, sh_error *error);
sh_err store_sqlite_node_infos(store *base, store_node_info_each each, void *context,
                               sh_error *error);
sh_err store_sqlite_node_summaries(store *base, int64_t count_max, store_node_summary_each each,
                                   void *context, sh_error *error);
sh_err store_sqlite_present_counts(store *base, const char *const nodes[], size_t count,
                                   int64_t ret[], sh_error *error);
sh_err store_sqlite_auth_failure_add(store *base, const store_auth_failure *failure,
                                     sh_error *error);
sh_err store_sqlite_auth_failures_trim(store *base, int64_t max, sh_error *error);
sh_err store_sqlite_auth_failure_end(store *base, const store_auth_failure *accepted,
                                     sh_error *error);
sh_err store_sqlite_auth_failures(store *base, store_auth_failure_each each, void *context,
                                  sh_error *error);

/* sqlite_schema.c: creates or upgrades Sync Hub's tables; safe if several receivers do so. */
sh_err store_sqlite_schema_make(store_sqlite *s, sh_error *error);
/* False if it cannot be read now. */
bool store_sqlite_schema_version(store_sqlite *s, int64_t *ret);
/* Determines the properties of the tables. */
sh_err store_sqlite_schema_read(store_sqlite *s, sh_error *error);

/* sqlite_meta.c */

/* SH_E_IO if the database has an earlier generation than before; otherwise records it. */
sh_err store_sqlite_generation_check(store_sqlite *s, sh_error *error);
/* Increments the generation in the open transaction. */
sh_err store_sqlite_generation_next(store_sqlite *s, sh_error *error);
sh_err store_sqlite_rules_note(store *base, const uint8_t rules[static SH_DIGEST_BYTES],
                               sh_error *error);
sh_err store_sqlite_meta_get(store *base, const char *name, char ret[static STORE_META_BYTES],
                             sh_error *error);
sh_err store_sqlite_meta_set(store *base, const char *name, const char *value, bool replace,
                             sh_error *error);
sh_err store_sqlite_meta_write(store *base, const char *name, const char *value, sh_error *error);

/* sqlite_state.c */
sh_err store_sqlite_state_read_begin(store *base, sh_error *error);
sh_err store_sqlite_state_each(store *base, const char *sql, const store_state_reader *reader,
                               sh_error *error);
sh_err store_sqlite_state_find(store *base, const char *sql, const char *key,
                               const store_state_reader *reader, sh_error *error);
sh_err store_sqlite_state_put(store *base, const char *sql, const store_state_entry *entry,
                              sh_error *error);

/* sqlite_backup_rows.c */
sh_err store_sqlite_table_columns(store *base, const char *table, backup_table *ret,
                                  sh_error *error);
sh_err store_sqlite_rows_read(store *base, const backup_table *table, const backup_reader *reader,
                              sh_error *error);
sh_err store_sqlite_rows_clear(store *base, const char *table, sh_error *error);
sh_err store_sqlite_rows_begin(store *base, const backup_table *table, sh_error *error);
sh_err store_sqlite_rows_add(store *base, const backup_table *table, const backup_value values[],
                             sh_error *error);
sh_err store_sqlite_rows_end(store *base, sh_error *error);

/* sqlite_columns.c: reads the columns of Devices. */
sh_err store_sqlite_columns_read(store_sqlite *s, sh_error *error);

/* sqlite_devices.c */
sh_err store_sqlite_find_known(store *base, const sh_mac *const macs[], size_t count, bool known[],
                               sh_error *error);
sh_err store_sqlite_insert_devices(store *base, store_insert inserts[], size_t count,
                                   const char *now, sh_error *error);
sh_err store_sqlite_devices(store *base, const store_device_query *query, store_device_each each,
                            void *context, sh_error *error);

/* sqlite_table_parts.c */
sh_err store_sqlite_part_record(store *base, const store_part *part, bool *whole, sh_error *error);
sh_err store_sqlite_part_keys(store *base, const store_part *part, store_keys_each each,
                              void *context, bool *complete, sh_error *error);
sh_err store_sqlite_parts_end(store *base, const store_part *part, sh_error *error);

/* sqlite_presence.c */
sh_err store_sqlite_presence_read(store *base, const char *node, store_presence_each each,
                                  void *context, sh_error *error);
sh_err store_sqlite_presence_put(store *base, const char *node, const store_presence rows[],
                                 size_t count, sh_error *error);
sh_err store_sqlite_presence_trim(store *base, const char *node, int64_t count, sh_error *error);

/* sqlite_prune.c */
sh_err store_sqlite_prune(store *base, const store_limits *limits, bool *more, sh_error *error);

/* sqlite_result_rows.c: the rows of one plugin and node, of a table without an index */

/* Reads them, unless this transaction has. SH_E_MEMORY and the store's. */
sh_err store_sqlite_result_rows_read(store_sqlite *s, const char *plugin, const char *node,
                                     sh_error *error);
/* The row with these ids; false if there is none. */
bool store_sqlite_result_rows_find(const store_sqlite *s, sh_slice primary, sh_slice secondary,
                                   int64_t *rowid);
/* Adds an inserted row. */
sh_err store_sqlite_result_rows_add(store_sqlite *s, sh_slice primary, sh_slice secondary,
                                    int64_t rowid, sh_error *error);
void store_sqlite_result_rows_forget(store_sqlite *s); /* at the end of a transaction */

/* sqlite_results.c */
sh_err store_sqlite_put_plugin_lines(store *base, const store_plugin_lines *lines, int64_t *changed,
                                     sh_error *error);

#endif
