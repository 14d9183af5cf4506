/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/sqlite/sqlite_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * NetAlertX's table of results may have no index on the ids, so that a search for each line of a
 * result would scan the whole table each time. In this case the rows of the plugin and node are
 * read once. They are valid within a transaction, as no other program can write during it.
 */

#define ROWS_FIRST 1024

typedef struct {
    uint8_t ids[16]; /* a keyed hash of both ids */
    int64_t rowid;   /* 0: free; SQLite's start at 1 */
} result_row;

struct sqlite_result_rows {
    char plugin[SH_PLUGIN_NAME_MAX + 1];
    char node[SH_NODE_NAME_MAX + 1];
    uint8_t key[SH_KEY_BYTES];
    result_row *slots;
    size_t slots_count, count; /* slots_count is a power of two, at most half in use */
};

static size_t slot_of(const sqlite_result_rows *rows, const uint8_t ids[static 16])
{
    uint64_t number;
    memcpy(&number, ids, sizeof number);
    size_t at = (size_t)number & (rows->slots_count - 1);
    while (rows->slots[at].rowid != 0 && memcmp(rows->slots[at].ids, ids, 16) != 0)
        at = (at + 1) & (rows->slots_count - 1);
    return at;
}

/* The lengths distinguish ("ab", "c") from ("a", "bc"). */
static void hash_ids(const sqlite_result_rows *rows, sh_slice primary, sh_slice secondary,
                     uint8_t ret[static 16])
{
    uint8_t parts[2][SH_KEY_BYTES];
    sh_keyed_hash(rows->key, primary, parts[0], SH_KEY_BYTES);
    sh_keyed_hash(rows->key, secondary, parts[1], SH_KEY_BYTES);
    sh_keyed_hash(rows->key, (sh_slice){(const char *)parts, sizeof parts}, ret, 16);
}

static bool grow(sqlite_result_rows *rows)
{
    sqlite_result_rows larger = *rows;
    larger.slots_count = rows->slots_count == 0 ? ROWS_FIRST : 2 * rows->slots_count;
    larger.slots = calloc(larger.slots_count, sizeof *larger.slots);
    if (larger.slots == NULL)
        return false;
    for (size_t i = 0; i < rows->slots_count; i++)
        if (rows->slots[i].rowid != 0)
            larger.slots[slot_of(&larger, rows->slots[i].ids)] = rows->slots[i];
    free(rows->slots);
    *rows = larger;
    return true;
}

sh_err store_sqlite_result_rows_add(store_sqlite *s, sh_slice primary, sh_slice secondary,
                                    int64_t rowid, sh_error *error)
{
    sqlite_result_rows *rows = s->rows;
    if (2 * (rows->count + 1) > rows->slots_count && !grow(rows))
        return sh_fail(error, SH_E_MEMORY, "no memory to look plugin results up");
    uint8_t ids[16];
    hash_ids(rows, primary, secondary, ids);
    result_row *slot = &rows->slots[slot_of(rows, ids)];
    if (slot->rowid == 0) { /* the first of duplicate rows counts, as in a search */
        memcpy(slot->ids, ids, sizeof slot->ids);
        slot->rowid = rowid;
        rows->count++;
    }
    return SH_OK;
}

bool store_sqlite_result_rows_find(const store_sqlite *s, sh_slice primary, sh_slice secondary,
                                   int64_t *rowid)
{
    uint8_t ids[16];
    if (s->rows->slots_count == 0)
        return false;
    hash_ids(s->rows, primary, secondary, ids);
    *rowid = s->rows->slots[slot_of(s->rows, ids)].rowid;
    return *rowid != 0;
}

static sh_slice text_of(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return (sh_slice){text == NULL ? "" : text, (size_t)sqlite3_column_bytes(statement, column)};
}

static sh_err read_rows(store_sqlite *s, sh_error *error)
{
    char sql[256];
    (void)sqlite3_snprintf((int)sizeof sql, sql,
                           "SELECT rowid, objectPrimaryId, objectSecondaryId FROM \"%w\""
                           " WHERE plugin = ?1 AND syncHubNodeName = ?2 ORDER BY rowid",
                           s->result_table);
    sqlite3_stmt *statement = NULL;
    sh_err err = store_sqlite_statement(s, STATEMENT_RESULT_ROWS, sql, &statement, error);
    if (err != SH_OK)
        return err;
    int rc = store_sqlite_bind_text(statement, 1, sh_slice_of(s->rows->plugin));
    if (rc == SQLITE_OK)
        rc = store_sqlite_bind_text(statement, 2, sh_slice_of(s->rows->node));
    while (rc == SQLITE_OK && err == SH_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        err = store_sqlite_result_rows_add(s, text_of(statement, 1), text_of(statement, 2),
                                           sqlite3_column_int64(statement, 0), error);
        rc = SQLITE_OK;
    }
    if (err == SH_OK && rc != SQLITE_DONE)
        err = store_sqlite_fail(s, rc, "read", error);
    (void)sqlite3_reset(statement);
    return err;
}

sh_err store_sqlite_result_rows_read(store_sqlite *s, const char *plugin, const char *node,
                                     sh_error *error)
{
    if (s->rows != NULL && strcmp(s->rows->plugin, plugin) == 0 && strcmp(s->rows->node, node) == 0)
        return SH_OK;
    store_sqlite_result_rows_forget(s);
    s->rows = calloc(1, sizeof *s->rows);
    if (s->rows == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to look plugin results up");
    (void)snprintf(s->rows->plugin, sizeof s->rows->plugin, "%s", plugin);
    (void)snprintf(s->rows->node, sizeof s->rows->node, "%s", node);
    sh_random(s->rows->key, sizeof s->rows->key);
    sh_err err = read_rows(s, error);
    if (err != SH_OK)
        store_sqlite_result_rows_forget(s);
    return err;
}

void store_sqlite_result_rows_forget(store_sqlite *s)
{
    if (s->rows != NULL)
        free(s->rows->slots);
    free(s->rows);
    s->rows = NULL;
}
