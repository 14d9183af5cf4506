/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/settings_load.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/runtime/service.h"
#include "puller/run.h"
#include "tests/faults/inject.h"
#include "tests/faults/programs.h"
#include "tests/unit/with_redis.h"

#include "tests/unit/pusher_folder.h"

/* One run of a puller: a table of a real node is queued. */

static const char table[] = "{\"data\": [{\"devMac\": \"00:11:22:33:44:55\"}]}";

static with_redis redis;
static other_end node;
static sh_settings settings;

static void begin(void)
{
    (void)redis_ask(&redis, "FLUSHALL");
    (void)redis_ask(&redis, "SET synchub:nodes:version none");
}

static sh_err act(sh_error *error)
{
    if (puller_main(&settings, true) == SH_EXIT_DONE)
        return SH_OK;
    assert_true(inject_has_logged());
    return sh_fail(error, SH_E_IO, "reported in the log");
}

/* Waits until a lease has expired that a puller could not release. */
static void wait_for_lease(void)
{
    char command[256];
    (void)snprintf(command, sizeof command, "DEL synchub:pull:lease:http://127.0.0.1:%u",
                   node.port);
    (void)redis_ask(&redis, command);
}

static void end(void)
{
    assert_int_equal(redis_ask(&redis, "XLEN synchub:ingest"), 1);
    assert_int_equal(redis_ask(&redis, "HLEN synchub:contacts"), 1);
    assert_int_equal(redis_ask(&redis, "HLEN synchub:pull:names"), 1);
}

static void a_table_is_queued_once(void **state)
{
    (void)state;
    faults_in_turn(&(scenario){.name = "puller",
                               .kinds = FAULT_BIT(FAULT_ALLOC) | FAULTS_REDIS | FAULTS_HTTP,
                               .begin = begin,
                               .act = act,
                               .wait = wait_for_lease,
                               .end = end});
}

static void start_node(void)
{
    char devices[PATH_MAX];
    folder_put("table", table);
    (void)snprintf(devices, sizeof devices, "SYNC_devices_file=%s", in_folder("table"));
    const char *const node_settings[] = {"SYNC_RUN=disabled",
                                         "SYNC_listen=127.0.0.1:0",
                                         "API_TOKEN=t",
                                         "SYNC_encryption_key=k",
                                         "SYNC_node_name=N",
                                         devices,
                                         NULL};
    other_end_start(&node, "pusher", node_settings);
}

static int start(void **state)
{
    (void)state;
    redis_start(&redis, "0");
    if (folder_make(NULL) != 0 || sh_crypto_init(NULL) != SH_OK)
        return 1;
    start_node();
    char url[160], nodes[64];
    (void)snprintf(url, sizeof url, "SYNC_redis_url=%s", redis.url);
    (void)snprintf(nodes, sizeof nodes, "SYNC_nodes=http://127.0.0.1:%u", node.port);
    char token[] = "API_TOKEN=t", passphrase[] = "SYNC_encryption_key=k";
    char timeout[] = "SYNC_RUN_TIMEOUT=2"; /* also the time limit of waiting for Redis */
    char *environment[] = {url, nodes, token, passphrase, timeout, NULL};
    return sh_settings_load(SH_FOR_PULLER, environment, &settings, NULL) != SH_OK;
}

static int stop(void **state)
{
    (void)state;
    other_end_stop(&node);
    redis_stop(&redis);
    sh_settings_reset(&settings);
    return folder_remove(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_table_is_queued_once)};
    return cmocka_run_group_tests(tests, start, stop);
}
