/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store_fixture.h"

#include "receiver/store/postgres/postgres_store.h"

/* Devices that were found are not looked up again, until one may be gone, whoever deleted it. */

#define MAC "00:00:5e:00:53:01"
#define OTHER "00:00:5e:00:53:02"
#define ROW "{\"devMac\":\"" MAC "\"}"
#define OTHER_ROW "{\"devMac\":\"" OTHER "\"}"

/* Whether the open transaction finds the device. */
static bool finds(store *s, const char *text)
{
    sh_mac mac;
    bool known = false;
    sh_error error = {.code = SH_OK};
    assert_int_equal(sh_mac_read(sh_slice_of(text), &mac, NULL), SH_OK);
    const sh_mac *const macs[] = {&mac};
    must(store_find_known(s, macs, 1, &known, &error), &error);
    return known;
}

static bool is_there(store *s, const char *text)
{
    sh_error error = {.code = SH_OK};
    must(store_begin(s, &error), &error);
    bool known = finds(s, text);
    must(store_commit(s, &error), &error);
    return known;
}

static size_t remembered(const store *s)
{
    return ((const store_postgres *)s)->known.count;
}

/* A store that remembers MAC and OTHER. */
static store *informed(void)
{
    store *s = opened();
    (void)insert(s, ROW, "N");
    (void)insert(s, OTHER_ROW, "N");
    assert_true(is_there(s, MAC));
    assert_true(is_there(s, OTHER));
    assert_int_equal(remembered(s), 2);
    return s;
}

static void a_device_that_was_found_is_not_looked_up_again(void **state)
{
    (void)state;
    store *s = informed();
    sh_error error = {.code = SH_OK};
    /* Nobody can read Devices now, so that a look-up would fail. */
    PGconn *other = PQconnectdb(db_path);
    PQclear(PQexec(other, "BEGIN; LOCK TABLE \"Devices\" IN ACCESS EXCLUSIVE MODE"));
    assert_true(is_there(s, MAC));
    assert_true(is_there(s, OTHER));
    PQfinish(other);
    (void)sql("UPDATE \"Devices\" SET \"devName\" = 'mine', \"devMac\" = \"devMac\"");
    must(store_begin(s, &error), &error);
    assert_int_equal(remembered(s), 2);
    assert_true(finds(s, MAC));
    must(store_commit(s, &error), &error);
    store_close(s);
}

static void a_deletion_is_noticed_before_the_next_table(void **state)
{
    (void)state;
    static const char *const ways[] = {
        "DELETE FROM \"Devices\" WHERE \"devMac\" = '" MAC "'",
        "UPDATE \"Devices\" SET \"devMac\" = 'x' WHERE \"devMac\" = '" MAC "'",
        "TRUNCATE \"Devices\"",
        "SET session_replication_role = replica; DELETE FROM \"Devices\"",
        "ALTER TABLE \"Devices\" DISABLE TRIGGER USER; DELETE FROM \"Devices\";"
        "ALTER TABLE \"Devices\" ENABLE ALWAYS TRIGGER \"SyncHub_deleted\","
        " ENABLE ALWAYS TRIGGER \"SyncHub_renamed\", ENABLE ALWAYS TRIGGER \"SyncHub_truncated\"",
        "CREATE ROLE janitor; GRANT SELECT, DELETE ON \"Devices\" TO janitor;"
        "SET ROLE janitor; DELETE FROM \"Devices\"; RESET ROLE;"
        "DROP OWNED BY janitor; DROP ROLE janitor",
        "BEGIN ISOLATION LEVEL SERIALIZABLE; DELETE FROM \"Devices\"; COMMIT",
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        store *s = informed();
        (void)sql(ways[i]);
        if (is_there(s, MAC))
            fail_msg("not noticed: %s", ways[i]);
        assert_int_equal(insert(s, ROW, "N"), STORE_INSERTED);
        assert_true(is_there(s, MAC));
        store_close(s);
    }
}

static void a_deletion_that_is_not_committed_yet_is_noticed_later(void **state)
{
    (void)state;
    store *s = informed();
    PGconn *first = PQconnectdb(db_path);
    PGconn *second = PQconnectdb(db_path);
    PQclear(PQexec(first, "BEGIN; DELETE FROM \"Devices\" WHERE \"devMac\" = '" MAC "'"));
    PQclear(PQexec(second, "BEGIN; DELETE FROM \"Devices\" WHERE \"devMac\" = '" OTHER "'"));
    assert_true(is_there(s, MAC));
    PQclear(PQexec(second, "COMMIT")); /* did not wait for the first one */
    assert_true(is_there(s, MAC));
    assert_false(is_there(s, OTHER));
    PQclear(PQexec(first, "COMMIT"));
    assert_false(is_there(s, MAC));
    PQfinish(first);
    PQfinish(second);
    store_close(s);
}

static void what_is_undone_is_forgotten(void **state)
{
    (void)state;
    store *s = opened();
    sh_error error = {.code = SH_OK};
    SH_CLEANUP(sh_arena_reset) sh_arena arena = {NULL};
    size_t count = 0;
    const sh_column *columns = store_columns(s, &count);
    sh_device_row *row = NULL;
    must(sh_device_row_read(SH_SLICE(ROW),
                            &(sh_row_context){columns, count, SH_SLICE("N"), NOW, &arena}, &row,
                            &error),
         &error);
    for (int undo = 0; undo < 2; undo++) {
        store_insert one = {.row = row};
        must(store_begin(s, &error), &error);
        must(store_savepoint(s, &error), &error);
        must(store_insert_devices(s, &one, 1, NOW, &error), &error);
        assert_true(finds(s, MAC));
        if (undo == 0) {
            must(store_undo_to_mark(s, &error), &error);
            assert_false(finds(s, MAC));
        }
        store_rollback(s);
        assert_false(is_there(s, MAC));
    }
    store_close(s);
}

static void nothing_is_remembered_where_a_deletion_would_not_be_noticed(void **state)
{
    (void)state;
    static const char *const ways[] = {
        "CREATE TABLE older () INHERITS (\"Devices\")", /* it has no triggers */
        "DROP TABLE older; ALTER TABLE \"Devices\" ENABLE TRIGGER \"SyncHub_truncated\"",
        "ALTER TABLE \"Devices\" ENABLE ALWAYS TRIGGER \"SyncHub_truncated\";"
        "CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;"
        "CREATE TRIGGER audit AFTER INSERT ON \"Devices\" FOR EACH ROW EXECUTE FUNCTION audit()",
        "DROP TRIGGER audit ON \"Devices\"; DROP TRIGGER \"SyncHub_deleted\" ON \"Devices\"",
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        store *s = i == 0 ? informed() : opened();
        (void)sql(ways[i]);
        assert_true(is_there(s, MAC));
        assert_int_equal(remembered(s), 0);
        (void)sql("SET session_replication_role = replica; DELETE FROM \"Devices\" WHERE"
                  " \"devMac\" = '" MAC "'");
        assert_false(is_there(s, MAC));
        (void)insert(s, ROW, "N");
        store_close(s);
    }
}

static void marks_of_deletions_are_replaced_by_one(void **state)
{
    (void)state;
    static const char count[] =
        "SELECT count(*) FROM \"SyncHub_Meta\" WHERE key LIKE 'devices\\_lost %'";
    static const store_limits limits = {.items_max = 1000,
                                        .node_items_max = 1000,
                                        .parts_max = 1000,
                                        .nodes_max = 1000,
                                        .presence_max = 1000};
    store *s = informed();
    store *pruning = opened();
    bool more = false;
    (void)sql("DELETE FROM \"Devices\" WHERE \"devMac\" = '" MAC "'");
    assert_string_equal(sql(count), "1;");
    assert_false(is_there(s, MAC));
    assert_true(is_there(s, OTHER));
    assert_int_equal(store_prune(pruning, &limits, &more, NULL), SH_OK);
    assert_true(is_there(s, OTHER));
    assert_int_equal(remembered(s), 1); /* a single mark stays */
    (void)sql("DELETE FROM \"Devices\"");
    assert_string_equal(sql(count), "2;");
    assert_int_equal(store_prune(pruning, &limits, &more, NULL), SH_OK);
    assert_string_equal(sql(count), "1;");
    assert_false(is_there(s, OTHER));
    store_close(pruning);
    store_close(s);
}

/* BEGIN and the version are sent together: a failure of the latter must leave a usable connection.
 */
static void a_transaction_that_cannot_read_the_version_begins_the_next_time(void **state)
{
    (void)state;
    store_close(informed());
    char url[sizeof db_path + 64];
    (void)snprintf(url, sizeof url, "%s&options=-c%%20lock_timeout%%3D200", db_path);
    store *s = NULL;
    sh_error error = {.code = SH_OK};
    must(store_open(url, STORE_READ_WRITE, &s, &error), &error);
    assert_true(is_there(s, MAC));
    PGconn *other = PQconnectdb(db_path);
    PQclear(PQexec(other, "BEGIN; LOCK TABLE \"SyncHub_Meta\" IN ACCESS EXCLUSIVE MODE"));
    assert_int_equal(store_begin(s, &error), SH_E_BUSY);
    assert_non_null(strstr(error.message, "55P03"));
    assert_int_equal(remembered(s), 0);
    PQfinish(other);
    assert_true(is_there(s, MAC));
    assert_int_equal(remembered(s), 1);
    (void)sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
              " WHERE application_name = 'synchub-receiver'");
    assert_int_equal(store_begin(s, &error), SH_E_NETWORK);
    assert_int_equal(store_begin(s, &error), SH_E_NETWORK);
    store_close(s);
}

/* A dump of an older schema does not have the function of the triggers, so that its restoration,
 * as `pg_restore --clean` makes it, leaves that of a newer one.
 */
static void a_dump_of_an_older_schema_that_was_restored_is_upgraded(void **state)
{
    (void)state;
    store_close(informed());
    (void)sql("DROP TRIGGER \"SyncHub_deleted\" ON \"Devices\";"
              "DROP TRIGGER \"SyncHub_renamed\" ON \"Devices\";"
              "DROP TRIGGER \"SyncHub_truncated\" ON \"Devices\";"
              "UPDATE \"SyncHub_Meta\" SET value = '13' WHERE key = 'schema_version'");
    store *s = opened();
    assert_true(is_there(s, MAC));
    assert_int_equal(remembered(s), 1);
    (void)sql("DELETE FROM \"Devices\"");
    assert_false(is_there(s, MAC));
    store_close(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_device_that_was_found_is_not_looked_up_again),
        TEST(a_deletion_is_noticed_before_the_next_table),
        TEST(a_deletion_that_is_not_committed_yet_is_noticed_later),
        TEST(what_is_undone_is_forgotten),
        TEST(nothing_is_remembered_where_a_deletion_would_not_be_noticed),
        TEST(marks_of_deletions_are_replaced_by_one),
        TEST(a_dump_of_an_older_schema_that_was_restored_is_upgraded),
        TEST(a_transaction_that_cannot_read_the_version_begins_the_next_time),
    };
    return cmocka_run_group_tests(tests, server_start, server_stop);
}
