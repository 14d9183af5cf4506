/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store_fixture.h"

#include "receiver/store/postgres/postgres_store.h"

#include <arpa/inet.h>
#include <sys/socket.h>

/* Tests specific to PostgreSQL; other tests cover the rules that both backends share. */

static char url[600];

static const char *url_with(const char *more)
{
    (void)snprintf(url, sizeof url, "%s&%s", db_path, more);
    return url;
}

static sh_err open_error(const char *db, store_access access, sh_error *error)
{
    store *s = NULL;
    *error = (sh_error){.code = SH_OK};
    sh_err err = store_open(db, access, &s, error);
    assert_int_equal(err == SH_OK, s != NULL);
    store_close(s);
    return err;
}

static sh_device_row *row_of(store *s, const char *json, sh_arena *arena)
{
    size_t count = 0;
    const sh_column *columns = store_columns(s, &count);
    sh_device_row *row = NULL;
    sh_error error = {.code = SH_OK};
    must(sh_device_row_read(sh_slice_of(json),
                            &(sh_row_context){columns, count, SH_SLICE("N"), NOW, arena}, &row,
                            &error),
         &error);
    return row;
}

/* Inserts one row inside the transaction that is open. */
static sh_err insert_in(store *s, const char *json, sh_error *error)
{
    SH_CLEANUP(sh_arena_reset) sh_arena arena = {NULL};
    sh_device_row *row = row_of(s, json, &arena);
    store_insert one = {.row = row};
    sh_err err = store_insert_devices(s, &one, 1, NOW, error);
    return err;
}

static void devices_have_the_names_that_tools_know(void **state)
{
    (void)state;
    store_close(opened());
    assert_string_equal(sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                            " ORDER BY tablename COLLATE \"C\""),
                        "Devices;Plugins_Objects;SyncHub_AuthFailures;SyncHub_Blocklist;"
                        "SyncHub_Console;SyncHub_Credentials;SyncHub_History;SyncHub_Items;"
                        "SyncHub_Meta;SyncHub_Nodes;SyncHub_Parts;SyncHub_Presence;"
                        "SyncHub_Sessions;SyncHub_Settings;");
    assert_string_equal(sql("SELECT count(*) FROM information_schema.columns"
                            " WHERE table_name = 'Devices'"),
                        "50;"); /* 49 and rowid */
    assert_string_equal(sql("SELECT data_type, is_nullable, column_default"
                            " FROM information_schema.columns WHERE table_name = 'Devices'"
                            " AND column_name IN ('devName', 'devFavorite') ORDER BY column_name"),
                        "bigint|NO|0;text|NO|'(unknown)'::text;");
    store_close(opened());
}

static void letters_outside_ascii_are_not_folded(void **state)
{
    (void)state;
    store *s = opened();
    assert_int_equal(insert(s, "{\"devMac\":\"\xc3\x84x\"}", "N"), STORE_INSERTED);
    assert_int_equal(insert(s, "{\"devMac\":\"\xc3\xa4x\"}", "N"), STORE_INSERTED);
    assert_int_equal(insert(s, "{\"devMac\":\"\xc3\xa4X\"}", "N"), STORE_KNOWN);
    store_close(s);
}

/* Rows that come together are sent as arrays: each keeps its values, of whatever kind. */
static void rows_that_come_together_keep_their_values(void **state)
{
    (void)state;
    static const char *const jsons[] = {
        "{\"devMac\":\"b\",\"devParentPort\":7,\"devVlan\":\"\",\"devFavorite\":1}",
        "{\"devMac\":\"c\",\"devComments\":\"{x,\\\"NULL\\\"}\",\"devVlan\":null}",
        "{\"devMac\":\"C\",\"devComments\":\"later\"}",
        "{\"devMac\":\"there\",\"devComments\":\"other\"}",
        "{\"devMac\":\"a\",\"devParentPort\":\"Gi1/0/24\"}",
    };
    static const store_outcome outcomes[] = {STORE_INSERTED, STORE_INSERTED, STORE_KNOWN,
                                             STORE_KNOWN, STORE_INSERTED};
    SH_CLEANUP(sh_arena_reset) sh_arena arena = {NULL};
    store_insert inserts[5];
    store *s = opened();
    sh_error error = {.code = SH_OK};
    assert_int_equal(insert(s, "{\"devMac\":\"THERE\"}", "N"), STORE_INSERTED);
    for (size_t i = 0; i < 5; i++)
        inserts[i] = (store_insert){.row = row_of(s, jsons[i], &arena)};
    must(store_begin(s, &error), &error);
    must(store_insert_devices(s, inserts, 5, NOW, &error), &error);
    must(store_commit(s, &error), &error);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(inserts[i].outcome, outcomes[i]);
    store_close(s);
    assert_string_equal(sql("SELECT \"devMac\", \"devComments\", \"devParentPort\", \"devVlan\","
                            " \"devFavorite\" FROM \"Devices\" ORDER BY rowid OFFSET 1"),
                        "a|NULL|Gi1/0/24|NULL|0;b|NULL|7||1;c|{x,\"NULL\"}|NULL|NULL|0;");
}

static sh_err count_in_order(void *context, const store_device *device, sh_error *error)
{
    (void)error;
    int64_t *last = context;
    assert_int_equal(device->rowid, *last + 1);
    *last = device->rowid;
    return SH_OK;
}

static void a_long_list_is_read_in_pieces_and_whole(void **state)
{
    (void)state;
    store *s = opened();
    (void)sql("INSERT INTO \"Devices\"(\"devMac\", \"devFirstConnection\", \"devLastConnection\")"
              " SELECT 'm' || n, '', '' FROM generate_series(1, 1000) AS n");
    int64_t last = 0;
    assert_int_equal(
        store_devices(s, &(store_device_query){.node = NULL}, count_in_order, &last, NULL), SH_OK);
    assert_int_equal(last, 1000);
    store_close(s);
}

static void a_lock_that_is_held_for_too_long_is_busy(void **state)
{
    (void)state;
    store_close(opened());
    store *s = NULL;
    assert_int_equal(
        store_open(url_with("options=-c%20lock_timeout%3D200"), STORE_READ_WRITE, &s, NULL), SH_OK);
    store *holder = opened();
    assert_int_equal(store_begin(holder, NULL), SH_OK);
    assert_int_equal(insert_in(holder, "{\"devMac\":\"a\"}", NULL), SH_OK);
    sh_error error = {.code = SH_OK};
    assert_int_equal(store_begin(s, NULL), SH_OK);
    assert_int_equal(insert_in(s, "{\"devMac\":\"A\"}", &error), SH_E_BUSY);
    store_rollback(s);
    assert_int_equal(store_commit(holder, NULL), SH_OK);
    assert_int_equal(insert(s, "{\"devMac\":\"A\"}", "N"), STORE_KNOWN);
    store_close(s);
    store_close(holder);
}

/* The other session has no deadlock time-out, so that the store gets the error. */
static void a_deadlock_is_busy_and_the_next_try_succeeds(void **state)
{
    (void)state;
    store *s = opened();
    PGconn *other = PQconnectdb(db_path);
    PQclear(PQexec(other, "SET deadlock_timeout = '1h'; BEGIN;"
                          "INSERT INTO \"Devices\"(\"devMac\", \"devFirstConnection\","
                          " \"devLastConnection\") VALUES('b', '', '')"));
    assert_int_equal(store_begin(s, NULL), SH_OK);
    assert_int_equal(insert_in(s, "{\"devMac\":\"a\"}", NULL), SH_OK);
    assert_int_equal(PQsendQuery(other, "INSERT INTO \"Devices\"(\"devMac\","
                                        " \"devFirstConnection\", \"devLastConnection\")"
                                        " VALUES('a', '', ''); COMMIT"),
                     1);
    sh_error error = {.code = SH_OK};
    assert_int_equal(insert_in(s, "{\"devMac\":\"b\"}", &error), SH_E_BUSY);
    assert_non_null(strstr(error.message, "40P01"));
    store_rollback(s);
    for (PGresult *result; (result = PQgetResult(other)) != NULL; PQclear(result))
        assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
    PQfinish(other);
    assert_int_equal(insert(s, "{\"devMac\":\"a\"}", "N"), STORE_KNOWN);
    store_close(s);
}

enum { SAME_DEVICES = 400, CHUNK = 50, WRITERS = 3 };

/* Inserts all devices, beginning with another one than the other writers; how many were new. */
static int insert_all(int writer)
{
    store *s = opened();
    int inserted = 0;
    for (int done = 0; done < SAME_DEVICES;) {
        store_insert inserts[CHUNK];
        SH_CLEANUP(sh_arena_reset) sh_arena arena = {NULL};
        for (int i = 0; i < CHUNK; i++) {
            char json[64];
            int device = (done + i) * 7 * (writer + 1) % SAME_DEVICES + writer * 130;
            (void)snprintf(json, sizeof json, "{\"devMac\":\"%s-%d\"}", writer % 2 ? "X" : "x",
                           device % SAME_DEVICES);
            inserts[i] = (store_insert){.row = row_of(s, json, &arena)};
        }
        sh_err err = store_begin(s, NULL);
        if (err == SH_OK)
            err = store_insert_devices(s, inserts, CHUNK, NOW, NULL);
        if (err == SH_OK)
            err = store_commit(s, NULL);
        if (err != SH_OK)
            store_rollback(s);
        for (int i = 0; i < CHUNK; i++)
            inserted += err == SH_OK && inserts[i].outcome == STORE_INSERTED;
        if (err == SH_OK)
            done += CHUNK;
        else if (err != SH_E_BUSY)
            return -1;
    }
    store_close(s);
    return inserted;
}

static void devices_that_several_insert_at_once_are_there_once(void **state)
{
    (void)state;
    store_close(opened());
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < WRITERS; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            int inserted = insert_all(i);
            _exit(write(ends[1], &inserted, sizeof inserted) == (ssize_t)sizeof inserted ? 0 : 1);
        }
    }
    int sum = 0;
    for (int i = 0; i < WRITERS; i++) {
        int inserted = -1;
        assert_int_equal(read(ends[0], &inserted, sizeof inserted), sizeof inserted);
        assert_true(inserted >= 0);
        sum += inserted;
        assert_true(wait(NULL) > 0);
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
    char expected[32];
    (void)snprintf(expected, sizeof expected, "%d;", sum);
    assert_string_equal(sql("SELECT count(*) FROM \"Devices\""), expected);
    assert_string_equal(sql("SELECT count(DISTINCT lower(\"devMac\")) FROM \"Devices\""), expected);
}

static void a_connection_that_was_ended_is_reported_and_made_again(void **state)
{
    (void)state;
    store *s = opened();
    assert_int_equal(store_begin(s, NULL), SH_OK);
    assert_int_equal(insert_in(s, "{\"devMac\":\"a\"}", NULL), SH_OK);
    (void)sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
              " WHERE application_name = 'synchub-receiver'");
    sh_error error = {.code = SH_OK};
    assert_int_equal(insert_in(s, "{\"devMac\":\"b\"}", &error), SH_E_NETWORK);
    assert_non_null(strstr(error.message, "terminating connection"));
    store_rollback(s);
    error.code = SH_OK;
    assert_int_equal(store_check(s, &error), SH_E_NETWORK);
    assert_non_null(strstr(error.message, "terminating connection"));
    assert_int_equal(store_begin(s, NULL), SH_E_NETWORK);
    assert_int_equal(store_nodes(s, NULL, NULL, NULL), SH_E_NETWORK);
    store_close(s);
    s = opened();
    assert_int_equal(store_check(s, NULL), SH_OK);
    assert_int_equal(insert(s, "{\"devMac\":\"a\"}", "N"), STORE_INSERTED);
    store_close(s);
}

static void a_server_that_went_away_while_nothing_was_done_is_noticed(void **state)
{
    (void)state;
    store *s = opened();
    assert_int_equal(store_check(s, NULL), SH_OK);
    postgres_shut(server);
    sh_error error = {.code = SH_OK};
    assert_int_equal(store_check(s, &error), SH_E_NETWORK);
    store_close(s);
    assert_int_equal(open_error(db_path, STORE_READ_WRITE, &error), SH_E_NETWORK);
    postgres_launch(server);
    store_close(opened());
}

static void what_cannot_be_opened_is_told_without_the_password(void **state)
{
    (void)state;
    (void)sql("CREATE ROLE locked LOGIN PASSWORD 'right'");
    static const struct {
        const char *start; /* the server's folder is inserted here */
        const char *end;
        sh_err err;
        const char *message;
    } cases[] = {
        {"postgresql://locked:s3cret@/postgres?host=", "", SH_E_CONFIG, "password"},
        {"postgresql://locked@/postgres?host=", "", SH_E_CONFIG, "no password"},
        {"postgresql://locked:right@/nothing?host=", "", SH_E_CONFIG, "nothing"},
        {"postgresql://nobody_at_all:s3cret@/postgres?host=", "", SH_E_CONFIG, "user"},
        {"postgresql://synchub:s3cret@/postgres?host=", "/none", SH_E_NETWORK, "is down"},
        {"postgresql://synchub:s3%zzcret@/postgres?host=", "", SH_E_CONFIG, "SYNC_db"},
        {"postgresql://synchub:s3cret@[::1/postgres?host=", "", SH_E_CONFIG, "SYNC_db"},
        {"postgresql://synchub:s3cret@/postgres?host=", "&nonsense=1", SH_E_CONFIG, "SYNC_db"},
        {"POSTGRESQL://synchub:s3cret@/postgres?host=", "", SH_E_CONFIG, "SYNC_db"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char one[300];
        sh_error error;
        (void)snprintf(one, sizeof one, "%s%s%s", cases[i].start, server->folder, cases[i].end);
        assert_int_equal(open_error(one, STORE_READ_WRITE, &error), cases[i].err);
        if (strstr(error.message, cases[i].message) == NULL)
            fail_msg("%s: %s", one, error.message);
        assert_null(strstr(error.message, "s3"));
        assert_null(strstr(error.message, "cret"));
    }
}

/* A host that accepts connections and never answers must not prevent trying the next one. */
static void the_hosts_of_a_url_are_tried_one_after_the_other(void **state)
{
    (void)state;
    int silent = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    assert_int_equal(bind(silent, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(silent, 8), 0);
    assert_int_equal(getsockname(silent, (struct sockaddr *)&address, &len), 0);
    int port = ntohs(address.sin_port);
    sh_error error;
    char one[400];
    (void)snprintf(one, sizeof one, "postgresql://synchub@127.0.0.1:%d/test_%d?connect_timeout=1",
                   port, server->databases);
    assert_int_equal(open_error(one, STORE_READ_WRITE, &error), SH_E_NETWORK);
    assert_non_null(strstr(error.message, "does not answer within 1 s"));
    (void)snprintf(
        one, sizeof one,
        "postgresql:///test_%d?user=synchub&host=127.0.0.1,%s&port=%d,5432&connect_timeout=1",
        server->databases, server->folder, port);
    assert_int_equal(open_error(one, STORE_READ_WRITE, &error), SH_OK);
    (void)close(silent);
}

static void a_database_of_another_kind_is_refused_and_left_alone(void **state)
{
    (void)state;
    sh_error error;
    assert_int_equal(open_error(db_path, STORE_READ_ONLY, &error), SH_E_NOT_FOUND);
    (void)sql("CREATE TABLE \"Devices\"(song text)");
    assert_int_equal(open_error(db_path, STORE_READ_WRITE, &error), SH_E_CONFIG);
    assert_non_null(strstr(error.message, "not Sync Hub's"));
    assert_string_equal(sql("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'SyncHub%'"),
                        "0;");
    (void)sql("DROP TABLE \"Devices\"");
    store_close(opened());
    (void)sql("UPDATE \"SyncHub_Meta\" SET value = '999' WHERE key = 'schema_version'");
    assert_int_equal(open_error(db_path, STORE_READ_WRITE, &error), SH_E_CONFIG);
    assert_non_null(strstr(error.message, "newer Sync Hub"));
    (void)sql("UPDATE \"SyncHub_Meta\" SET value = '0' WHERE key = 'schema_version'");
    assert_int_equal(open_error(db_path, STORE_READ_WRITE, &error), SH_E_CONFIG);
    assert_non_null(strstr(error.message, "no valid schema_version"));
    (void)sql("DELETE FROM \"SyncHub_Meta\"");
    assert_int_equal(open_error(db_path, STORE_READ_ONLY, &error), SH_E_CONFIG);
    (void)sql("CREATE DATABASE other_letters ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0");
    char other[200];
    (void)snprintf(other, sizeof other, "postgresql:///other_letters?host=%s&user=synchub",
                   server->folder);
    assert_int_equal(open_error(other, STORE_READ_WRITE, &error), SH_E_CONFIG);
    assert_non_null(strstr(error.message, "UTF-8"));
}

typedef struct {
    int64_t count;
    long resident_kib; /* at the first node */
    char last[SH_NODE_NAME_MAX + 1];
} seen_nodes;

static long resident_kib(void)
{
    char text[128];
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    (void)fclose(file);
    char *resident_at = strchr(text, ' '); /* after the size */
    assert_non_null(resident_at);
    long resident = strtol(resident_at, NULL, 10);
    assert_true(resident > 0);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static sh_err see_node(void *context, const store_node *node, sh_error *error)
{
    (void)error;
    seen_nodes *seen = context;
    if (seen->count++ == 0)
        seen->resident_kib = resident_kib();
    assert_true(strcmp(seen->last, node->node) < 0); /* in order, each once */
    memcpy(seen->last, node->node, sizeof seen->last);
    return SH_OK;
}

static void a_hub_of_many_nodes_reads_them_by_pages(void **state)
{
    (void)state;
    store *s = opened();
    (void)sql("INSERT INTO \"SyncHub_Nodes\"(node, mode, merged_ms, sent, inserted, known, skipped,"
              " set_aside, reason) SELECT 'node ' || to_char(i, 'FM000000'), 'push', 1, 1, 1, 1, 1,"
              " 1, repeat('x', 300) FROM generate_series(1, 40000) AS i");
    seen_nodes seen = {.count = 0};
    long before_kib = resident_kib();
    must(store_nodes(s, see_node, &seen, NULL), NULL);
    assert_int_equal(seen.count, 40000);
    /* All at once they took 20 MiB. */
    assert_true(seen.resident_kib - before_kib < 6 * 1024);
    store_close(s);
}

static void what_sslmode_gives_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *host, *address, *sslmode;
        bool encrypted;
        const char *message; /* NULL: no advice */
    } cases[] = {
        {"/run/postgresql", NULL, "prefer", false, NULL},
        {"localhost", "127.0.0.1", "prefer", false, NULL},
        {"db", "127.0.0.9", "disable", false, NULL},
        {"::1", "::1", "prefer", true, NULL},
        {"db.example", "192.0.2.1", "verify-full", true, NULL},
        {"db.example", "192.0.2.1", "disable", false, "is not encrypted"},
        {"db.example", "192.0.2.1", "prefer", false, "is not encrypted"},
        {"db.example", "192.0.2.1", "prefer", true, "certificate is not checked"},
        {"db.example", "2001:db8::1", "require", true, "certificate is not checked"},
        {"db.example", "192.0.2.1", "verify-ca", true, "server's name is not checked"},
        {"localhost", "192.0.2.1", "require", true, "certificate is not checked"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char message[STORE_ADVICE_BYTES];
        store_postgres_transport_message(cases[i].host, cases[i].address, cases[i].sslmode,
                                         cases[i].encrypted, message);
        if (cases[i].message == NULL)
            assert_string_equal(message, "");
        else
            assert_non_null(strstr(message, cases[i].message));
    }
    store *s = opened(); /* over a Unix socket */
    char advice[STORE_ADVICE_BYTES];
    store_advice(s, advice);
    assert_string_equal(advice, "");
    store_close(s);
}

static void a_user_who_may_not_make_tables_can_use_those_that_are_there(void **state)
{
    (void)state;
    (void)sql("DROP ROLE IF EXISTS small; CREATE ROLE small LOGIN;"
              "REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    char small[200];
    (void)snprintf(small, sizeof small, "postgresql:///test_%d?host=%s&user=small",
                   server->databases, server->folder);
    sh_error error;
    assert_int_equal(open_error(small, STORE_READ_WRITE, &error), SH_E_CONFIG);
    assert_non_null(strstr(error.message, "grant"));
    store_close(opened());
    (void)sql("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO small");
    store *s = NULL;
    assert_int_equal(store_open(small, STORE_READ_WRITE, &s, NULL), SH_OK);
    assert_int_equal(insert(s, "{\"devMac\":\"a\"}", "N"), STORE_INSERTED);
    store_close(s);
    assert_string_equal(sql("SELECT \"devMac\" FROM \"Devices\""), "a;");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)
    const struct CMUnitTest tests[] = {
        TEST(devices_have_the_names_that_tools_know),
        TEST(letters_outside_ascii_are_not_folded),
        TEST(rows_that_come_together_keep_their_values),
        TEST(a_long_list_is_read_in_pieces_and_whole),
        TEST(a_lock_that_is_held_for_too_long_is_busy),
        TEST(a_deadlock_is_busy_and_the_next_try_succeeds),
        TEST(devices_that_several_insert_at_once_are_there_once),
        TEST(a_connection_that_was_ended_is_reported_and_made_again),
        TEST(a_server_that_went_away_while_nothing_was_done_is_noticed),
        TEST(what_cannot_be_opened_is_told_without_the_password),
        TEST(the_hosts_of_a_url_are_tried_one_after_the_other),
        TEST(a_database_of_another_kind_is_refused_and_left_alone),
        TEST(a_user_who_may_not_make_tables_can_use_those_that_are_there),
        TEST(a_hub_of_many_nodes_reads_them_by_pages),
        TEST(what_sslmode_gives_is_told),
    };
    return cmocka_run_group_tests(tests, server_start, server_stop);
}
