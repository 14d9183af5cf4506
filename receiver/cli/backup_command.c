/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/backup_command.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/queue/queue.h"
#include "libcommon/runtime/log.h"
#include "libcommon/runtime/service.h"
#include "libcommon/runtime/stop.h"
#include "receiver/cli/backup_stream.h"
#include "receiver/cli/show_output.h"
#include "receiver/merge/credentials_publication.h"
#include "receiver/merge/database_check.h"
#include "receiver/operate/hub_connections.h"
#include "receiver/queue/claims.h"
#include "receiver/queue/queue_digests.h"
#include "receiver/store/backup.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* --- Arguments and progress ------------------------------------------------------------------ */

typedef struct {
    const char *path;
    bool replace;
} arguments;

/* --replace has the same name as in `node import`. */
static sh_err read_arguments(const show_command *command, int argc, char *const argv[],
                             arguments *ret, sh_error *error)
{
    *ret = (arguments){.path = NULL};
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--force") == 0 || strcmp(argv[i], "--replace") == 0)
            ret->replace = true;
        else if ((argv[i][0] == '-' && argv[i][1] != '\0') || argv[i][0] == '\0' ||
                 ret->path != NULL)
            return sh_fail(error, SH_E_CONFIG, "unknown argument '%s'; usage: %s", argv[i],
                           command->usage);
        else
            ret->path = argv[i];
    }
    return ret->path != NULL
               ? SH_OK
               : sh_fail(error, SH_E_CONFIG, "the file is missing; usage: %s", command->usage);
}

typedef struct {
    bool shows;
    bool shown; /* a line without its end is on the terminal */
} progress_line;

static void show_rows(void *context, const char *table, int64_t rows)
{
    progress_line *line = context;
    if (!line->shows)
        return;
    if (table[0] == '\0')
        (void)fprintf(stderr, "\rcopying the database \033[K");
    else
        (void)fprintf(stderr, "\r%s: %" PRId64 " rows \033[K", table, rows);
    line->shown = true;
}

static void end_progress(progress_line *line)
{
    if (line->shown)
        (void)fputs("\r\033[K", stderr);
    line->shown = false;
}

/* What both subcommands work on. */
typedef struct {
    const sh_settings *settings;
    arguments given;
    const backup_progress *progress;
    backup_summary summary; /* of what was copied */
} copying;

typedef sh_err (*copying_work)(copying *c, sh_error *error);

/* Does the work, and shows its progress on a terminal. */
static sh_err run_copying(copying *c, copying_work work, sh_error *error)
{
    progress_line line = {.shows = isatty(STDERR_FILENO) == 1};
    const backup_progress progress = {.rows = show_rows, .context = &line};
    c->progress = &progress;
    sh_err err = work(c, error);
    end_progress(&line);
    c->progress = NULL;
    return err;
}

/* --- backup ---------------------------------------------------------------------------------- */

static void print_summary(FILE *out, const char *done, const backup_summary *summary)
{
    (void)fprintf(out,
                  "%s: %" PRId64 " devices, %" PRId64 " nodes, credentials of %" PRId64 " nodes\n",
                  done, summary->devices, summary->nodes, summary->credentials);
}

static bool is_stream(const arguments *given)
{
    return strcmp(given->path, "-") == 0;
}

static backup_job job_of(const copying *c)
{
    return (backup_job){.db = c->settings->db,
                        .path = c->given.path,
                        .replace = c->given.replace,
                        .progress = c->progress};
}

static sh_err back_up(copying *c, sh_error *error)
{
    SH_CLEANUP(backup_stream_end) backup_stream stream = BACKUP_STREAM_INIT;
    backup_job job = job_of(c);
    sh_err err = hub_connections_check_role(c->settings, error);
    if (err == SH_OK)
        err = store_prepare(job.db, error);
    if (err == SH_OK && is_stream(&c->given)) {
        if (isatty(STDOUT_FILENO) == 1)
            return sh_fail(error, SH_E_CONFIG,
                           "a backup is not written to a terminal: name a file");
        err = backup_stream_begin(job.db, &stream, error);
        job.path = stream.path;
        job.replace = true;
    }
    if (err == SH_OK)
        err = backup_write(&job, &c->summary, error);
    return err == SH_OK && is_stream(&c->given) ? backup_stream_write(&stream, error) : err;
}

int backup_command(const sh_settings *settings, int argc, char *const argv[])
{
    static const show_command command = {.name = "backup", .usage = BACKUP_USAGE};
    copying c = {.settings = settings};
    sh_error error = {.code = SH_OK};
    sh_err err = read_arguments(&command, argc, argv, &c.given, &error);
    if (err == SH_OK)
        err = run_copying(&c, back_up, &error);
    if (err == SH_OK) {
        FILE *out = is_stream(&c.given) ? stderr : stdout;
        print_summary(out, "backed up", &c.summary);
        if (c.summary.is_of_netalertx)
            (void)fputs("The devices are in NetAlertX's database, which is backed up by "
                        "NetAlertX.\n",
                        out);
        err = show_written(stdout, true, &error);
    }
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&command, &error, stderr);
}

/* --- restore --------------------------------------------------------------------------------- */

#define WATCH_MS (3 * QUEUE_ACTIVITY_MS) /* a receiver that merges shows it within this time */
#define POLL_MS 200

/*
 * Whether a receiver merges, by watching its activity: one that was killed a moment ago does not
 * count.
 */
static sh_err check_no_receiver(sh_queue *queue, sh_error *error)
{
    char before[QUEUE_ACTIVITY_BYTES], now[QUEUE_ACTIVITY_BYTES];
    sh_err err = queue_activity_get(queue, before, error);
    if (err != SH_OK || before[0] == '\0')
        return err;
    int64_t end_ms = sh_clock_monotonic_ms() + WATCH_MS;
    do {
        if (sh_stop_wait(POLL_MS))
            return sh_fail(error, SH_E_STOPPED, "stopped");
        err = queue_activity_get(queue, now, error);
        if (err == SH_OK && now[0] != '\0' && strcmp(now, before) != 0)
            return sh_fail(
                error, SH_E_REFUSED,
                "the receiver %s merges now: stop all receivers that merge, restore, and start "
                "them again; entries in the queue wait meanwhile",
                now + strcspn(now, " ") + 1);
    } while (err == SH_OK && now[0] != '\0' && sh_clock_monotonic_ms() < end_ms);
    return err;
}

/* The queue and the published state belong to the restored database from now on. */
static sh_err publish(const sh_settings *settings, sh_queue *queue, sh_error *error)
{
    store *s = NULL;
    int64_t count = 0;
    size_t taken = 0;
    sh_error reason = {.code = SH_OK};
    sh_err err = store_open(settings->db, STORE_READ_WRITE, &s, &reason);
    if (err == SH_OK)
        err = queue_digests_clear(queue, &reason);
    if (err == SH_OK)
        err = database_adopt(s, queue, &reason);
    if (err == SH_OK)
        err = credentials_take_over(s, queue, &taken, &reason);
    if (err == SH_OK)
        err = credentials_publish(s, queue, &count, &reason);
    store_close(s);
    if (err == SH_OK)
        return SH_OK;
    return sh_fail(error, err,
                   "the database is restored, but Redis does not know it yet: run "
                   "`synchub-receiver adopt`, then start the receivers; the reason was: %s",
                   reason.message);
}

static sh_err restore(copying *c, sh_error *error)
{
    SH_CLEANUP(backup_stream_end) backup_stream stream = BACKUP_STREAM_INIT;
    const sh_queue_options options = sh_queue_options_of(c->settings);
    backup_job job = job_of(c);
    sh_queue *queue = NULL;
    sh_err err = hub_connections_check_role(c->settings, error);
    if (err == SH_OK)
        err = store_prepare(job.db, error);
    if (err == SH_OK)
        err = sh_queue_open(&options, &queue, error);
    if (err == SH_OK)
        err = check_no_receiver(queue, error);
    if (err == SH_OK && is_stream(&c->given)) {
        err = backup_stream_begin(job.db, &stream, error);
        if (err == SH_OK)
            err = backup_stream_read(&stream, error);
        job.path = stream.path;
    }
    if (err == SH_OK)
        err = backup_restore(&job, &c->summary, error);
    if (err == SH_OK)
        err = publish(c->settings, queue, error);
    sh_queue_free(queue);
    return err;
}

int restore_command(const sh_settings *settings, int argc, char *const argv[])
{
    static const show_command command = {.name = "restore", .usage = RESTORE_USAGE};
    copying c = {.settings = settings};
    sh_error error = {.code = SH_OK};
    sh_err err = read_arguments(&command, argc, argv, &c.given, &error);
    if (err == SH_OK)
        err = run_copying(&c, restore, &error);
    if (err == SH_OK) {
        print_summary(stdout, "restored", &c.summary);
        if (!c.summary.has_digest)
            (void)puts("The file has no valid digest of its rows: only its structure was checked.");
        err = show_written(stdout, true, &error);
    }
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&command, &error, stderr);
}
