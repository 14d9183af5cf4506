/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/sqlite/sqlite_store.h"

#include "libcommon/base/cleanup.h"
#include "receiver/store/backup_file.h"
#include "receiver/store/store_location.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void sqlite_close(store *base)
{
    store_sqlite *s = (store_sqlite *)base;
    for (int i = 0; i < STATEMENTS; i++)
        (void)sqlite3_finalize(s->statements[i]);
    (void)sqlite3_finalize(s->row_insert);
    (void)sqlite3_close(s->db); /* rolls an open transaction back */
    store_sqlite_result_rows_forget(s);
    known_macs_reset(&s->known);
    free(s->path);
    free(s);
}

static const sh_column *sqlite_columns(const store *base, size_t *count)
{
    const store_sqlite *s = (const store_sqlite *)base;
    *count = s->column_count;
    return s->columns;
}

static store_pace sqlite_pace(const store *base)
{
    const store_sqlite *s = (const store_sqlite *)base;
    return s->is_shared ? store_pace_shared() : store_pace_own();
}

static bool sqlite_has_presence(const store *base)
{
    return !((const store_sqlite *)base)->is_shared;
}

static const struct store_ops sqlite_ops = {
    .close = sqlite_close,
    .check = store_sqlite_check,
    .rules_note = store_sqlite_rules_note,
    .meta_get = store_sqlite_meta_get,
    .meta_set = store_sqlite_meta_set,
    .meta_write = store_sqlite_meta_write,
    .state_read_begin = store_sqlite_state_read_begin,
    .state_each = store_sqlite_state_each,
    .state_find = store_sqlite_state_find,
    .state_put = store_sqlite_state_put,
    .columns = sqlite_columns,
    .pace = sqlite_pace,
    .begin = store_sqlite_begin,
    .commit = store_sqlite_commit,
    .rollback = store_sqlite_rollback,
    .rest = store_sqlite_rest,
    .savepoint = store_sqlite_savepoint,
    .undo_to_mark = store_sqlite_undo_to_mark,
    .item_note = store_sqlite_item_note,
    .item_unnote = store_sqlite_item_unnote,
    .tidy = store_sqlite_prune,
    .find_known = store_sqlite_find_known,
    .insert_devices = store_sqlite_insert_devices,
    .put_plugin_lines = store_sqlite_put_plugin_lines,
    .node_record = store_sqlite_node_record,
    .node_add = store_sqlite_node_add,
    .node_lock = store_sqlite_node_lock,
    .node_info_get = store_sqlite_node_info_get,
    .node_info_put = store_sqlite_node_info_put,
    .node_infos_get = store_sqlite_node_infos_get,
    .node_infos_put = store_sqlite_node_infos_put,
    .node_forget = store_sqlite_node_forget,
    .node_strangers_trim = store_sqlite_node_strangers_trim,
    .node_infos = store_sqlite_node_infos,
    .node_summaries = store_sqlite_node_summaries,
    .present_counts = store_sqlite_present_counts,
    .auth_failure_add = store_sqlite_auth_failure_add,
    .auth_failures_trim = store_sqlite_auth_failures_trim,
    .auth_failure_end = store_sqlite_auth_failure_end,
    .auth_failures = store_sqlite_auth_failures,
    .part_record = store_sqlite_part_record,
    .part_keys = store_sqlite_part_keys,
    .parts_end = store_sqlite_parts_end,
    .has_presence = sqlite_has_presence,
    .presence_read = store_sqlite_presence_read,
    .presence_put = store_sqlite_presence_put,
    .presence_trim = store_sqlite_presence_trim,
    .nodes = store_sqlite_nodes,
    .devices = store_sqlite_devices,
    .copy = backup_file_copy,
    .table_columns = store_sqlite_table_columns,
    .rows_read = store_sqlite_rows_read,
    .rows_clear = store_sqlite_rows_clear,
    .rows_begin = store_sqlite_rows_begin,
    .rows_add = store_sqlite_rows_add,
    .rows_end = store_sqlite_rows_end,
};

store_sqlite *store_sqlite_new(const char *path, sh_error *error)
{
    store_sqlite *s = calloc(1, sizeof *s);
    if (s != NULL && (s->path = strdup(path)) == NULL) {
        free(s);
        s = NULL;
    }
    if (s == NULL)
        (void)sh_fail(error, SH_E_MEMORY, "out of memory while opening the database");
    else
        s->base.ops = &sqlite_ops;
    return s;
}

/*
 * synchronous=FULL makes a commit durable before the entry is acknowledged. The page cache is large
 * because new devices are spread over the whole index of MACs. Memory mapping would turn a disk
 * error into a signal.
 */
static sh_err open_file(store_sqlite *s, store_access access, sh_error *error)
{
    int flags = access == STORE_READ_ONLY ? SQLITE_OPEN_READONLY
                                          : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    int rc = sqlite3_open_v2(s->path, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK)
        return store_sqlite_fail(s, rc, "open", error);
    (void)sqlite3_extended_result_codes(s->db, 1);
    (void)sqlite3_busy_timeout(s->db, SQLITE_BUSY_TIMEOUT_MS);
    (void)sqlite3_wal_hook(s->db, store_sqlite_on_commit, s);
    return store_sqlite_exec(s,
                             "PRAGMA synchronous = FULL; PRAGMA cache_size = -49152;"
                             "PRAGMA mmap_size = 0; PRAGMA journal_size_limit = 67108864",
                             "open", error);
}

/*
 * SQLite stores the undo data of a savepoint in a temporary file if it exceeds 64 KiB. The file is
 * beside the database, as other folders may be read-only, for example in a container.
 */
sh_err store_sqlite_prepare(const char *path, sh_error *error)
{
    SH_CLEANUP(sh_free_cleanup) char *target = realpath(path, NULL); /* NULL: no such file yet */
    const char *file = target == NULL ? path : target;
    const char *slash = strrchr(file, '/');
    SH_CLEANUP(sh_free_cleanup)
    char *folder = slash == NULL ? strdup(".") : strndup(file, (size_t)(slash - file) + 1);
    if (folder == NULL || setenv("SQLITE_TMPDIR", folder, 0) != 0)
        return sh_fail(error, SH_E_MEMORY, "no memory to prepare for the database");
    return SH_OK;
}

sh_err store_sqlite_open(const char *path, store_access access, store **ret, sh_error *error)
{
    SH_CLEANUP(sh_free_cleanup) char *absolute = NULL;
    sh_err err = store_place_check(path, access == STORE_READ_WRITE, &absolute, error);
    if (err != SH_OK)
        return err;
    store_sqlite *s = store_sqlite_new(absolute, error);
    if (s == NULL)
        return SH_E_MEMORY;
    err = open_file(s, access, error);
    if (err == SH_OK && access == STORE_READ_WRITE)
        err = store_sqlite_schema_make(s, error);
    if (err == SH_OK)
        err = store_sqlite_schema_read(s, error);
    if (err != SH_OK) {
        sqlite_close(&s->base);
        return err;
    }
    *ret = &s->base;
    return SH_OK;
}

void store_sqlite_library(char ret[static SH_LIBRARY_BYTES])
{
    (void)snprintf(ret, SH_LIBRARY_BYTES, "sqlite %s", sqlite3_libversion());
}
