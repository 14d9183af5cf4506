/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/backup.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/os/partial_file.h"
#include "receiver/store/backup_copy.h"
#include "receiver/store/schema.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- Writing --------------------------------------------------------------------------------- */

/* A copied database has the sessions of the console, too. */
static sh_err remove_sessions(store *file, sh_error *error)
{
    SH_CLEANUP(sh_free_cleanup) backup_table *table = calloc(1, sizeof *table);
    if (table == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    sh_err err = file->ops->table_columns(file, "SyncHub_Sessions", table, error);
    if (err != SH_OK || table->count == 0) /* of an older version */
        return err;
    return backup_file_run(file, "PRAGMA secure_delete = ON; DELETE FROM SyncHub_Sessions", error);
}

/* Writes the version of the rows and their digest into a file that has all of them. */
static sh_err seal(const backup_job *job, const char *path, backup_summary *summary,
                   sh_error *error)
{
    char digest[SH_DIGEST_HEX_BYTES], generation[STORE_META_BYTES];
    store *file = NULL;
    sh_err err = backup_file_open(path, true, &file, error);
    if (err == SH_OK)
        err = backup_file_run(
            file, "PRAGMA journal_mode = DELETE; DELETE FROM SyncHub_Meta WHERE key LIKE 'backup%'",
            error);
    if (err == SH_OK)
        err = remove_sessions(file, error);
    if (err == SH_OK && summary->is_of_netalertx)
        err = file->ops->meta_write(file, BACKUP_META_OF, "netalertx", error);
    if (err == SH_OK)
        err = file->ops->meta_get(file, "generation", generation, error);
    if (err == SH_OK)
        err = file->ops->meta_write(file, BACKUP_META_GENERATION, generation, error);
    if (err == SH_OK)
        err = backup_digest(file, job->progress, summary, digest, error);
    if (err == SH_OK)
        err = file->ops->meta_write(file, BACKUP_META_DIGEST, digest, error);
    store_close(file);
    return err;
}

/* In a transaction on either side. */
static sh_err copy_tables(const backup_copying *copying, sh_error *error)
{
    SH_CLEANUP(sh_free_cleanup) backup_tables *tables = calloc(1, sizeof *tables);
    if (tables == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    sh_err err = backup_file_tables(copying->to, tables, error);
    for (size_t i = 0; i < tables->count && err == SH_OK; i++)
        err = backup_copy_table(copying, tables->names[i], error);
    return err;
}

/* Reads one state of the database row by row into a new SQLite database. */
static sh_err write_rows(const backup_job *job, store *from, const char *path, sh_error *error)
{
    backup_copying copying = {.from = from, .progress = job->progress};
    sh_err err = store_open(path, STORE_READ_WRITE, &copying.to, error);
    if (err == SH_OK) /* the whole file is synced at the end */
        err = backup_file_run(copying.to, "PRAGMA synchronous = OFF", error);
    if (err == SH_OK)
        err = from->ops->state_read_begin(from, error);
    if (err == SH_OK)
        err = store_begin(copying.to, error);
    if (err == SH_OK)
        err = copy_tables(&copying, error);
    if (err == SH_OK)
        err = store_commit(copying.to, error);
    if (copying.to != NULL)
        store_rollback(copying.to);
    store_rollback(from);
    store_close(copying.to);
    return err;
}

static sh_err write_file(const backup_job *job, store *from, const char *path,
                         backup_summary *summary, sh_error *error)
{
    summary->is_of_netalertx = store_pace_of(from).pauses;
    summary->schema_version = (int)schema_in_use->count;
    summary->has_digest = true;
    backup_report(job->progress, "", 0);
    sh_err err = from->ops->copy != NULL && !summary->is_of_netalertx
                     ? from->ops->copy(from, path, error)
                     : write_rows(job, from, path, error);
    return err == SH_OK ? seal(job, path, summary, error) : err;
}

sh_err backup_write(const backup_job *job, backup_summary *ret, sh_error *error)
{
    SH_CLEANUP(sh_partial_file_cancel) sh_partial_file partial = SH_PARTIAL_FILE_INIT;
    store *from = NULL;
    *ret = (backup_summary){.devices = 0};
    if (!job->replace && access(job->path, F_OK) == 0)
        return sh_fail(error, SH_E_REFUSED,
                       "%s exists: name another file, or replace it with --force", job->path);
    sh_err err = store_open(job->db, STORE_READ_ONLY, &from, error);
    if (err == SH_OK)
        err = sh_partial_file_begin(job->path, &partial, error);
    if (err == SH_OK) {
        backup_file_remove_log(partial.path); /* of a run that was killed */
        err = write_file(job, from, partial.path, ret, error);
    }
    store_close(from);
    if (err == SH_OK)
        err = sh_partial_file_end(&partial, job->path, error);
    if (partial.fd >= 0)
        backup_file_remove_log(partial.path);
    return err;
}
