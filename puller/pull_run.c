/* SPDX-License-Identifier: Apache-2.0 */
#include "puller/pull_run.h"

#include "libcommon/base/clock.h"
#include "libcommon/runtime/log.h"
#include "libcommon/runtime/stop.h"

#define LEASE_MARGIN_MS 60000

_Static_assert(PULL_END_FAILED - PULL_END_PULLED == PULL_FAILED &&
                   PULL_END_SKIPPED - PULL_END_PULLED == PULL_SKIPPED,
               "the ends are in the order of puller_outcome");

bool pull_run_speaks_netalertx(const pull_run *r)
{
    return r->p->settings->protocol == SH_PROTOCOL_NETALERTX;
}

sh_err pull_run_note(pull_run *r, sh_err err)
{
    r->redis_away = r->redis_away || err == SH_E_NETWORK || err == SH_E_CONFIG;
    return err;
}

const char *pull_run_name_of(const node_fetch *f)
{
    return f->name[0] != '\0' ? f->name : NULL;
}

static bool was_fetched(const node_fetch *f)
{
    return f->state == PULL_END_PULLED || f->state == PULL_END_UNCHANGED;
}

/* One call for all, as each write waits for Redis's disk. */
void pull_run_release_leases(pull_run *r)
{
    lease_end turns[LEASES_MAX];
    size_t count = r->ended_count;
    r->ended_count = 0;
    if (count == 0 || r->redis_away)
        return; /* the leases expire */
    for (size_t i = 0; i < count; i++) {
        const node_fetch *f = r->ended[i];
        turns[i] = (lease_end){
            .url = f->node->url, .fetched = was_fetched(f), .name = f->name_new ? f->name : NULL};
    }
    sh_error error = {.code = SH_OK};
    if (pull_run_note(r, leases_end(r->p->queue, turns, count, &error)) != SH_OK)
        sh_log_warning("could not release the leases of %zu nodes, from %s on: %s", count,
                       turns[0].url, error.message);
}

void pull_run_advance(pull_run *r, node_fetch *f, pull_event event)
{
    f->state = pull_state_next(f->state, event, r->tries_left > 0);
    if (!pull_state_is_end(f->state))
        return;
    puller_outcome outcome = (puller_outcome)(f->state - PULL_END_PULLED);
    r->counts[outcome]++;
    puller_count_node(outcome);
    if (!f->leased)
        return;
    f->leased = false;
    r->ended[r->ended_count++] = f;
    if (r->ended_count == LEASES_MAX)
        pull_run_release_leases(r);
}

reported_node pull_run_reported(const pull_run *r, const node_fetch *f)
{
    return (reported_node){.node = f->node,
                           .name = f->name,
                           .agent = f->agent,
                           .problem = &f->problem,
                           .name_new = f->name_new,
                           .last = &r->p->last_reports[f - r->fetches]};
}

/* Failures of the hub's side are not the node's. */
static void report_failure(pull_run *r, const node_fetch *f, const sh_error *error)
{
    const reported_node node = pull_run_reported(r, f);
    bool answered_well = f->status == 200 || f->status == 304;
    if (!f->is_hubs_fault && !r->redis_away && error->code != SH_E_MEMORY)
        pull_reports_failed(&r->reports, &node, answered_well ? 0 : f->status, error->message);
}

void pull_run_fail(pull_run *r, node_fetch *f, pull_event event, const sh_error *error)
{
    bool stopped = error->code == SH_E_STOPPED;
    if (stopped)
        event = PULL_STOPPED;
    bool ends = pull_state_is_end(pull_state_next(f->state, event, r->tries_left > 0));
    if (ends)
        sh_log_event(stopped ? SH_LOG_INFO : SH_LOG_ERROR,
                     SH_LOG_FIELDS(SH_LOG_NODE(pull_run_name_of(f)), SH_LOG_URL(f->node->url),
                                   SH_LOG_REASON(error->message)),
                     "%s", stopped ? "not pulled" : "a pull failed");
    if (ends && !stopped)
        report_failure(r, f, error);
    pull_run_advance(r, f, event);
}

sh_err pull_run_recent_digest(pull_run *r, const char *name, uint8_t digest[static SH_DIGEST_BYTES],
                              sh_error *error)
{
    int64_t merged_ms;
    sh_err err = pull_run_note(
        r, sh_queue_digest_get(r->p->queue, sh_slice_of(name), digest, &merged_ms, error));
    int64_t age_ms = err == SH_OK ? sh_clock_unix_ms() - merged_ms : 0;
    /* A time in the future was recorded before the clock was set back: the age is unknown. */
    if (age_ms < 0 || age_ms >= SH_FULL_TABLE_INTERVAL_S * 1000LL)
        return sh_fail(error, SH_E_NOT_FOUND, "the last merge was more than a day ago");
    return err;
}

/* How long a run over all nodes may take, so that no other puller takes over a waiting node. */
static int64_t lease_hold_ms(const pull_run *r)
{
    int64_t waves = (int64_t)(r->p->nodes.count / r->p->parallel_max + 1);
    int64_t tries = pull_run_speaks_netalertx(r) ? PULL_TRIES : 1;
    return waves * tries * r->p->settings->run_timeout_s * 1000 + LEASE_MARGIN_MS;
}

sh_err pull_run_take_leases(pull_run *r, node_fetch *fetches, size_t count, lease held[],
                            sh_error *error)
{
    /* 0, at start and with --once: all nodes are fetched, even if another puller just did. */
    int64_t within_ms = r->within_ms > 0 ? r->within_ms + sh_clock_monotonic_ms() - r->begin_ms : 0;
    const char *urls[LEASES_MAX];
    if (sh_stop_requested())
        return sh_fail(error, SH_E_STOPPED, "skipped: the program is stopping");
    if (r->redis_away)
        return sh_fail(error, SH_E_NETWORK, "not fetched: Redis (SYNC_redis_url) is down");
    for (size_t i = 0; i < count; i++)
        urls[i] = fetches[i].node->url;
    const lease_request request = {
        .urls = urls, .count = count, .within_ms = within_ms, .hold_ms = lease_hold_ms(r)};
    sh_err err = pull_run_note(r, leases_take(r->p->queue, &request, held, error));
    for (size_t i = 0; err == SH_OK && i < count; i++)
        fetches[i].leased = held[i] == LEASE_TAKEN;
    return err;
}
