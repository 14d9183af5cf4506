/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_STORE_BACKEND_H
#define RECEIVER_STORE_BACKEND_H

#include "receiver/store/backup_rows.h"
#include "receiver/store/node_summary.h"
#include "receiver/store/store.h"
#include "receiver/store/store_state.h"

/*
 * The functions of a backend. Each has the contract of the store_… function with its name; a
 * backend's struct begins with a `store`.
 */
struct store_ops {
    bool is_concurrent; /* see store_is_concurrent() */
    void (*close)(store *s);
    sh_err (*check)(store *s, sh_error *error);
    sh_err (*rules_note)(store *s, const uint8_t rules[static SH_DIGEST_BYTES], sh_error *error);
    sh_err (*meta_get)(store *s, const char *name, char ret[static STORE_META_BYTES],
                       sh_error *error);
    sh_err (*meta_set)(store *s, const char *name, const char *value, bool replace,
                       sh_error *error);
    /* The same inside a transaction; replaces the value. */
    sh_err (*meta_write)(store *s, const char *name, const char *value, sh_error *error);
    /* store_state.h: a transaction for reading, ended by rollback */
    sh_err (*state_read_begin)(store *s, sh_error *error);
    /* Waits for other transactions that change the list; NULL: begin excludes them. */
    sh_err (*state_lock)(store *s, store_state list, sh_error *error);
    /* Keeps them from changing the list until this transaction ends; NULL: as above. */
    sh_err (*state_hold)(store *s, store_state list, sh_error *error);
    /* Pass up to three columns of each row; find has a parameter. */
    sh_err (*state_each)(store *s, const char *sql, const store_state_reader *reader,
                         sh_error *error);
    sh_err (*state_find)(store *s, const char *sql, const char *key,
                         const store_state_reader *reader, sh_error *error);
    sh_err (*state_put)(store *s, const char *sql, const store_state_entry *entry, sh_error *error);
    const sh_column *(*columns)(const store *s, size_t *count);
    void (*advice)(const store *s, char ret[static STORE_ADVICE_BYTES]); /* NULL: none */
    store_pace (*pace)(const store *s);
    sh_err (*begin)(store *s, sh_error *error);
    sh_err (*commit)(store *s, sh_error *error);
    void (*rollback)(store *s);
    sh_err (*rest)(store *s, sh_error *error); /* NULL: nothing to do */
    sh_err (*savepoint)(store *s, sh_error *error);
    sh_err (*undo_to_mark)(store *s, sh_error *error);
    sh_err (*item_note)(store *s, const store_item *item, bool *seen, sh_error *error);
    sh_err (*item_unnote)(store *s, const uint8_t id[static SH_ID_BYTES], sh_error *error);
    sh_err (*tidy)(store *s, const store_limits *limits, bool *more, sh_error *error);
    sh_err (*find_known)(store *s, const sh_mac *const macs[], size_t count, bool known[],
                         sh_error *error);
    sh_err (*insert_devices)(store *s, store_insert inserts[], size_t count, const char *now,
                             sh_error *error);
    sh_err (*put_plugin_lines)(store *s, const store_plugin_lines *lines, int64_t *changed,
                               sh_error *error);
    sh_err (*node_record)(store *s, const store_node *node, sh_error *error);
    sh_err (*node_add)(store *s, const store_node *node, sh_error *error);
    sh_err (*node_lock)(store *s, const char *node, bool create, store_node *ret, sh_error *error);
    sh_err (*node_info_get)(store *s, const char *node, store_node_info *ret, bool *found,
                            sh_error *error);
    sh_err (*node_info_put)(store *s, const store_node_info *info, sh_error *error);
    sh_err (*node_infos_get)(store *s, const char *const nodes[], size_t count,
                             store_node_info ret[], bool found[], sh_error *error);
    sh_err (*node_infos_put)(store *s, const store_node_info *const infos[], size_t count,
                             sh_error *error);
    sh_err (*node_forget)(store *s, const char *node, bool *found, sh_error *error);
    sh_err (*node_strangers_trim)(store *s, int64_t max, sh_error *error);
    sh_err (*node_infos)(store *s, store_node_info_each each, void *context, sh_error *error);
    sh_err (*node_summaries)(store *s, int64_t count_max, store_node_summary_each each,
                             void *context, sh_error *error);
    sh_err (*present_counts)(store *s, const char *const nodes[], size_t count, int64_t ret[],
                             sh_error *error);
    sh_err (*auth_failure_add)(store *s, const store_auth_failure *failure, sh_error *error);
    sh_err (*auth_failures_trim)(store *s, int64_t max, sh_error *error);
    sh_err (*auth_failure_end)(store *s, const store_auth_failure *accepted, sh_error *error);
    sh_err (*auth_failures)(store *s, store_auth_failure_each each, void *context, sh_error *error);
    sh_err (*part_record)(store *s, const store_part *part, bool *whole, sh_error *error);
    sh_err (*part_keys)(store *s, const store_part *part, store_keys_each each, void *context,
                        bool *complete, sh_error *error);
    sh_err (*parts_end)(store *s, const store_part *part, sh_error *error);
    bool (*has_presence)(const store *s);
    sh_err (*presence_read)(store *s, const char *node, store_presence_each each, void *context,
                            sh_error *error);
    sh_err (*presence_put)(store *s, const char *node, const store_presence rows[], size_t count,
                           sh_error *error);
    sh_err (*presence_trim)(store *s, const char *node, int64_t count, sh_error *error);
    sh_err (*nodes)(store *s, store_node_each each, void *context, sh_error *error);
    sh_err (*devices)(store *s, const store_device_query *query, store_device_each each,
                      void *context, sh_error *error);
    sh_err (*clock)(store *s, int64_t *ret, sh_error *error); /* NULL: this host's */
    /* --- Backups (backup.h). Copies one state of the database into an empty file; NULL: cannot. */
    sh_err (*copy)(store *s, const char *to, sh_error *error);
    /* All columns of a table that a backup has of this database; none if there is no such table. */
    sh_err (*table_columns)(store *s, const char *table, backup_table *ret, sh_error *error);
    /* In a transaction. Passes the rows, in the order of insertion if the table has one. */
    sh_err (*rows_read)(store *s, const backup_table *table, const backup_reader *reader,
                        sh_error *error);
    /* In a transaction: deletes all rows of a table. */
    sh_err (*rows_clear)(store *s, const char *table, sh_error *error);
    /* In a transaction: begins, adds rows one by one, ends. After an error only rollback. */
    sh_err (*rows_begin)(store *s, const backup_table *table, sh_error *error);
    sh_err (*rows_add)(store *s, const backup_table *table, const backup_value values[],
                       sh_error *error);
    sh_err (*rows_end)(store *s, sh_error *error);
};

struct store {
    const struct store_ops *ops;
};

/* Whether SYNC_db is the URL of a PostgreSQL database; otherwise it is a path. */
bool store_is_postgres(const char *db);

/* Prepares this process for an SQLite file. */
sh_err store_sqlite_prepare(const char *path, sh_error *error);

/* Opens an SQLite file. */
sh_err store_sqlite_open(const char *path, store_access access, store **ret, sh_error *error);

/* Opens a database on a PostgreSQL server. */
sh_err store_postgres_open(const char *url, store_access access, store **ret, sh_error *error);

#endif
