/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/limits.h"
#include "receiver/store/store.h"
#include "tests/faults/inject.h"
#include "tests/unit/unit.h"

#include "tests/unit/pusher_folder.h"
#include <sqlite3.h>

/* A receiver's database is created; test_faults_receiver.c merges into one that is there. */

#define SCHEMA_BYTES 16384

static char whole_schema[SCHEMA_BYTES]; /* of a database that no fault met */

static sh_err act(sh_error *error)
{
    const uint8_t rules[SH_DIGEST_BYTES] = {1};
    store *s = NULL;
    sh_err err = store_open(in_folder("hub.db"), STORE_READ_WRITE, &s, error);
    if (err == SH_OK)
        err = store_rules_note(s, rules, error);
    store_close(s);
    return err;
}

static void begin(void)
{
    (void)folder_remove(NULL);
    assert_int_equal(mkdir(folder, 0700), 0);
}

/* One text from the database, by a connection of the test's own. */
static void ask_db(const char *sql, char ret[static SCHEMA_BYTES])
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open_v2(in_folder("hub.db"), &db, SQLITE_OPEN_READONLY, NULL), 0);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    const char *value = (const char *)sqlite3_column_text(statement, 0);
    int len = snprintf(ret, SCHEMA_BYTES, "%s", value == NULL ? "" : value);
    assert_in_range(len, 0, SCHEMA_BYTES - 1);
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
}

static void read_schema(char ret[static SCHEMA_BYTES])
{
    ask_db("SELECT group_concat(text, ';') FROM (SELECT coalesce(sql, name) AS text FROM "
           "sqlite_schema UNION ALL SELECT key || '=' || hex(value) FROM SyncHub_Meta WHERE key "
           "NOT IN "
           "('created', 'generation'))",
           ret);
}

/* Whatever failed, what is there is a whole database. */
static void check(void)
{
    char answer[SCHEMA_BYTES];
    if (access(in_folder("hub.db"), F_OK) != 0)
        return;
    ask_db("SELECT group_concat(integrity_check) FROM pragma_integrity_check", answer);
    assert_string_equal(answer, "ok");
}

static void end(void)
{
    char schema[SCHEMA_BYTES];
    read_schema(schema);
    assert_string_equal(schema, whole_schema);
}

static void a_database_is_created_whole_or_by_the_next_try(void **state)
{
    (void)state;
    sh_error error = {.code = SH_OK};
    if (act(&error) != SH_OK)
        fail_msg("%s", error.message);
    read_schema(whole_schema);
    assert_non_null(strstr(whole_schema, "Devices"));
    faults_in_turn(
        &(scenario){.name = "open",
                    .kinds = FAULT_BIT(FAULT_ALLOC) | FAULT_BIT(FAULT_READ) | FAULTS_SQLITE,
                    .begin = begin,
                    .act = act,
                    .check = check,
                    .end = end});
}

int main(void)
{
    const struct CMUnitTest tests[] = {FOLDER_TEST(a_database_is_created_whole_or_by_the_next_try)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
