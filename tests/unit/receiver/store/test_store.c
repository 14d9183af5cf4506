/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store_fixture.h"

#include <sys/wait.h>

static void a_new_database_has_netalertx_columns_and_rules(void **state)
{
    (void)state;
    store *s = opened();
    size_t count = 0;
    const sh_column *columns = store_columns(s, &count);
    assert_int_equal(count, sh_device_columns_count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(columns[i].name, sh_device_columns[i].name);
        assert_int_equal(columns[i].kind, sh_device_columns[i].kind);
        assert_int_equal(columns[i].not_null, sh_device_columns[i].not_null);
        assert_int_equal(columns[i].ignore_case, sh_device_columns[i].ignore_case);
        if (i > 0) /* a row without devMac is never passed */
            assert_int_equal(columns[i].default_kind, sh_device_columns[i].default_kind);
    }
    store_close(s);
}

static void a_new_file_has_the_tables_that_tools_know(void **state)
{
    (void)state;
    store_close(opened());
    assert_string_equal(sql("PRAGMA journal_mode"), "wal;");
    assert_string_equal(sql("SELECT name FROM sqlite_master WHERE type='table' ORDER BY name"),
                        "Devices;Plugins_Objects;SyncHub_AuthFailures;SyncHub_Blocklist;"
                        "SyncHub_Console;SyncHub_Credentials;SyncHub_History;SyncHub_Items;"
                        "SyncHub_Meta;SyncHub_Nodes;SyncHub_Parts;SyncHub_Presence;"
                        "SyncHub_Sessions;SyncHub_Settings;");
    assert_string_equal(sql("SELECT type, \"notnull\", dflt_value FROM pragma_table_info('Devices')"
                            " WHERE name IN ('devName','devScan','devLastIP') ORDER BY name"),
                        "TEXT|1|'';TEXT|1|'(unknown)';INTEGER|1|1;");
}

static void text_keeps_its_leading_zeros(void **state)
{
    (void)state;
    store *s = opened();
    assert_int_equal(insert(s, "{\"devMac\":\"0a\",\"devName\":\"007\"}", "N"), STORE_INSERTED);
    store_close(s);
    assert_string_equal(sql("SELECT \"devName\" FROM \"Devices\""), "007;");
}

static void a_row_that_is_there_is_never_changed(void **state)
{
    (void)state;
    store *s = opened();
    assert_int_equal(insert(s, "{\"devMac\":\"AA-BB-CC-00-00-01\",\"devName\":\"first\"}", "A"),
                     STORE_INSERTED);
    assert_int_equal(insert(s, "{\"devMac\":\"aabbcc000001\",\"devName\":\"second\"}", "B"),
                     STORE_KNOWN);
    assert_int_equal(insert(s, "{\"devMac\":\"Fake_Mac\"}", "A"), STORE_INSERTED);
    assert_int_equal(insert(s, "{\"devMac\":\"fAKE_mAC\"}", "A"), STORE_KNOWN);
    store_close(s);
    assert_string_equal(
        sql("SELECT \"devMac\", \"devName\", \"devSyncHubNode\" FROM \"Devices\" ORDER BY rowid"),
        "aa:bb:cc:00:00:01|first|A;Fake_Mac|(unknown)|A;");
}

static void known_macs_are_found_in_any_case(void **state)
{
    (void)state;
    store *s = opened();
    assert_int_equal(insert(s, "{\"devMac\":\"aa:bb:cc:00:00:01\"}", "A"), STORE_INSERTED);
    assert_int_equal(insert(s, "{\"devMac\":\"Fake\"}", "A"), STORE_INSERTED);
    static const char *const texts[] = {"AA:BB:CC:00:00:01", "fAKE", "aa:bb:cc:00:00:02", "0"};
    sh_mac macs[4];
    const sh_mac *asked[4];
    bool known[4] = {false, false, true, true};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(sh_mac_read(sh_slice_of(texts[i]), &macs[i], NULL), SH_OK);
        asked[i] = &macs[i];
    }
    assert_int_equal(store_find_known(s, asked, 4, known, NULL), SH_OK);
    assert_true(known[0] && known[1]);
    assert_false(known[2] || known[3]);
    assert_int_equal(store_find_known(s, asked, 0, known, NULL), SH_OK);
    store_close(s);
}

static bool is_known(store *s, const char *text)
{
    sh_mac mac;
    const sh_mac *asked[] = {&mac};
    bool known = false;
    sh_error error = {.code = SH_OK};
    assert_int_equal(sh_mac_read(sh_slice_of(text), &mac, NULL), SH_OK);
    must(store_find_known(s, asked, 1, &known, &error), &error);
    return known;
}

static bool is_known_in_a_transaction(store *s, const char *text)
{
    sh_error error = {.code = SH_OK};
    must(store_begin(s, &error), &error);
    bool known = is_known(s, text);
    must(store_commit(s, &error), &error);
    return known;
}

static void insert_inside(store *s, const char *mac)
{
    char json[64];
    size_t count = 0;
    const sh_column *columns = store_columns(s, &count);
    sh_error error = {.code = SH_OK};
    store_insert one = {.outcome = STORE_KNOWN};
    SH_CLEANUP(sh_arena_reset) sh_arena arena = {NULL};
    sh_device_row *row = NULL;
    (void)snprintf(json, sizeof json, "{\"devMac\":\"%s\"}", mac);
    must(sh_device_row_read(sh_slice_of(json),
                            &(sh_row_context){columns, count, SH_SLICE("N"), NOW, &arena}, &row,
                            &error),
         &error);
    one.row = row;
    must(store_insert_devices(s, &one, 1, NOW, &error), &error);
    assert_int_equal(one.outcome, STORE_INSERTED);
}

static void what_was_known_once_is_known_only_while_it_is_there(void **state)
{
    (void)state;
    static const char mac[] = "aa:bb:cc:00:00:01";
    store *s = opened();
    sh_error error = {.code = SH_OK};
    /* Undone with its transaction, and with its entry. */
    must(store_begin(s, &error), &error);
    insert_inside(s, mac);
    assert_true(is_known(s, mac));
    store_rollback(s);
    assert_false(is_known_in_a_transaction(s, mac));
    must(store_begin(s, &error), &error);
    must(store_savepoint(s, &error), &error);
    insert_inside(s, mac);
    assert_true(is_known(s, mac));
    must(store_undo_to_mark(s, &error), &error);
    assert_false(is_known(s, mac));
    must(store_commit(s, &error), &error);
    /* Deleted by another program. */
    must(store_begin(s, &error), &error);
    insert_inside(s, mac);
    must(store_commit(s, &error), &error);
    for (int i = 0; i < 3; i++)
        assert_true(is_known_in_a_transaction(s, mac));
    (void)sql("DELETE FROM \"Devices\"");
    assert_false(is_known_in_a_transaction(s, mac));
    /* Added by another program. */
    store *other = opened();
    assert_int_equal(insert(other, "{\"devMac\":\"AA:BB:CC:00:00:02\"}", "A"), STORE_INSERTED);
    store_close(other);
    assert_true(is_known_in_a_transaction(s, "aa:bb:cc:00:00:02"));
    store_close(s);
}

static void what_a_trigger_deletes_is_not_taken_for_known(void **state)
{
    (void)state;
    store_close(opened());
    (void)sql(server == NULL
                  ? "CREATE TRIGGER only_one AFTER INSERT ON Devices"
                    " BEGIN DELETE FROM Devices WHERE devMac <> NEW.devMac; END"
                  : "CREATE FUNCTION only_one() RETURNS trigger LANGUAGE plpgsql AS"
                    " $$BEGIN DELETE FROM \"Devices\" WHERE \"devMac\" <> NEW.\"devMac\";"
                    " RETURN NULL; END$$;"
                    "CREATE TRIGGER only_one AFTER INSERT ON \"Devices\" FOR EACH ROW"
                    " EXECUTE FUNCTION only_one()");
    store *s = opened();
    sh_error error = {.code = SH_OK};
    must(store_begin(s, &error), &error);
    insert_inside(s, "aa:bb:cc:00:00:01");
    assert_true(is_known(s, "aa:bb:cc:00:00:01"));
    insert_inside(s, "aa:bb:cc:00:00:02");
    assert_false(is_known(s, "aa:bb:cc:00:00:01"));
    must(store_commit(s, &error), &error);
    store_close(s);
}

static void a_row_the_database_refuses_is_rejected_alone(void **state)
{
    (void)state;
    store_close(opened());
    (void)sql("CREATE UNIQUE INDEX by_guid ON \"Devices\"(\"devGUID\")");
    (void)sql(server == NULL
                  ? "CREATE TRIGGER no_spies BEFORE INSERT ON Devices WHEN NEW.devName = 'spy'"
                    " BEGIN SELECT RAISE(ABORT, 'no spies here'); END"
                  : "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
                    " $$BEGIN RAISE 'no spies here'; END$$;"
                    "CREATE TRIGGER no_spies BEFORE INSERT ON \"Devices\" FOR EACH ROW"
                    " WHEN (NEW.\"devName\" = 'spy') EXECUTE FUNCTION refuse()");
    store *s = opened();
    static const char *const jsons[] = {
        "{\"devMac\":\"a\",\"devGUID\":\"secret\"}", "{\"devMac\":\"b\",\"devGUID\":\"secret\"}",
        "{\"devMac\":\"c\",\"devName\":\"spy\"}", "{\"devMac\":\"d\"}", "{\"devMac\":\"D\"}"};
    static const store_outcome outcomes[] = {STORE_INSERTED, STORE_REJECTED, STORE_REJECTED,
                                             STORE_INSERTED, STORE_KNOWN};
    size_t count = 0;
    const sh_column *columns = store_columns(s, &count);
    store_insert inserts[5];
    sh_device_row *rows[5];
    SH_CLEANUP(sh_arena_reset) sh_arena arena = {NULL};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(
            sh_device_row_read(sh_slice_of(jsons[i]),
                               &(sh_row_context){columns, count, SH_SLICE("N"), NOW, &arena},
                               &rows[i], NULL),
            SH_OK);
        inserts[i].row = rows[i];
    }
    sh_error error = {.code = SH_OK};
    must(store_begin(s, &error), &error);
    must(store_insert_devices(s, inserts, 5, NOW, &error), &error);
    must(store_commit(s, &error), &error);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(inserts[i].outcome, outcomes[i]);
    assert_non_null(strstr(inserts[1].reason, server == NULL ? "devGUID" : "by_guid"));
    assert_null(strstr(inserts[1].reason, "secret"));
    assert_non_null(strstr(inserts[2].reason, "no spies here"));
    assert_string_equal(inserts[3].reason, "");
    store_close(s);
    assert_string_equal(sql("SELECT \"devMac\" FROM \"Devices\" ORDER BY rowid"), "a;d;");
}

static void what_is_rolled_back_or_left_open_is_not_there(void **state)
{
    (void)state;
    store *s = opened();
    uint8_t id[SH_ID_BYTES] = {1};
    bool seen = true;
    assert_int_equal(store_begin(s, NULL), SH_OK);
    assert_int_equal(note_item(s, id, 1000, &seen, NULL), SH_OK);
    assert_false(seen);
    store_rollback(s);
    store_rollback(s);
    assert_int_equal(store_begin(s, NULL), SH_OK);
    assert_int_equal(note_item(s, id, 1000, &seen, NULL), SH_OK);
    assert_false(seen);
    store_close(s);
    assert_string_equal(sql("SELECT count(*) FROM \"SyncHub_Items\""), "0;");
}

static void undoing_to_a_mark_keeps_what_came_before_it(void **state)
{
    (void)state;
    store *s = opened();
    const uint8_t ids[3][SH_ID_BYTES] = {{1}, {2}, {3}};
    bool seen = false;
    assert_int_equal(store_begin(s, NULL), SH_OK);
    assert_int_equal(store_savepoint(s, NULL), SH_OK);
    assert_int_equal(note_item(s, ids[0], 1, &seen, NULL), SH_OK);
    assert_int_equal(store_savepoint(s, NULL), SH_OK);
    assert_int_equal(note_item(s, ids[1], 1, &seen, NULL), SH_OK);
    assert_int_equal(store_undo_to_mark(s, NULL), SH_OK);
    assert_int_equal(store_savepoint(s, NULL), SH_OK);
    assert_int_equal(note_item(s, ids[2], 1, &seen, NULL), SH_OK);
    assert_int_equal(store_commit(s, NULL), SH_OK);
    assert_int_equal(store_begin(s, NULL), SH_OK);
    assert_int_equal(store_savepoint(s, NULL), SH_OK);
    assert_int_equal(store_undo_to_mark(s, NULL), SH_OK);
    assert_int_equal(store_commit(s, NULL), SH_OK);
    store_close(s);
    assert_string_equal(sql(server == NULL
                                ? "SELECT hex(substr(id, 1, 1)) FROM SyncHub_Items ORDER BY id"
                                : "SELECT encode(substr(id, 1, 1), 'hex') FROM \"SyncHub_Items\""
                                  " ORDER BY id"),
                        "01;03;");
}

static sh_err collect_node(void *context, const store_node *node, sh_error *error)
{
    (void)error;
    char *text = context;
    size_t used = strlen(text);
    (void)snprintf(text + used, 1000 - used, "%s %s %lld %lld %lld %lld %lld %lld '%s' %d;",
                   node->node, node->mode, (long long)node->merged_ms, (long long)node->sent,
                   (long long)node->inserted, (long long)node->known, (long long)node->skipped,
                   (long long)node->set_aside, node->reason,
                   node->has_digest ? node->digest[31] : -1);
    return SH_OK;
}

static void a_nodes_insertions_are_added_up_and_the_rest_is_replaced(void **state)
{
    (void)state;
    store *s = opened();
    store_node node = {.node = "Node_B",
                       .mode = "push",
                       .merged_ms = 1000,
                       .sent = 10,
                       .inserted = 5,
                       .known = 3,
                       .skipped = 1,
                       .set_aside = 1,
                       .reason = "devMac is missing",
                       .has_digest = true,
                       .digest = {[31] = 7}};
    store_node other = {.node = "Node_A", .mode = "push", .merged_ms = 1};
    assert_int_equal(store_begin(s, NULL), SH_OK);
    assert_int_equal(store_node_record(s, &node, NULL), SH_OK);
    assert_int_equal(store_node_record(s, &other, NULL), SH_OK);
    node = (store_node){
        .node = "Node_B", .mode = "pull", .merged_ms = 2000, .sent = 11, .inserted = 2, .known = 9};
    assert_int_equal(store_node_record(s, &node, NULL), SH_OK);
    assert_int_equal(store_commit(s, NULL), SH_OK);
    char text[1000] = "";
    assert_int_equal(store_nodes(s, collect_node, text, NULL), SH_OK);
    assert_string_equal(text, "Node_A push 1 0 0 0 0 0 '' -1;"
                              "Node_B pull 2000 11 7 9 0 0 '' -1;");
    node.has_digest = true;
    node.digest[31] = 9;
    assert_int_equal(store_begin(s, NULL), SH_OK);
    assert_int_equal(store_node_record(s, &node, NULL), SH_OK);
    assert_int_equal(store_commit(s, NULL), SH_OK);
    text[0] = '\0';
    assert_int_equal(store_nodes(s, collect_node, text, NULL), SH_OK);
    assert_non_null(strstr(text, "'' 9;"));
    store_close(s);
}

/* Records parts of tables, each in a transaction of its own; whether the last made one whole. */
static bool record_parts(store *s, uint8_t digest, const uint32_t parts[], size_t count)
{
    bool whole = false;
    for (size_t i = 0; i < count; i++) {
        store_node node = {.node = "N",
                           .mode = "push",
                           .merged_ms = 1000 + parts[i],
                           .sent = 10,
                           .inserted = 1 + parts[i],
                           .known = 7 - parts[i],
                           .skipped = 1,
                           .set_aside = parts[i] == 1,
                           .has_digest = true,
                           .digest = {[31] = digest}};
        if (parts[i] == 1)
            (void)snprintf(node.reason, sizeof node.reason, "part 2, row 1: bad");
        sh_error error = {.code = SH_OK};
        must(store_begin(s, &error), &error);
        const store_part part = {.of = &node, .part = parts[i], .parts = 3};
        must(store_part_record(s, &part, &whole, &error), &error);
        if (whole)
            must(store_parts_end(s, &part, &error), &error);
        must(store_commit(s, &error), &error);
    }
    return whole;
}

static void a_table_in_parts_is_recorded_once_all_parts_are_there(void **state)
{
    (void)state;
    static const uint32_t two[] = {2, 0}, twice[] = {0, 0, 2}, last[] = {1};
    store *s = opened();
    char text[1000] = "";
    assert_false(record_parts(s, 9, two, 2));
    assert_int_equal(store_nodes(s, collect_node, text, NULL), SH_OK);
    assert_string_equal(text, "N push 1002 0 4 0 0 0 '' -1;");
    assert_false(record_parts(s, 8, last, 1)); /* of another table */
    assert_false(record_parts(s, 9, twice, 3));
    assert_true(record_parts(s, 9, last, 1));
    text[0] = '\0';
    assert_int_equal(store_nodes(s, collect_node, text, NULL), SH_OK);
    assert_string_equal(text, "N push 1001 30 13 18 3 1 'part 2, row 1: bad' 9;");
    assert_false(record_parts(s, 9, last, 1)); /* the next time all of it counts again */
    assert_string_equal(sql("SELECT count(*) FROM \"SyncHub_Parts\""), "2;");
    const store_limits limits = {.items_before_ms = 5000,
                                 .items_max = INT64_MAX,
                                 .parts_max = INT64_MAX,
                                 .nodes_max = INT64_MAX,
                                 .node_items_max = INT64_MAX};
    bool more = true;
    assert_int_equal(store_prune(s, &limits, &more, NULL), SH_OK);
    assert_string_equal(sql("SELECT count(*) FROM \"SyncHub_Parts\""), "0;");
    store_close(s);
}

static sh_err collect_device(void *context, const store_device *device, sh_error *error)
{
    (void)error;
    char *text = context;
    size_t used = strlen(text);
    used += (size_t)snprintf(text + used, 1000 - used, "%lld", (long long)device->rowid);
    for (size_t i = 0; i < device->count; i++) {
        const char *name = device->columns[i].name;
        const sh_value *value = &device->values[i];
        if (strcmp(name, "devMac") != 0 && strcmp(name, "devVendor") != 0 &&
            strcmp(name, "devScan") != 0)
            continue;
        used += (size_t)snprintf(text + used, 1000 - used, " %d:%.*s", (int)value->kind,
                                 value->text.data == NULL ? 4 : (int)value->text.len,
                                 value->text.data == NULL ? "NULL" : value->text.data);
    }
    (void)snprintf(text + used, 1000 - used, ";");
    return SH_OK;
}

static void devices_are_listed_of_one_node_or_of_all(void **state)
{
    (void)state;
    store *s = opened();
    assert_int_equal(insert(s, "{\"devMac\":\"b\",\"devScan\":5}", "N\xc3\xb6"), STORE_INSERTED);
    assert_int_equal(insert(s, "{\"devMac\":\"a\",\"devVendor\":\"V\"}", "M"), STORE_INSERTED);
    store_close(s);
    assert_int_equal(store_open(db_path, STORE_READ_ONLY, &s, NULL), SH_OK);
    char text[1000] = "";
    assert_int_equal(
        store_devices(s, &(store_device_query){.node = NULL}, collect_device, text, NULL), SH_OK);
    assert_string_equal(text, "1 1:b 0:NULL 2:5;2 1:a 1:V 2:1;");
    text[0] = '\0';
    assert_int_equal(
        store_devices(s, &(store_device_query){.node = "N\xc3\xb6"}, collect_device, text, NULL),
        SH_OK);
    assert_string_equal(text, "1 1:b 0:NULL 2:5;");
    text[0] = '\0';
    assert_int_equal(
        store_devices(s, &(store_device_query){.node = "nobody"}, collect_device, text, NULL),
        SH_OK);
    assert_string_equal(text, "");
    store_close(s);
}

static sh_err stop_at_once(void *context, const store_device *device, sh_error *error)
{
    (void)device;
    *(int *)context += 1;
    return sh_fail(error, SH_E_IO, "enough");
}

static void a_failing_reader_ends_the_listing(void **state)
{
    (void)state;
    store *s = opened();
    assert_int_equal(insert(s, "{\"devMac\":\"a\"}", "N"), STORE_INSERTED);
    assert_int_equal(insert(s, "{\"devMac\":\"b\"}", "N"), STORE_INSERTED);
    int calls = 0;
    sh_error error = {.code = SH_OK};
    assert_int_equal(
        store_devices(s, &(store_device_query){.node = NULL}, stop_at_once, &calls, &error),
        SH_E_IO);
    assert_int_equal(calls, 1);
    assert_string_equal(error.message, "enough");
    store_close(s);
}

static void reading_works_beside_an_open_transaction_and_writes_nothing(void **state)
{
    (void)state;
    store *writer = opened();
    assert_int_equal(insert(writer, "{\"devMac\":\"a\"}", "N"), STORE_INSERTED);
    assert_int_equal(store_begin(writer, NULL), SH_OK);
    bool seen = false;
    const uint8_t id[SH_ID_BYTES] = {1};
    assert_int_equal(note_item(writer, id, 1, &seen, NULL), SH_OK);
    store *reader = NULL;
    assert_int_equal(store_open(db_path, STORE_READ_ONLY, &reader, NULL), SH_OK);
    char text[1000] = "";
    assert_int_equal(
        store_devices(reader, &(store_device_query){.node = NULL}, collect_device, text, NULL),
        SH_OK);
    assert_string_equal(text, "1 1:a 0:NULL 2:1;");
    assert_int_equal(store_commit(writer, NULL), SH_OK);
    assert_int_equal(note_item(reader, id, 1, &seen, NULL), SH_E_IO);
    store_close(reader);
    store_close(writer);
}

static void what_is_committed_to_a_file_that_is_gone_is_no_success(void **state)
{
    (void)state;
    store *s = opened();
    sh_error error = {.code = SH_OK};
    bool seen = true;
    must(store_check(s, &error), &error);
    must(store_begin(s, &error), &error);
    must(note_item(s, (const uint8_t *)"0123456789abcdef", 1, &seen, &error), &error);
    assert_int_equal(unlink(db_path), 0);
    assert_int_equal(store_commit(s, &error), SH_E_IO);
    assert_non_null(strstr(error.message, db_path));
    assert_int_equal(store_check(s, NULL), SH_E_IO);
    store_rollback(s);
    store_close(s);
}

static void other_rules_forget_what_was_merged(void **state)
{
    (void)state;
    static const uint8_t rules[SH_DIGEST_BYTES] = {1}, others[SH_DIGEST_BYTES] = {2};
    static const char of_node[] = "SELECT count(digest), sum(sent) FROM \"SyncHub_Nodes\"";
    store *s = opened();
    sh_error error = {.code = SH_OK};
    store_node node = {.node = "N", .mode = "push", .sent = 7, .has_digest = true};
    must(store_rules_note(s, rules, &error), &error);
    must(store_begin(s, &error), &error);
    must(store_node_record(s, &node, &error), &error);
    must(store_commit(s, &error), &error);
    must(store_rules_note(s, rules, &error), &error);
    assert_string_equal(sql(of_node), "1|7;");
    must(store_rules_note(s, others, &error), &error);
    assert_string_equal(sql(of_node), "0|7;");
    store_close(s);
}

static void several_may_start_on_a_new_database_at_once(void **state)
{
    (void)state;
    enum { STARTERS = 6 };
    int gate[2];
    assert_int_equal(pipe(gate), 0);
    pid_t children[STARTERS];
    for (int i = 0; i < STARTERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            char byte;
            (void)close(gate[1]);
            if (read(gate[0], &byte, 1) != 0) /* all go when the parent closes its end */
                _exit(2);
            store *s = NULL;
            sh_error error = {.code = SH_OK};
            sh_err err = store_open(db_path, STORE_READ_WRITE, &s, &error);
            if (err != SH_OK)
                (void)fprintf(stderr, "%s\n", error.message);
            store_close(s);
            _exit(err == SH_OK ? 0 : 1);
        }
    }
    (void)close(gate[0]);
    (void)close(gate[1]);
    for (int i = 0; i < STARTERS; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_string_equal(sql("SELECT value FROM \"SyncHub_Meta\" WHERE key = 'database'"), "own;");
    if (server == NULL)
        assert_string_equal(sql("PRAGMA journal_mode"), "wal;");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)
#define COMMON_TESTS                                                                               \
    TEST(a_new_database_has_netalertx_columns_and_rules), TEST(text_keeps_its_leading_zeros),      \
        TEST(a_row_that_is_there_is_never_changed), TEST(known_macs_are_found_in_any_case),        \
        TEST(what_was_known_once_is_known_only_while_it_is_there),                                 \
        TEST(what_a_trigger_deletes_is_not_taken_for_known),                                       \
        TEST(a_row_the_database_refuses_is_rejected_alone),                                        \
        TEST(what_is_rolled_back_or_left_open_is_not_there),                                       \
        TEST(undoing_to_a_mark_keeps_what_came_before_it),                                         \
        TEST(a_nodes_insertions_are_added_up_and_the_rest_is_replaced),                            \
        TEST(devices_are_listed_of_one_node_or_of_all), TEST(a_failing_reader_ends_the_listing),   \
        TEST(reading_works_beside_an_open_transaction_and_writes_nothing),                         \
        TEST(a_table_in_parts_is_recorded_once_all_parts_are_there),                               \
        TEST(other_rules_forget_what_was_merged),                                                  \
        TEST(several_may_start_on_a_new_database_at_once)

/* The same rules, whatever kind of database it is. */
int main(void)
{
    const struct CMUnitTest in_sqlite[] = {
        COMMON_TESTS,
        TEST(a_new_file_has_the_tables_that_tools_know),
        TEST(what_is_committed_to_a_file_that_is_gone_is_no_success),
    };
    const struct CMUnitTest in_postgres[] = {COMMON_TESTS};
    int failed = cmocka_run_group_tests(in_sqlite, NULL, NULL);
    return failed + cmocka_run_group_tests(in_postgres, server_start, server_stop);
}
