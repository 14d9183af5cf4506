/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

/*
 * What the tests of the store share: a database of their own, of either kind, a second connection
 * to check it, device rows. SQL that is for both kinds quotes its names, as PostgreSQL needs it.
 */

#include "libcommon/base/cleanup.h"
#include "receiver/store/store.h"
#include "tests/unit/temp.h"
#include "tests/unit/with_postgres.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#define NOW "2026-08-22 02:53:00"
#define LATER "2026-08-22 03:00:00"

static char folder[64];
static char db_path[200];     /* what SYNC_db would hold */
static with_postgres *server; /* NULL: the database is an SQLite file */
static with_postgres own_server;

/* Records an item of node N. */
static inline sh_err note_item(store *s, const uint8_t id[static SH_ID_BYTES], int64_t now_ms,
                               bool *seen, sh_error *error)
{
    store_item item = {.node = "N", .now_ms = now_ms};
    memcpy(item.id, id, sizeof item.id);
    return store_item_note(s, &item, seen, error);
}

static inline int server_start(void **state)
{
    (void)state;
    postgres_start(&own_server);
    server = &own_server;
    return 0;
}

static inline int server_stop(void **state)
{
    (void)state;
    postgres_stop(&own_server);
    server = NULL;
    return 0;
}

static inline int folder_make(void **state)
{
    (void)state;
    if (server != NULL) {
        postgres_new_database(server, db_path, sizeof db_path);
        return 0;
    }
    (void)snprintf(folder, sizeof folder, "%s/synchub-store-XXXXXX", temp_base_short());
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(db_path, sizeof db_path, "%s/synchub.db", folder);
    return 0;
}

static inline int folder_remove(void **state)
{
    (void)state;
    if (server != NULL)
        return 0;
    static const char *const names[] = {"synchub.db", "synchub.db-wal", "synchub.db-shm",
                                        "synchub.db-journal", "link.db"};
    char path[200];
    (void)chmod(folder, 0700);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

/* Runs SQL with the test's own connection; returns the rows as `a|b;c|d;`. */
static inline const char *sql(const char *text)
{
    if (server != NULL)
        return postgres_ask(db_path, text);
    static char result[8192];
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(db_path, &db), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 5000);
    result[0] = '\0';
    size_t used = 0;
    while (text[0] != '\0') {
        sqlite3_stmt *statement = NULL;
        if (sqlite3_prepare_v2(db, text, -1, &statement, &text) != SQLITE_OK)
            fail_msg("%s: %s", text, sqlite3_errmsg(db));
        int rc = SQLITE_DONE;
        while (statement != NULL && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
            int columns = sqlite3_column_count(statement);
            for (int i = 0; i < columns; i++) {
                const unsigned char *value = sqlite3_column_text(statement, i);
                used += (size_t)snprintf(result + used, sizeof result - used, "%s%s",
                                         value == NULL ? "NULL" : (const char *)value,
                                         i + 1 < columns ? "|" : ";");
                assert_true(used < sizeof result);
            }
        }
        if (rc != SQLITE_DONE)
            fail_msg("%s", sqlite3_errmsg(db));
        (void)sqlite3_finalize(statement);
    }
    (void)sqlite3_close(db);
    return result;
}

/* Runs a file of SQL, such as a fixture. */
static inline void sql_file(const char *path)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    static char text[32768];
    size_t len = fread(text, 1, sizeof text - 1, file);
    text[len] = '\0';
    (void)fclose(file);
    (void)sql(text);
}

static inline store *opened(void)
{
    store *s = NULL;
    sh_error error = {.code = SH_OK};
    if (store_open(db_path, STORE_READ_WRITE, &s, &error) != SH_OK)
        fail_msg("%s", error.message);
    return s;
}

static inline void must(sh_err err, const sh_error *error)
{
    if (err != SH_OK)
        fail_msg("%s", error->message);
}

/* Inserts one row in a transaction of its own. */
static inline store_outcome insert(store *s, const char *json, const char *node)
{
    sh_error error = {.code = SH_OK};
    size_t count = 0;
    const sh_column *columns = store_columns(s, &count);
    SH_CLEANUP(sh_arena_reset) sh_arena arena = {NULL};
    sh_device_row *row = NULL;
    must(sh_device_row_read(sh_slice_of(json),
                            &(sh_row_context){columns, count, sh_slice_of(node), NOW, &arena}, &row,
                            &error),
         &error);
    store_insert one = {.row = row};
    must(store_begin(s, &error), &error);
    must(store_insert_devices(s, &one, 1, NOW, &error), &error);
    must(store_commit(s, &error), &error);
    return one.outcome;
}

#endif
