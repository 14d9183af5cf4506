/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/http_client_exchange.h"

#include "libcommon/base/limits.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HEADER_BYTES_MAX (64 * SH_KIB) /* all header lines of one answer */
#define SYSTEM_CA_FOLDER "/etc/ssl/certs"

/* 1/SMALL_SHARE of bodies_max is reserved for answers of up to SH_HTTP_SMALL_BODY. */
#define SMALL_SHARE 8

/* --- What the peer sends ------------------------------------------------------------------- */

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
    http_client_exchange *e = context;
    sh_slice line = {data, size * count};
    e->header_bytes += line.len;
    e->received += line.len;
    if (e->header_bytes > HEADER_BYTES_MAX) {
        (void)sh_fail(&e->failure, SH_E_LIMIT, "%.*s answered with more than %lu bytes of headers",
                      HTTP_URL_SHOWN, e->request->url, HEADER_BYTES_MAX);
        return 0;
    }
    sh_http_answer_line(&e->answer, line);
    return line.len;
}

/*
 * Appends to the body within the exchange's limit and within bodies_max for all exchanges together:
 * over that, one exchange at a time continues and the others pause until bodies are freed.
 */
static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    http_client_exchange *e = context;
    http_client_shared *shared = e->shared;
    sh_buf *body = &e->answer.body;
    size_t len = size * count;
    e->received += len;
    if (len > body->limit - body->len) {
        (void)sh_fail(&e->failure, SH_E_LIMIT, "%.*s answered with more than the %zu bytes allowed",
                      HTTP_URL_SHOWN, e->request->url, body->limit);
        return 0;
    }
    size_t max = shared->bodies_max;
    if (body->len + len > SH_HTTP_SMALL_BODY)
        max -= max / SMALL_SHARE;
    if (shared->body_bytes + len > max && shared->growing != e) {
        if (shared->growing != NULL) {
            e->paused = true;
            return CURL_WRITEFUNC_PAUSE;
        }
        shared->growing = e;
    }
    size_t before = body->cap;
    sh_err err = sh_buf_append(body, data, len);
    shared->body_bytes += body->cap - before;
    if (err == SH_OK)
        return len;
    (void)sh_fail(&e->failure, err, "no memory for the answer of %.*s", HTTP_URL_SHOWN,
                  e->request->url);
    return 0;
}

/* --- What we send ---------------------------------------------------------------------------- */

static void free_headers(struct curl_slist *headers)
{
    for (struct curl_slist *h = headers; h != NULL; h = h->next)
        explicit_bzero(h->data, strlen(h->data)); /* one contains the token */
    curl_slist_free_all(headers);
}

static sh_err add_header(http_client_exchange *e, const char *line, sh_error *error)
{
    for (const char *c = line; *c != '\0'; c++)
        if (*c == '\r' || *c == '\n')
            return sh_fail(error, SH_E_CONFIG, "a header of the request contains a line break");
    struct curl_slist *headers = curl_slist_append(e->headers, line);
    if (headers == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for a request");
    e->headers = headers;
    return SH_OK;
}

static sh_err add_headers(http_client_exchange *e, sh_error *error)
{
    const sh_http_request *request = e->request;
    /* Otherwise curl would send Expect depending on the size of the body. */
    sh_err err = add_header(e, request->ask_first ? "Expect: 100-continue" : "Expect:", error);
    bool typed = false;
    for (size_t i = 0; err == SH_OK && request->headers != NULL && request->headers[i] != NULL;
         i++) {
        typed = typed || strncasecmp(request->headers[i], "Content-Type:", 13) == 0;
        err = add_header(e, request->headers[i], error);
    }
    if (err == SH_OK && !typed)
        err = add_header(e, "Content-Type:", error); /* none, instead of curl's default for POST */
    if (err != SH_OK || request->token == NULL)
        return err;
    sh_buf line = SH_BUF_INIT(SH_SETTING_MAX + 64);
    err = sh_buf_append_format(&line, "Authorization: Bearer %s", request->token);
    if (err != SH_OK)
        (void)sh_fail(error, err, "no memory for the token in a request");
    else
        err = add_header(e, line.data, error);
    sh_buf_wipe(&line);
    return err;
}

/* Opens a socket as curl does, and notes its address for messages (CURLOPT_OPENSOCKETFUNCTION). */
static curl_socket_t open_socket(void *cls, curlsocktype purpose, struct curl_sockaddr *address)
{
    http_client_exchange *e = cls;
    (void)purpose;
    e->sockets++;
    sh_host_addresses_add(&e->addresses, &address->addr, (socklen_t)address->addrlen);
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* Sets an option and keeps the first failure in `code`. */
#define SET(option, value)                                                                         \
    do {                                                                                           \
        if (code == CURLE_OK)                                                                      \
            code = curl_easy_setopt(e->easy, option, value);                                       \
    } while (0)

static CURLcode set_connection(http_client_exchange *e)
{
    const http_client_shared *shared = e->shared;
    int64_t timeout_ms = e->request->timeout_ms;
    int64_t connect_ms =
        timeout_ms < HTTP_CONNECT_TIMEOUT_MAX_MS ? timeout_ms : HTTP_CONNECT_TIMEOUT_MAX_MS;
    CURLcode code = CURLE_OK;
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_NOSIGNAL, 1L);
    /* A name server that hangs must not delay the other exchanges or the program's end. */
    SET(CURLOPT_QUICK_EXIT, 1L);
    SET(CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, e);
    SET(CURLOPT_DNS_CACHE_TIMEOUT, 0L); /* a name may have got another address */
    /*
     * From proxy_environment.c rather than curl's own environment lookup, so that messages can name
     * the proxy and its variable.
     */
    SET(CURLOPT_PROXY, e->proxy.variable != NULL ? e->proxy.value : "");
    SET(CURLOPT_NOPROXY, "");
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    /* A pinned certificate is accepted for any name. */
    SET(CURLOPT_SSL_VERIFYHOST, shared->pinned ? 0L : 2L);
    /*
     * CURLOPT_CAINFO replaces the system's bundle, so CURLOPT_CAPATH adds the system's folder of
     * the same certificates. Without a CA file use the bundle only: curl parses it once for all
     * connections, but not if a folder is set too.
     */
    if (shared->ca_file != NULL) {
        SET(CURLOPT_CAINFO, shared->ca_file);
        SET(CURLOPT_CAPATH, shared->pinned ? NULL : SYSTEM_CA_FOLDER);
    } else {
        SET(CURLOPT_CAPATH, NULL);
    }
    return code;
}

static CURLcode set_request(http_client_exchange *e)
{
    const sh_http_request *request = e->request;
    CURLcode code = CURLE_OK;
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_USERAGENT, e->shared->user_agent);
    SET(CURLOPT_HTTPHEADER, e->headers);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_HTTP_CONTENT_DECODING, 0L);
    SET(CURLOPT_ERRORBUFFER, e->detail);
    SET(CURLOPT_PRIVATE, e);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, e);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, e);
    if (request->wants_certificate)
        SET(CURLOPT_CERTINFO, 1L);
    if (request->answer_max > 0) /* rejects a larger Content-Length before the body */
        SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->answer_max);
    if (strcmp(request->method, "POST") == 0) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
        SET(CURLOPT_POSTFIELDS, request->body_len > 0 ? request->body : "");
    } else {
        assert(strcmp(request->method, "GET") == 0);
        SET(CURLOPT_HTTPGET, 1L);
    }
    /* After an announced body that was not sent, the state of the connection is undefined. */
    if (request->ask_first)
        SET(CURLOPT_FORBID_REUSE, 1L);
    return code;
}

#undef SET

static http_client_failure describe(const http_client_exchange *e, CURLcode code)
{
    return (http_client_failure){.easy = e->easy,
                                 .code = code,
                                 .detail = e->detail,
                                 .url = e->request->url,
                                 .names = &e->shared->names,
                                 .proxy = &e->proxy,
                                 .addresses = &e->addresses,
                                 .timeout_ms = e->request->timeout_ms,
                                 .answer_max = e->request->answer_max,
                                 .body_len = e->answer.body.len};
}

sh_err http_client_exchange_fail(const http_client_exchange *e, CURLcode code, sh_error *error)
{
    if (e->failure.code != SH_OK)
        return sh_fail(error, e->failure.code, "%s", e->failure.message);
    const http_client_failure failure = describe(e, code);
    return http_client_fail(&failure, error);
}

/* curl prints the date as the TLS library that it was built with does: OpenSSL or GnuTLS. */
static int64_t read_date(const char *text)
{
    struct tm when = {0};
    if (strptime(text, "%b %d %H:%M:%S %Y", &when) == NULL &&
        strptime(text, "%Y-%m-%d %H:%M:%S", &when) == NULL)
        return 0;
    return (int64_t)timegm(&when);
}

void http_client_exchange_note_certificate(http_client_exchange *e)
{
    static const char label[] = "Expire date:";
    struct curl_certinfo *chain = NULL;
    if (!e->request->wants_certificate ||
        curl_easy_getinfo(e->easy, CURLINFO_CERTINFO, &chain) != CURLE_OK || chain == NULL ||
        chain->num_of_certs < 1)
        return;
    for (const struct curl_slist *line = chain->certinfo[0]; line != NULL; line = line->next)
        if (strncmp(line->data, label, sizeof label - 1) == 0)
            e->answer.certificate_end_s = read_date(line->data + sizeof label - 1);
}

static http_client_step step_of(const http_client_exchange *e)
{
    /* In the order of the steps; each is 0 until it was reached. */
    curl_off_t resolved = 0, connected = 0, ready = 0, answered = 0;
    (void)curl_easy_getinfo(e->easy, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
    (void)curl_easy_getinfo(e->easy, CURLINFO_CONNECT_TIME_T, &connected);
    (void)curl_easy_getinfo(e->easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
    (void)curl_easy_getinfo(e->easy, CURLINFO_STARTTRANSFER_TIME_T, &answered);
    if (answered > 0 || e->header_bytes > 0)
        return HTTP_STEP_ANSWER;
    if (ready > 0)
        return HTTP_STEP_REQUEST;
    if (connected > 0)
        return HTTP_STEP_HANDSHAKE;
    return resolved > 0 ? HTTP_STEP_CONNECTING : HTTP_STEP_RESOLVING;
}

bool http_client_exchange_moves(http_client_exchange *e, int64_t now_ms)
{
    if (e->silence.step == HTTP_STEP_ANSWER) {
        bool came = e->received != e->received_before;
        e->received_before = e->received;
        return came;
    }
    return http_client_silence_note(
        &e->silence,
        (http_client_silence){.step = step_of(e), .sockets = e->sockets, .since_ms = now_ms});
}

bool http_client_exchange_is_silent(const http_client_exchange *e, int64_t now_ms,
                                    int64_t not_before_ms, sh_error *error)
{
    int64_t limit_ms = e->request->silence_ms;
    if (limit_ms == 0 || !http_client_is_silent(&e->silence, now_ms, not_before_ms, limit_ms))
        return false;
    const http_client_failure failure = describe(e, CURLE_OK);
    (void)http_client_fail_silent(&failure, e->silence.step, limit_ms, error);
    return true;
}

/* --- Start and end --------------------------------------------------------------------------- */

void http_client_exchange_free(http_client_exchange *e)
{
    if (e->link != NULL) {
        *e->link = e->next;
        if (e->next != NULL)
            e->next->link = e->link;
    }
    if (e->shared->growing == e)
        e->shared->growing = NULL;
    e->shared->body_bytes -= e->answer.body.cap;
    if (e->easy != NULL) {
        (void)curl_multi_remove_handle(e->shared->multi, e->easy);
        curl_easy_cleanup(e->easy);
    }
    free_headers(e->headers);
    sh_http_answer_reset(&e->answer);
    free(e);
}

sh_err http_client_exchange_start(http_client_shared *shared, const sh_http_request *request,
                                  size_t index, sh_error *error)
{
    http_client_exchange *e = calloc(1, sizeof *e);
    if (e == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for a request");
    e->shared = shared;
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
        if (code == CURLE_OK && curl_multi_add_handle(shared->multi, e->easy) != CURLM_OK)
            code = CURLE_OUT_OF_MEMORY;
        if (code != CURLE_OK)
            err = http_client_exchange_fail(e, code, error);
    }
    if (err != SH_OK) {
        http_client_exchange_free(e);
        return err;
    }
    e->next = shared->first;
    e->link = &shared->first;
    if (e->next != NULL)
        e->next->link = &e->next;
    shared->first = e;
    return SH_OK;
}
