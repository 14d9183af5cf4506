/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/schema.h"
#include "tests/unit/store_fixture.h"

#include <sys/wait.h>

/* Databases of older versions and new ones, on both backends, with migrations of the test's own. */

#define GOLDEN TESTS_DIR "/golden/0.1.0/"

/* --- Lists of migrations: the released ones, and more --- */

/* clang-format off */
#define MIGRATION(steps_) {.steps = (steps_), .count = sizeof(steps_) / sizeof((steps_)[0])}
/* clang-format on */

static const schema_step columns_added[] = {
    {.table = "Devices", .column = "devRack", .definition = "@text", .own_only = true},
    {.table = "Devices",
     .column = "devShelf",
     .definition = "@integer NOT NULL DEFAULT 7",
     .own_only = true},
    {.table = "SyncHub_Nodes", .column = "firstMs", .definition = "@integer NOT NULL DEFAULT 0"},
};

/* Of device_columns.c. */
static const schema_step known_column_added[] = {
    {.table = "Devices", .column = "devCustomProps", .own_only = true}};

static const schema_step table_added[] = {
    {.sql = "CREATE TABLE \"SyncHub_Test\"(mac @text NOT NULL PRIMARY KEY, seen_ms @integer,"
            " seal @bytes, words @prose) @rows_by_key"},
    {.sql = "CREATE INDEX \"SyncHub_Test_seen\" ON \"SyncHub_Test\"(seen_ms)"},
    {.sqlite = "INSERT INTO SyncHub_Test(mac) VALUES('sqlite')",
     .postgres = "INSERT INTO \"SyncHub_Test\"(mac) VALUES('postgres')"},
};

static const schema_step broken[] = {
    {.sql = "CREATE TABLE \"SyncHub_Half\"(one @text)"},
    {.sql = "CREATE TABLE \"SyncHub_Half\"(two @text)"},
};

static const schema_migration extra[] = {MIGRATION(columns_added), MIGRATION(table_added)};
static const schema_migration extra_known[] = {MIGRATION(columns_added),
                                               MIGRATION(known_column_added)};
static const schema_migration extra_broken[] = {MIGRATION(columns_added), MIGRATION(broken)};

static schema_migration all[32];
static schema lengthened;

static void use(const schema_migration *more, size_t count)
{
    lengthened = (schema){.migrations = all, .count = schema_released.count + count};
    assert_true(lengthened.count <= sizeof all / sizeof all[0]);
    for (size_t i = 0; i < lengthened.count; i++)
        all[i] = i < schema_released.count ? schema_released.migrations[i]
                                           : more[i - schema_released.count];
    schema_in_use = &lengthened;
}

static int reset(void **state)
{
    schema_in_use = &schema_released;
    return folder_remove(state);
}

/* --- Databases --- */

static void copy_file(const char *from, const char *to)
{
    static char bytes[256 * 1024];
    FILE *in = fopen(from, "rb");
    FILE *out = fopen(to, "wb");
    assert_non_null(in);
    assert_non_null(out);
    size_t len = fread(bytes, 1, sizeof bytes, in);
    assert_in_range(len, 1, sizeof bytes - 1);
    assert_int_equal(fwrite(bytes, 1, len, out), len);
    (void)fclose(in);
    assert_int_equal(fclose(out), 0);
}

/* A dump, but for psql's own commands. */
static void load_dump(const char *path)
{
    static char text[64 * 1024];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = 0;
    while (fgets(text + len, (int)(sizeof text - len), file) != NULL) {
        if (text[len] != '\\')
            len += strlen(text + len);
        assert_true(len < sizeof text - 1);
    }
    text[len] = '\0';
    (void)fclose(file);
    (void)sql(text);
}

/* A hub's database as 0.1.0 left it: version 1, two nodes, 30 devices. */
static void put_golden(void)
{
    if (server == NULL)
        copy_file(GOLDEN "hub.db", db_path);
    else
        load_dump(GOLDEN "postgres.sql");
}

static void new_database(void)
{
    if (server == NULL)
        (void)unlink(db_path);
    else
        postgres_new_database(server, db_path, sizeof db_path);
}

static const char *version(void)
{
    return sql("SELECT value FROM \"SyncHub_Meta\" WHERE key = 'schema_version'");
}

static void expect_version(size_t wanted)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%zu;", wanted);
    assert_string_equal(version(), text);
}

/* All tables, columns, keys and indexes, in pieces that fit. */
static const char *const sqlite_traces[] = {
    "SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' ORDER BY name",
    "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_xinfo('Devices')",
    "SELECT m.name, c.name, c.type, c.\"notnull\", c.dflt_value, c.pk FROM sqlite_master AS m,"
    " pragma_table_xinfo(m.name) AS c WHERE m.type = 'table' AND m.name <> 'Devices'"
    " ORDER BY m.name, c.cid",
    "SELECT m.name, l.origin, l.\"unique\", x.name, x.coll FROM sqlite_master AS m,"
    " pragma_index_list(m.name) AS l, pragma_index_xinfo(l.name) AS x WHERE m.type = 'table'"
    " AND x.key ORDER BY m.name, l.name, x.seqno",
    "SELECT type, name FROM sqlite_master ORDER BY type, name",
    NULL};
static const char *const postgres_traces[] = {
    "SELECT column_name, data_type, is_nullable, column_default, collation_name"
    " FROM information_schema.columns WHERE table_name = 'Devices' ORDER BY ordinal_position",
    "SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name,"
    " is_identity FROM information_schema.columns WHERE table_schema = 'public'"
    " AND table_name <> 'Devices' ORDER BY table_name, ordinal_position",
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid <> 0 AND"
    " connamespace = 'public'::regnamespace ORDER BY 1",
    "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public' ORDER BY 1",
    NULL};

#define TRACES_BYTES (5 * 8192)

static void trace_schema(char ret[static TRACES_BYTES])
{
    const char *const *traces = server == NULL ? sqlite_traces : postgres_traces;
    size_t len = 0;
    for (size_t i = 0; traces[i] != NULL; i++)
        len += (size_t)snprintf(ret + len, TRACES_BYTES - len, "%s\n", sql(traces[i]));
    assert_true(len < TRACES_BYTES);
}

static sh_err open_error(store_access access, sh_error *error)
{
    store *s = NULL;
    *error = (sh_error){.code = SH_OK};
    sh_err err = store_open(db_path, access, &s, error);
    store_close(s);
    return err;
}

/* --- Tests --- */

static void expect_upgraded_like_new(void)
{
    static char upgraded[TRACES_BYTES], new[TRACES_BYTES];
    put_golden();
    store_close(opened());
    expect_version(schema_in_use->count);
    trace_schema(upgraded);
    assert_string_equal(sql("SELECT count(*) FROM \"Devices\""), "30;");
    /* Their nodes see them; whether they are present, and since when, is not known. */
    assert_string_equal(sql("SELECT count(*), min(present), max(first_seen_ms)"
                            " FROM \"SyncHub_Presence\""),
                        "30|2|0;");
    new_database();
    store_close(opened());
    expect_version(schema_in_use->count);
    trace_schema(new);
    assert_true(strlen(new) > 3000);
    assert_string_equal(upgraded, new);
}

/* Fails where a column was added to device_columns.c, and no migration adds it. */
static void a_database_of_version_1_becomes_what_a_new_one_is(void **state)
{
    (void)state;
    expect_upgraded_like_new();
}

static void it_does_so_with_columns_and_tables_added(void **state)
{
    (void)state;
    use(extra, 2);
    expect_upgraded_like_new();
    assert_string_equal(sql("SELECT mac FROM \"SyncHub_Test\""),
                        server == NULL ? "sqlite;" : "postgres;");
}

static void a_column_that_is_added_is_filled_and_used(void **state)
{
    (void)state;
    put_golden();
    /* As if device_columns.c had just got it. */
    (void)sql("ALTER TABLE \"Devices\" DROP COLUMN \"devCustomProps\"");
    use(extra_known, 2);
    store *s = opened();
    assert_string_equal(sql("SELECT DISTINCT \"devRack\", \"devShelf\", \"devCustomProps\""
                            " FROM \"Devices\""),
                        "NULL|7|NULL;");
    assert_string_equal(sql("SELECT node, \"firstMs\" FROM \"SyncHub_Nodes\" ORDER BY node"),
                        "Node_A|0;Node_B|0;");
    assert_int_equal(insert(s, "{\"devMac\":\"new\",\"devCustomProps\":1}", "N"), STORE_INSERTED);
    store_close(s);
    store_close(opened());
    assert_string_equal(sql("SELECT \"devCustomProps\", \"devShelf\" FROM \"Devices\""
                            " WHERE \"devMac\" = 'new'"),
                        "1|7;");
}

static void a_migration_that_fails_changes_nothing_and_those_before_it_stay(void **state)
{
    (void)state;
    static char before[TRACES_BYTES], after[TRACES_BYTES];
    put_golden();
    use(extra, 1);
    store_close(opened());
    trace_schema(before);
    new_database();
    put_golden();
    use(extra_broken, 2);
    sh_error error;
    for (int i = 0; i < 2; i++) {
        assert_int_not_equal(open_error(STORE_READ_WRITE, &error), SH_OK);
        assert_non_null(strstr(error.message, "make the tables of"));
        expect_version(schema_released.count + 1);
        trace_schema(after);
        assert_string_equal(after, before);
    }
    use(extra, 2);
    store_close(opened());
    expect_version(schema_released.count + 2);
}

static void an_older_database_is_not_read_before_it_is_upgraded(void **state)
{
    (void)state;
    put_golden();
    use(extra, 2);
    sh_error error;
    assert_int_equal(open_error(STORE_READ_ONLY, &error), SH_E_CONFIG);
    assert_non_null(strstr(error.message, "tables of an older Sync Hub (its schema is 1, "));
    assert_non_null(strstr(error.message, "start the receiver"));
    expect_version(1);
    store_close(opened());
    assert_int_equal(open_error(STORE_READ_ONLY, &error), SH_OK);
}

static void a_newer_or_invalid_version_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *version, *message;
    } cases[] = {{"999", "newer Sync Hub (its schema is 999"},
                 {"0", "no valid schema_version"},
                 {"-1", "no valid schema_version"},
                 {"", "no valid schema_version"},
                 {"1x", "no valid schema_version"},
                 {" 1", "no valid schema_version"},
                 {"one", "no valid schema_version"},
                 {"4294967297", "no valid schema_version"}};
    use(extra, 2);
    store_close(opened());
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[200];
        (void)snprintf(text, sizeof text,
                       "UPDATE \"SyncHub_Meta\" SET value = '%s' WHERE key = 'schema_version'",
                       cases[i].version);
        (void)sql(text);
        sh_error error;
        assert_int_equal(open_error(STORE_READ_WRITE, &error), SH_E_CONFIG);
        assert_non_null(strstr(error.message, cases[i].message));
        assert_int_equal(open_error(STORE_READ_ONLY, &error), SH_E_CONFIG);
        assert_non_null(strstr(error.message, cases[i].message));
        (void)snprintf(text, sizeof text, "%s;", cases[i].version);
        assert_string_equal(version(), text);
    }
    use(extra, 1); /* the program of the release before */
    char text[200];
    (void)snprintf(text, sizeof text,
                   "UPDATE \"SyncHub_Meta\" SET value = '%zu' WHERE key = 'schema_version'",
                   schema_released.count + 2);
    (void)sql(text);
    sh_error error;
    assert_int_equal(open_error(STORE_READ_WRITE, &error), SH_E_CONFIG);
    assert_non_null(strstr(error.message, "newer Sync Hub"));
}

static void receivers_that_start_at_once_upgrade_it_once(void **state)
{
    (void)state;
    put_golden();
    use(extra, 2);
    pid_t children[4];
    for (size_t i = 0; i < 4; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            store *s = NULL;
            sh_err err = SH_E_BUSY;
            for (int tries = 0; tries < 10 && err == SH_E_BUSY; tries++)
                err = store_open(db_path, STORE_READ_WRITE, &s, NULL);
            _exit(err == SH_OK ? 0 : 1);
        }
    }
    for (size_t i = 0; i < 4; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    expect_version(schema_released.count + 2);
    assert_string_equal(sql("SELECT count(*) FROM \"SyncHub_Test\""), "1;");
}

static void a_netalertx_database_gets_sync_hubs_own_tables_alone(void **state)
{
    (void)state;
    if (server != NULL)
        return;
    sql_file(TESTS_DIR "/fixtures/app_db.sql");
    char *before = strdup(sql("PRAGMA table_info(Devices)"));
    store_close(opened());
    use(extra, 2);
    store_close(opened());
    assert_string_equal(sql("PRAGMA table_info(Devices)"), before);
    free(before);
    expect_version(schema_released.count + 2);
    assert_string_equal(sql("SELECT mac FROM SyncHub_Test"), "sqlite;");
    assert_string_equal(sql("SELECT count(firstMs) FROM SyncHub_Nodes"), "0;");
}

/* Somebody removed the version, but not the tables. */
static void tables_that_are_there_already_are_kept(void **state)
{
    (void)state;
    if (server != NULL)
        return;
    sql_file(TESTS_DIR "/fixtures/app_db.sql");
    use(extra, 1);
    store_close(opened());
    (void)sql("INSERT INTO SyncHub_Items(id, merged_ms) VALUES('one', 1);"
              "DROP TABLE SyncHub_Meta");
    store_close(opened());
    expect_version(schema_released.count + 1);
    assert_string_equal(sql("SELECT id FROM SyncHub_Items"), "one;");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, reset)
    const struct CMUnitTest tests[] = {
        TEST(a_database_of_version_1_becomes_what_a_new_one_is),
        TEST(it_does_so_with_columns_and_tables_added),
        TEST(a_column_that_is_added_is_filled_and_used),
        TEST(a_migration_that_fails_changes_nothing_and_those_before_it_stay),
        TEST(an_older_database_is_not_read_before_it_is_upgraded),
        TEST(a_newer_or_invalid_version_is_refused),
        TEST(receivers_that_start_at_once_upgrade_it_once),
        TEST(a_netalertx_database_gets_sync_hubs_own_tables_alone),
        TEST(tables_that_are_there_already_are_kept),
    };
    int failed = cmocka_run_group_tests_name("SQLite", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("PostgreSQL", tests, server_start, server_stop);
}
