/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_POSTGRES_STORE_H
#define RECEIVER_POSTGRES_STORE_H

#include "receiver/store/known_macs.h"
#include "receiver/store/number_text.h"
#include "receiver/store/store_backend.h"
#include "receiver/store/store_common.h"

#include <libpq-fe.h>

/*
 * Shared by the files of the PostgreSQL backend. No other file uses libpq. Tables and columns have
 * the names of the SQLite schema, quoted, as tools and the JSON export use these.
 */

/* Statements that are prepared once for each connection. */
typedef enum {
    POSTGRES_BEGUN,
    POSTGRES_FIND_NEW,
    POSTGRES_INSERT_DEVICE,
    POSTGRES_INSERT_DEVICES,
    POSTGRES_PUT_RESULT,
    POSTGRES_ITEM_NOTE,
    POSTGRES_ITEM_UNNOTE,
    POSTGRES_NODE_RECORD,
    POSTGRES_NODE_ADD,
    POSTGRES_NODE_LOCK,
    POSTGRES_NODE_INFO_GET,
    POSTGRES_NODE_INFO_PUT,
    POSTGRES_PRESENCE_READ,
    POSTGRES_PRESENCE_PUT,
    POSTGRES_STATEMENTS
} postgres_statement;

/* As current_setting() shows them. */
#define POSTGRES_STATEMENT_TIMEOUT "30s"
#define POSTGRES_IDLE_TIMEOUT "1min" /* in a transaction */

#define POSTGRES_PARAMETERS_MAX 64 /* of a statement */

typedef struct {
    store base;
    PGconn *conn;
    char place[320];         /* `host:port/database`, for messages */
    bool read_only;          /* opened STORE_READ_ONLY */
    bool lost;               /* this connection is unusable … */
    char why[300];           /* … for this reason */
    bool in_transaction;     /* unless the connection is lost */
    bool has_savepoint;      /* a savepoint is open */
    bool counts_generations; /* its tables exist */
    int64_t generation;      /* highest one seen, see store_check(); 0: none yet */
    int64_t asked_ms;        /* last check of the connection, monotonic */
    int64_t reply_ms;        /* time limit for a reply; 0: the default */
    int64_t stop_ms;         /* when a stop of the program was first noticed; 0: never */
    known_macs known;        /* MACs in Devices as of known_version … */
    char known_version[160]; /* see postgres_known_macs.c; "": none */
    bool trusts_known;       /* … which is that of the open transaction */
    sh_column columns[SH_COLUMNS_MAX];
    size_t column_count;
    struct {
        int count; /* columns */
        Oid types[POSTGRES_PARAMETERS_MAX];
        sh_buf copy; /* the statement */
        sh_buf data; /* rows that are not sent yet */
        bool is_copying;
        size_t bytes; /* of rows in this statement */
    } rows;           /* of store_postgres_rows_begin() */
} store_postgres;

/* postgres_connect.c */

/* Connects to url, trying its hosts one after the other. SH_E_NETWORK, SH_E_CONFIG. */
sh_err store_postgres_connect(store_postgres *s, const char *url, sh_error *error);

/* Advice if the connection is not protected against eavesdropping or a man in the middle. */
void store_postgres_transport_advice(const store_postgres *s, char ret[static STORE_ADVICE_BYTES]);
/* The same for a connection to a host and address, which may be NULL, with this sslmode. */
void store_postgres_transport_message(const char *host, const char *address, const char *sslmode,
                                      bool encrypted, char ret[static STORE_ADVICE_BYTES]);

/* postgres_call.c: requests and their results, always with a time limit */

/* The parameters of a statement in PostgreSQL's binary format; texts are borrowed. */
typedef struct {
    int count;
    const char *values[POSTGRES_PARAMETERS_MAX];
    int lengths[POSTGRES_PARAMETERS_MAX];
    int formats[POSTGRES_PARAMETERS_MAX];
    char integers[POSTGRES_PARAMETERS_MAX][NUMBER_TEXT_BYTES];
} postgres_parameters;

void store_postgres_add_text(postgres_parameters *p, sh_slice text);
void store_postgres_add_bytes(postgres_parameters *p, const uint8_t *bytes, size_t len);
void store_postgres_add_integer(postgres_parameters *p, int64_t number);
void store_postgres_add_integer_text(postgres_parameters *p, int64_t number); /* as text */
void store_postgres_add_null(postgres_parameters *p);

/* Types of parameters: fixed OIDs from PostgreSQL's catalog (pg_type.dat). */
#define POSTGRES_TYPE_BYTEA 17
#define POSTGRES_TYPE_BIGINT 20
#define POSTGRES_TYPE_TEXT 25
#define POSTGRES_TYPE_TEXT_ARRAY 1009
#define POSTGRES_TYPE_BIGINT_ARRAY 1016

sh_err store_postgres_prepare(store_postgres *s, postgres_statement which, const char *sql,
                              const Oid types[], int count, sh_error *error);

/* Runs a prepared statement; ret may be NULL; the caller frees *ret with PQclear(). */
sh_err store_postgres_run(store_postgres *s, postgres_statement which, const postgres_parameters *p,
                          const char *doing, PGresult **ret, sh_error *error);

/* Runs SQL without parameters; *ret is the result of the last command. */
sh_err store_postgres_exec(store_postgres *s, const char *sql, const char *doing, PGresult **ret,
                           sh_error *error);
/* Runs SQL with parameters, which must be cast unless they are text: `$1::bigint`. */
sh_err store_postgres_query(store_postgres *s, const char *sql, const postgres_parameters *p,
                            const char *doing, PGresult **ret, sh_error *error);

/*
 * A pipeline: begin, send any number of statements, end_sending, then read as many results in
 * order, end. After a failed statement the server skips the rest of the pipeline, whose results
 * have the status PGRES_PIPELINE_ABORTED.
 */
sh_err store_postgres_pipeline_begin(store_postgres *s, sh_error *error);
sh_err store_postgres_pipeline_send(store_postgres *s, postgres_statement which,
                                    const postgres_parameters *p, sh_error *error);
sh_err store_postgres_pipeline_send_sql(store_postgres *s, const char *sql, sh_error *error);
sh_err store_postgres_pipeline_end_sending(store_postgres *s, sh_error *error);
/* The next statement's result, good or bad; the only error is SH_E_NETWORK. */
sh_err store_postgres_pipeline_next(store_postgres *s, PGresult **ret, sh_error *error);
sh_err store_postgres_pipeline_end(store_postgres *s, sh_error *error);

/* Waits for the next result; NULL after the last one. SH_E_NETWORK. */
sh_err store_postgres_next_result(store_postgres *s, PGresult **ret, sh_error *error);

/*
 * COPY … FROM STDIN: begin, data any number of times, end. An error of the server is reported by
 * end at the latest, whatever is sent after it.
 */
sh_err store_postgres_copy_begin(store_postgres *s, const char *sql, sh_error *error);
sh_err store_postgres_copy_data(store_postgres *s, sh_slice data, sh_error *error);
sh_err store_postgres_copy_end(store_postgres *s, sh_error *error);

/* For SH_CLEANUP. */
void store_postgres_clear(PGresult **result);

/* Waits until the socket is ready or until end_ms (monotonic); shorter if the program must stop. */
bool store_postgres_wait(store_postgres *s, PGconn *conn, short events, int64_t end_ms);

/* Whether a result is a success. */
bool store_postgres_is_good(const PGresult *result);
/* Whether a result is an error of a single row. */
bool store_postgres_is_of_row(const PGresult *result);
/* The message of such a result, without any value. */
void store_postgres_row_reason(const PGresult *result, char *ret, size_t ret_bytes);
/* Converts a bad result to an error; doing is a phrase such as "write to". */
sh_err store_postgres_fail(store_postgres *s, const PGresult *result, const char *doing,
                           sh_error *error);
/* Marks the connection as unusable. why is one line without a full stop. */
sh_err store_postgres_lose(store_postgres *s, const char *why, sh_error *error);
/* The first line of libpq's message about a connection. */
void store_postgres_message(const PGconn *conn, char *ret, size_t ret_bytes);

/* postgres_transaction.c */
sh_err store_postgres_check(store *base, sh_error *error);
sh_err store_postgres_begin(store *base, sh_error *error);
sh_err store_postgres_commit(store *base, sh_error *error);
void store_postgres_rollback(store *base);
sh_err store_postgres_savepoint(store *base, sh_error *error);
sh_err store_postgres_undo_to_mark(store *base, sh_error *error);

/* postgres_meta.c */
sh_err store_postgres_rules_note(store *base, const uint8_t rules[static SH_DIGEST_BYTES],
                                 sh_error *error);
sh_err store_postgres_meta_get(store *base, const char *name, char ret[static STORE_META_BYTES],
                               sh_error *error);
sh_err store_postgres_meta_set(store *base, const char *name, const char *value, bool replace,
                               sh_error *error);
sh_err store_postgres_meta_write(store *base, const char *name, const char *value, sh_error *error);

sh_err store_postgres_clock(store *base, int64_t *ret, sh_error *error);

/* postgres_state.c */
sh_err store_postgres_state_read_begin(store *base, sh_error *error);
sh_err store_postgres_state_lock(store *base, store_state list, sh_error *error);
sh_err store_postgres_state_hold(store *base, store_state list, sh_error *error);
sh_err store_postgres_state_each(store *base, const char *sql, const store_state_reader *reader,
                                 sh_error *error);
sh_err store_postgres_state_find(store *base, const char *sql, const char *key,
                                 const store_state_reader *reader, sh_error *error);
sh_err store_postgres_state_put(store *base, const char *sql, const store_state_entry *entry,
                                sh_error *error);

/* postgres_nodes.c */
sh_err store_postgres_nodes_prepare(store_postgres *s, sh_error *error);
sh_err store_postgres_item_note(store *base, const store_item *item, bool *seen, sh_error *error);
sh_err store_postgres_item_unnote(store *base, const uint8_t id[static SH_ID_BYTES],
                                  sh_error *error);
sh_err store_postgres_node_record(store *base, const store_node *node, sh_error *error);
sh_err store_postgres_node_add(store *base, const store_node *node, sh_error *error);
sh_err store_postgres_node_lock(store *base, const char *node, bool create, store_node *ret,
                                sh_error *error);
sh_err store_postgres_nodes(store *base, store_node_each each, void *context, sh_error *error);

/* postgres_node_info.c */
sh_err store_postgres_node_info_get(store *base, const char *node, store_node_info *ret,
                                    bool *found, sh_error *error);
sh_err store_postgres_node_info_put(store *base, const store_node_info *info, sh_error *error);
sh_err store_postgres_node_infos_prepare(store_postgres *s, sh_error *error);
sh_err store_postgres_node_infos_get(store *base, const char *const nodes[], size_t count,
                                     store_node_info ret[], bool found[], sh_error *error);
sh_err store_postgres_node_infos_put(store *base, const store_node_info *const infos[],
                                     size_t count, sh_error *error);
sh_err store_postgres_node_forget(store *base, const char *node, bool *found, sh_error *error);
sh_err store_postgres_node_strangers_trim(store *base, int64_t max, sh_error *error);
sh_err store_postgres_node_infos(store *base, store_node_info_each each, void *context,
                                 sh_error *error);
sh_err store_postgres_node_summaries(store *base, int64_t count_max, store_node_summary_each each,
                                     void *context, sh_error *error);
sh_err store_postgres_present_counts(store *base, const char *const nodes[], size_t count,
                                     int64_t ret[], sh_error *error);
sh_err store_postgres_auth_failure_add(store *base, const store_auth_failure *failure,
                                       sh_error *error);
sh_err store_postgres_auth_failures_trim(store *base, int64_t max, sh_error *error);
sh_err store_postgres_auth_failure_end(store *base, const store_auth_failure *accepted,
                                       sh_error *error);
sh_err store_postgres_auth_failures(store *base, store_auth_failure_each each, void *context,
                                    sh_error *error);

/* postgres_schema.c: creates or upgrades the tables; safe if several receivers do so. */
sh_err store_postgres_schema_make(store_postgres *s, sh_error *error);
/* Checks that the tables exist and are up to date, for reading. */
sh_err store_postgres_schema_check(store_postgres *s, sh_error *error);

/* postgres_known_macs.c */

/* Prepares the statement that a transaction begins with: generation and version of Devices. */
sh_err store_postgres_known_prepare(store_postgres *s, sh_error *error);
/* Begins a transaction; version is NULL if a deletion would not be noticed. */
void store_postgres_known_begin(store_postgres *s, const char *version);
/* Notes that the open transaction has found a device. */
void store_postgres_known_add(store_postgres *s, const sh_mac *mac);
bool store_postgres_known_has(const store_postgres *s, const sh_mac *mac);
/* Ends a transaction. One that was not committed, or was undone in part, may have lost devices. */
void store_postgres_known_end(store_postgres *s, bool committed);
/* Replaces the marks of deletions by a single one. In a transaction. */
sh_err store_postgres_known_prune(store_postgres *s, sh_error *error);

/* postgres_device_find.c */
sh_err store_postgres_find_prepare(store_postgres *s, sh_error *error);
sh_err store_postgres_find_known(store *base, const sh_mac *const macs[], size_t count,
                                 bool known[], sh_error *error);

/* postgres_device_insert.c */
sh_err store_postgres_devices_prepare(store_postgres *s, sh_error *error);
sh_err store_postgres_insert_devices(store *base, store_insert inserts[], size_t count,
                                     const char *now, sh_error *error);

/* postgres_table_parts.c */
sh_err store_postgres_part_record(store *base, const store_part *part, bool *whole,
                                  sh_error *error);
sh_err store_postgres_part_keys(store *base, const store_part *part, store_keys_each each,
                                void *context, bool *complete, sh_error *error);
sh_err store_postgres_parts_end(store *base, const store_part *part, sh_error *error);

/* postgres_presence.c */
sh_err store_postgres_presence_prepare(store_postgres *s, sh_error *error);
sh_err store_postgres_presence_read(store *base, const char *node, store_presence_each each,
                                    void *context, sh_error *error);
sh_err store_postgres_presence_put(store *base, const char *node, const store_presence rows[],
                                   size_t count, sh_error *error);
sh_err store_postgres_presence_trim(store *base, const char *node, int64_t count, sh_error *error);

/* postgres_backup_rows.c */
sh_err store_postgres_table_columns(store *base, const char *table, backup_table *ret,
                                    sh_error *error);
sh_err store_postgres_rows_read(store *base, const backup_table *table, const backup_reader *reader,
                                sh_error *error);
sh_err store_postgres_rows_clear(store *base, const char *table, sh_error *error);
sh_err store_postgres_rows_begin(store *base, const backup_table *table, sh_error *error);
sh_err store_postgres_rows_add(store *base, const backup_table *table, const backup_value values[],
                               sh_error *error);
sh_err store_postgres_rows_end(store *base, sh_error *error);

/* postgres_prune.c */
sh_err store_postgres_prune(store *base, const store_limits *limits, bool *more, sh_error *error);

/* postgres_list.c */
sh_err store_postgres_devices(store *base, const store_device_query *query, store_device_each each,
                              void *context, sh_error *error);

/* postgres_results.c */
sh_err store_postgres_results_prepare(store_postgres *s, sh_error *error);
/* The value of syncHubKey of a result's plugin, node, primary and secondary id. SH_E_MEMORY. */
#define POSTGRES_RESULT_KEY_BYTES 32
sh_err store_postgres_result_key(const sh_slice parts[static 4], sh_buf *scratch,
                                 uint8_t ret[static POSTGRES_RESULT_KEY_BYTES]);
sh_err store_postgres_put_plugin_lines(store *base, const store_plugin_lines *lines,
                                       int64_t *changed, sh_error *error);

#endif
