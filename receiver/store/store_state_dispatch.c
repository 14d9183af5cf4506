/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/store_state.h"

#include "libcommon/base/hex.h"
#include "receiver/store/store_backend.h"

#include <inttypes.h>
#include <stdio.h>

/* clang-format off */
#define STATEMENTS_OF(name_, table_, key_, value_)                                                 \
    {.meta_key = (name_),                                                                          \
     .read = "SELECT " key_ ", " value_ ", changed_ms FROM \"" table_ "\"",                        \
     .get = "SELECT " value_ " FROM \"" table_ "\" WHERE " key_ " = $1",                           \
     .count = "SELECT count(*) FROM \"" table_ "\"",                                               \
     .put = "INSERT INTO \"" table_ "\"(" key_ ", " value_ ", changed_ms)"                         \
            " VALUES($1, $2, CAST($3 AS bigint)) ON CONFLICT(" key_ ") DO UPDATE SET "             \
            value_ " = excluded." value_ ", changed_ms = excluded.changed_ms",                     \
     .remove = "DELETE FROM \"" table_ "\" WHERE " key_ " = $1 RETURNING 1"}
/* clang-format on */

const store_state_sql store_state_statements[STORE_STATES] = {
    [STORE_CREDENTIALS] =
        STATEMENTS_OF("credentials_version", "SyncHub_Credentials", "node", "record"),
    [STORE_BLOCKLIST] = STATEMENTS_OF("blocklist_version", "SyncHub_Blocklist", "mac", "note"),
    [STORE_CONSOLE] = STATEMENTS_OF("console_version", "SyncHub_Console", "name", "record"),
    [STORE_SESSIONS] = STATEMENTS_OF("sessions_version", "SyncHub_Sessions", "name", "record"),
    [STORE_SETTINGS] = STATEMENTS_OF("settings_version", "SyncHub_Settings", "name", "value"),
};

sh_err store_state_version(store *s, store_state list, char ret[static STORE_VERSION_BYTES],
                           sh_error *error)
{
    char value[STORE_META_BYTES];
    sh_err err = s->ops->meta_get(s, store_state_statements[list].meta_key, value, error);
    (void)snprintf(ret, STORE_VERSION_BYTES, "%.*s", STORE_VERSION_BYTES - 1,
                   err == SH_OK ? value : "");
    return err;
}

sh_err store_state_read(store *s, store_state list, const store_state_reader *reader,
                        char version[static STORE_VERSION_BYTES], sh_error *error)
{
    sh_err err = s->ops->state_read_begin(s, error);
    if (err != SH_OK)
        return err;
    err = store_state_version(s, list, version, error);
    if (err == SH_OK)
        err = s->ops->state_each(s, store_state_statements[list].read, reader, error);
    s->ops->rollback(s); /* it only reads */
    return err;
}

sh_err store_state_begin(store *s, store_state list, char version[static STORE_VERSION_BYTES],
                         sh_error *error)
{
    sh_err err = s->ops->begin(s, error);
    if (err != SH_OK)
        return err;
    if (s->ops->state_lock != NULL)
        err = s->ops->state_lock(s, list, error);
    if (err == SH_OK)
        err = store_state_version(s, list, version, error);
    if (err != SH_OK)
        s->ops->rollback(s);
    return err;
}

sh_err store_state_hold(store *s, store_state list, char version[static STORE_VERSION_BYTES],
                        sh_error *error)
{
    sh_err err = s->ops->state_hold == NULL ? SH_OK : s->ops->state_hold(s, list, error);
    return err == SH_OK ? store_state_version(s, list, version, error) : err;
}

static sh_err ignore_entry(void *context, const store_state_entry *entry, sh_error *error)
{
    (void)context;
    (void)entry;
    (void)error;
    return SH_OK;
}

sh_err store_state_forget_digests(store *s, sh_error *error)
{
    const store_state_reader reader = {.each = ignore_entry};
    return s->ops->state_each(s, "UPDATE \"SyncHub_Nodes\" SET digest = NULL", &reader, error);
}

typedef struct {
    sh_buf *value;
    bool found;
} value_read;

static sh_err take_value(void *context, const store_state_entry *entry, sh_error *error)
{
    value_read *r = context;
    r->found = true;
    return sh_buf_append(r->value, entry->key.data, entry->key.len) == SH_OK
               ? SH_OK
               : sh_fail(error, SH_E_MEMORY, "no memory for a value of the database");
}

sh_err store_state_get(store *s, store_state list, const char *key, sh_buf *ret, sh_error *error)
{
    value_read read = {.value = ret};
    const store_state_reader reader = {.each = take_value, .context = &read};
    sh_err err = s->ops->state_find(s, store_state_statements[list].get, key, &reader, error);
    if (err == SH_OK && !read.found)
        err = sh_fail(error, SH_E_NOT_FOUND, "the database has no entry \"%s\"", key);
    return err;
}

sh_err store_state_entries(store *s, store_state list, const store_state_reader *reader,
                           sh_error *error)
{
    return s->ops->state_each(s, store_state_statements[list].read, reader, error);
}

static sh_err take_number(void *context, const store_state_entry *entry, sh_error *error)
{
    uint64_t number = 0;
    if (!sh_text_to_u64(entry->key, INT64_MAX, &number))
        return sh_fail(error, SH_E_FORMAT, "the database returned no number");
    *(int64_t *)context = (int64_t)number;
    return SH_OK;
}

sh_err store_state_count(store *s, store_state list, int64_t *ret, sh_error *error)
{
    const store_state_reader reader = {.each = take_number, .context = ret};
    return s->ops->state_each(s, store_state_statements[list].count, &reader, error);
}

/* Counts a device where it was seen first, so that it counts once. */
#define COUNT_NEW                                                                                  \
    "SELECT count(*), coalesce(sum(CASE WHEN p.first_seen_ms >= %" PRId64 " THEN 1 ELSE 0 END),"   \
    " 0), 0 FROM \"SyncHub_Presence\" AS p WHERE p.first_seen_ms >= %" PRId64                      \
    " AND NOT EXISTS (SELECT 1 FROM \"SyncHub_Presence\" AS q WHERE q.mac = p.mac"                 \
    " AND q.node <> p.node AND (q.first_seen_ms < p.first_seen_ms"                                 \
    " OR (q.first_seen_ms = p.first_seen_ms AND q.node < p.node)))"

static sh_err take_counts(void *context, const store_state_entry *entry, sh_error *error)
{
    store_device_counts *counts = context;
    const sh_slice values[] = {entry->key, entry->value};
    for (int i = 0; i < 2; i++) {
        uint64_t number = 0;
        if (!sh_text_to_u64(values[i], INT64_MAX, &number))
            return sh_fail(error, SH_E_FORMAT, "the database returned no number");
        counts->new_since[i] = (int64_t)number;
    }
    return SH_OK;
}

sh_err store_count_devices(store *s, const int64_t since_ms[static 2], store_device_counts *ret,
                           sh_error *error)
{
    char sql[640];
    const store_state_reader total = {.each = take_number, .context = &ret->total};
    const store_state_reader counts = {.each = take_counts, .context = ret};
    *ret = (store_device_counts){.total = 0};
    sh_err err = s->ops->state_each(s, "SELECT count(*) FROM \"Devices\"", &total, error);
    if (err != SH_OK || !store_has_presence(s))
        return err;
    (void)snprintf(sql, sizeof sql, COUNT_NEW, since_ms[1], since_ms[0]);
    return s->ops->state_each(s, sql, &counts, error);
}

sh_err store_state_put(store *s, store_state list, const store_state_entry *entry, sh_error *error)
{
    return s->ops->state_put(s, store_state_statements[list].put, entry, error);
}

static sh_err note_found(void *context, const store_state_entry *entry, sh_error *error)
{
    (void)entry;
    (void)error;
    *(bool *)context = true;
    return SH_OK;
}

sh_err store_state_delete(store *s, store_state list, const char *key, sh_error *error)
{
    bool found = false;
    const store_state_reader reader = {.each = note_found, .context = &found};
    sh_err err = s->ops->state_find(s, store_state_statements[list].remove, key, &reader, error);
    if (err == SH_OK && !found)
        err = sh_fail(error, SH_E_NOT_FOUND, "the database has no entry \"%s\"", key);
    return err;
}

static sh_err write_new_version(store *s, store_state list, sh_error *error)
{
    uint8_t random[(STORE_VERSION_BYTES - 1) / 2];
    char version[STORE_VERSION_BYTES];
    sh_random(random, sizeof random);
    sh_hex_encode(random, sizeof random, version);
    return s->ops->meta_write(s, store_state_statements[list].meta_key, version, error);
}

sh_err store_state_touch(store *s, store_state list, sh_error *error)
{
    sh_err err = s->ops->state_lock == NULL ? SH_OK : s->ops->state_lock(s, list, error);
    return err == SH_OK ? write_new_version(s, list, error) : err;
}

sh_err store_state_commit(store *s, store_state list, sh_error *error)
{
    sh_err err = write_new_version(s, list, error);
    return err == SH_OK ? s->ops->commit(s, error) : err;
}
