/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/heartbeat.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/hex.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/native/node_problem_header.h"
#include "libcommon/runtime/schedule.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INSTANCE_BYTES 16
#define CLOCK_WARN_S (SH_CLOCK_SKEW_MAX_S / 2)

void heartbeat_init(heartbeat *h, const sh_cron *cron)
{
    *h = (heartbeat){.cron = cron};
}

/* --- Problems -------------------------------------------------------------------------------- */

void heartbeat_problem_set(heartbeat *h, problem_source source, const char *kind, const char *text)
{
    heartbeat_problem *p = &h->problems[source];
    (void)snprintf(p->kind, sizeof p->kind, "%s", kind);
    (void)snprintf(p->text, sizeof p->text, "%s", text);
}

void heartbeat_problem_clear(heartbeat *h, problem_source source)
{
    h->problems[source].kind[0] = '\0';
}

heartbeat_problem heartbeat_problem_current(const heartbeat *h)
{
    for (size_t i = 0; i < PROBLEM_SOURCES; i++)
        if (h->problems[i].kind[0] != '\0')
            return h->problems[i];
    return (heartbeat_problem){.kind = ""};
}

void heartbeat_table_failed(heartbeat *h, const sh_error *error)
{
    const char *kind = error->code == SH_E_NOT_FOUND ? "table_missing"
                       : error->code == SH_E_BUSY    ? "table_cut"
                       : error->code == SH_E_IO      ? "table_unreadable"
                       : error->code == SH_E_FORMAT  ? "table_invalid"
                       : error->code == SH_E_LIMIT   ? "table_invalid"
                                                     : NULL; /* memory, or stopping */
    if (kind != NULL)
        heartbeat_problem_set(h, PROBLEM_TABLE, kind, error->message);
}

void heartbeat_table_age(heartbeat *h, const char *path, const sh_file_stamp *stamp,
                         int64_t max_age_s, int64_t now_ms)
{
    char since[SH_RFC3339_BYTES], text[SH_ERROR_MESSAGE_BYTES];
    int64_t written_ms = stamp->mtime_ns / 1000000;
    int64_t age_s = (now_ms - written_ms) / 1000;
    if (!stamp->exists || max_age_s <= 0 || written_ms > now_ms || age_s <= max_age_s) {
        heartbeat_problem_clear(h, PROBLEM_TABLE_AGE);
        return;
    }
    sh_clock_rfc3339(written_ms, since);
    (void)snprintf(text, sizeof text,
                   "%s was last written at %s, more than SYNC_table_max_age (%" PRId64
                   " s) ago: check that NetAlertX runs and scans",
                   path, since, max_age_s);
    heartbeat_problem_set(h, PROBLEM_TABLE_AGE, "table_old", text);
}

void heartbeat_hub_clock(heartbeat *h, int64_t hub_s, int64_t now_ms)
{
    char text[SH_ERROR_MESSAGE_BYTES];
    int64_t ahead_s = now_ms / 1000 - hub_s;
    if (hub_s <= 0)
        return;
    if (llabs(ahead_s) <= CLOCK_WARN_S) {
        heartbeat_problem_clear(h, PROBLEM_CLOCK);
        return;
    }
    (void)snprintf(text, sizeof text,
                   "its clock is %lld s %s the hub's, which refuses more than %d s: set the clocks "
                   "(NTP)",
                   llabs(ahead_s), ahead_s > 0 ? "ahead of" : "behind", SH_CLOCK_SKEW_MAX_S);
    heartbeat_problem_set(h, PROBLEM_CLOCK, "clock_skew", text);
}

bool heartbeat_has_changed(const heartbeat *h)
{
    return strcmp(heartbeat_problem_current(h).kind, h->reported_kind) != 0;
}

void heartbeat_record_reported(heartbeat *h, const char *kind)
{
    (void)snprintf(h->reported_kind, sizeof h->reported_kind, "%s", kind);
}

/* --- Headers --------------------------------------------------------------------------------- */

int64_t heartbeat_interval_s(const heartbeat *h, int64_t now_ms)
{
    return h->cron == NULL ? 0 : sh_schedule_interval_s(h->cron, now_ms);
}

static sh_err write_problem(const heartbeat_problem *problem, sh_buf *ret)
{
    sh_err err = sh_buf_append_text(ret, "Sync-Hub-Problem: ");
    return err == SH_OK ? sh_node_problem_write(problem->kind, problem->text, ret) : err;
}

sh_err heartbeat_headers_write(const heartbeat *h, int64_t now_ms,
                               sh_buf headers[HEARTBEAT_HEADERS],
                               char kind[static SH_PROBLEM_KIND_MAX + 1])
{
    heartbeat_problem problem = heartbeat_problem_current(h);
    int64_t interval_s = heartbeat_interval_s(h, now_ms);
    size_t count = 0;
    sh_err err = SH_OK;
    memcpy(kind, problem.kind, sizeof problem.kind);
    if (interval_s > 0)
        err = sh_buf_append_format(&headers[count++], "Sync-Hub-Interval: %" PRId64, interval_s);
    if (err == SH_OK && h->instance[0] != '\0')
        err = sh_buf_append_format(&headers[count++], "Sync-Hub-Instance: %s", h->instance);
    if (err == SH_OK && problem.kind[0] != '\0')
        err = write_problem(&problem, &headers[count]);
    return err;
}

/* --- The instance ---------------------------------------------------------------------------- */

static bool is_instance(const sh_buf *text)
{
    size_t len = text->len == 0 ? 0 : strspn(text->data, "0123456789abcdef");
    return len == 2 * INSTANCE_BYTES && strspn(text->data + len, "\n") == text->len - len;
}

/* SH_E_FORMAT if the file's content is not an instance id. */
static sh_err read_instance(const char *path, char ret[static SH_INSTANCE_MAX + 1], sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT((size_t)4 * INSTANCE_BYTES);
    ret[0] = '\0';
    sh_err err = sh_file_read_own(path, &text, error);
    if (err == SH_E_LIMIT || (err == SH_OK && !is_instance(&text)))
        return SH_E_FORMAT;
    if (err == SH_OK)
        (void)snprintf(ret, SH_INSTANCE_MAX + 1, "%.*s", 2 * INSTANCE_BYTES, text.data);
    return err;
}

void heartbeat_instance_read(const char *dir, char ret[static SH_INSTANCE_MAX + 1])
{
    SH_CLEANUP(sh_free_cleanup) char *path = sh_text_format("%s/instance", dir);
    ret[0] = '\0';
    if (path != NULL)
        (void)read_instance(path, ret, NULL);
}

sh_err heartbeat_instance_load(const char *dir, char ret[static SH_INSTANCE_MAX + 1],
                               sh_error *error)
{
    SH_CLEANUP(sh_free_cleanup) char *path = sh_text_format("%s/instance", dir);
    uint8_t random[INSTANCE_BYTES];
    char hex[2 * INSTANCE_BYTES + 1];
    ret[0] = '\0';
    if (path == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for a path");
    sh_error reason = {.code = SH_OK};
    sh_err err = read_instance(path, ret, &reason);
    if (err == SH_OK)
        return SH_OK;
    if (err != SH_E_NOT_FOUND && err != SH_E_FORMAT)
        return sh_fail(error, err, "%s", reason.message);
    sh_random(random, sizeof random);
    sh_hex_encode(random, sizeof random, hex);
    err = sh_file_write(path, sh_slice_of(hex), 0600, error);
    if (err == SH_OK)
        (void)snprintf(ret, SH_INSTANCE_MAX + 1, "%s", hex);
    return err;
}
