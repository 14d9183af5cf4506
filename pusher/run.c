/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/run.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/crypto/encryption_key.h"
#include "libcommon/http/url.h"
#include "libcommon/native/envelope.h"
#include "libcommon/runtime/log.h"
#include "libcommon/runtime/notify.h"
#include "libcommon/runtime/schedule.h"
#include "libcommon/runtime/service.h"
#include "libcommon/runtime/settings_reload.h"
#include "libcommon/runtime/stop.h"
#include "pusher/pull_server.h"
#include "pusher/push_scheduler.h"
#include "pusher/retry_schedule.h"
#include "pusher/settings_check.h"
#include "pusher/shutdown_deadline.h"
#include "pusher/wake.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#define SETTLING_POLL_MS 100 /* while the settings are being written */

/* A running exchange may take this long after SIGTERM, as the program must end within 10 s. */
#define STOP_GRACE_MS 5000

/* Tables are large and rare: return their memory to the system as soon as it is freed. */
#define MMAP_THRESHOLD_BYTES 262144

static int64_t plan_retry(retry_schedule *retry, const push_report *report)
{
    uint64_t random;
    sh_random(&random, sizeof random);
    return retry_attempted(retry, report, sh_clock_monotonic_ms(), random);
}

static int run_once(work *w)
{
    retry_schedule retry;
    retry_init(&retry, &retry_brief);
    work_all_due(w);
    for (unsigned try = 1;; try++) {
        push_report report = work_attempt(w);
        if (!report.failed)
            return SH_EXIT_DONE;
        if (!report.later || try == RETRY_BRIEF_TRIES || sh_stop_requested() ||
            sh_stop_wait(plan_retry(&retry, &report)))
            return SH_EXIT_FAILED;
    }
}

/* The loop of a daemon: on a schedule, or watching files. */
typedef struct {
    const sh_settings *settings;
    work *work;
    wake *wakes;
    bool watching;        /* runs when files change, not on the schedule */
    sh_schedule schedule; /* of the runs, or of contacts while watching */
    retry_schedule retry; /* in monotonic time */
    bool settling;        /* the settings are being written: start nothing */
} loop;

static void log_next_run(const loop *l, sh_log_level level)
{
    char when[SH_RFC3339_BYTES];
    sh_clock_rfc3339(l->schedule.next_ms, when);
    sh_log(level, "the next run is at %s (%s)", when, l->settings->run_schedule);
}

static void look_at_schedule(loop *l)
{
    bool first = l->schedule.next_ms == 0;
    if (!sh_schedule_is_due(&l->schedule, sh_clock_unix_ms()))
        return;
    work_contact_due(l->work);
    if (l->watching)
        return;
    work_all_due(l->work);
    retry_run_came(&l->retry);
    log_next_run(l, first ? SH_LOG_INFO : SH_LOG_DEBUG);
}

/* A hub refuses items with a wrong time, so retry once the clock was set, as by NTP. */
static void look_at_clock(loop *l)
{
    int64_t step_ms = wake_clock_step_ms(l->wakes);
    if (step_ms == 0)
        return;
    sh_log_info("the clock of this machine was set %s by %lld s", step_ms > 0 ? "forward" : "back",
                (llabs(step_ms) + 500) / 1000);
    retry_clock_set(&l->retry);
}

static void plan_next_attempt(loop *l, const push_report *report)
{
    int64_t wait_ms = plan_retry(&l->retry, report);
    if (wait_ms > 0)
        sh_log_debug("the next attempt to deliver is in %lld ms", (long long)wait_ms);
}

/* Waits for the next event or time; false on a stop. */
static bool loop_wait(const loop *l)
{
    if (l->settling)
        return wake_wait(l->wakes, INT64_MAX, SETTLING_POLL_MS);
    int64_t retry_ms =
        work_is_due(l->work) ? l->retry.retry_at_ms - sh_clock_monotonic_ms() : INT64_MAX;
    return wake_wait(l->wakes, l->schedule.next_ms, retry_ms);
}

static void tell_status(const push_report *report)
{
    char when[SH_RFC3339_BYTES];
    sh_clock_rfc3339(sh_clock_unix_ms(), when);
    sh_notify_status(report->failed ? "not everything was delivered at %s; see the log"
                                    : "the hub has everything as of %s",
                     when);
}

static void look_and_push(loop *l)
{
    look_at_clock(l);
    work_rescan(l->work);
    look_at_schedule(l);
    if (work_is_due(l->work) && retry_may_try(&l->retry, sh_clock_monotonic_ms())) {
        push_report report = work_attempt(l->work);
        plan_next_attempt(l, &report);
        tell_status(&report);
    } else {
        work_collect(l->work);
    }
}

static int run_loop(const sh_settings *settings, work *w, wake *wakes)
{
    loop l = {.settings = settings,
              .work = w,
              .wakes = wakes,
              .watching = settings->run != SH_RUN_SCHEDULE};
    retry_init(&l.retry, &retry_patient);
    sh_schedule_init(&l.schedule, &settings->cron);
    sh_notify_ready("started");
    sh_reload_state reload;
    do {
        if (wake_files_changed(wakes) && l.watching)
            work_changed_due(w);
        reload = sh_service_reload_state();
        l.settling = reload == SH_RELOAD_SETTLING;
        if (reload == SH_RELOAD_NONE)
            look_and_push(&l);
    } while (reload != SH_RELOAD_DUE && loop_wait(&l));
    return reload == SH_RELOAD_DUE ? SH_RUN_AGAIN : SH_EXIT_DONE;
}

static int run_daemon(const sh_settings *settings, work *w, sh_error *error)
{
    wake_files files = {.spool = work_spool_folder(w)};
    wake *wakes;
    if (settings->run != SH_RUN_SCHEDULE)
        files.sources = work_paths(w, &files.count);
    if (wake_new(settings, &files, &wakes, error) != SH_OK) {
        sh_log_error("%s", error->message);
        return SH_EXIT_FAILED;
    }
    int code = run_loop(settings, w, wakes);
    wake_free(wakes);
    return code;
}

static void log_start(const sh_settings *settings, bool once)
{
    static const char *const modes[] = {
        [SH_RUN_DISABLED] = "disabled",
        [SH_RUN_ONCE] = "once",
        [SH_RUN_SCHEDULE] = "on a schedule",
        [SH_RUN_ALWAYS_AFTER_SCAN] = "after each scan",
        [SH_RUN_ON_NEW_DEVICE] = "on each new device",
    };
    sh_log_info("node %s pushes %s%s%zu plugins to %s, %s%s", settings->node_name,
                settings->devices ? "its devices" : "", settings->devices ? " and " : "",
                settings->plugins.count, settings->hub_url,
                modes[once ? SH_RUN_ONCE : settings->run],
                settings->protocol == SH_PROTOCOL_NETALERTX ? ", as NetAlertX does" : "");
    sh_url url;
    if (sh_url_read(sh_slice_of(settings->hub_url), &url, NULL) == SH_OK &&
        sh_text_equals_ignoring_case(url.scheme, "http") && !sh_url_is_loopback(&url))
        sh_log_warning("SYNC_hub_url=%s is not https: an eavesdropper can read the token (devices "
                       "are encrypted)",
                       settings->hub_url);
}

static int run_pushes(const sh_settings *settings, const sh_node_key *key, bool once)
{
    log_start(settings, once);
    sh_error error = {0};
    shutdown_deadline *g = NULL;
    work *w = NULL;
    int code = SH_EXIT_FAILED;
    sh_err err = shutdown_deadline_new(sh_stop_fd(), STOP_GRACE_MS, &g, &error);
    if (err == SH_OK) {
        work_options options = {
            .once = once, .stop_fd = shutdown_deadline_fd(g), .wait = sh_stop_wait};
        err = work_new(settings, key, &options, &w, &error);
    }
    if (err == SH_OK)
        code = once ? run_once(w) : run_daemon(settings, w, &error);
    else
        sh_log_error("%s", error.message);
    work_free(w);
    shutdown_deadline_free(g);
    return code;
}

/* Until the settings change, or a stop. */
static int wait_for_settings(const sh_settings *settings)
{
    sh_error error = {0};
    wake *wakes;
    if (wake_new(settings, &(wake_files){.count = 0}, &wakes, &error) != SH_OK) {
        sh_log_error("%s", error.message);
        return SH_EXIT_FAILED;
    }
    sh_reload_state reload;
    do {
        (void)wake_files_changed(wakes);
        reload = sh_service_reload_state();
    } while (
        reload != SH_RELOAD_DUE &&
        wake_wait(wakes, INT64_MAX, reload == SH_RELOAD_SETTLING ? SETTLING_POLL_MS : INT64_MAX));
    wake_free(wakes);
    return reload == SH_RELOAD_DUE ? SH_RUN_AGAIN : SH_EXIT_DONE;
}

/* Runs a pusher that only answers GET /sync, or does nothing. */
static int run_without_pushes(const sh_settings *settings, bool serves, bool once)
{
    const char *why = settings->run == SH_RUN_DISABLED ? "SYNC_RUN is disabled"
                      : settings->hub_url[0] == '\0'
                          ? "SYNC_hub_url is not set"
                          : "neither SYNC_devices nor SYNC_plugins is set";
    if (serves) {
        sh_log_info("nothing is pushed (%s): this node waits to be pulled", why);
        sh_notify_ready("waiting to be pulled");
    } else if (settings->config_file[0] != '\0' && !once) {
        sh_log_info("nothing is pushed (%s): waiting for a change of %s", why,
                    settings->config_file);
        sh_notify_ready("waiting for changed settings");
    } else {
        sh_log_info("nothing is pushed: %s", why);
        return SH_EXIT_DONE;
    }
    return wait_for_settings(settings);
}

static sh_err derive_key(const sh_settings *settings, sh_node_key *ret, sh_error *error)
{
    uint8_t passphrase_key[SH_KEY_BYTES];
    sh_err err =
        sh_encryption_key_derive(sh_slice_of(settings->encryption_key), passphrase_key, error);
    if (err == SH_OK)
        sh_node_key_derive(passphrase_key, sh_slice_of(settings->node_name), ret);
    sh_wipe(passphrase_key, sizeof passphrase_key);
    return err;
}

int run_pusher(const sh_settings *settings, bool once)
{
    (void)mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, MMAP_THRESHOLD_BYTES);
    sh_node_key key;
    sh_error error = {0};
    serve *server = NULL;
    bool pushes = settings->run != SH_RUN_DISABLED && pusher_is_active(settings);
    if (!pushes && (settings->listen[0] == '\0' || once))
        return run_without_pushes(settings, false, once);
    sh_err err = derive_key(settings, &key, &error);
    if (err == SH_OK && settings->listen[0] != '\0' && !once)
        err = serve_start(settings, &key, &server, &error);
    int code = SH_EXIT_FAILED;
    if (err != SH_OK)
        sh_log_error("%s", error.message);
    else if (pushes)
        code = run_pushes(settings, &key, once);
    else
        code = run_without_pushes(settings, true, once);
    serve_stop(server);
    sh_wipe(&key, sizeof key);
    return code;
}
