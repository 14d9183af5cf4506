/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/wake.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/text.h"
#include "libcommon/os/program_pages.h"
#include "libcommon/os/wall_timer.h"
#include "libcommon/runtime/log.h"
#include "libcommon/runtime/notify.h"
#include "libcommon/runtime/stop.h"
#include "pusher/file_watch.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

/* How often files are looked at without an event. */
#define LOOK_MS INT64_C(60000)

/* Before a wait that is as long as this, the program gives its memory back. */
#define LONG_WAIT_MS 10000

#define OWN_PATHS 3 /* app.conf, its override, the spool */

struct wake {
    const char **paths;
    size_t count;
    char *spool;     /* one of the paths */
    watch *watch;    /* NULL: without inotify, or without paths */
    bool looks;      /* every LOOK_MS */
    int64_t look_ms; /* monotonic: the next time */
    int64_t wall_ms; /* wall clock minus monotonic clock */
    int timer;
};

static int64_t wall_clock_ahead_ms(void)
{
    return sh_clock_unix_ms() - sh_clock_monotonic_ms();
}

static int64_t clock_step_ms(const wake *w, int64_t wall_ms)
{
    int64_t step_ms = wall_ms - w->wall_ms;
    return step_ms >= -WAKE_CLOCK_STEP_MS && step_ms <= WAKE_CLOCK_STEP_MS ? 0 : step_ms;
}

static sh_err list_paths(wake *w, const sh_settings *settings, const wake_files *files,
                         sh_error *error)
{
    w->paths = calloc(files->count + OWN_PATHS, sizeof w->paths[0]);
    w->spool = files->spool == NULL ? NULL : sh_text_format("%s/", files->spool);
    if (w->paths == NULL || (w->spool == NULL && files->spool != NULL))
        return sh_fail(error, SH_E_MEMORY, "no memory to watch files");
    for (size_t i = 0; i < files->count; i++)
        w->paths[w->count++] = files->sources[i];
    if (settings->config_file[0] != '\0')
        w->paths[w->count++] = settings->config_file;
    if (settings->config_file[0] != '\0' && settings->override_file[0] != '\0')
        w->paths[w->count++] = settings->override_file;
    w->looks = w->count > 0;
    if (w->spool != NULL)
        w->paths[w->count++] = w->spool;
    return SH_OK;
}

/* Without inotify, or watches, files are only looked at. */
static sh_err start(wake *w, const sh_settings *settings, const wake_files *files, sh_error *error)
{
    sh_error reason = {0};
    w->timer = -1;
    w->wall_ms = wall_clock_ahead_ms();
    w->look_ms = sh_clock_monotonic_ms();
    sh_err err = list_paths(w, settings, files, error);
    if (err == SH_OK)
        err = sh_wall_timer_open(&w->timer, error);
    if (err == SH_OK && w->count > 0 &&
        watch_new(w->paths, w->count, &w->watch, &reason) != SH_OK) {
        sh_log_warning("%s; checking every %d s instead", reason.message, (int)(LOOK_MS / 1000));
        w->looks = true;
    }
    return err;
}

sh_err wake_new(const sh_settings *settings, const wake_files *files, wake **ret, sh_error *error)
{
    *ret = NULL;
    wake *w = calloc(1, sizeof *w);
    if (w == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to watch files");
    sh_err err = start(w, settings, files, error);
    if (err == SH_OK)
        *ret = w;
    else
        wake_free(w);
    return err;
}

void wake_free(wake *w)
{
    if (w == NULL)
        return;
    watch_free(w->watch);
    if (w->timer >= 0)
        (void)close(w->timer);
    free(w->spool);
    free((void *)w->paths);
    free(w);
}

bool wake_files_changed(wake *w)
{
    sh_error error = {0};
    int64_t now_ms = sh_clock_monotonic_ms();
    bool changed = w->watch != NULL && watch_drain(w->watch) == WATCH_CHANGED;
    if (!changed && now_ms < w->look_ms)
        return false;
    w->look_ms = now_ms + LOOK_MS;
    if (w->watch != NULL && watch_arm(w->watch, &error) != SH_OK) {
        sh_log_debug("%s; checking every %d s instead", error.message, (int)(LOOK_MS / 1000));
        w->looks = true;
    }
    return true;
}

int64_t wake_clock_step_ms(wake *w)
{
    int64_t wall_ms = wall_clock_ahead_ms();
    int64_t step_ms = clock_step_ms(w, wall_ms);
    w->wall_ms = wall_ms;
    return step_ms;
}

static int64_t at_most(int64_t value, int64_t max)
{
    return value < max ? value : max;
}

/* What poll() takes: -1 for no limit. */
static int poll_ms(const wake *w, int64_t max_ms)
{
    int64_t ms = at_most(max_ms, sh_notify_interval_ms());
    if (w->looks)
        ms = at_most(ms, w->look_ms - sh_clock_monotonic_ms());
    if (ms == INT64_MAX)
        return -1;
    return ms < 0 ? 0 : (int)at_most(ms, INT_MAX);
}

bool wake_wait(wake *w, int64_t unix_ms, int64_t max_ms)
{
    sh_error error = {0};
    sh_service_alive();
    if (sh_wall_timer_set(w->timer, unix_ms, &error) != SH_OK) {
        sh_log_warning("%s; checking the clock every %d s instead", error.message,
                       (int)(LOOK_MS / 1000));
        max_ms = at_most(max_ms, LOOK_MS);
    }
    /* From here on a change of the clock ends poll(); a change until here does not. */
    if (unix_ms != INT64_MAX && clock_step_ms(w, wall_clock_ahead_ms()) != 0)
        max_ms = 0;
    int64_t wait_ms = unix_ms == INT64_MAX ? INT64_MAX : unix_ms - sh_clock_unix_ms();
    if (at_most(wait_ms, max_ms) >= LONG_WAIT_MS)
        sh_program_pages_drop();
    struct pollfd fds[] = {
        {.fd = sh_stop_fd(), .events = POLLIN},
        {.fd = w->timer, .events = POLLIN},
        {.fd = w->watch != NULL ? watch_fd(w->watch) : -1, .events = POLLIN},
    };
    int ready;
    do
        ready = poll(fds, sizeof fds / sizeof fds[0], poll_ms(w, max_ms));
    while (ready < 0 && errno == EINTR && !sh_stop_requested());
    return !sh_stop_requested();
}
