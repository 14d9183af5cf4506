/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_SCHEMA_H
#define RECEIVER_SCHEMA_H

#include "libcommon/base/buffer.h"
#include "receiver/store/store_backend.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The tables of all databases: one ordered list of migrations for all backends. A new database gets
 * all of them, an older one those that are missing, each in its own transaction that also records
 * the version in SyncHub_Meta. Released migrations never change; to add one, edit
 * schema_migrations.c.
 */

typedef enum { SCHEMA_SQLITE, SCHEMA_POSTGRES } schema_dialect;

/*
 * One statement of a migration. Exactly one of these is set: sql, build, column, or the pair sqlite
 * and postgres (one of which may be NULL).
 *
 * sql is for both backends. Names with capital letters are quoted, and these words are replaced for
 * each backend:
 *   @text         text that is compared by its bytes (keys, names, times)
 *   @prose        text that is never compared
 *   @integer      64 bits
 *   @bytes        binary
 *   @rows_by_key  behind the last parenthesis of CREATE TABLE: no rowid besides the primary key
 */
typedef struct {
    const char *sql;
    const char *sqlite, *postgres;
    sh_err (*build)(schema_dialect dialect, sh_buf *sql);
    /*
     * Adds a column to a table unless it exists. definition follows its name, such as "@integer NOT
     * NULL DEFAULT 0"; NULL: as in device_columns.c.
     */
    const char *table, *column, *definition;
    bool own_only; /* not in a NetAlertX database, whose tables are never altered */
} schema_step;

typedef struct {
    const schema_step *steps;
    size_t count;
} schema_migration;

/* migrations[i] leads to version i + 1. */
typedef struct {
    const schema_migration *migrations;
    size_t count; /* the version that this program needs */
} schema;

extern const schema schema_released;
extern const schema *schema_in_use; /* schema_released; tests set a longer list */

/* --- For backends */

typedef struct {
    int version; /* 0: there are no tables of Sync Hub yet */
    bool is_own; /* Sync Hub created, or will create, the whole database */
} schema_state;

typedef struct {
    schema_dialect dialect;
    /* Reads the state, with schema_version_read(). Also called inside a transaction. */
    sh_err (*read)(store *s, schema_state *ret, sh_error *error);
    /* Runs SQL without results. */
    sh_err (*run)(store *s, const char *sql, sh_error *error);
    /* Whether a table has a column; NULL if the dialect has ADD COLUMN IF NOT EXISTS. */
    bool (*has_column)(store *s, const char *table, const char *column);
} schema_target;

/* Applies the missing migrations; safe if other receivers do so at the same time. */
sh_err schema_upgrade(store *s, const schema_target *target, sh_error *error);

/*
 * Parses the schema_version of a database that has SyncHub_Meta; text is NULL if there is none.
 * SH_E_CONFIG if it is invalid, or newer than this program.
 */
sh_err schema_version_read(const char *place, const char *text, int *ret, sh_error *error);

/* For a database opened for reading: SH_E_CONFIG if migrations are missing. */
sh_err schema_check_complete(const char *place, int version, sh_error *error);

/* Appends the SQL of a step. SH_E_MEMORY, SH_E_LIMIT. */
sh_err schema_render(const schema_step *step, schema_dialect dialect, sh_buf *sql);

/* --- schema_version_1.c: tables whose columns are listed elsewhere */

sh_err schema_build_devices(schema_dialect dialect, sh_buf *sql);
sh_err schema_build_results(schema_dialect dialect, sh_buf *sql);
/* For SQLite: a table of plugin results with any name. */
sh_err schema_build_results_named(const char *table, sh_buf *sql);
/*
 * Appends the definition of a column of Devices for CREATE TABLE or ADD COLUMN, without its name.
 */
sh_err schema_append_device_column(const sh_column *column, schema_dialect dialect, sh_buf *sql);

#endif
