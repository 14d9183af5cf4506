/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/http_client.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/http/http_client_exchange.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STOP_GRACE_MS 5000   /* for running exchanges once the program must stop */
#define POLL_MAX_MS 1000     /* upper limit; curl asks for less if it needs less */
#define SILENCE_LOOK_MS 50   /* interval of checking for silent peers */
#define IDLE_CONNECTIONS 64L /* kept alive between exchanges */

/* An incomplete answer of this size may stall others that wait for memory. */
#define STALL_HOLDS (64 * SH_KIB)

struct sh_http_client {
    http_client_shared shared;
    int stop_fd;
    int64_t stop_grace_ms;
    size_t parallel_max;
    void (*tick)(void);
    int64_t stall_ms;
    int64_t checked_ms; /* last check for stalled answers, monotonic */
    int64_t heard_ms;   /* the same for silent peers */
    int64_t moved_ms;   /* monotonic: when an exchange was last seen to move */
    bool heeds_silence; /* a request of the current call limits it */
};

/* The requests of one call and its callback. */
typedef struct {
    const sh_http_request *requests;
    size_t count, started, in_hand;
    int64_t stop_at_ms; /* monotonic; -1 until the program must stop */
    sh_http_done done;  /* NULL: move the only answer to *keep */
    void (*idle)(void *context);
    void *context;
    sh_http_answer *keep;
    sh_error *keep_error;
} batch;

/* The names, with general terms for those that the program did not set. */
static sh_http_client_names with_defaults(const sh_http_client_names *names)
{
    return (sh_http_client_names){
        .url = names->url != NULL ? names->url : "the URL",
        .ca_file = names->ca_file != NULL ? names->ca_file : "the file of trusted certificates",
        .pinned = names->pinned != NULL ? names->pinned : "the file of the trusted certificate",
        .timeout = names->timeout != NULL ? names->timeout : "the time-out",
        .peer_cert = names->peer_cert != NULL ? names->peer_cert : "its certificate",
        .peer_key = names->peer_key != NULL ? names->peer_key : "its key",
    };
}

static void start_curl(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

sh_err sh_http_client_new(const sh_http_client_options *options, sh_http_client **ret,
                          sh_error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, start_curl);
    bool pinned = options->pinned_cert_file != NULL && options->pinned_cert_file[0] != '\0';
    const char *ca_file = pinned ? options->pinned_cert_file : options->ca_file;
    bool has_ca = ca_file != NULL && ca_file[0] != '\0';
    const sh_http_client_names names = with_defaults(&options->names);
    if (has_ca && access(ca_file, R_OK) != 0)
        return sh_fail(error, SH_E_CONFIG, "%s: cannot read %s: %s",
                       pinned ? names.pinned : names.ca_file, ca_file, strerror(errno));
    sh_http_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for an HTTP client");
    client->stop_fd = options->stop_fd;
    client->stop_grace_ms = options->stop_grace_ms > 0 ? options->stop_grace_ms : STOP_GRACE_MS;
    client->parallel_max = options->parallel_max;
    client->tick = options->tick;
    client->shared.bodies_max = options->bodies_max > 0 ? options->bodies_max : SH_HTTP_BODIES_MAX;
    client->stall_ms = options->stall_ms > 0 ? options->stall_ms : HTTP_STALL_MS;
    client->shared.user_agent = strdup(options->user_agent);
    client->shared.pinned = pinned;
    client->shared.names = names;
    client->shared.ca_file = has_ca ? strdup(ca_file) : NULL;
    client->shared.multi = curl_multi_init();
    if (client->shared.user_agent == NULL || (has_ca && client->shared.ca_file == NULL) ||
        client->shared.multi == NULL ||
        curl_multi_setopt(client->shared.multi, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS) !=
            CURLM_OK) {
        sh_http_client_free(client);
        return sh_fail(error, SH_E_MEMORY, "no memory for an HTTP client");
    }
    *ret = client;
    return SH_OK;
}

void sh_http_client_free(sh_http_client *client)
{
    if (client == NULL)
        return;
    assert(client->shared.first == NULL);
    if (client->shared.multi != NULL)
        (void)curl_multi_cleanup(client->shared.multi);
    free(client->shared.user_agent);
    free(client->shared.ca_file);
    free(client);
}

/* --- Running a batch --- */

/* Reports the end of a request to the caller. e is NULL if it was never started. */
static void report_end(batch *b, size_t index, sh_err err, http_client_exchange *e,
                       const sh_error *error)
{
    if (b->done != NULL) {
        b->done(b->context, index, err, err == SH_OK ? &e->answer : NULL, error);
        return;
    }
    if (err != SH_OK) {
        (void)sh_fail(b->keep_error, err, "%s", error->message);
        return;
    }
    *b->keep = e->answer;
    e->shared->body_bytes -= e->answer.body.cap;
    e->answer.body = SH_BUF_INIT(0);
}

static bool has_room(const sh_http_client *client, const batch *b)
{
    return b->started < b->count &&
           (client->parallel_max == 0 || b->in_hand < client->parallel_max);
}

static void start_more(sh_http_client *client, batch *b)
{
    while (has_room(client, b)) {
        sh_error failure = {.code = SH_OK};
        size_t index = b->started++;
        sh_err err;
        if (b->stop_at_ms >= 0)
            err = sh_fail(&failure, SH_E_STOPPED, "not sent: the program is stopping");
        else
            err = http_client_exchange_start(&client->shared, &b->requests[index], index, &failure);
        if (err != SH_OK)
            report_end(b, index, err, NULL, &failure);
        else
            b->in_hand++;
    }
}

static void end_exchange(http_client_exchange *e, batch *b, sh_err err, const sh_error *failure)
{
    b->in_hand--;
    report_end(b, e->index, err, e, failure);
    http_client_exchange_free(e);
}

static void fail_paused(http_client_exchange *e, CURLcode code)
{
    (void)sh_fail(&e->failure, code == CURLE_OUT_OF_MEMORY ? SH_E_MEMORY : SH_E_NETWORK,
                  "the answer of %.*s waited for memory and could not be continued: %s",
                  HTTP_URL_SHOWN, e->request->url, curl_easy_strerror(code));
}

static void end_finished(sh_http_client *client, batch *b)
{
    CURLMsg *message;
    int left;
    bool some = false;
    while ((message = curl_multi_info_read(client->shared.multi, &left)) != NULL) {
        http_client_exchange *e = NULL;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&e);
        sh_error failure = {.code = SH_OK};
        long status = 0;
        sh_err err = SH_OK;
        /* curl may report success for a transfer whose last bytes a callback did not accept. */
        if (e->failure.code == SH_OK && e->paused)
            fail_paused(e, CURLE_OUT_OF_MEMORY);
        if (message->data.result != CURLE_OK || e->failure.code != SH_OK)
            err = http_client_exchange_fail(e, message->data.result, &failure);
        (void)curl_easy_getinfo(e->easy, CURLINFO_RESPONSE_CODE, &status);
        e->answer.status = (int)status;
        http_client_exchange_note_certificate(e);
        end_exchange(e, b, err, &failure);
        some = true;
    }
    if (some && b->idle != NULL)
        b->idle(b->context);
    if (some)
        client->moved_ms = sh_clock_monotonic_ms();
}

/*
 * Resumes transfers that waited for memory. One that finds none pauses again; one that cannot be
 * resumed has failed, whatever curl reports.
 */
static void resume_paused(sh_http_client *client, batch *b)
{
    http_client_exchange *next;
    for (http_client_exchange *e = client->shared.first; e != NULL; e = next) {
        next = e->next;
        if (!e->paused)
            continue;
        if (client->shared.growing != NULL &&
            client->shared.body_bytes >= client->shared.bodies_max)
            return;
        e->paused = false;
        e->stall = (http_client_stall){.mark_ms = 0};
        CURLcode code = curl_easy_pause(e->easy, CURLPAUSE_CONT);
        if (code == CURLE_OK)
            continue;
        if (e->failure.code == SH_OK)
            fail_paused(e, code);
        sh_error failure = e->failure;
        end_exchange(e, b, failure.code, &failure);
    }
}

/*
 * A peer that sends much and then hardly anything would keep its memory until its time-out, and
 * transfers that wait for memory would time out as well.
 */
static void end_stalled(sh_http_client *client, batch *b)
{
    int64_t now_ms = sh_clock_monotonic_ms();
    bool waited_for = false;
    http_client_exchange *next;
    if (now_ms - client->checked_ms < client->stall_ms / 4)
        return;
    client->checked_ms = now_ms;
    for (http_client_exchange *e = client->shared.first; e != NULL; e = e->next)
        waited_for = waited_for || e->paused;
    for (http_client_exchange *e = client->shared.first; e != NULL; e = next) {
        next = e->next;
        if (e->paused || e->answer.body.cap < STALL_HOLDS ||
            !http_client_stalls(&e->stall, e->answer.body.len, now_ms, client->stall_ms) ||
            !waited_for)
            continue;
        sh_error failure = {.code = SH_OK};
        (void)sh_fail(
            &failure, SH_E_NETWORK,
            "%.*s sent %zu bytes and then hardly any more, while other answers wait for the memory",
            HTTP_URL_SHOWN, e->request->url, e->answer.body.len);
        end_exchange(e, b, failure.code, &failure);
    }
}

/*
 * As long as other answers arrive, a silent peer delays nobody, and may be slow only because this
 * machine or the network is: then its time begins with the last progress of any exchange. If
 * requests wait for it to end, only its own time counts.
 */
static void end_silent(sh_http_client *client, batch *b)
{
    int64_t now_ms = sh_clock_monotonic_ms();
    http_client_exchange *next;
    if (!client->heeds_silence || now_ms - client->heard_ms < SILENCE_LOOK_MS)
        return;
    client->heard_ms = now_ms;
    for (http_client_exchange *e = client->shared.first; e != NULL; e = e->next)
        if (http_client_exchange_moves(e, now_ms))
            client->moved_ms = now_ms;
    int64_t not_before_ms = b->started < b->count ? 0 : client->moved_ms;
    for (http_client_exchange *e = client->shared.first; e != NULL; e = next) {
        next = e->next;
        sh_error failure = {.code = SH_OK};
        if (http_client_exchange_is_silent(e, now_ms, not_before_ms, &failure))
            end_exchange(e, b, failure.code, &failure);
    }
}

static bool stop_is_asked(const sh_http_client *client)
{
    struct pollfd fd = {.fd = client->stop_fd, .events = POLLIN};
    return client->stop_fd >= 0 && poll(&fd, 1, 0) == 1;
}

static void end_all(sh_http_client *client, batch *b, sh_err err, const char *text)
{
    while (client->shared.first != NULL) {
        sh_error failure = {.code = SH_OK};
        http_client_exchange *e = client->shared.first;
        (void)sh_fail(&failure, err, "%.*s: %s", HTTP_URL_SHOWN, e->request->url, text);
        end_exchange(e, b, err, &failure);
    }
}

static void wait_for_peers(sh_http_client *client, const batch *b)
{
    struct curl_waitfd stop = {.fd = client->stop_fd, .events = CURL_WAIT_POLLIN};
    /* Once readable, stop_fd stays readable, so polling it again would return at once. */
    unsigned extra = client->stop_fd >= 0 && b->stop_at_ms < 0 ? 1 : 0;
    int max_ms = client->heeds_silence ? SILENCE_LOOK_MS : POLL_MAX_MS;
    (void)curl_multi_poll(client->shared.multi, extra > 0 ? &stop : NULL, extra, max_ms, NULL);
}

static void run_batch(sh_http_client *client, batch *b)
{
    client->heeds_silence = false;
    for (size_t i = 0; i < b->count; i++)
        client->heeds_silence = client->heeds_silence || b->requests[i].silence_ms > 0;
    while (b->started < b->count || b->in_hand > 0) {
        if (client->tick != NULL)
            client->tick();
        if (b->stop_at_ms < 0 && stop_is_asked(client))
            b->stop_at_ms = sh_clock_monotonic_ms() + client->stop_grace_ms;
        start_more(client, b);
        int running;
        if (curl_multi_perform(client->shared.multi, &running) != CURLM_OK)
            end_all(client, b, SH_E_MEMORY, "curl could not continue");
        end_silent(client, b); /* before callbacks, during which nothing is read */
        end_finished(client, b);
        end_stalled(client, b);
        resume_paused(client, b);
        if (b->stop_at_ms >= 0 && sh_clock_monotonic_ms() >= b->stop_at_ms)
            end_all(client, b, SH_E_STOPPED, "aborted: the program is stopping");
        if (b->in_hand > 0 && !has_room(client, b))
            wait_for_peers(client, b);
    }
}

sh_err sh_http_send(sh_http_client *client, const sh_http_request *request, sh_http_answer *answer,
                    sh_error *error)
{
    sh_error failure = {.code = SH_OK};
    batch b = {.requests = request, .count = 1, .stop_at_ms = -1};
    b.keep = answer;
    b.keep_error = &failure;
    *answer = (sh_http_answer){.body = SH_BUF_INIT(0), .retry_after_s = -1};
    run_batch(client, &b);
    if (failure.code != SH_OK)
        return sh_fail(error, failure.code, "%s", failure.message);
    return SH_OK;
}

void sh_http_send_all(sh_http_client *client, const sh_http_request *requests, size_t count,
                      const sh_http_calls *calls)
{
    assert(calls->done != NULL);
    batch b = {.requests = requests,
               .count = count,
               .stop_at_ms = -1,
               .done = calls->done,
               .idle = calls->idle,
               .context = calls->context};
    run_batch(client, &b);
}

void sh_http_client_library(char ret[static SH_LIBRARY_BYTES])
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    (void)snprintf(ret, SH_LIBRARY_BYTES, "libcurl %s (%s)", info->version,
                   info->ssl_version == NULL ? "no TLS" : info->ssl_version);
}
