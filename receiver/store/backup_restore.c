/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/base/hex.h"
#include "libcommon/os/partial_file.h"
#include "receiver/store/backup.h"
#include "receiver/store/backup_check.h"
#include "receiver/store/backup_copy.h"
#include "receiver/store/schema.h"
#include "receiver/store/store_location.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * An SQLite database of Sync Hub's own is replaced as a file, which is built beside it. Any other
 * database is filled row by row in one transaction.
 */

static sh_err fail_not_empty(const backup_job *job, sh_error *error)
{
    return sh_fail(
        error, SH_E_REFUSED,
        "the database of SYNC_db is not empty: restore into an empty one, or replace all "
        "it has with --force; the backup %s was not used",
        job->path);
}

/* In a transaction: the restored database is another one than that of the backup. */
static sh_err note_new_database(store *s, bool keeps_digests, sh_error *error)
{
    uint8_t id[SH_ID_BYTES];
    char hex[SH_ID_HEX_BYTES];
    sh_random(id, sizeof id);
    sh_hex_encode(id, sizeof id, hex);
    sh_err err = s->ops->meta_write(s, STORE_META_DATABASE_ID, hex, error);
    /* After the commit it is 0, lower than any that a receiver may have seen: see store_check(). */
    if (err == SH_OK)
        err = s->ops->meta_write(s, "generation", "-1", error);
    /* The tables were merged into NetAlertX's Devices, which are not of the same time. */
    if (err == SH_OK && !keeps_digests)
        err = store_state_forget_digests(s, error);
    return err;
}

/* --- Row by row ------------------------------------------------------------------------------ */

static sh_err clear_tables(store *to, const backup_tables *tables, sh_error *error)
{
    SH_CLEANUP(sh_free_cleanup) backup_table *table = calloc(1, sizeof *table);
    sh_err err = table == NULL ? sh_fail(error, SH_E_MEMORY, "out of memory") : SH_OK;
    for (size_t i = 0; i < tables->count && err == SH_OK; i++) {
        err = to->ops->table_columns(to, tables->names[i], table, error);
        if (err == SH_OK && table->count > 0)
            err = to->ops->rows_clear(to, tables->names[i], error);
    }
    return err;
}

/* In a transaction of the target. What SyncHub_Meta has of the target itself is kept. */
static sh_err replace_rows(const backup_copying *copying, const backup_summary *summary,
                           sh_error *error)
{
    static const char *const kept[] = {"schema_version", "database"};
    char values[2][STORE_META_BYTES];
    SH_CLEANUP(sh_free_cleanup) backup_tables *tables = calloc(1, sizeof *tables);
    store *to = copying->to;
    sh_err err = tables == NULL ? sh_fail(error, SH_E_MEMORY, "out of memory") : SH_OK;
    for (size_t i = 0; i < 2 && err == SH_OK; i++)
        err = to->ops->meta_get(to, kept[i], values[i], error);
    if (err == SH_OK)
        err = backup_file_tables(copying->from, tables, error);
    if (err == SH_OK)
        err = clear_tables(to, tables, error);
    for (size_t i = 0; err == SH_OK && i < tables->count; i++)
        err = backup_copy_table(copying, tables->names[i], error);
    for (size_t i = 0; i < 2 && err == SH_OK; i++)
        err = to->ops->meta_write(to, kept[i], values[i], error);
    bool same_devices = !summary->is_of_netalertx && !store_pace_of(to).pauses;
    return err == SH_OK ? note_new_database(to, same_devices, error) : err;
}

static sh_err check_target(const backup_job *job, const backup_summary *summary, store *to,
                           sh_error *error)
{
    bool rows = false;
    if (store_pace_of(to).pauses && summary->devices > 0)
        return sh_fail(error, SH_E_CONFIG,
                       "%s has the devices of a database of Sync Hub, which cannot be put into "
                       "NetAlertX's: restore it into another SYNC_db",
                       job->path);
    if (job->replace)
        return SH_OK;
    sh_err err = to->ops->state_read_begin(to, error);
    if (err == SH_OK)
        err = backup_find_rows(to, &rows, error);
    store_rollback(to);
    return err == SH_OK && rows ? fail_not_empty(job, error) : err;
}

static sh_err restore_rows(const backup_job *job, store *from, const backup_summary *summary,
                           sh_error *error)
{
    backup_copying copying = {.from = from, .progress = job->progress};
    sh_err err = store_open(job->db, STORE_READ_WRITE, &copying.to, error);
    if (err == SH_OK)
        err = check_target(job, summary, copying.to, error);
    if (err == SH_OK)
        err = store_begin(copying.to, error);
    if (err == SH_OK) {
        err = replace_rows(&copying, summary, error);
        if (err == SH_OK)
            err = store_commit(copying.to, error);
        if (err != SH_OK)
            store_rollback(copying.to);
    }
    store_close(copying.to);
    return err;
}

/* Rows of an older version are upgraded in a copy beside the backup. */
static sh_err restore_rows_of_any_version(const backup_job *job, store *from,
                                          const backup_summary *summary, sh_error *error)
{
    if ((size_t)summary->schema_version == schema_in_use->count)
        return restore_rows(job, from, summary, error);
    SH_CLEANUP(sh_partial_file_cancel) sh_partial_file copy = SH_PARTIAL_FILE_INIT;
    store *upgraded = NULL;
    sh_err err = sh_partial_file_begin(job->path, &copy, error);
    if (err != SH_OK)
        return err;
    backup_file_remove_log(copy.path);
    err = backup_file_copy(from, copy.path, error);
    if (err == SH_OK)
        err = store_open(copy.path, STORE_READ_WRITE, &upgraded, error);
    if (err == SH_OK)
        err = restore_rows(job, upgraded, summary, error);
    store_close(upgraded);
    backup_file_remove_log(copy.path);
    return err;
}

/* --- A whole file ---------------------------------------------------------------------------- */

typedef struct {
    char *path; /* absolute, links resolved */
    bool exists, is_netalertx;
    struct stat st; /* of the file, or of its folder */
} target_file;

static sh_err look_into_target(const backup_job *job, target_file *ret, sh_error *error)
{
    store *file = NULL;
    sh_error reason = {.code = SH_OK};
    bool is_own = false, rows = false;
    sh_err err = backup_file_open(ret->path, false, &file, &reason);
    if (err == SH_OK)
        err = backup_file_owner(file, &is_own, &ret->is_netalertx, &reason);
    if (err == SH_OK && is_own)
        err = backup_find_rows(file, &rows, &reason);
    store_close(file);
    if (err != SH_OK)
        return sh_fail(error, err,
                       "%s, to be replaced by the backup, cannot be read; if it is lost, move it "
                       "away first, with FILE-wal and FILE-shm: %s",
                       ret->path, reason.message);
    if (!is_own && !ret->is_netalertx && ret->st.st_size > 0)
        return sh_fail(error, SH_E_CONFIG,
                       "%s (SYNC_db) is neither Sync Hub's nor NetAlertX's: name another file",
                       ret->path);
    return rows && !job->replace ? fail_not_empty(job, error) : SH_OK;
}

static sh_err find_target(const backup_job *job, target_file *ret, sh_error *error)
{
    sh_err err = store_place_check(job->db, true, &ret->path, error);
    if (err != SH_OK)
        return err;
    ret->exists = stat(ret->path, &ret->st) == 0;
    if (ret->exists)
        return look_into_target(job, ret, error);
    SH_CLEANUP(sh_free_cleanup) char *copy = strdup(ret->path);
    if (copy == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    if (stat(dirname(copy), &ret->st) != 0)
        return sh_fail(error, SH_E_IO, "%s: cannot examine its folder", ret->path);
    ret->st.st_mode = 0600;
    return SH_OK;
}

/* Upgrades the copy, gives it a new id, and leaves all in one file. */
static sh_err finish_copy(const char *path, const backup_summary *summary, sh_error *error)
{
    store *copy = NULL;
    sh_err err = store_open(path, STORE_READ_WRITE, &copy, error);
    if (err == SH_OK)
        err = store_begin(copy, error);
    if (err == SH_OK)
        err = backup_file_run(copy, "DELETE FROM SyncHub_Meta WHERE key LIKE 'backup%'", error);
    if (err == SH_OK)
        err = note_new_database(copy, !summary->is_of_netalertx, error);
    if (err == SH_OK)
        err = store_commit(copy, error);
    if (err == SH_OK)
        err = backup_file_run(copy, "PRAGMA journal_mode = DELETE", error);
    store_close(copy);
    return err;
}

/* A restore as root leaves a file that the receiver can open. */
static sh_err set_owner(const sh_partial_file *file, const struct stat *as, sh_error *error)
{
    if (fchmod(file->fd, as->st_mode & 0666) != 0 ||
        (geteuid() == 0 && fchown(file->fd, as->st_uid, as->st_gid) != 0))
        return sh_fail(error, SH_E_IO, "%s: cannot set its owner", file->path);
    return SH_OK;
}

static sh_err replace_file(store *from, const target_file *target, const backup_summary *summary,
                           sh_error *error)
{
    SH_CLEANUP(sh_partial_file_cancel) sh_partial_file copy = SH_PARTIAL_FILE_INIT;
    sh_err err = sh_partial_file_begin(target->path, &copy, error);
    if (err != SH_OK)
        return err;
    backup_file_remove_log(copy.path);
    err = backup_file_copy(from, copy.path, error);
    if (err == SH_OK)
        err = finish_copy(copy.path, summary, error);
    if (err == SH_OK)
        err = set_owner(&copy, &target->st, error);
    if (err == SH_OK) {
        /* SQLite would apply the old file's log to the new one. */
        if (target->exists)
            backup_file_remove_log(target->path);
        err = sh_partial_file_end(&copy, target->path, error);
    } else {
        backup_file_remove_log(copy.path);
    }
    return err;
}

static sh_err restore(const backup_job *job, store *from, const backup_summary *summary,
                      sh_error *error)
{
    if (store_is_postgres(job->db))
        return restore_rows_of_any_version(job, from, summary, error);
    target_file target = {.exists = false};
    sh_err err = find_target(job, &target, error);
    if (err == SH_OK && target.is_netalertx)
        err = restore_rows_of_any_version(job, from, summary, error);
    else if (err == SH_OK)
        err = replace_file(from, &target, summary, error);
    free(target.path);
    return err;
}

sh_err backup_restore(const backup_job *job, backup_summary *ret, sh_error *error)
{
    store *from = NULL;
    sh_err err = backup_file_open(job->path, false, &from, error);
    if (err == SH_OK)
        err = backup_check_file(from, job->path, job->progress, ret, error);
    if (err == SH_OK)
        err = restore(job, from, ret, error);
    store_close(from);
    return err;
}
