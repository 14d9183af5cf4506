/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_BACKUP_FILE_H
#define RECEIVER_BACKUP_FILE_H

#include "receiver/store/backup_rows.h"
#include "receiver/store/store_backend.h"

/*
 * An SQLite file that is opened without a check of its tables: a backup of any version, or the file
 * that a restore would replace. Only these functions, rows_…, table_columns and meta_… of store_ops
 * work with it.
 */
sh_err backup_file_open(const char *path, bool writable, store **ret, sh_error *error);

/* Names of the tables that Sync Hub may have. */
#define BACKUP_TABLES_MAX 64
typedef struct {
    size_t count;
    char names[BACKUP_TABLES_MAX][SH_COLUMN_NAME_BYTES];
} backup_tables;
sh_err backup_file_tables(store *file, backup_tables *ret, sh_error *error);

/* Whether Sync Hub, or NetAlertX, made it. Neither, if it is empty or another program's. */
sh_err backup_file_owner(store *file, bool *is_own, bool *is_netalertx, sh_error *error);

/* SH_E_FORMAT if its structure is damaged. */
sh_err backup_file_check(store *file, sh_error *error);

/* Writes one state of it, or of an open SQLite store, into the file `to`, which must be empty. */
sh_err backup_file_copy(store *file, const char *to, sh_error *error);

/* Runs SQL without results. */
sh_err backup_file_run(store *file, const char *sql, sh_error *error);

/* Removes the files that SQLite has beside path, after it was moved all into path if possible. */
void backup_file_remove_log(const char *path);

#endif
