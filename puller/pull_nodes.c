/* SPDX-License-Identifier: Apache-2.0 */
#include "puller/pull_nodes.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/runtime/log.h"
#include "libcommon/runtime/schedule.h"
#include "libcommon/runtime/stop.h"
#include "puller/duplicate_names.h"
#include "puller/fetch_answer.h"
#include "puller/fetch_request.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void skip(pull_run *r, node_fetch *f, const char *reason)
{
    sh_log_event(SH_LOG_DEBUG,
                 SH_LOG_FIELDS(SH_LOG_NODE(pull_run_name_of(f)), SH_LOG_URL(f->node->url),
                               SH_LOG_REASON(reason)),
                 "not pulled");
    pull_run_advance(r, f, PULL_TAKEN);
}

static void prepare_node(pull_run *r, node_fetch *f, lease held)
{
    sh_error error = {.code = SH_OK};
    if (held == LEASE_HELD)
        skip(r, f, "skipped: another puller is fetching it");
    else if (held == LEASE_DONE)
        skip(r, f, "skipped: it was fetched for this run already");
    else if (pull_request_prepare(r, f, &error) == SH_OK)
        pull_request_add(r, f);
    else
        pull_run_fail(r, f, PULL_ERROR, &error);
}

/* Takes leases and builds requests; count is 1 to LEASES_MAX. */
static void prepare_nodes(pull_run *r, node_fetch *fetches, size_t count)
{
    sh_error error = {.code = SH_OK};
    lease held[LEASES_MAX];
    sh_err err = pull_run_take_leases(r, fetches, count, held, &error);
    for (size_t i = 0; i < count; i++) {
        fetches[i].is_hubs_fault = err != SH_OK;
        if (err == SH_OK)
            prepare_node(r, &fetches[i], held[i]);
        else
            pull_run_fail(r, &fetches[i], PULL_ERROR, &error);
    }
}

/* Sends all requests, and repeats those of nodes in PULL_RETRY. */
static void fetch_all(pull_run *r)
{
    const sh_http_calls calls = {.done = pull_answer_done, .idle = pull_answer_idle, .context = r};
    r->tries_left = pull_run_speaks_netalertx(r) ? PULL_TRIES : 1;
    while (r->asked_count > 0) {
        if (r->tries_left > 0)
            r->tries_left--;
        sh_http_send_all(r->p->client, r->requests, r->asked_count, &calls);
        r->asked_count = 0;
        for (size_t i = 0; i < r->p->nodes.count; i++)
            if (r->fetches[i].state == PULL_RETRY)
                pull_request_add(r, &r->fetches[i]);
        if (r->asked_count > 0)
            (void)sh_stop_wait(PULL_RETRY_WAIT_MS);
    }
}

/* The hub would see two nodes with the same name as one node with alternating tables. */
static void report_namesakes(pull_run *r)
{
    SH_CLEANUP(sh_free_cleanup) named_node *nodes = calloc(r->p->nodes.count + 1, sizeof *nodes);
    size_t count = 0;
    if (nodes == NULL) {
        sh_log_warning("no memory to compare the names of %zu nodes", r->p->nodes.count);
        return;
    }
    for (size_t i = 0; i < r->p->nodes.count; i++)
        if (r->fetches[i].has_name)
            nodes[count++] = (named_node){r->fetches[i].name, r->fetches[i].node->url};
    duplicate_names_report(nodes, count); /* sorts them */
    for (size_t i = 1; i < count; i++)
        if (strcmp(nodes[i - 1].name, nodes[i].name) == 0)
            pull_reports_conflict(&r->reports, nodes[i].name, nodes[i - 1].url, nodes[i].url);
}

static bool run_nodes(pull_run *r)
{
    size_t count = r->p->nodes.count;
    for (size_t i = 0; i < count; i++) {
        node_fetch *f = &r->fetches[i];
        f->node = &r->p->nodes.items[i];
        memcpy(f->name, f->node->name, sizeof f->name);
    }
    for (size_t i = 0; i < count; i += LEASES_MAX)
        prepare_nodes(r, &r->fetches[i], count - i < LEASES_MAX ? count - i : LEASES_MAX);
    fetch_all(r);
    pull_run_release_leases(r);
    report_namesakes(r);
    pull_reports_flush(&r->reports);
    size_t failed = r->counts[PULL_FAILED];
    assert(failed + r->counts[PULL_PULLED] + r->counts[PULL_UNCHANGED] + r->counts[PULL_SKIPPED] ==
           count);
    int64_t took_ms = sh_clock_monotonic_ms() - r->begin_ms;
    puller_count_run(failed, count, took_ms, sh_clock_unix_ms());
    sh_log_info("run done: %zu nodes, %zu pulled, %zu unchanged, %zu failed, %zu skipped, %" PRId64
                ".%" PRId64 " s",
                count, r->counts[PULL_PULLED], r->counts[PULL_UNCHANGED], failed,
                r->counts[PULL_SKIPPED], took_ms / 1000, took_ms % 1000 / 100);
    return failed == 0;
}

static bool fail_run(const puller *p, const sh_error *error)
{
    sh_log_error("nothing was fetched, because the queue is unavailable: %s", error->message);
    puller_count_run(p->nodes.count, p->nodes.count, 0, sh_clock_unix_ms());
    return false;
}

/* A Redis that may lose data is an error unless the settings accept it. Logged once. */
static void report_durability(puller *p)
{
    const char *message = "";
    sh_queue_keeps keeps = sh_queue_keeps_of(p->queue, &message);
    if (message[0] != '\0' && (keeps != p->keeps || !p->keeps_logged))
        sh_log_warning("%s", message);
    p->keeps = keeps;
    p->keeps_logged = true;
}

/* Entries sealed with another key than the hub's could not be opened. */
static sh_err check_key(puller *p, sh_error *error)
{
    char reported[SH_KEY_CHECK_HEX_BYTES], own[SH_KEY_CHECK_HEX_BYTES];
    sh_err err = sh_queue_key_get(p->queue, reported, error);
    sh_key_check(p->passphrase_key, own);
    if (err == SH_OK && reported[0] != '\0' && strcmp(reported, own) != 0)
        err =
            sh_fail(error, SH_E_CONFIG,
                    "SYNC_encryption_key is not the one of this hub's receivers: set theirs here");
    return err;
}

bool puller_run(puller *p, int64_t within_ms)
{
    sh_error error = {.code = SH_OK};
    if (sh_queue_check(p->queue, &error) != SH_OK || check_key(p, &error) != SH_OK)
        return fail_run(p, &error);
    report_durability(p);
    pull_run r = {.p = p,
                  .begin_ms = sh_clock_monotonic_ms(),
                  .within_ms = within_ms,
                  .fetches = calloc(p->nodes.count, sizeof *r.fetches),
                  .requests = calloc(p->nodes.count, sizeof *r.requests),
                  .asked = calloc(p->nodes.count, sizeof(node_fetch *))};
    bool good = false;
    pull_reports_init(
        &r.reports, p->queue, pull_run_speaks_netalertx(&r),
        p->is_single ? 0 : sh_schedule_interval_s(&p->settings->cron, sh_clock_unix_ms()));
    if (r.fetches == NULL || r.requests == NULL || r.asked == NULL)
        sh_log_error("no memory for a run over %zu nodes", p->nodes.count);
    else if (enqueue_batch_init(&r.batch, p->queue, pull_answer_written, &r, &error) != SH_OK)
        good = fail_run(p, &error);
    else
        good = run_nodes(&r);
    for (size_t i = 0; r.fetches != NULL && i < p->nodes.count; i++)
        sh_wipe(r.fetches[i].token, sizeof r.fetches[i].token);
    enqueue_batch_reset(&r.batch);
    free(r.fetches);
    free(r.requests);
    free(r.asked);
    return good;
}
