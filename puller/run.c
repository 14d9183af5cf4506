/* SPDX-License-Identifier: Apache-2.0 */
#include "puller/run.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/hex.h"
#include "libcommon/runtime/log.h"
#include "libcommon/runtime/stop.h"
#include "puller/answer.h"
#include "puller/enqueue_batch.h"
#include "puller/namesakes.h"
#include "puller/puller_status.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CUT_TRIES 3     /* fetches of a table that is caught half-written */
#define CUT_WAIT_MS 500 /* between them */
#define LEASE_MARGIN_MS 60000
#define ETAG_AT strlen("If-None-Match: ")

/* One node in one run. */
typedef struct {
    const puller_node *node;
    char name[SH_NODE_NAME_MAX + 1]; /* as configured, answered before, or answered now; or "" */
    char if_none_match[sizeof "If-None-Match: \"\"" + SH_DIGEST_HEX_BYTES];
    const char *headers[3];
    char token[SH_SECRET_TEXT_BYTES]; /* the node's own, or "" for the shared one */
    size_t token_number;              /* of its own ones that work */
    bool conditional;                 /* if_none_match is sent */
    bool leased;
    bool fetched;  /* of an ended turn */
    bool name_new; /* to be remembered for this URL */
    bool again;    /* its table was half-written, or it may know another token */
    bool answered; /* with a table, in this run */
} fetch;

typedef struct {
    puller *p;
    fetch *fetches; /* one for each node */
    sh_http_request *requests;
    fetch **asked; /* whom each request is for */
    size_t asked_count;
    int64_t begin_ms;    /* monotonic */
    int64_t within_ms;   /* what was fetched so long before the run counts as fetched */
    unsigned tries_left; /* after this one, of tables that are half-written */
    size_t counts[PULL_OUTCOMES];
    fetch *ended[SH_QUEUE_LEASES_MAX]; /* whose leases are to be given back together */
    size_t ended_count;
    outbox outbox;   /* what was fetched, on its way into the queue */
    bool redis_away; /* broke during the run: what comes after it fails without a wait */
} run;

static bool speaks_netalertx(const run *r)
{
    return r->p->settings->protocol == SH_PROTOCOL_NETALERTX;
}

/* --- How a node's turn ends ------------------------------------------------------------------- */

/* Notes what a call to Redis came to. */
static sh_err noted(run *r, sh_err err)
{
    r->redis_away = r->redis_away || err == SH_E_NETWORK || err == SH_E_CONFIG;
    return err;
}

/* For the log: the node's name, NULL while nobody knows it. */
static const char *name_of(const fetch *f)
{
    return f->name[0] != '\0' ? f->name : NULL;
}

/* Each write waits for Redis's disk: a thousand of them would take longer than the nodes do. */
static void give_leases_back(run *r)
{
    sh_queue_turn turns[SH_QUEUE_LEASES_MAX];
    size_t count = r->ended_count;
    r->ended_count = 0;
    if (count == 0 || r->redis_away)
        return; /* a lease that is not given back ends by itself */
    for (size_t i = 0; i < count; i++) {
        const fetch *f = r->ended[i];
        turns[i] = (sh_queue_turn){
            .url = f->node->url, .fetched = f->fetched, .name = f->name_new ? f->name : NULL};
    }
    sh_error error = {.code = SH_OK};
    if (noted(r, sh_queue_leases_end(r->p->queue, turns, count, &error)) != SH_OK)
        sh_log_warning("the leases of %zu nodes, from %s on, were not released: %s", count,
                       turns[0].url, error.message);
}

static void end_turn(run *r, fetch *f, puller_outcome outcome)
{
    r->counts[outcome]++;
    puller_count_node(outcome);
    if (!f->leased)
        return;
    f->leased = false;
    f->fetched = outcome == PULL_PULLED || outcome == PULL_UNCHANGED;
    r->ended[r->ended_count++] = f;
    if (r->ended_count == SH_QUEUE_LEASES_MAX)
        give_leases_back(r);
}

static void end_failed(run *r, fetch *f, const sh_error *error)
{
    bool stopped = error->code == SH_E_STOPPED;
    sh_log_event(stopped ? SH_LOG_INFO : SH_LOG_ERROR,
                 SH_LOG_FIELDS(SH_LOG_NODE(name_of(f)), SH_LOG_URL(f->node->url),
                               SH_LOG_REASON(error->message)),
                 "%s", stopped ? "not pulled" : "a pull failed");
    if (stopped) {
        end_turn(r, f, PULL_SKIPPED);
        return;
    }
    end_turn(r, f, PULL_FAILED);
}

static void end_skipped(run *r, fetch *f, const char *why)
{
    sh_log_event(
        SH_LOG_DEBUG,
        SH_LOG_FIELDS(SH_LOG_NODE(name_of(f)), SH_LOG_URL(f->node->url), SH_LOG_REASON(why)),
        "not pulled");
    end_turn(r, f, PULL_SKIPPED);
}

/* --- What to ask
 * ---------------------------------------------------------------------------------- */

/* The digest of the node's last merged table, where that is young enough to be relied on. */
static sh_err get_recent_digest(run *r, const char *name, uint8_t digest[static SH_DIGEST_BYTES],
                                sh_error *error)
{
    int64_t merged_ms;
    sh_err err =
        noted(r, sh_queue_digest_get(r->p->queue, sh_slice_of(name), digest, &merged_ms, error));
    int64_t age_ms = err == SH_OK ? sh_clock_unix_ms() - merged_ms : 0;
    /* A time to come tells of a clock that was put back, and nothing about the last merge. */
    if (age_ms < 0 || age_ms >= SH_FULL_TABLE_INTERVAL_S * 1000LL)
        return sh_fail(error, SH_E_NOT_FOUND, "the last merge was more than a day ago");
    return err;
}

/* Finds out what is known of the node, so that it need not send what the hub has. */
static sh_err learn(run *r, fetch *f, sh_error *error)
{
    sh_error unknown = {.code = SH_OK};
    if (f->name[0] == '\0') {
        sh_err err =
            noted(r, sh_queue_pulled_name_get(r->p->queue, f->node->url, f->name, &unknown));
        if (err != SH_OK) {
            f->name[0] = '\0';
            return err == SH_E_NOT_FOUND ? SH_OK : sh_fail(error, err, "%s", unknown.message);
        }
    }
    uint8_t digest[SH_DIGEST_BYTES];
    sh_err err = get_recent_digest(r, f->name, digest, &unknown);
    if (err == SH_E_NOT_FOUND)
        return SH_OK;
    if (err != SH_OK)
        return sh_fail(error, err, "%s", unknown.message);
    char hex[SH_DIGEST_HEX_BYTES];
    sh_hex_encode(digest, sizeof digest, hex);
    (void)snprintf(f->if_none_match, sizeof f->if_none_match, "If-None-Match: \"%s\"", hex);
    f->conditional = true;
    return SH_OK;
}

/* How long all nodes may take, so that no other puller takes over what waits for its turn. */
static int64_t lease_hold_ms(const run *r)
{
    int64_t waves = (int64_t)(r->p->nodes.count / r->p->parallel_max + 1);
    int64_t tries = speaks_netalertx(r) ? CUT_TRIES : 1;
    return waves * tries * r->p->settings->run_timeout_s * 1000 + LEASE_MARGIN_MS;
}

/* Asks for the leases of count nodes at once; *held tells what came of each. */
static sh_err take_leases(run *r, fetch *fetches, size_t count, sh_lease *held, sh_error *error)
{
    /* With 0, at start and with --once, all nodes are asked, whoever fetched them before. */
    int64_t within_ms = r->within_ms > 0 ? r->within_ms + sh_clock_monotonic_ms() - r->begin_ms : 0;
    const char *urls[SH_QUEUE_LEASES_MAX];
    if (sh_stop_requested())
        return sh_fail(error, SH_E_STOPPED, "skipped: the program is stopping");
    if (r->redis_away)
        return sh_fail(error, SH_E_NETWORK, "not fetched: Redis (SYNC_redis_url) is down");
    for (size_t i = 0; i < count; i++)
        urls[i] = fetches[i].node->url;
    sh_err err = noted(r, sh_queue_leases_take(r->p->queue, urls, count, within_ms,
                                               lease_hold_ms(r), held, error));
    for (size_t i = 0; err == SH_OK && i < count; i++)
        fetches[i].leased = held[i] == SH_LEASE_TAKEN;
    return err;
}

static puller_credentials credentials_of(const run *r)
{
    return (puller_credentials){.passphrase_key = r->p->passphrase_key,
                                .credential_key = r->p->credential_key,
                                .all = r->outbox.credentials};
}

/*
 * A node is sent its own token only where SYNC_nodes names it: a name that it gives itself would
 * let any address ask for another node's token.
 */
static sh_err choose_token(const run *r, fetch *f, sh_error *error)
{
    puller_credentials c = credentials_of(r);
    const sh_node_record *own = NULL;
    int64_t now_ms = sh_clock_unix_ms();
    if (f->node->name[0] == '\0')
        return SH_OK;
    sh_err err = puller_record_of(&c, f->node->name, now_ms, &own, error);
    if (err != SH_OK || own == NULL)
        return err;
    if (speaks_netalertx(r) && !own->netalertx)
        return sh_fail(error, SH_E_REFUSED,
                       "not fetched: the node's own credentials allow only the native protocol: "
                       "set SYNC_protocol=native here, or create others by `synchub-receiver node "
                       "add --netalertx`");
    return puller_token_of(&c, own, f->token_number, now_ms, f->token, error);
}

/* While its credentials are rotated a node knows the new token or the old one. */
static bool try_next_token(const run *r, fetch *f)
{
    sh_error error = {.code = SH_OK};
    if (f->token[0] == '\0')
        return false;
    f->token_number++;
    return choose_token(r, f, &error) == SH_OK;
}

static void ask(run *r, fetch *f)
{
    size_t headers = 0;
    f->again = false;
    if (!speaks_netalertx(r)) {
        f->headers[headers++] = "Accept: " SH_ENVELOPE_TYPE;
        if (f->conditional)
            f->headers[headers++] = f->if_none_match;
    }
    f->headers[headers] = NULL;
    r->asked[r->asked_count] = f;
    r->requests[r->asked_count++] = (sh_http_request){
        .method = "GET",
        .url = f->node->sync_url,
        .token = f->token[0] != '\0' ? f->token : r->p->settings->api_token,
        .headers = f->headers,
        .answer_max = speaks_netalertx(r) ? SH_NETALERTX_BODY_MAX : SH_ENVELOPE_MAX,
        .timeout_ms = r->p->settings->run_timeout_s * 1000,
    };
}

static void prepare_one(run *r, fetch *f, sh_lease held)
{
    sh_error error = {.code = SH_OK};
    if (held == SH_LEASE_HELD) {
        end_skipped(r, f, "skipped: another puller is fetching it");
        return;
    }
    if (held == SH_LEASE_DONE) {
        end_skipped(r, f, "skipped: it was fetched for this run already");
        return;
    }
    if (r->redis_away)
        (void)sh_fail(&error, SH_E_NETWORK, "not fetched: Redis (SYNC_redis_url) is down");
    /* A NetAlertX knows no conditional request; its table is compared when it is here. */
    else if (choose_token(r, f, &error) == SH_OK && !speaks_netalertx(r))
        (void)learn(r, f, &error);
    if (error.code != SH_OK)
        end_failed(r, f, &error);
    else
        ask(r, f);
}

/* count is 1 to SH_QUEUE_LEASES_MAX. */
static void prepare(run *r, fetch *fetches, size_t count)
{
    sh_error error = {.code = SH_OK};
    sh_lease held[SH_QUEUE_LEASES_MAX];
    sh_err err = take_leases(r, fetches, count, held, &error);
    for (size_t i = 0; i < count; i++) {
        if (err == SH_OK)
            prepare_one(r, &fetches[i], held[i]);
        else
            end_failed(r, &fetches[i], &error);
    }
}

/* --- What came
 * ------------------------------------------------------------------------------------- */

/* Takes over the name that the node answered with. */
static void take_name(fetch *f, const char *name)
{
    bool known = strcmp(f->name, name) == 0;
    (void)snprintf(f->name, sizeof f->name, "%s", name);
    f->answered = true;
    f->name_new = f->name_new || (!known && f->node->name[0] == '\0');
}

/* A table or contact was written, or was not: the end of a node's turn. */
static void on_written(void *context, const outbox_item *item, sh_err err, sh_put put,
                       const sh_error *error)
{
    run *r = context;
    fetch *f = item->who;
    char id[SH_ID_HEX_BYTES];
    if (noted(r, err) != SH_OK) {
        end_failed(r, f, error);
        return;
    }
    if (item->unchanged || put == SH_PUT_DUPLICATE) {
        sh_log_event(SH_LOG_DEBUG, SH_LOG_FIELDS(SH_LOG_NODE(name_of(f)), SH_LOG_URL(f->node->url)),
                     "unchanged");
        end_turn(r, f, PULL_UNCHANGED);
        return;
    }
    sh_hex_encode(item->header.id, SH_ID_BYTES, id);
    sh_log_event(SH_LOG_INFO,
                 SH_LOG_FIELDS(SH_LOG_NODE(name_of(f)), SH_LOG_URL(f->node->url),
                               SH_LOG_ROWS(item->rows), SH_LOG_BYTES(item->envelope.len),
                               SH_LOG_ENTRY(id)),
                 "pulled");
    end_turn(r, f, PULL_PULLED);
}

static sh_err take_native(run *r, fetch *f, const sh_http_answer *answer,
                          const puller_expected *expected, sh_error *error)
{
    puller_table table;
    sh_err err = puller_native_read(answer, expected, &table, error);
    if (err == SH_OK)
        take_name(f, table.header.node);
    if (err == SH_OK)
        err = outbox_add_table(&r->outbox, f, &table, f->node->name[0] != '\0', error);
    puller_table_reset(&table);
    return err;
}

static sh_err seal_and_queue(run *r, fetch *f, puller_table *table, sh_error *error)
{
    table->sealed = SH_BUF_INIT(SH_ENVELOPE_MAX);
    sh_random(table->header.id, sizeof table->header.id);
    table->header.time_ms = sh_clock_unix_ms();
    sh_err err =
        sh_envelope_seal(&table->header, &table->key, (sh_slice){table->text.data, table->text.len},
                         &table->sealed, error);
    if (err != SH_OK)
        return err;
    table->envelope = (sh_slice){table->sealed.data, table->sealed.len};
    return outbox_add_table(&r->outbox, f, table, f->node->name[0] != '\0', error);
}

static sh_err take_netalertx(run *r, fetch *f, const sh_http_answer *answer,
                             const puller_expected *expected, sh_error *error)
{
    puller_table table;
    bool cut;
    uint8_t digest[SH_DIGEST_BYTES];
    sh_err err = puller_netalertx_read(answer, expected, &table, &cut, error);
    if (err == SH_OK) {
        take_name(f, table.header.node);
        sh_error unknown = {.code = SH_OK};
        err = get_recent_digest(r, f->name, digest, &unknown);
        if (err == SH_OK && memcmp(digest, table.header.digest, sizeof digest) == 0)
            outbox_add_unchanged(&r->outbox, f, f->name);
        else if (err == SH_OK || err == SH_E_NOT_FOUND)
            err = seal_and_queue(r, f, &table, error);
        else
            (void)sh_fail(error, err, "%s", unknown.message);
    } else {
        f->again = cut && r->tries_left > 0;
    }
    puller_table_reset(&table);
    return err;
}

static sh_err take_answer(run *r, fetch *f, const sh_http_answer *answer, sh_error *error)
{
    bool conditional = f->conditional && !speaks_netalertx(r);
    puller_expected expected = {.credentials = credentials_of(r),
                                .name = f->node->name,
                                .etag = conditional ? f->if_none_match + ETAG_AT : NULL,
                                .now_ms = sh_clock_unix_ms()};
    bool unchanged;
    if (r->redis_away)
        return sh_fail(error, SH_E_NETWORK, "fetched, but Redis (SYNC_redis_url) is down");
    if ((answer->status == 401 || answer->status == 403) && try_next_token(r, f)) {
        f->again = true;
        return SH_E_REFUSED;
    }
    sh_err err = puller_status_check(answer, &expected, &unchanged, error);
    if (err != SH_OK)
        return err;
    if (unchanged) {
        outbox_add_unchanged(&r->outbox, f, f->name);
        return SH_OK;
    }
    return speaks_netalertx(r) ? take_netalertx(r, f, answer, &expected, error)
                               : take_native(r, f, answer, &expected, error);
}

static void on_done(void *context, size_t index, sh_err err, const sh_http_answer *answer,
                    const sh_error *failure)
{
    run *r = context;
    fetch *f = r->asked[index];
    sh_error error = {.code = SH_OK};
    if (err != SH_OK)
        (void)sh_fail(&error, err, "%s", failure->message);
    else
        err = take_answer(r, f, answer, &error);
    if (err != SH_OK && !f->again)
        end_failed(r, f, &error);
}

/* No answer is ready now: what has come together is written. */
static void on_idle(void *context)
{
    run *r = context;
    outbox_flush(&r->outbox);
}

/* --- The whole
 * -------------------------------------------------------------------------------------- */

/* Sends what was asked, and again where a table was caught half-written. */
static void fetch_all(run *r)
{
    r->tries_left = speaks_netalertx(r) ? CUT_TRIES : 1;
    while (r->asked_count > 0) {
        if (r->tries_left > 0)
            r->tries_left--;
        sh_http_send_all(r->p->client, r->requests, r->asked_count, on_done, r, on_idle);
        r->asked_count = 0;
        for (size_t i = 0; i < r->p->nodes.count; i++)
            if (r->fetches[i].again)
                ask(r, &r->fetches[i]);
        if (r->asked_count > 0)
            (void)sh_stop_wait(CUT_WAIT_MS);
    }
}

/* Two nodes under one name would be one node to the hub, with two tables in turn. */
static void report_namesakes(const run *r)
{
    SH_CLEANUP(sh_free_cleanup) namesake *nodes = calloc(r->p->nodes.count + 1, sizeof *nodes);
    size_t count = 0;
    if (nodes == NULL) {
        sh_log_warning("no memory to compare the names of %zu nodes", r->p->nodes.count);
        return;
    }
    for (size_t i = 0; i < r->p->nodes.count; i++)
        if (r->fetches[i].answered)
            nodes[count++] = (namesake){r->fetches[i].name, r->fetches[i].node->url};
    namesakes_report(nodes, count);
}

static bool run_nodes(run *r)
{
    size_t count = r->p->nodes.count;
    for (size_t i = 0; i < count; i++) {
        fetch *f = &r->fetches[i];
        f->node = &r->p->nodes.items[i];
        memcpy(f->name, f->node->name, sizeof f->name);
    }
    for (size_t i = 0; i < count; i += SH_QUEUE_LEASES_MAX)
        prepare(r, &r->fetches[i],
                count - i < SH_QUEUE_LEASES_MAX ? count - i : SH_QUEUE_LEASES_MAX);
    fetch_all(r);
    give_leases_back(r);
    report_namesakes(r);
    size_t failed = r->counts[PULL_FAILED];
    assert(failed + r->counts[PULL_PULLED] + r->counts[PULL_UNCHANGED] + r->counts[PULL_SKIPPED] ==
           count);
    int64_t took_ms = sh_clock_monotonic_ms() - r->begin_ms;
    sh_log_info("run done: %zu nodes, %zu pulled, %zu unchanged, %zu failed, %zu skipped, %" PRId64
                ".%" PRId64 " s",
                count, r->counts[PULL_PULLED], r->counts[PULL_UNCHANGED], failed,
                r->counts[PULL_SKIPPED], took_ms / 1000, took_ms % 1000 / 100);
    puller_count_run(failed > 0, count, took_ms, sh_clock_unix_ms());
    return failed == 0;
}

static bool fail_run(const puller *p, const sh_error *error)
{
    sh_log_error("nothing was fetched, because there is no queue: %s", error->message);
    puller_count_run(true, p->nodes.count, 0, sh_clock_unix_ms());
    return false;
}

/* Redis that may lose what is queued is an error unless the settings accept it; told once. */
static void tell_of_keeping(puller *p)
{
    const char *words = "";
    sh_queue_keeps keeps = sh_queue_keeps_of(p->queue, &words);
    if (words[0] != '\0' && (keeps != p->keeps || !p->keeps_told))
        sh_log_warning("%s", words);
    p->keeps = keeps;
    p->keeps_told = true;
}

/* What is queued under another key than the hub's could be opened by nobody. */
static sh_err check_key(puller *p, sh_error *error)
{
    char told[SH_KEY_CHECK_HEX_BYTES], own[SH_KEY_CHECK_HEX_BYTES];
    sh_err err = sh_queue_key_get(p->queue, told, error);
    sh_key_check(p->passphrase_key, own);
    if (err == SH_OK && told[0] != '\0' && strcmp(told, own) != 0)
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
    tell_of_keeping(p);
    run r = {.p = p,
             .begin_ms = sh_clock_monotonic_ms(),
             .within_ms = within_ms,
             .fetches = calloc(p->nodes.count, sizeof *r.fetches),
             .requests = calloc(p->nodes.count, sizeof *r.requests),
             .asked = calloc(p->nodes.count, sizeof(fetch *))};
    bool good = false;
    if (r.fetches == NULL || r.requests == NULL || r.asked == NULL)
        sh_log_error("no memory for a run over %zu nodes", p->nodes.count);
    else if (outbox_init(&r.outbox, p->queue, on_written, &r, &error) != SH_OK)
        good = fail_run(p, &error);
    else
        good = run_nodes(&r);
    for (size_t i = 0; r.fetches != NULL && i < p->nodes.count; i++)
        sh_wipe(r.fetches[i].token, sizeof r.fetches[i].token);
    outbox_reset(&r.outbox);
    free(r.fetches);
    free(r.requests);
    free(r.asked);
    return good;
}
