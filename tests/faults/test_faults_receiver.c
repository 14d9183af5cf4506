/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/cleanup.h"
#include "libcommon/envelope.h"
#include "libcommon/file.h"
#include "libcommon/queue.h"
#include "receiver/figures.h"
#include "receiver/merge.h"
#include "tests/faults/inject.h"
#include "tests/put_one.h"
#include "tests/unit/with_redis.h"

#include "tests/unit/pusher_folder.h"
#include <dirent.h>
#include <sqlite3.h>

/* Merge's whole life: open the database, empty the queue into it, close. */

static const char table[] = "{\"data\": [{\"devMac\": \"00:11:22:33:44:55\", \"devName\": \"a\"},"
                            "{\"devMac\": \"00:11:22:33:44:66\"}, {\"devMac\": \"internet\"}]}";
static const char result[] = "one|x|2026-08-22 02:53:00|a|b|c|d|e|f\n"
                             "two|x|2026-08-22 02:53:00|a|b|c|d|e|f\n";

static with_redis redis;
static sh_settings settings;
static bool has_settings;
static hub_keys keys;

static void put(sh_queue *queue, uint8_t id, sh_kind kind, const char *text)
{
    sh_node_key key;
    sh_node_key_derive(keys.passphrase_key, SH_SLICE("N"), &key);
    sh_envelope_header header = {.kind = kind, .id = {id}, .parts = 1, .node = "N"};
    if (kind == SH_KIND_PLUGIN)
        (void)snprintf(header.plugin, sizeof header.plugin, "A");
    SH_CLEANUP(sh_buf_done) sh_buf sealed = SH_BUF_INIT(SH_ENVELOPE_MAX);
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
    if (has_settings)
        sh_settings_done(&settings);
    has_settings = true;
    if (sh_settings_load(SH_FOR_RECEIVER, environment, &settings, &error) != SH_OK)
        fail_msg("%s", error.message);
}

static void begin(void)
{
    (void)folder_remove(NULL);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(mkdir(in_folder("out"), 0700), 0);
    (void)redis_ask(&redis, "FLUSHALL");
    load_settings();
    assert_int_equal(keys_init(&settings, &keys, NULL), SH_OK);
    sh_queue *queue = NULL;
    assert_int_equal(sh_queue_new(redis.url, "synchub", &queue, NULL), SH_OK);
    put(queue, 1, SH_KIND_DEVICES, table);
    put(queue, 2, SH_KIND_PLUGIN, result);
    put(queue, 3, SH_KIND_DEVICES, "no table");
    sh_queue_free(queue);
}

static sh_err act(sh_error *error)
{
    sh_metric_set(&figures.buried, 0); /* a process of its own would begin so */
    merge *m = NULL;
    sh_err err = merge_new(&settings, &keys, &m, error);
    if (err != SH_OK)
        return err;
    bool good = merge_run(m, true);
    merge_free(m);
    if (good)
        return SH_OK;
    assert_true(inject_was_told());
    if (redis_ask(&redis, "XLEN synchub:ingest") == 0)
        return SH_OK; /* false because something was buried, as it must be */
    return sh_fail(error, SH_E_IO, "said in the log");
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
            SH_CLEANUP(sh_buf_done) sh_buf text = SH_BUF_INIT(1000);
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

static void look(void)
{
    assert_true(files_out() <= 1);
    /* Whatever failed, the database is whole; it may not be there yet. */
    if (access(in_folder("hub.db"), F_OK) == 0)
        assert_int_equal(
            ask_db("SELECT group_concat(integrity_check) = 'ok' FROM pragma_integrity_check"), 1);
}

/* Each item once in the database, or in the dead letters; the third can be nowhere else. */
static void end(void)
{
    int64_t devices = ask_db("SELECT count(*) FROM Devices");
    int64_t lines = ask_db("SELECT count(*) FROM Plugins_Objects");
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

static void every_item_is_merged_once_or_buried(void **state)
{
    (void)state;
    faults_in_turn(&(scenario){
        .name = "merge",
        .kinds = (FAULT_BIT(FAULT_ALLOC) | FAULTS_FILES | FAULTS_SQLITE | FAULTS_REDIS) &
                 ~(unsigned)FAULT_BIT(FAULT_UNLINK),
        .begin = begin,
        .act = act,
        .look = look,
        .end = end});
}

static int start(void **state)
{
    (void)state;
    redis_start(&redis, "0");
    return sh_crypto_init(NULL) != SH_OK;
}

static int stop(void **state)
{
    (void)state;
    redis_stop(&redis);
    keys_done(&keys);
    if (has_settings)
        sh_settings_done(&settings);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {FOLDER_TEST(every_item_is_merged_once_or_buried)};
    return cmocka_run_group_tests(tests, start, stop);
}
