/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/base/hex.h"
#include "receiver/store/sqlite/sqlite_store.h"

/* Named values in SyncHub_Meta. */

sh_err store_sqlite_meta_get(store *base, const char *name, char ret[static STORE_META_BYTES],
                             sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    ret[0] = '\0';
    int rc = sqlite3_prepare_v2(s->db, "SELECT value FROM SyncHub_Meta WHERE key = ?1", -1,
                                &statement, NULL);
    if (rc == SQLITE_OK)
        rc = store_sqlite_bind_text(statement, 1, sh_slice_of(name));
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        store_sqlite_text(statement, 0, ret, STORE_META_BYTES);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SH_OK : store_sqlite_fail(s, rc, "read", error);
}

/*
 * Each commit increments the generation. A restored backup has an earlier one than this process has
 * seen, even if file and connection are the same.
 */
sh_err store_sqlite_generation_check(store_sqlite *s, sh_error *error)
{
    sqlite3_stmt *statement = NULL;
    sh_err err = store_sqlite_statement(
        s, STATEMENT_GENERATION,
        "SELECT CAST(value AS INTEGER) FROM SyncHub_Meta WHERE key = 'generation'", &statement,
        error);
    if (err != SH_OK)
        return err;
    int rc = sqlite3_step(statement);
    int64_t generation = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    (void)sqlite3_reset(statement);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return store_sqlite_fail(s, rc, "read", error);
    if (generation < s->generation)
        return sh_fail(error, SH_E_IO,
                       "the database %s was restored to an earlier state while it was open: nodes "
                       "send their tables in full",
                       s->path);
    s->generation = generation;
    return SH_OK;
}

sh_err store_sqlite_generation_next(store_sqlite *s, sh_error *error)
{
    sqlite3_stmt *statement = NULL;
    sh_err err = store_sqlite_statement(
        s, STATEMENT_GENERATION_NEXT,
        "INSERT INTO SyncHub_Meta(key, value) VALUES('generation', '1') ON CONFLICT(key)"
        " DO UPDATE SET value = CAST(value AS INTEGER) + 1",
        &statement, error);
    if (err != SH_OK)
        return err;
    int rc = store_sqlite_run(statement);
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "write to", error);
}

static sh_err write_meta(store_sqlite *s, const char *name, const char *value, bool replace,
                         sh_error *error)
{
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(
        s->db,
        replace ? "INSERT INTO SyncHub_Meta(key, value) VALUES(?1, ?2) ON CONFLICT(key)"
                  " DO UPDATE SET value = excluded.value"
                : "INSERT INTO SyncHub_Meta(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO NOTHING",
        -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = store_sqlite_bind_text(statement, 1, sh_slice_of(name));
    if (rc == SQLITE_OK)
        rc = store_sqlite_bind_text(statement, 2, sh_slice_of(value));
    if (rc == SQLITE_OK)
        rc = store_sqlite_run(statement);
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "write to", error);
}

sh_err store_sqlite_meta_write(store *base, const char *name, const char *value, sh_error *error)
{
    return write_meta((store_sqlite *)base, name, value, true, error);
}

sh_err store_sqlite_meta_set(store *base, const char *name, const char *value, bool replace,
                             sh_error *error)
{
    sh_err err = base->ops->begin(base, error);
    if (err != SH_OK)
        return err;
    err = write_meta((store_sqlite *)base, name, value, replace, error);
    if (err == SH_OK)
        err = base->ops->commit(base, error);
    if (err != SH_OK)
        base->ops->rollback(base);
    return err;
}

static sh_err write_rules(store_sqlite *s, const char *hex, sh_error *error)
{
    char sql[256 + SH_DIGEST_HEX_BYTES];
    (void)sqlite3_snprintf(
        (int)sizeof sql, sql,
        "INSERT INTO SyncHub_Meta(key, value) VALUES('rules', %Q) ON CONFLICT(key)"
        " DO UPDATE SET value = excluded.value WHERE value IS NOT excluded.value",
        hex);
    sh_err err = store_sqlite_exec(s, sql, "write to", error);
    if (err == SH_OK && sqlite3_changes(s->db) > 0)
        err = store_sqlite_exec(s, "UPDATE SyncHub_Nodes SET digest = NULL", "write to", error);
    return err;
}

sh_err store_sqlite_rules_note(store *base, const uint8_t rules[static SH_DIGEST_BYTES],
                               sh_error *error)
{
    char hex[SH_DIGEST_HEX_BYTES];
    sh_hex_encode(rules, SH_DIGEST_BYTES, hex);
    sh_err err = base->ops->begin(base, error);
    if (err == SH_OK)
        err = write_rules((store_sqlite *)base, hex, error);
    if (err == SH_OK)
        err = base->ops->commit(base, error);
    if (err != SH_OK)
        base->ops->rollback(base);
    return err;
}
