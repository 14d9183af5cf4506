/* SPDX-License-Identifier: Apache-2.0 */
#include "puller/run.h"

#include "libcommon/base/clock.h"
#include "libcommon/config/settings_http.h"
#include "libcommon/config/settings_made_on_hub.h"
#include "libcommon/crypto/encryption_key.h"
#include "libcommon/native/credentials.h"
#include "libcommon/runtime/hub_settings_redis.h"
#include "libcommon/runtime/log.h"
#include "libcommon/runtime/notify.h"
#include "libcommon/runtime/schedule.h"
#include "libcommon/runtime/service.h"
#include "libcommon/runtime/settings_reload.h"
#include "libcommon/runtime/stop.h"
#include "puller/pull_nodes.h"
#include "puller/puller_status.h"

#include <stdlib.h>
#include <sys/resource.h>

/*
 * Pullers on several hosts run at the same minute of clocks that differ a little: a node that one
 * fetched just before the other's run counts as fetched in the same run.
 */
#define CLOCKS_DIFFER_MS 5000

#define REDIS_WAIT_MAX_S 30 /* before the first run; or SYNC_RUN_TIMEOUT if that is less */
#define REDIS_WAIT_STEP_MS 500

#define RELOAD_POLL_MS 1000 /* interval of checking for changed settings when idle */
#define SETTLING_POLL_MS 100

/* A dead node delays only itself, as long as no other node waits for a free slot. */
static size_t parallel_max(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur <= 2 * PULLER_RESERVED_FILES)
        return PULLER_RESERVED_FILES;
    rlim_t room = files.rlim_cur - PULLER_RESERVED_FILES;
    return room < PULLER_PARALLEL_MAX ? (size_t)room : PULLER_PARALLEL_MAX;
}

static sh_err open_all(const sh_settings *settings, puller *p, sh_error *error)
{
    sh_http_client_options options = {.user_agent = "synchub-puller/" SYNCHUB_VERSION,
                                      .names = sh_settings_client_names("SYNC_nodes"),
                                      .ca_file = settings->tls_ca,
                                      .stop_fd = sh_stop_fd(),
                                      .parallel_max = parallel_max(),
                                      .tick = sh_service_alive};
    const sh_queue_options queue = sh_queue_options_of(settings);
    p->parallel_max = options.parallel_max;
    p->settings = settings;
    sh_err err = puller_nodes_read(&settings->nodes, &p->nodes, error);
    if (err == SH_OK) {
        p->last_reports = calloc(p->nodes.count + 1, sizeof *p->last_reports);
        if (p->last_reports == NULL)
            err = sh_fail(error, SH_E_MEMORY, "no memory for %zu nodes", p->nodes.count);
    }
    if (err == SH_OK)
        err = sh_encryption_key_derive(sh_slice_of(settings->encryption_key), p->passphrase_key,
                                       error);
    if (err == SH_OK)
        sh_credential_key_derive(p->passphrase_key, p->credential_key);
    if (err == SH_OK)
        err = sh_http_client_new(&options, &p->client, error);
    if (err == SH_OK)
        err = sh_queue_open(&queue, &p->queue, error);
    return err;
}

static void close_all(puller *p)
{
    sh_queue_free(p->queue);
    sh_http_client_free(p->client);
    puller_nodes_reset(&p->nodes);
    free(p->last_reports);
    sh_wipe(p->passphrase_key, sizeof p->passphrase_key);
    sh_wipe(p->credential_key, sizeof p->credential_key);
}

static void warn_of_nodes(const puller_nodes *nodes)
{
    for (size_t i = 0; i < nodes->count; i++)
        if (nodes->items[i].in_clear)
            sh_log_warning(
                "the token is sent to %s unencrypted: use https:// on untrusted networks",
                nodes->items[i].url);
}

/*
 * Network and Redis may be unavailable when this program starts, and Redis may still load its data
 * or be no master yet: pods start in any order.
 */
static void wait_for_redis(const puller *p)
{
    int64_t wait_s = p->settings->run_timeout_s;
    if (wait_s > REDIS_WAIT_MAX_S)
        wait_s = REDIS_WAIT_MAX_S;
    int64_t end_ms = sh_clock_monotonic_ms() + wait_s * 1000;
    for (bool reported = false;; reported = true) {
        sh_error error = {.code = SH_OK};
        sh_err err = sh_queue_check(p->queue, &error);
        if (!sh_err_is_transient(err) || sh_clock_monotonic_ms() >= end_ms)
            return; /* the run reports other errors */
        if (!reported)
            sh_log_info("waiting up to %lld s for Redis: %s", (long long)wait_s, error.message);
        sh_service_alive();
        if (sh_stop_wait(REDIS_WAIT_STEP_MS))
            return;
    }
}

static int64_t wait_ms(const sh_schedule *schedule)
{
    if (sh_service_reload_state() == SH_RELOAD_SETTLING)
        return SETTLING_POLL_MS;
    int64_t ms = sh_schedule_wait_ms(schedule, sh_clock_unix_ms());
    return ms < RELOAD_POLL_MS ? ms : RELOAD_POLL_MS;
}

/* Runs at start and then on the schedule. Skips times that pass during a run. */
static int run_on_schedule(puller *p)
{
    sh_schedule schedule;
    sh_schedule_init(&schedule, &p->settings->cron);
    bool first = true;
    do {
        sh_reload_state reload = sh_service_reload_state();
        if (reload == SH_RELOAD_DUE)
            return SH_RUN_AGAIN;
        if (reload == SH_RELOAD_SETTLING || !sh_schedule_is_due(&schedule, sh_clock_unix_ms()))
            continue;
        (void)puller_run(p, first ? 0 : CLOCKS_DIFFER_MS + schedule.late_ms);
        /* Skip times that passed during the run, or because the clock was set. */
        sh_schedule_pass(&schedule, sh_clock_unix_ms());
        first = false;
    } while (!sh_stop_wait(wait_ms(&schedule)));
    return SH_EXIT_DONE;
}

/* SYNC_RUN=once, made on the hub: one run, then the program waits for other settings. */
static int run_once_and_wait(puller *p)
{
    bool done = false;
    do {
        sh_reload_state reload = sh_service_reload_state();
        if (reload == SH_RELOAD_DUE)
            return SH_RUN_AGAIN;
        if (reload == SH_RELOAD_NONE && !done) {
            (void)puller_run(p, 0);
            done = true;
        }
    } while (!sh_stop_wait(RELOAD_POLL_MS));
    return SH_EXIT_DONE;
}

/*
 * Settings made on the hub must be known before the first run. They are published before the nodes'
 * credentials, without which nothing is pulled.
 */
static bool is_changed_on_hub(const puller *p)
{
    sh_hub_settings_refresh(p->queue);
    return sh_service_reload_state() == SH_RELOAD_DUE;
}

static int run_service(puller *p, bool once)
{
    wait_for_redis(p);
    if (is_changed_on_hub(p))
        return SH_RUN_AGAIN;
    warn_of_nodes(&p->nodes);
    if (once)
        return puller_run(p, 0) ? SH_EXIT_DONE : SH_EXIT_FAILED;
    if (p->settings->run == SH_RUN_ONCE) {
        sh_log_info("pulling %zu nodes once, as set on the hub", p->nodes.count);
        return run_once_and_wait(p);
    }
    sh_log_info("pulling %zu nodes, at start and then at '%s'", p->nodes.count,
                p->settings->run_schedule);
    return run_on_schedule(p);
}

/* The hub, or the next version of a settings file, may say what to pull. */
static int wait_for_settings(void)
{
    while (!sh_stop_wait(RELOAD_POLL_MS))
        if (sh_service_reload_state() == SH_RELOAD_DUE)
            return SH_RUN_AGAIN;
    return SH_EXIT_DONE;
}

/* With nothing to pull. A single run asks the hub once. */
static int run_idle(const sh_settings *settings, puller *p, bool once)
{
    bool disabled = settings->run == SH_RUN_DISABLED;
    const sh_queue_options options = sh_queue_options_of(settings);
    sh_error error = {.code = SH_OK};
    if (once) {
        sh_err err = sh_queue_open(&options, &p->queue, &error);
        if (err == SH_OK && is_changed_on_hub(p))
            return SH_RUN_AGAIN;
    }
    if (disabled)
        sh_log_info("SYNC_RUN is disabled: nothing is pulled");
    else if (once)
        sh_log_error("SYNC_nodes is empty: name the nodes to pull, as in "
                     "['http://node-a:20212', 'site b=https://node-b:20212']");
    else
        sh_log_info("SYNC_nodes is empty: nothing is pulled until it is set, here or on the hub");
    if (once)
        return disabled ? SH_EXIT_DONE : SH_EXIT_CONFIG;
    return wait_for_settings();
}

/* Nobody but who starts this program can enable it. */
static bool is_disabled_for_good(const sh_settings *settings)
{
    const sh_setting *row = sh_setting_find("SYNC_RUN", SH_FOR_PULLER);
    return settings->run == SH_RUN_DISABLED && settings->config_file[0] == '\0' &&
           !sh_setting_is_open(row, settings, SH_FOR_PULLER);
}

static int run_with_settings(const sh_settings *settings, bool once)
{
    puller p = {.settings = settings, .is_single = once};
    sh_error error = {.code = SH_OK};
    int code;
    if (settings->run == SH_RUN_DISABLED || settings->nodes.count == 0) {
        code = run_idle(settings, &p, once);
        close_all(&p);
        return code;
    }
    sh_err err = open_all(settings, &p, &error);
    if (err != SH_OK) {
        sh_log_error("%s", error.message);
        code = err == SH_E_CONFIG ? SH_EXIT_CONFIG : SH_EXIT_FAILED;
    } else {
        code = run_service(&p, once);
    }
    close_all(&p);
    return code;
}

int puller_main(const sh_settings *settings, bool once)
{
    puller_status *status = NULL;
    sh_error error = {.code = SH_OK};
    if (is_disabled_for_good(settings)) {
        sh_log_info("SYNC_RUN is disabled: nothing is pulled");
        return SH_EXIT_DONE;
    }
    if (once)
        return run_with_settings(settings, true);
    if (puller_status_start(settings, &status, &error) != SH_OK) {
        sh_log_error("%s", error.message);
        return SH_EXIT_FAILED;
    }
    sh_notify_ready("started");
    int code = run_with_settings(settings, false);
    puller_status_stop(status);
    sh_log_info(code == SH_RUN_AGAIN ? "starting again with other settings" : "stopped");
    return code;
}
