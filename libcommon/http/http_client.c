/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/http_client.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/http/http_answer.h"
#include "libcommon/http/http_client_failure.h"
#include "libcommon/http/http_client_stall.h"

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

#define HEADER_BYTES_MAX (64 * SH_KIB) /* all header lines of one answer */
#define STOP_GRACE_MS 5000             /* what exchanges in hand get once the program must stop */
#define POLL_MAX_MS 1000               /* curl asks for less where it needs less */
#define IDLE_CONNECTIONS 64L           /* kept alive between exchanges */
#define SYSTEM_CA_FOLDER "/etc/ssl/certs"
#define URL_SHOWN 200 /* bytes of a URL in a message */

/* Of bodies_max one part in so many is for answers of up to SH_HTTP_SMALL_BODY alone. */
#define SMALL_SHARE 8

/* An answer that holds so much and goes on more slowly holds up others that wait for memory. */
#define STALL_HOLDS (64 * SH_KIB)

struct sh_http_client {
    CURLM *multi;
    char *user_agent;
    char *ca_file; /* NULL where none */
    bool pinned;   /* ca_file is the peer's own certificate */
    const char *url_setting;
    int stop_fd;
    int64_t stop_grace_ms;
    size_t parallel_max;
    size_t bodies_max;
    void (*tick)(void);
    size_t body_bytes; /* allocated for all answers in hand */
    int64_t stall_ms;
    int64_t looked_ms;        /* for those that stall, monotonic */
    struct exchange *growing; /* may grow although body_bytes is at its limit; NULL: none */
    struct exchange *first;   /* all in hand */
};

/* One request on its way. */
typedef struct exchange {
    sh_http_client *client;
    const sh_http_request *request;
    size_t index;
    CURL *easy;
    struct curl_slist *headers;
    sh_proxy proxy;
    sh_http_answer answer;
    sh_error failure; /* found by a callback, which can only tell curl to end the transfer */
    size_t header_bytes;
    bool paused;
    http_client_stall stall;
    char detail[CURL_ERROR_SIZE]; /* curl's own words */
    struct exchange *next, **link;
} exchange;

/* What one call sends and whom it tells. */
typedef struct {
    const sh_http_request *requests;
    size_t count, started, in_hand;
    int64_t stop_at_ms; /* monotonic; -1 while nobody asked to stop */
    sh_http_done done;  /* NULL: the one answer moves to *keep */
    void (*idle)(void *context);
    void *context;
    sh_http_answer *keep;
    sh_error *keep_error;
} batch;

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
    if (has_ca && access(ca_file, R_OK) != 0)
        return sh_fail(error, SH_E_CONFIG, "%s: %s cannot be read: %s",
                       pinned ? "SYNC_tls_cert" : "SYNC_tls_ca", ca_file, strerror(errno));
    sh_http_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for an HTTP client");
    client->stop_fd = options->stop_fd;
    client->stop_grace_ms = options->stop_grace_ms > 0 ? options->stop_grace_ms : STOP_GRACE_MS;
    client->parallel_max = options->parallel_max;
    client->tick = options->tick;
    client->bodies_max = options->bodies_max > 0 ? options->bodies_max : SH_HTTP_BODIES_MAX;
    client->stall_ms = options->stall_ms > 0 ? options->stall_ms : HTTP_STALL_MS;
    client->user_agent = strdup(options->user_agent);
    client->pinned = pinned;
    client->url_setting = options->url_setting != NULL ? options->url_setting : "the URL";
    client->ca_file = has_ca ? strdup(ca_file) : NULL;
    client->multi = curl_multi_init();
    if (client->user_agent == NULL || (has_ca && client->ca_file == NULL) ||
        client->multi == NULL ||
        curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS) != CURLM_OK) {
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
    assert(client->first == NULL);
    if (client->multi != NULL)
        (void)curl_multi_cleanup(client->multi);
    free(client->user_agent);
    free(client->ca_file);
    free(client);
}

/* --- What the peer sends ------------------------------------------------------------------- */

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
    exchange *e = context;
    sh_slice line = {data, size * count};
    e->header_bytes += line.len;
    if (e->header_bytes > HEADER_BYTES_MAX) {
        (void)sh_fail(&e->failure, SH_E_LIMIT, "%.*s answered with more than %lu bytes of headers",
                      URL_SHOWN, e->request->url, HEADER_BYTES_MAX);
        return 0;
    }
    sh_http_answer_line(&e->answer, line);
    return line.len;
}

/*
 * Adds to the body within the exchange's own limit and, for all exchanges together, within
 * bodies_max: over that, one at a time goes on and the others wait until bodies are freed.
 */
static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    exchange *e = context;
    sh_http_client *client = e->client;
    sh_buf *body = &e->answer.body;
    size_t len = size * count;
    if (len > body->limit - body->len) {
        (void)sh_fail(&e->failure, SH_E_LIMIT, "%.*s answered with more than the %zu bytes allowed",
                      URL_SHOWN, e->request->url, body->limit);
        return 0;
    }
    size_t max = client->bodies_max;
    if (body->len + len > SH_HTTP_SMALL_BODY)
        max -= max / SMALL_SHARE;
    if (client->body_bytes + len > max && client->growing != e) {
        if (client->growing != NULL) {
            e->paused = true;
            return CURL_WRITEFUNC_PAUSE;
        }
        client->growing = e;
    }
    size_t before = body->cap;
    sh_err err = sh_buf_append(body, data, len);
    client->body_bytes += body->cap - before;
    if (err == SH_OK)
        return len;
    (void)sh_fail(&e->failure, err, "no memory for the answer of %.*s", URL_SHOWN, e->request->url);
    return 0;
}

/* --- What we send ---------------------------------------------------------------------------- */

static void free_headers(struct curl_slist *headers)
{
    for (struct curl_slist *h = headers; h != NULL; h = h->next)
        explicit_bzero(h->data, strlen(h->data)); /* one holds the token */
    curl_slist_free_all(headers);
}

static sh_err add_header(exchange *e, const char *line, sh_error *error)
{
    for (const char *c = line; *c != '\0'; c++)
        if (*c == '\r' || *c == '\n')
            return sh_fail(error, SH_E_CONFIG, "a header of the request holds a line break");
    struct curl_slist *headers = curl_slist_append(e->headers, line);
    if (headers == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for a request");
    e->headers = headers;
    return SH_OK;
}

static sh_err add_headers(exchange *e, sh_error *error)
{
    const sh_http_request *request = e->request;
    /* Without a word of ours curl would decide about Expect by the size of the body. */
    sh_err err = add_header(e, request->ask_first ? "Expect: 100-continue" : "Expect:", error);
    bool typed = false;
    for (size_t i = 0; err == SH_OK && request->headers != NULL && request->headers[i] != NULL;
         i++) {
        typed = typed || strncasecmp(request->headers[i], "Content-Type:", 13) == 0;
        err = add_header(e, request->headers[i], error);
    }
    if (err == SH_OK && !typed)
        err = add_header(e, "Content-Type:", error); /* not curl's own for POST */
    if (err != SH_OK || request->token == NULL)
        return err;
    sh_buf line = SH_BUF_INIT(SH_SETTING_MAX + 64);
    err = sh_buf_append_format(&line, "Authorization: Bearer %s", request->token);
    if (err != SH_OK)
        (void)sh_fail(error, err, "no room for the token in a request");
    else
        err = add_header(e, line.data, error);
    sh_buf_wipe(&line);
    return err;
}

/* Sets an option and remembers the first failure in `code`. */
#define SET(option, value)                                                                         \
    do {                                                                                           \
        if (code == CURLE_OK)                                                                      \
            code = curl_easy_setopt(e->easy, option, value);                                       \
    } while (0)

static CURLcode set_connection(exchange *e)
{
    const sh_http_client *client = e->client;
    int64_t timeout_ms = e->request->timeout_ms;
    int64_t connect_ms =
        timeout_ms < HTTP_CONNECT_TIMEOUT_MAX_MS ? timeout_ms : HTTP_CONNECT_TIMEOUT_MAX_MS;
    CURLcode code = CURLE_OK;
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_NOSIGNAL, 1L);
    /* A name server that hangs must hold up neither the other exchanges nor the end. */
    SET(CURLOPT_QUICK_EXIT, 1L);
    SET(CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    /* By our own reading of the environment, so that messages can name the proxy and its variable.
     */
    SET(CURLOPT_PROXY, e->proxy.variable != NULL ? e->proxy.value : "");
    SET(CURLOPT_NOPROXY, "");
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    /* A name has no say where one certificate alone is trusted. */
    SET(CURLOPT_SSL_VERIFYHOST, client->pinned ? 0L : 2L);
    /*
     * A CA file takes the place of the system's bundle, so the system's folder of the same
     * certificates is searched beside it. Without one the bundle alone is used: curl parses it once
     * for all connections, which it does not where a folder is set too.
     */
    if (client->ca_file != NULL) {
        SET(CURLOPT_CAINFO, client->ca_file);
        SET(CURLOPT_CAPATH, client->pinned ? NULL : SYSTEM_CA_FOLDER);
    } else {
        SET(CURLOPT_CAPATH, NULL);
    }
    return code;
}

static CURLcode set_request(exchange *e)
{
    const sh_http_request *request = e->request;
    CURLcode code = CURLE_OK;
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_USERAGENT, e->client->user_agent);
    SET(CURLOPT_HTTPHEADER, e->headers);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_HTTP_CONTENT_DECODING, 0L);
    SET(CURLOPT_ERRORBUFFER, e->detail);
    SET(CURLOPT_PRIVATE, e);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, e);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, e);
    if (request->answer_max > 0) /* refuses a larger Content-Length before the body comes */
        SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->answer_max);
    if (strcmp(request->method, "POST") == 0) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
        SET(CURLOPT_POSTFIELDS, request->body_len > 0 ? request->body : "");
    } else {
        assert(strcmp(request->method, "GET") == 0);
        SET(CURLOPT_HTTPGET, 1L);
    }
    /* A body that was announced and not sent leaves a connection on which nobody knows what is
     * next. */
    if (request->ask_first)
        SET(CURLOPT_FORBID_REUSE, 1L);
    return code;
}

#undef SET

/* Turns curl's code for a failed exchange into ours, with words. What a callback found goes first.
 */
static sh_err fail_exchange(const exchange *e, CURLcode code, sh_error *error)
{
    if (e->failure.code != SH_OK)
        return sh_fail(error, e->failure.code, "%s", e->failure.message);
    const http_client_failure failure = {.easy = e->easy,
                                         .code = code,
                                         .detail = e->detail,
                                         .url = e->request->url,
                                         .setting = e->client->url_setting,
                                         .proxy = &e->proxy,
                                         .timeout_ms = e->request->timeout_ms,
                                         .answer_max = e->request->answer_max,
                                         .body_len = e->answer.body.len};
    return http_client_fail(&failure, error);
}

/* --- The run of a batch --- */

static void exchange_free(exchange *e)
{
    if (e->link != NULL) {
        *e->link = e->next;
        if (e->next != NULL)
            e->next->link = e->link;
    }
    if (e->client->growing == e)
        e->client->growing = NULL;
    e->client->body_bytes -= e->answer.body.cap;
    if (e->easy != NULL) {
        (void)curl_multi_remove_handle(e->client->multi, e->easy);
        curl_easy_cleanup(e->easy);
    }
    free_headers(e->headers);
    sh_http_answer_reset(&e->answer);
    free(e);
}

/* Tells the caller how a request ended. e is NULL where it was never on its way. */
static void report(batch *b, size_t index, sh_err err, exchange *e, const sh_error *error)
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
    e->client->body_bytes -= e->answer.body.cap;
    e->answer.body = SH_BUF_INIT(0);
}

static sh_err exchange_start(sh_http_client *client, const sh_http_request *request, size_t index,
                             sh_error *error)
{
    exchange *e = calloc(1, sizeof *e);
    if (e == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for a request");
    e->client = client;
    e->request = request;
    e->index = index;
    e->answer.body = SH_BUF_INIT(request->answer_max);
    e->answer.retry_after_s = -1;
    sh_proxy_of(request->url, &e->proxy);
    if (e->proxy.variable != NULL)
        (void)snprintf(e->answer.proxy, sizeof e->answer.proxy, "%s", e->proxy.shown);
    e->easy = curl_easy_init();
    sh_err err = e->easy == NULL ? sh_fail(error, SH_E_MEMORY, "no memory for a request") : SH_OK;
    if (err == SH_OK)
        err = add_headers(e, error);
    if (err == SH_OK) {
        CURLcode code = set_connection(e);
        if (code == CURLE_OK)
            code = set_request(e);
        if (code == CURLE_OK && curl_multi_add_handle(client->multi, e->easy) != CURLM_OK)
            code = CURLE_OUT_OF_MEMORY;
        if (code != CURLE_OK)
            err = fail_exchange(e, code, error);
    }
    if (err != SH_OK) {
        exchange_free(e);
        return err;
    }
    e->next = client->first;
    e->link = &client->first;
    if (e->next != NULL)
        e->next->link = &e->next;
    client->first = e;
    return SH_OK;
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
            err = exchange_start(client, &b->requests[index], index, &failure);
        if (err != SH_OK)
            report(b, index, err, NULL, &failure);
        else
            b->in_hand++;
    }
}

static void end_exchange(exchange *e, batch *b, sh_err err, const sh_error *failure)
{
    b->in_hand--;
    report(b, e->index, err, e, failure);
    exchange_free(e);
}

static void fail_paused(exchange *e, CURLcode code)
{
    (void)sh_fail(&e->failure, code == CURLE_OUT_OF_MEMORY ? SH_E_MEMORY : SH_E_NETWORK,
                  "the answer of %.*s waited for memory and could not be read on: %s", URL_SHOWN,
                  e->request->url, curl_easy_strerror(code));
}

static void reap(sh_http_client *client, batch *b)
{
    CURLMsg *message;
    int left;
    bool some = false;
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        exchange *e = NULL;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&e);
        sh_error failure = {.code = SH_OK};
        long status = 0;
        sh_err err = SH_OK;
        /* curl may call a transfer good of which a callback did not take all. */
        if (e->failure.code == SH_OK && e->paused)
            fail_paused(e, CURLE_OUT_OF_MEMORY);
        if (message->data.result != CURLE_OK || e->failure.code != SH_OK)
            err = fail_exchange(e, message->data.result, &failure);
        (void)curl_easy_getinfo(e->easy, CURLINFO_RESPONSE_CODE, &status);
        e->answer.status = (int)status;
        end_exchange(e, b, err, &failure);
        some = true;
    }
    if (some && b->idle != NULL)
        b->idle(b->context);
}

/*
 * Lets those go on that waited for memory. One that finds none again pauses again; one that cannot
 * go on, whatever curl thinks of it then, has failed.
 */
static void resume(sh_http_client *client, batch *b)
{
    exchange *next;
    for (exchange *e = client->first; e != NULL; e = next) {
        next = e->next;
        if (!e->paused)
            continue;
        if (client->growing != NULL && client->body_bytes >= client->bodies_max)
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
 * A peer that sends much, and then hardly anything, would keep its memory until its time-out, which
 * is also that of the others, who wait for it.
 */
static void end_stalled(sh_http_client *client, batch *b)
{
    int64_t now_ms = sh_clock_monotonic_ms();
    bool waited_for = false;
    exchange *next;
    if (now_ms - client->looked_ms < client->stall_ms / 4)
        return;
    client->looked_ms = now_ms;
    for (exchange *e = client->first; e != NULL; e = e->next)
        waited_for = waited_for || e->paused;
    for (exchange *e = client->first; e != NULL; e = next) {
        next = e->next;
        if (e->paused || e->answer.body.cap < STALL_HOLDS ||
            !http_client_stalls(&e->stall, e->answer.body.len, now_ms, client->stall_ms) ||
            !waited_for)
            continue;
        sh_error failure = {.code = SH_OK};
        (void)sh_fail(&failure, SH_E_NETWORK,
                      "%.*s sent %zu bytes and hardly goes on, while others wait for the memory",
                      URL_SHOWN, e->request->url, e->answer.body.len);
        end_exchange(e, b, failure.code, &failure);
    }
}

static bool stop_is_asked(const sh_http_client *client)
{
    struct pollfd fd = {.fd = client->stop_fd, .events = POLLIN};
    return client->stop_fd >= 0 && poll(&fd, 1, 0) == 1;
}

static void end_all(sh_http_client *client, batch *b, sh_err err, const char *words)
{
    while (client->first != NULL) {
        sh_error failure = {.code = SH_OK};
        exchange *e = client->first;
        (void)sh_fail(&failure, err, "%.*s: %s", URL_SHOWN, e->request->url, words);
        end_exchange(e, b, err, &failure);
    }
}

static void wait_for_peers(sh_http_client *client, const batch *b)
{
    struct curl_waitfd stop = {.fd = client->stop_fd, .events = CURL_WAIT_POLLIN};
    /* Once readable it stays so: waiting for it again would not wait at all. */
    unsigned extra = client->stop_fd >= 0 && b->stop_at_ms < 0 ? 1 : 0;
    (void)curl_multi_poll(client->multi, extra > 0 ? &stop : NULL, extra, POLL_MAX_MS, NULL);
}

static void run(sh_http_client *client, batch *b)
{
    while (b->started < b->count || b->in_hand > 0) {
        if (client->tick != NULL)
            client->tick();
        if (b->stop_at_ms < 0 && stop_is_asked(client))
            b->stop_at_ms = sh_clock_monotonic_ms() + client->stop_grace_ms;
        start_more(client, b);
        int running;
        if (curl_multi_perform(client->multi, &running) != CURLM_OK)
            end_all(client, b, SH_E_MEMORY, "curl could not go on");
        reap(client, b);
        end_stalled(client, b);
        resume(client, b);
        if (b->stop_at_ms >= 0 && sh_clock_monotonic_ms() >= b->stop_at_ms)
            end_all(client, b, SH_E_STOPPED, "broken off: the program is stopping");
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
    run(client, &b);
    if (failure.code != SH_OK)
        return sh_fail(error, failure.code, "%s", failure.message);
    return SH_OK;
}

void sh_http_send_all(sh_http_client *client, const sh_http_request *requests, size_t count,
                      sh_http_done done, void *context, void (*idle)(void *context))
{
    assert(done != NULL);
    batch b = {.requests = requests,
               .count = count,
               .stop_at_ms = -1,
               .done = done,
               .idle = idle,
               .context = context};
    run(client, &b);
}

void sh_http_client_library(char ret[static SH_LIBRARY_BYTES])
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    (void)snprintf(ret, SH_LIBRARY_BYTES, "libcurl %s (%s)", info->version,
                   info->ssl_version == NULL ? "no TLS" : info->ssl_version);
}
