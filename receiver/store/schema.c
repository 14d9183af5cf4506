/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/schema.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA_SQL_MAX (64 * SH_KIB)
#define VERSION_DIGITS_MAX 9

/* --- Versions -------------------------------------------------------------------------------- */

sh_err schema_version_read(const char *place, const char *text, int *ret, sh_error *error)
{
    size_t digits = text == NULL ? 0 : strspn(text, "0123456789");
    bool valid = digits > 0 && digits <= VERSION_DIGITS_MAX && text[digits] == '\0';
    *ret = valid ? (int)strtol(text, NULL, 10) : 0;
    if (*ret < 1)
        return sh_fail(error, SH_E_CONFIG,
                       "the database %s (SYNC_db) has no valid schema_version in SyncHub_Meta: it "
                       "is damaged, or belongs to another program; restore a backup",
                       place);
    if ((size_t)*ret > schema_in_use->count)
        return sh_fail(error, SH_E_CONFIG,
                       "the database %s (SYNC_db) was made by a newer Sync Hub (its schema is %d, "
                       "this program knows %zu): run the newer version",
                       place, *ret, schema_in_use->count);
    return SH_OK;
}

sh_err schema_check_complete(const char *place, int version, sh_error *error)
{
    if ((size_t)version >= schema_in_use->count)
        return SH_OK;
    return sh_fail(error, SH_E_CONFIG,
                   "the database %s (SYNC_db) has the tables of an older Sync Hub (its schema is "
                   "%d, this program needs %zu): start the receiver, which upgrades them",
                   place, version, schema_in_use->count);
}

/* --- SQL ------------------------------------------------------------------------------------- */

static const struct {
    const char *word;
    const char *in[2]; /* by dialect */
} words[] = {
    {"@text", {"TEXT", "text COLLATE \"C\""}}, {"@prose", {"TEXT", "text"}},
    {"@integer", {"INTEGER", "bigint"}},       {"@bytes", {"BLOB", "bytea"}},
    {"@rows_by_key", {"WITHOUT ROWID", ""}},
};

static sh_err append_word(const char *sql, schema_dialect dialect, sh_buf *ret, size_t *len)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        *len = strlen(words[i].word);
        if (strncmp(sql, words[i].word, *len) == 0)
            return sh_buf_append_text(ret, words[i].in[dialect]);
    }
    assert(false && "an unknown word in a migration");
    return SH_E_CONFIG;
}

static sh_err append_sql(const char *sql, schema_dialect dialect, sh_buf *ret)
{
    sh_err err = SH_OK;
    while (*sql != '\0' && err == SH_OK) {
        size_t len = strcspn(sql, "@");
        err = sh_buf_append(ret, sql, len);
        sql += len;
        if (*sql == '@' && err == SH_OK) {
            err = append_word(sql, dialect, ret, &len);
            sql += len;
        }
    }
    return err;
}

static sh_err append_column(const schema_step *step, schema_dialect dialect, sh_buf *sql)
{
    sh_err err =
        sh_buf_append_format(sql, "ALTER TABLE \"%s\" ADD COLUMN %s\"%s\"", step->table,
                             dialect == SCHEMA_POSTGRES ? "IF NOT EXISTS " : "", step->column);
    if (err != SH_OK)
        return err;
    if (step->definition == NULL) {
        const sh_column *column = sh_device_column_find(step->column);
        assert(column != NULL);
        return schema_append_device_column(column, dialect, sql);
    }
    err = sh_buf_append_text(sql, " ");
    return err == SH_OK ? append_sql(step->definition, dialect, sql) : err;
}

sh_err schema_render(const schema_step *step, schema_dialect dialect, sh_buf *sql)
{
    if (step->build != NULL)
        return step->build(dialect, sql);
    if (step->column != NULL)
        return append_column(step, dialect, sql);
    if (step->sql != NULL)
        return append_sql(step->sql, dialect, sql);
    const char *text = dialect == SCHEMA_SQLITE ? step->sqlite : step->postgres;
    return sh_buf_append_text(sql, text == NULL ? "" : text);
}

/* --- Upgrades -------------------------------------------------------------------------------- */

static sh_err run_step(store *s, const schema_target *target, const schema_step *step,
                       sh_error *error)
{
    if (step->column != NULL && target->has_column != NULL &&
        target->has_column(s, step->table, step->column))
        return SH_OK;
    SH_CLEANUP(sh_buf_reset) sh_buf sql = SH_BUF_INIT(SCHEMA_SQL_MAX);
    sh_err err = schema_render(step, target->dialect, &sql);
    if (err != SH_OK)
        return sh_fail(error, err, "out of memory: cannot create the tables");
    return sql.len == 0 ? SH_OK : target->run(s, sql.data, error);
}

static sh_err note_version(store *s, const schema_target *target, const schema_state *state,
                           sh_error *error)
{
    char now[SH_DATETIME_BYTES];
    sh_clock_datetime(sh_clock_unix_ms(), now);
    SH_CLEANUP(sh_buf_reset) sh_buf sql = SH_BUF_INIT(SCHEMA_SQL_MAX);
    sh_err err = sh_buf_append_format(
        &sql,
        "INSERT INTO \"SyncHub_Meta\"(key, value) VALUES('schema_version', '%d')"
        " ON CONFLICT(key) DO UPDATE SET value = excluded.value;"
        "INSERT INTO \"SyncHub_Meta\"(key, value) VALUES('created', '%s'), ('database', '%s')"
        " ON CONFLICT(key) DO NOTHING",
        state->version, now, state->is_own ? "own" : "netalertx");
    if (err != SH_OK)
        return sh_fail(error, err, "out of memory: cannot create the tables");
    return target->run(s, sql.data, error);
}

/* Inside a transaction, as another receiver may have applied it meanwhile. */
static sh_err apply_next(store *s, const schema_target *target, schema_state *state,
                         sh_error *error)
{
    sh_err err = target->read(s, state, error);
    if (err != SH_OK || (size_t)state->version == schema_in_use->count)
        return err;
    const schema_migration *migration = &schema_in_use->migrations[state->version];
    for (size_t i = 0; i < migration->count && err == SH_OK; i++) {
        if (state->is_own || !migration->steps[i].own_only)
            err = run_step(s, target, &migration->steps[i], error);
    }
    state->version++;
    return err == SH_OK ? note_version(s, target, state, error) : err;
}

sh_err schema_upgrade(store *s, const schema_target *target, sh_error *error)
{
    schema_state state = {.version = 0};
    sh_err err = target->read(s, &state, error);
    while (err == SH_OK && (size_t)state.version < schema_in_use->count) {
        err = s->ops->begin(s, error);
        if (err != SH_OK)
            break;
        err = apply_next(s, target, &state, error);
        if (err == SH_OK)
            err = s->ops->commit(s, error);
        if (err != SH_OK)
            s->ops->rollback(s);
    }
    return err;
}
