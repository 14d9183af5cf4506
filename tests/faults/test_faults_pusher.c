/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/config/settings_load.h"
#include "libcommon/crypto/crypto.h"
#include "pusher/push_scheduler.h"
#include "tests/faults/inject.h"
#include "tests/faults/programs.h"
#include "tests/unit/with_redis.h"

#include "tests/unit/pusher_folder.h"
#include <dirent.h>

/* A node's work: a table and a result go to a real hub, the result by way of the spool. */

static const char table[] = "{\"data\": [{\"devMac\": \"00:11:22:33:44:55\"}]}";
static const char result[] = "one|x|2026-08-22 02:53:00|a|b|c|d|e|f\n";

static with_redis redis;
static other_end hub;
static sh_settings settings;
static bool has_settings;
static sh_node_key key;
static work *kept;

static bool wait_not(int64_t ms)
{
    (void)ms;
    return false;
}

static const work_options options = {.once = true, .stop_fd = -1, .wait = wait_not};

static void load_settings(void)
{
    char devices[PATH_MAX], plugins[PATH_MAX], spool[PATH_MAX], url[64];
    (void)snprintf(devices, sizeof devices, "SYNC_devices_file=%s", in_folder("table"));
    (void)snprintf(plugins, sizeof plugins, "SYNC_plugins_dir=%s", in_folder("plugins"));
    (void)snprintf(spool, sizeof spool, "SYNC_spool_dir=%s", in_folder("spool"));
    (void)snprintf(url, sizeof url, "SYNC_hub_url=http://127.0.0.1:%u", hub.port);
    char token[] = "API_TOKEN=t", passphrase[] = "SYNC_encryption_key=k",
         name[] = "SYNC_node_name=N", both[] = "SYNC_devices=1", list[] = "SYNC_plugins=A";
    char *environment[] = {devices, plugins, spool, url, token, passphrase, name, both, list, NULL};
    sh_error error = {.code = SH_OK};
    if (has_settings)
        sh_settings_reset(&settings);
    has_settings = true;
    if (sh_settings_load(SH_FOR_PUSHER, environment, &settings, &error) != SH_OK)
        fail_msg("%s", error.message);
    uint8_t master[SH_KEY_BYTES];
    assert_int_equal(sh_key_from_passphrase(sh_slice_of(settings.encryption_key), master, &error),
                     SH_OK);
    sh_node_key_derive(master, SH_SLICE("N"), &key);
}

static void begin(void)
{
    work_free(kept);
    kept = NULL;
    (void)folder_remove(NULL);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(mkdir(in_folder("plugins"), 0700), 0);
    folder_put("table", table);
    folder_put("plugins/last_result.A.log", result);
    (void)redis_ask(&redis, "FLUSHALL");
    (void)redis_ask(&redis, "SET synchub:nodes:version none");
    load_settings();
}

static sh_err attempt(work *w, sh_error *error)
{
    work_all_due(w);
    push_report report = work_attempt(w);
    if (!report.failed)
        return SH_OK;
    assert_true(inject_has_logged());
    return sh_fail(error, SH_E_IO, "reported in the log");
}

/* A pusher that was started anew for each try. */
static sh_err act(sh_error *error)
{
    work *w = NULL;
    sh_err err = work_new(&settings, &key, &options, &w, error);
    if (err == SH_OK)
        err = attempt(w, error);
    work_free(w);
    return err;
}

static void kept_begin(void)
{
    begin();
    assert_int_equal(work_new(&settings, &key, &options, &kept, NULL), SH_OK);
}

/* One pusher that goes on after the fault. */
static sh_err kept_act(sh_error *error)
{
    return attempt(kept, error);
}

static int files_in(const char *name)
{
    DIR *dir = opendir(in_folder(name));
    int count = 0;
    for (struct dirent *e = dir == NULL ? NULL : readdir(dir); e != NULL; e = readdir(dir))
        count += strstr(e->d_name, ".item") != NULL;
    if (dir != NULL)
        (void)closedir(dir);
    return count;
}

/* Until the hub has it the result lies in the spool, once; nothing is ever refused. */
static void check(void)
{
    assert_true(files_in("spool/spool") <= 1);
    assert_int_equal(files_in("spool/refused"), 0);
}

/* The kind of each entry that the hub queued, counted. */
static void end(void)
{
    int tables = 0, results = 0;
    redisReply *reply = redisCommand(redis.client, "XRANGE synchub:ingest - +");
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *fields = reply->element[i]->element[1];
        tables += fields->element[1]->str[5] == SH_KIND_DEVICES;
        results += fields->element[1]->str[5] == SH_KIND_PLUGIN;
    }
    freeReplyObject(reply);
    assert_int_equal(results, 1);
    assert_true(tables >= 1); /* a table may come again: rows that are there stay as they are */
    assert_int_equal(files_in("spool/spool"), 0);
    assert_int_equal(files_in("spool/refused"), 0);
}

static void a_result_arrives_once_and_a_table_at_least_once(void **state)
{
    (void)state;
    scenario s = {.name = "pusher",
                  .kinds = FAULT_BIT(FAULT_ALLOC) | FAULTS_FILES | FAULTS_HTTP,
                  .begin = begin,
                  .act = act,
                  .check = check,
                  .end = end};
    faults_in_turn(&s);
    s.name = "pusher, kept";
    s.begin = kept_begin;
    s.act = kept_act;
    faults_in_turn(&s);
    work_free(kept);
    kept = NULL;
}

static int start(void **state)
{
    (void)state;
    redis_start(&redis, "0");
    char url[160];
    (void)snprintf(url, sizeof url, "SYNC_redis_url=%s", redis.url);
    const char *const hub_settings[] = {"SYNC_receiver_role=ingest",
                                        "SYNC_listen=127.0.0.1:0",
                                        "API_TOKEN=t",
                                        "SYNC_encryption_key=k",
                                        url,
                                        NULL};
    other_end_start(&hub, "receiver", hub_settings);
    return sh_crypto_init(NULL) != SH_OK;
}

static int stop(void **state)
{
    (void)state;
    other_end_stop(&hub);
    redis_stop(&redis);
    if (has_settings)
        sh_settings_reset(&settings);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(a_result_arrives_once_and_a_table_at_least_once)};
    return cmocka_run_group_tests(tests, start, stop);
}
