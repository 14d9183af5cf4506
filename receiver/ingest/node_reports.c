/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/node_reports.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/clock.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/native/node_problem_header.h"
#include "libcommon/queue/queue_reports.h"
#include "receiver/ingest/claimed_identity.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define PENDING_MAX 512 /* nodes with a report in one second */
#define FORBIDDEN_MAX 64
#define AGENTS 16384 /* a power of two: nodes whose agent is remembered */
#define AGENT_REPEAT_MS (600 * 1000)
#define INTERVAL_MAX_S (366 * 24 * 3600)

typedef struct {
    size_t count, forbidden_count;
    uint64_t nodes[PENDING_MAX]; /* hashes of their names */
    sh_queue_report reports[PENDING_MAX];
    sh_queue_auth_failure forbidden[FORBIDDEN_MAX];
} pending_reports;

/* What was reported of a node's agent. */
typedef struct {
    uint64_t node, agent; /* hashes */
    int64_t ms;           /* monotonic */
    int64_t shared_ms;    /* monotonic; when its instances were last found to alternate, 0: never */
} reported_agent;

static pthread_once_t begun = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t hash_key[SH_SHORT_KEY_BYTES];
static reported_agent agents[AGENTS]; /* by hash; a colliding node replaces the other */
static pending_reports tables[2];
static pending_reports *filling = &tables[0];

static void begin(void)
{
    sh_random(hash_key, sizeof hash_key);
}

static uint64_t hash_of(const char *text)
{
    (void)pthread_once(&begun, begin);
    return sh_short_hash(hash_key, sh_slice_of(text));
}

/* The pending report of a node; NULL if there are too many. */
static sh_queue_report *report_of(const char *node, uint64_t hash)
{
    pending_reports *p = filling;
    for (size_t i = 0; i < p->count; i++)
        if (p->nodes[i] == hash && strcmp(p->reports[i].node, node) == 0)
            return &p->reports[i];
    if (p->count == PENDING_MAX)
        return NULL;
    p->nodes[p->count] = hash;
    sh_queue_report *report = &p->reports[p->count++];
    *report = (sh_queue_report){.mode = "push"};
    (void)snprintf(report->node, sizeof report->node, "%s", node);
    return report;
}

/* --- Headers --------------------------------------------------------------------------------- */

typedef struct {
    char agent[SH_AGENT_MAX + 1], instance[SH_INSTANCE_MAX + 1];
    int64_t interval_s;
} request_agent;

static void copy_printable(const char *text, char *ret, size_t bytes)
{
    size_t len = 0;
    for (; text[len] != '\0' && len + 1 < bytes; len++)
        ret[len] = text[len] > ' ' && text[len] < 0x7f ? text[len] : '_';
    ret[len] = '\0';
}

static void read_address(const sh_http_exchange *exchange, char ret[static SH_ADDRESS_MAX + 1])
{
    char address[CLAIMED_IDENTITY_ADDRESS_BYTES];
    bool forwarded = claimed_identity_address(exchange, address);
    copy_printable(forwarded ? address : sh_http_peer(exchange), ret, SH_ADDRESS_MAX + 1);
}

static bool is_hex(const char *text)
{
    size_t len = strspn(text, "0123456789abcdef");
    return len > 0 && len <= SH_INSTANCE_MAX && text[len] == '\0';
}

static void read_agent(const sh_http_exchange *exchange, bool netalertx, request_agent *ret)
{
    const char *agent = sh_http_header(exchange, "User-Agent");
    const char *instance = sh_http_header(exchange, "Sync-Hub-Instance");
    const char *interval = sh_http_header(exchange, "Sync-Hub-Interval");
    uint64_t seconds = 0;
    bool own = agent != NULL && strncmp(agent, "synchub-", 8) == 0;
    *ret = (request_agent){.agent = ""};
    if (agent != NULL && (own || !netalertx))
        copy_printable(agent, ret->agent, sizeof ret->agent);
    else if (netalertx)
        (void)snprintf(ret->agent, sizeof ret->agent, "NetAlertX");
    if (netalertx)
        read_address(exchange, ret->instance);
    else if (instance != NULL && is_hex(instance))
        (void)snprintf(ret->instance, sizeof ret->instance, "%s", instance);
    if (interval != NULL && sh_text_to_u64(sh_slice_of(interval), INTERVAL_MAX_S, &seconds))
        ret->interval_s = (int64_t)seconds;
}

/* --- Recording ------------------------------------------------------------------------------- */

/* Whether this agent of a node must be reported. If so, records that it is. */
static bool is_new_report(uint64_t node, uint64_t agent)
{
    reported_agent *known = &agents[node & (AGENTS - 1)];
    int64_t now_ms = sh_clock_monotonic_ms();
    if (known->node == node && known->agent == agent && now_ms - known->ms < AGENT_REPEAT_MS)
        return false;
    int64_t shared_ms = known->node == node ? known->shared_ms : 0;
    *known = (reported_agent){.node = node, .agent = agent, .ms = now_ms, .shared_ms = shared_ms};
    return true;
}

static bool is_shared(uint64_t node)
{
    const reported_agent *known = &agents[node & (AGENTS - 1)];
    return known->node == node && known->shared_ms > 0 &&
           sh_clock_monotonic_ms() - known->shared_ms < SH_CONFLICT_WINDOW_MS;
}

/* Takes over what Redis knows of a node whose agent was reported. */
static void set_shared(const sh_queue_report *report, uint64_t node, bool shared)
{
    reported_agent *known = &agents[node & (AGENTS - 1)];
    if (report->instance[0] != '\0' && known->node == node)
        known->shared_ms = shared ? sh_clock_monotonic_ms() : 0;
}

static void note_agent(const sh_http_exchange *exchange, const request_agent *agent, bool netalertx,
                       sh_queue_report *report)
{
    char *address = report->address;
    read_address(exchange, report->address);
    report->interval_s = agent->interval_s;
    report->protocol = netalertx ? "netalertx" : "native";
    memcpy(report->agent, agent->agent, sizeof report->agent);
    memcpy(report->instance, agent->instance, sizeof report->instance);
    (void)snprintf(report->conflict, sizeof report->conflict,
                   "several instances use the name of this node at once, the last one at %s: give "
                   "each a SYNC_node_name of its own",
                   address);
}

/* Returns whether several instances use the node's name. */
static bool note(const sh_http_exchange *exchange, const char *node, bool netalertx, bool newcomer)
{
    request_agent agent;
    sh_node_problem own = {.kind = ""};
    char all[2 * SH_AGENT_MAX + 64];
    const char *header = sh_http_header(exchange, "Sync-Hub-Problem");
    bool problem = header != NULL && !netalertx && sh_node_problem_read(header, &own);
    int64_t now_ms = sh_clock_unix_ms();
    read_agent(exchange, netalertx, &agent);
    (void)snprintf(all, sizeof all, "%lld %d %s %s", (long long)agent.interval_s, netalertx,
                   agent.instance, agent.agent);
    uint64_t hash = hash_of(node), agent_hash = hash_of(all);
    (void)pthread_mutex_lock(&lock);
    bool is_new = is_new_report(hash, agent_hash);
    sh_queue_report *report = is_new || problem || newcomer ? report_of(node, hash) : NULL;
    if (report != NULL) {
        report->ms = now_ms;
        report->is_contact = report->is_contact || newcomer;
        if (is_new)
            note_agent(exchange, &agent, netalertx, report);
        if (problem) {
            report->problem_ms = now_ms;
            report->status = 0;
            memcpy(report->kind, own.kind, sizeof report->kind);
            memcpy(report->text, own.text, sizeof report->text);
        }
    }
    bool shared = is_shared(hash);
    (void)pthread_mutex_unlock(&lock);
    return shared;
}

bool node_reports_contact(const sh_http_exchange *exchange, const char *node, bool netalertx)
{
    return note(exchange, node, netalertx, false);
}

void node_reports_newcomer(const sh_http_exchange *exchange, const char *node)
{
    (void)note(exchange, node, false, true);
}

void node_reports_problem(const char *node, unsigned status, const char *kind, const char *text)
{
    uint64_t hash = hash_of(node);
    int64_t now_ms = sh_clock_unix_ms();
    (void)pthread_mutex_lock(&lock);
    sh_queue_report *report = report_of(node, hash);
    if (report != NULL) {
        report->problem_ms = now_ms;
        report->status = status;
        (void)snprintf(report->kind, sizeof report->kind, "%s", kind);
        (void)snprintf(report->text, sizeof report->text, "%s", text);
    }
    (void)pthread_mutex_unlock(&lock);
}

void node_reports_forbidden(const sh_http_exchange *exchange, const char *node, const char *reason)
{
    sh_queue_auth_failure one = {.failures = 1, .first_ms = sh_clock_unix_ms()};
    one.last_ms = one.first_ms;
    read_address(exchange, one.address);
    (void)snprintf(one.node, sizeof one.node, "%s", node == NULL ? "" : node);
    (void)snprintf(one.reason, sizeof one.reason, "%s", reason);
    uint64_t hash = hash_of(one.node);
    (void)pthread_mutex_lock(&lock);
    /* The next contact of the node reports its address again, which may end this failure. */
    if (agents[hash & (AGENTS - 1)].node == hash)
        agents[hash & (AGENTS - 1)].ms = sh_clock_monotonic_ms() - AGENT_REPEAT_MS;
    pending_reports *p = filling;
    size_t at = 0;
    while (at < p->forbidden_count && (strcmp(p->forbidden[at].address, one.address) != 0 ||
                                       strcmp(p->forbidden[at].node, one.node) != 0))
        at++;
    if (at < p->forbidden_count) {
        p->forbidden[at].failures++;
        p->forbidden[at].last_ms = one.last_ms;
    } else if (at < FORBIDDEN_MAX) {
        p->forbidden[p->forbidden_count++] = one;
    }
    (void)pthread_mutex_unlock(&lock);
}

/* Failures first, as a later contact of the node may end them. */
static sh_err put_failures(sh_queue *queue, const pending_reports *full, sh_error *error)
{
    sh_err err = SH_OK;
    for (size_t i = 0; i < full->forbidden_count && err == SH_OK; i += SH_REPORTS_AT_ONCE) {
        size_t rest = full->forbidden_count - i;
        err = sh_queue_auth_failures_put(queue, &full->forbidden[i],
                                         rest < SH_REPORTS_AT_ONCE ? rest : SH_REPORTS_AT_ONCE,
                                         error);
    }
    return err;
}

static sh_err put_reports(sh_queue *queue, const pending_reports *full, sh_error *error)
{
    bool shared[SH_REPORTS_AT_ONCE];
    sh_err err = SH_OK;
    for (size_t i = 0; i < full->count && err == SH_OK; i += SH_REPORTS_AT_ONCE) {
        size_t some = full->count - i < SH_REPORTS_AT_ONCE ? full->count - i : SH_REPORTS_AT_ONCE;
        err = sh_queue_reports_put(queue, &full->reports[i], some, shared, error);
        (void)pthread_mutex_lock(&lock);
        for (size_t j = 0; j < some && err == SH_OK; j++)
            set_shared(&full->reports[i + j], full->nodes[i + j], shared[j]);
        (void)pthread_mutex_unlock(&lock);
    }
    return err;
}

sh_err node_reports_flush(sh_queue *queue, sh_error *error)
{
    (void)pthread_mutex_lock(&lock);
    pending_reports *full = filling;
    filling = full == &tables[0] ? &tables[1] : &tables[0];
    (void)pthread_mutex_unlock(&lock);
    sh_err err = put_failures(queue, full, error);
    if (err == SH_OK)
        err = put_reports(queue, full, error);
    full->count = full->forbidden_count = 0;
    return err;
}
