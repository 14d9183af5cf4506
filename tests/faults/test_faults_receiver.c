/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/config/settings_load.h"
#include "libcommon/native/envelope.h"
#include "libcommon/os/file.h"
#include "libcommon/queue/queue.h"
#include "receiver/hub/hub_metrics.h"
#include "receiver/merge/merge.h"
#include "tests/faults/inject.h"
#include "tests/put_one.h"
#include "tests/unit/with_redis.h"

#include "tests/unit/pusher_folder.h"
#include <dirent.h>
#include <sqlite3.h>

/*
 * Merge in two scenarios: it starts; it merges the queue into the database. How the database is
 * created and opened is in test_faults_receiver_open.c, where a turn costs less.
 */

static const char table[] = "{\"data\": [{\"devMac\": \"00:11:22:33:44:55\", \"devName\": \"a\"},"
                            "{\"devMac\": \"00:11:22:33:44:66\"}, {\"devMac\": \"internet\"}]}";
static const char result[] = "one|x|2026-08-22 02:53:00|a|b|c|d|e|f\n"
                             "two|x|2026-08-22 02:53:00|a|b|c|d|e|f\n";

static with_redis redis;
static sh_settings settings;
static hub_secrets keys;
static sh_queue *queue; /* puts what is to be merged */
static sh_buf new_db;   /* the file of a database that was just created */
static merge *ready;    /* started by begin(), so that faults meet what comes after */

static void put(uint8_t id, sh_kind kind, const char *text)
{
    sh_node_key key;
    sh_node_key_derive(keys.passphrase_key, SH_SLICE("N"), &key);
    sh_envelope_header header = {.kind = kind, .id = {id}, .parts = 1, .node = "N"};
    if (kind == SH_KIND_PLUGIN)
        (void)snprintf(header.plugin, sizeof header.plugin, "A");
    SH_CLEANUP(sh_buf_reset) sh_buf sealed = SH_BUF_INIT(SH_ENVELOPE_MAX);
    sh_put outcome;
    assert_int_equal(sh_envelope_seal(&header, &key, sh_slice_of(text), &sealed, NULL), SH_OK);
    assert_int_equal(put_one(queue, (sh_slice){sealed.data, sealed.len}, &header, &outcome, NULL),
                     SH_OK);
}

static void load_settings(void)
{
    char db[PATH_MAX], out[PATH_MAX], url[PATH_MAX];
    (void)snprintf(db, sizeof db, "SYNC_db=%s", in_folder("hub.db"));
    (void)snprintf(out, sizeof out, "SYNC_plugins_out=%s", in_folder("out"));
    (void)snprintf(url, sizeof url, "SYNC_redis_url=%s", redis.url);
    char token[] = "API_TOKEN=t", passphrase[] = "SYNC_encryption_key=k";
    char *environment[] = {db, out, url, token, passphrase, NULL};
    sh_error error = {.code = SH_OK};
    if (sh_settings_load(SH_FOR_RECEIVER, environment, &settings, &error) != SH_OK)
        fail_msg("%s", error.message);
}

static void start_begin(void)
{
    (void)folder_remove(NULL);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(mkdir(in_folder("out"), 0700), 0);
    folder_put_bytes("hub.db", new_db.data, new_db.len);
    (void)redis_ask(&redis, "FLUSHALL");
}

static void nothing(void)
{
}

/* A busy database does not prevent the start: merging opens it later. */
static sh_err start_act(sh_error *error)
{
    merge *m = NULL;
    sh_err err = merge_new(&settings, &keys, &m, error);
    if (err == SH_OK && !merge_run(m, true)) {
        assert_true(inject_has_logged());
        err = sh_fail(error, SH_E_IO, "reported in the log");
    }
    merge_free(m);
    return err;
}

static void begin(void)
{
    start_begin();
    put(1, SH_KIND_DEVICES, table);
    put(2, SH_KIND_PLUGIN, result);
    put(3, SH_KIND_DEVICES, "no table");
    assert_int_equal(merge_new(&settings, &keys, &ready, NULL), SH_OK);
}

static sh_err act(sh_error *error)
{
    sh_metric_set(&hub_metrics.dead_letters, 0); /* as in a new process */
    merge *m = ready;
    ready = NULL;
    sh_err err = m != NULL ? SH_OK : merge_new(&settings, &keys, &m, error);
    if (err != SH_OK)
        return err;
    bool good = merge_run(m, true);
    merge_free(m);
    if (good)
        return SH_OK;
    assert_true(inject_has_logged());
    if (redis_ask(&redis, "XLEN synchub:ingest") == 0)
        return SH_OK; /* false because there is a dead letter, as there must be */
    return sh_fail(error, SH_E_IO, "reported in the log");
}

static void create_database(void)
{
    merge *m = NULL;
    sh_error error = {.code = SH_OK};
    assert_int_equal(mkdir(in_folder("out"), 0700), 0);
    load_settings();
    assert_int_equal(hub_secrets_init(&settings, &keys, NULL), SH_OK);
    if (merge_new(&settings, &keys, &m, &error) != SH_OK)
        fail_msg("%s", error.message);
    merge_free(m);
    new_db = SH_BUF_INIT(SH_MIB);
    assert_int_equal(sh_file_read(in_folder("hub.db"), &new_db, NULL, NULL), SH_OK);
}

static int64_t ask_db(const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open_v2(in_folder("hub.db"), &db, SQLITE_OPEN_READONLY, NULL), 0);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
    return value;
}

/* Whatever is in the folder is a whole result: no more than one, nothing cut, nothing left over. */
static int files_out(void)
{
    struct dirent **found = NULL;
    int files = 0;
    int count = scandir(in_folder("out"), &found, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        if (strcmp(found[i]->d_name, ".") != 0 && strcmp(found[i]->d_name, "..") != 0) {
            char path[300];
            SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(1000);
            (void)snprintf(path, sizeof path, "out/%.250s", found[i]->d_name);
            assert_int_equal(sh_file_read(in_folder(path), &text, NULL, NULL), SH_OK);
            assert_string_equal(text.data, result);
            files++;
        }
        free(found[i]);
    }
    free(found);
    return files;
}

static void check(void)
{
    assert_true(files_out() <= 1);
    /* Whatever failed, the database is whole. */
    assert_int_equal(
        ask_db("SELECT group_concat(integrity_check) = 'ok' FROM pragma_integrity_check"), 1);
}

/* Each item once in the database, or in the dead letters; the third can be nowhere else. */
static void end(void)
{
    int64_t both = ask_db("SELECT (SELECT count(*) FROM Devices) * 1000 + count(*) FROM "
                          "Plugins_Objects");
    int64_t devices = both / 1000, lines = both % 1000;
    assert_true(devices == 0 || devices == 2);
    assert_true(lines == 0 || lines == 2);
    assert_int_equal(redis_ask(&redis, "XLEN synchub:dead"), 1 + (devices == 0) + (lines == 0));
    assert_int_equal(redis_ask(&redis, "XLEN synchub:ingest"), 0);
    assert_int_equal(redis_ask(&redis, "GET synchub:bytes"), 0);
    assert_int_equal(redis_ask(&redis, "HLEN synchub:failures"), 0);
    if (devices == 2)
        assert_int_equal(redis_ask(&redis, "HLEN synchub:digests"), 1);
    if (lines == 2)
        assert_int_equal(files_out(), 1);
}

/* The database of settings that hold for the whole test; folder_remove() then leaves nothing. */
static int folder_make_with_database(void **state)
{
    int failed = folder_make(state);
    create_database();
    return failed;
}

static int folder_remove_with_database(void **state)
{
    hub_secrets_reset(&keys);
    sh_settings_reset(&settings);
    sh_buf_reset(&new_db);
    return folder_remove(state);
}

static void merging_starts_or_says_why_not(void **state)
{
    (void)state;
    faults_in_turn(&(scenario){.name = "start",
                               .kinds = FAULT_BIT(FAULT_ALLOC) | FAULT_BIT(FAULT_READ) |
                                        FAULT_BIT(FAULT_STEP_BUSY),
                               .begin = start_begin,
                               .act = start_act,
                               .check = check,
                               .end = nothing});
}

static void every_item_is_merged_once_or_a_dead_letter(void **state)
{
    (void)state;
    faults_in_turn(&(scenario){
        .name = "merge",
        .kinds = (FAULT_BIT(FAULT_ALLOC) | FAULTS_FILES | FAULTS_SQLITE | FAULTS_REDIS) &
                 ~(unsigned)(FAULT_BIT(FAULT_READ) | FAULT_BIT(FAULT_UNLINK)),
        .begin = begin,
        .act = act,
        .check = check,
        .end = end});
}

static int start(void **state)
{
    (void)state;
    redis_start(&redis, "0");
    return sh_crypto_init(NULL) != SH_OK ||
           sh_queue_new(redis.url, "synchub", &queue, NULL) != SH_OK;
}

static int stop(void **state)
{
    (void)state;
    sh_queue_free(queue);
    redis_stop(&redis);
    return 0;
}

int main(void)
{
#define DATABASE_TEST(test)                                                                        \
    cmocka_unit_test_setup_teardown(test, folder_make_with_database, folder_remove_with_database)
    const struct CMUnitTest tests[] = {
        DATABASE_TEST(merging_starts_or_says_why_not),
        DATABASE_TEST(every_item_is_merged_once_or_a_dead_letter),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
