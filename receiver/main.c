/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/limits.h"
#include "libcommon/crypto/compression.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/http/http_client.h"
#include "libcommon/http/http_server.h"
#include "libcommon/json/json_read.h"
#include "libcommon/netalertx/netalertx_cipher.h"
#include "libcommon/queue/redis.h"
#include "libcommon/runtime/log.h"
#include "libcommon/runtime/notify.h"
#include "libcommon/runtime/service_main.h"
#include "libcommon/runtime/settings_reload.h"
#include "libcommon/runtime/stop.h"
#include "receiver/cli/subcommands.h"
#include "receiver/console/console.h"
#include "receiver/hub/hub_secrets.h"
#include "receiver/hub/readiness.h"
#include "receiver/merge/merge.h"
#include "receiver/serve.h"
#include "receiver/store/store.h"

#include <malloc.h>
#include <synchub_commit.h>

/*
 * Blocks of the size of usual bodies and texts stay in malloc's heap between pushes, as page faults
 * cost as much as the decryption. Larger blocks are returned to the system at once.
 */
#define KEPT_BYTES (2 * SH_MIB)
#define ARENAS 4

#define RELOAD_POLL_MS 1000

/* With --once the receiver merges the queued entries and ends; it does not listen. */
static int run_parts(const sh_settings *settings, const hub_secrets *keys, bool once,
                     sh_error *error)
{
    bool merges = settings->role == SH_ROLE_ALL || settings->role == SH_ROLE_MERGE;
    bool has_database = settings->role != SH_ROLE_INGEST;
    merge *m = NULL;
    serve *s = NULL;
    console *c = NULL;
    bool good = true;
    if (merges)
        (void)readiness_set(READINESS_MERGE, "merge has not started yet");
    sh_err err = has_database ? store_prepare(settings->db, error) : SH_OK;
    if (err == SH_OK && merges)
        err = merge_new(settings, keys, &m, error);
    if (err == SH_OK && !once)
        err = serve_start(settings, keys, merges ? merge_node_metrics(m) : NULL, &s, error);
    if (err == SH_OK && !once && has_database)
        err = console_start(settings, &c, error);
    if (err == SH_OK && !once)
        sh_notify_ready("started");
    if (err == SH_OK && merges)
        good = merge_run(m, once);
    else if (err == SH_OK && !once)
        while (!sh_stop_wait(RELOAD_POLL_MS))
            (void)sh_service_reload_state(); /* logs and applies changed settings */
    (void)readiness_set(READINESS_STOPPING, "this receiver is stopping");
    console_stop(c);
    serve_stop(s);
    merge_free(m);
    if (err == SH_E_CONFIG)
        return SH_EXIT_CONFIG;
    return err == SH_OK && good ? SH_EXIT_DONE : SH_EXIT_FAILED;
}

static int run_receiver(const sh_settings *settings, bool once)
{
    sh_error error = {0};
    hub_secrets keys;
    int code = SH_EXIT_FAILED;
    (void)mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, 4 * KEPT_BYTES);
    (void)mallopt(M_ARENA_MAX, ARENAS);
    if (hub_secrets_init(settings, &keys, &error) == SH_OK)
        code = run_parts(settings, &keys, once, &error);
    if (error.code != SH_OK)
        sh_log_error("%s", error.message);
    hub_secrets_reset(&keys);
    return code;
}

static sh_library_version *const libraries[] = {
    sh_http_server_library,
    sh_http_client_library,
    sh_redis_library,
    sh_json_library,
    store_sqlite_library,
    store_postgres_library,
    sh_crypto_library,
    sh_compression_library,
    sh_netalertx_cipher_library,
    NULL,
};

int main(int argc, char *argv[])
{
    const sh_service service = {
        .name = "receiver",
        .summary =
            "accepts pushes from nodes, queues them, and merges them into the Devices database",
        .program = SH_FOR_RECEIVER,
        .commit = SYNCHUB_COMMIT,
        .libraries = libraries,
        .subcommands = receiver_subcommands,
        .run = run_receiver,
    };
    return sh_service_main(&service, argc, argv);
}
