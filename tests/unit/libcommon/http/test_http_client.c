/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/http/http_answer.h"
#include "libcommon/http/http_client.h"
#include "tests/unit/http_script.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static sh_http_client *new_client(int stop_fd, size_t parallel_max)
{
    sh_http_client_options options = {.user_agent = "synchub-test",
                                      .stop_fd = stop_fd,
                                      .parallel_max = parallel_max,
                                      .stop_grace_ms = 200};
    sh_http_client *client = NULL;
    assert_int_equal(sh_http_client_new(&options, &client, NULL), SH_OK);
    return client;
}

static const char *url_of(const char *path)
{
    static char url[128];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", server.port, path);
    return url;
}

static sh_http_request get(const char *path)
{
    return (sh_http_request){
        .method = "GET", .url = url_of(path), .answer_max = 1000, .timeout_ms = 20000};
}

static void an_answer_is_given_whole(void **state)
{
    (void)state;
    sh_http_client *client = new_client(-1, 0);
    const char *const headers[] = {"Accept: text/x", NULL};
    sh_http_request request = get("/ok");
    request.token = "tok-en";
    request.headers = headers;
    sh_http_answer answer;
    server_reset();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sh_http_send(client, &request, &answer, NULL), SH_OK);
        assert_int_equal(answer.status, 200);
        assert_string_equal(answer.body.data, "hello");
        assert_string_equal(answer.content_type, "application/json");
        assert_string_equal(answer.etag, "\"abc\"");
        assert_int_equal(answer.retry_after_s, -1);
        sh_http_answer_reset(&answer);
    }
    assert_int_equal(server_connections(), 1); /* kept alive */
    assert_true(server_saw("GET /ok HTTP/1.1\r\n"));
    assert_true(server_saw("Authorization: Bearer tok-en\r\n"));
    assert_true(server_saw("Accept: text/x\r\n"));
    assert_true(server_saw("User-Agent: synchub-test\r\n"));
    assert_false(server_saw("Expect:"));
    assert_false(server_saw("Accept-Encoding"));
    sh_http_client_free(client);
}

static void statuses_are_answers_and_not_failures(void **state)
{
    (void)state;
    sh_http_client *client = new_client(-1, 0);
    sh_http_request request = get("/busy");
    sh_http_answer answer;
    assert_int_equal(sh_http_send(client, &request, &answer, NULL), SH_OK);
    assert_int_equal(answer.status, 503);
    assert_int_equal(answer.retry_after_s, 7);
    sh_http_answer_reset(&answer);

    server_reset();
    request = get("/moved");
    assert_int_equal(sh_http_send(client, &request, &answer, NULL), SH_OK);
    assert_int_equal(answer.status, 302);
    assert_false(server_saw("GET /ok")); /* redirects would disclose the token */
    sh_http_answer_reset(&answer);

    request = get("/gzip");
    assert_int_equal(sh_http_send(client, &request, &answer, NULL), SH_OK);
    assert_int_equal(answer.body.len, 4); /* as received: not decompressed */
    sh_http_answer_reset(&answer);
    sh_http_client_free(client);
}

static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    (void)close(fd);
    return ntohs(address.sin_port);
}

static void failures_say_what_to_look_at(void **state)
{
    (void)state;
    char dead[64];
    (void)snprintf(dead, sizeof dead, "http://127.0.0.1:%u/x", free_port());
    const struct {
        const char *path, *url;
        int64_t timeout_ms;
        sh_err expected;
        const char *message;
    } cases[] = {
        {NULL, dead, 20000, SH_E_NETWORK, "Connection refused"},
        {NULL, "http://no-such-host.invalid/", 20000, SH_E_NETWORK, "not found by name"},
        {NULL, "ftp://127.0.0.1/", 20000, SH_E_NETWORK, "does not speak HTTP"},
        {NULL, "http://", 20000, SH_E_CONFIG, "not a URL"},
        {"/short", NULL, 20000, SH_E_NETWORK, "5 of the 50 bytes of its Content-Length"},
        {"/huge", NULL, 20000, SH_E_LIMIT, "announces more than the 1000 bytes"},
        {"/endless", NULL, 20000, SH_E_LIMIT, "more than the 1000 bytes"},
        {"/headers", NULL, 20000, SH_E_LIMIT, "bytes of headers"},
        {"/nonsense", NULL, 20000, SH_E_NETWORK, "does not speak HTTP"},
        {"/closed", NULL, 20000, SH_E_NETWORK, "without an answer"},
        {"/silent", NULL, 100, SH_E_NETWORK, "timed out: the answer was not complete after 0.1 s"},
        {"/stuck", NULL, 100, SH_E_NETWORK, "timed out"},
    };
    sh_http_client *client = new_client(-1, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_http_request request = get(cases[i].path != NULL ? cases[i].path : "");
        if (cases[i].url != NULL)
            request.url = cases[i].url;
        request.timeout_ms = cases[i].timeout_ms;
        request.token = "very-secret";
        sh_http_answer answer;
        sh_error error = {.code = SH_OK};
        sh_err err = sh_http_send(client, &request, &answer, &error);
        if (err != cases[i].expected || strstr(error.message, cases[i].message) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", error.message, cases[i].message);
        assert_null(strstr(error.message, "very-secret"));
        sh_http_answer_reset(&answer);
    }
    sh_http_client_free(client);
}

static void a_body_may_fill_its_limit_and_no_more(void **state)
{
    (void)state;
    sh_http_client *client = new_client(-1, 0);
    for (size_t short_of = 0; short_of <= 1; short_of++) {
        sh_http_request request = get("/hundred");
        request.answer_max = 100 - short_of;
        sh_http_answer answer;
        assert_int_equal(sh_http_send(client, &request, &answer, NULL),
                         short_of == 0 ? SH_OK : SH_E_LIMIT);
        assert_int_equal(answer.body.len, short_of == 0 ? 100 : 0);
        sh_http_answer_reset(&answer);
    }
    sh_http_client_free(client);
}

static void a_line_break_in_the_token_never_reaches_the_wire(void **state)
{
    (void)state;
    sh_http_client *client = new_client(-1, 0);
    sh_http_request request = get("/ok");
    request.token = "a\r\nX-Injected: 1";
    sh_http_answer answer;
    server_reset();
    assert_int_equal(sh_http_send(client, &request, &answer, NULL), SH_E_CONFIG);
    assert_false(server_saw("GET"));
    sh_http_answer_reset(&answer);
    sh_http_client_free(client);
}

static void a_body_is_posted_as_it_is(void **state)
{
    (void)state;
    sh_http_client *client = new_client(-1, 0);
    const char *const headers[] = {"Content-Type: application/x", NULL};
    sh_http_request request = get("/take");
    request.method = "POST";
    request.headers = headers;
    request.body = "the body END";
    request.body_len = 12;
    sh_http_answer answer;
    server_reset();
    assert_int_equal(sh_http_send(client, &request, &answer, NULL), SH_OK);
    assert_int_equal(answer.status, 200);
    assert_true(server_saw("Content-Length: 12\r\n"));
    assert_true(server_saw("Content-Type: application/x\r\n"));
    assert_true(server_saw("\r\n\r\nthe body END"));
    assert_false(server_saw("Expect"));
    sh_http_answer_reset(&answer);
    sh_http_client_free(client);
}

static void a_body_is_not_sent_where_the_peer_knows_it(void **state)
{
    (void)state;
    sh_http_client *client = new_client(-1, 0);
    sh_http_request request = get("/known");
    request.method = "POST";
    request.body = "the body END";
    request.body_len = 12;
    request.ask_first = true;
    sh_http_answer answer;
    server_reset();
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sh_http_send(client, &request, &answer, NULL), SH_OK);
        assert_int_equal(answer.status, 200);
        sh_http_answer_reset(&answer);
    }
    assert_true(server_saw("Expect: 100-continue\r\n"));
    assert_false(server_saw("the body"));
    /* The peer may still wait for the body on the first connection. */
    assert_int_equal(server_connections(), 2);
    sh_http_client_free(client);
}

static void a_body_is_sent_once_the_peer_asks_for_it(void **state)
{
    (void)state;
    sh_http_client *client = new_client(-1, 0);
    sh_http_request request = get("/go");
    request.method = "POST";
    request.body = "the body END";
    request.body_len = 12;
    request.ask_first = true;
    sh_http_answer answer;
    server_reset();
    assert_int_equal(sh_http_send(client, &request, &answer, NULL), SH_OK);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.etag, ""); /* the interim answer's is not the answer's */
    assert_true(server_saw("the body END"));
    sh_http_answer_reset(&answer);
    sh_http_client_free(client);
}

/* The result of each request of a batch. */
typedef struct {
    sh_err err[64];
    int status[64], calls[64];
    size_t ended;
    int stop_fd; /* written to at the first end, or -1 */
} outcome;

static void note(void *context, size_t index, sh_err err, const sh_http_answer *answer,
                 const sh_error *error)
{
    outcome *o = context;
    o->err[index] = err;
    o->status[index] = answer == NULL ? 0 : answer->status;
    o->calls[index]++;
    if (err != SH_OK)
        assert_string_not_equal(error->message, "");
    if (o->ended++ == 0 && o->stop_fd >= 0)
        assert_int_equal(write(o->stop_fd, "x", 1), 1);
}

static void each_of_many_has_its_own_outcome(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        sh_err expected;
        int status;
    } cases[] = {
        {"/silent", SH_E_NETWORK, 0}, {"/ok", SH_OK, 200},         {"/endless", SH_E_LIMIT, 0},
        {"/busy", SH_OK, 503},        {"/huge", SH_E_LIMIT, 0},    {"/stuck", SH_E_NETWORK, 0},
        {"/ok", SH_OK, 200},          {"/short", SH_E_NETWORK, 0},
    };
    enum { COUNT = sizeof cases / sizeof cases[0] };
    char urls[COUNT][128];
    sh_http_request requests[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        requests[i] = get(cases[i].path);
        (void)snprintf(urls[i], sizeof urls[i], "%s", requests[i].url);
        requests[i].url = urls[i];
        requests[i].timeout_ms = 500;
    }
    sh_http_client *client = new_client(-1, 0);
    outcome o = {.stop_fd = -1};
    sh_http_send_all(client, requests, COUNT, &(sh_http_calls){.done = note, .context = &o});
    assert_int_equal(o.ended, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(o.calls[i], 1);
        assert_int_equal(o.err[i], cases[i].expected);
        assert_int_equal(o.status[i], cases[i].status);
    }
    sh_http_client_free(client);
}

static void a_limit_on_parallel_exchanges_leaves_none_out(void **state)
{
    (void)state;
    enum { COUNT = 40 };
    sh_http_request requests[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        requests[i] = get("/busy");
    sh_http_client *client = new_client(-1, 3);
    outcome o = {.stop_fd = -1};
    server_reset();
    sh_http_send_all(client, requests, COUNT, &(sh_http_calls){.done = note, .context = &o});
    assert_int_equal(o.ended, COUNT);
    assert_int_equal(server_connections(), COUNT); /* that path closes each */
    sh_http_client_free(client);
}

static void answers_that_do_not_fit_into_memory_together_come_in_turn(void **state)
{
    (void)state;
    enum { COUNT = 20 };
    sh_http_request requests[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        requests[i] = get("/endless");
        requests[i].answer_max = 300000;
    }
    sh_http_client_options options = {
        .user_agent = "synchub-test", .stop_fd = -1, .bodies_max = 350000};
    sh_http_client *client = NULL;
    assert_int_equal(sh_http_client_new(&options, &client, NULL), SH_OK);
    outcome o = {.stop_fd = -1};
    sh_http_send_all(client, requests, COUNT, &(sh_http_calls){.done = note, .context = &o});
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(o.err[i], SH_OK);
    sh_http_client_free(client);
}

static void a_peer_that_stalls_keeps_no_memory_that_others_wait_for(void **state)
{
    (void)state;
    enum { COUNT = 5 };
    sh_http_request requests[COUNT];
    char urls[COUNT][128];
    for (size_t i = 0; i < COUNT; i++) {
        requests[i] = get(i == 0 ? "/holds" : "/endless");
        (void)snprintf(urls[i], sizeof urls[i], "%s", requests[i].url);
        requests[i].url = urls[i];
        requests[i].answer_max = 300000;
    }
    /* The first one needs more than the limit, and keeps it. */
    sh_http_client_options options = {
        .user_agent = "synchub-test", .stop_fd = -1, .bodies_max = 150000, .stall_ms = 200};
    sh_http_client *client = NULL;
    assert_int_equal(sh_http_client_new(&options, &client, NULL), SH_OK);
    outcome o = {.stop_fd = -1};
    sh_http_send_all(client, requests, COUNT, &(sh_http_calls){.done = note, .context = &o});
    assert_int_equal(o.err[0], SH_E_NETWORK);
    for (size_t i = 1; i < COUNT; i++)
        assert_int_equal(o.err[i], SH_OK);
    sh_http_client_free(client);
}

/* A listener whose queue of connections is full, so that none is accepted any more. */
typedef struct {
    int fd, waiting[8];
    uint16_t port;
} full_listener;

static void full_listener_start(full_listener *l)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t len = sizeof address;
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(l->fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(l->fd, 0), 0);
    assert_int_equal(getsockname(l->fd, (struct sockaddr *)&address, &len), 0);
    l->port = ntohs(address.sin_port);
    for (size_t i = 0; i < 8; i++) {
        l->waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(l->waiting[i], (struct sockaddr *)&address, len);
    }
}

static void full_listener_stop(const full_listener *l)
{
    for (size_t i = 0; i < 8; i++)
        (void)close(l->waiting[i]);
    (void)close(l->fd);
}

static void a_silent_peer_is_given_up_long_before_the_time_out(void **state)
{
    (void)state;
    full_listener full;
    full_listener_start(&full);
    char full_url[64], tls_url[64];
    (void)snprintf(full_url, sizeof full_url, "http://127.0.0.1:%u/x", full.port);
    (void)snprintf(tls_url, sizeof tls_url, "https://127.0.0.1:%u/x", server.port);
    const struct {
        const char *url; /* NULL: /silent */
        const char *message;
    } cases[] = {
        {full_url, "no answer within 0.2 s; check the host"},
        {tls_url, "the TLS handshake did not end within 0.2 s"},
        {NULL, "accepted the connection and sent nothing for 0.2 s"},
    };
    sh_http_client *client = new_client(-1, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_http_request request = get("/silent");
        if (cases[i].url != NULL)
            request.url = cases[i].url;
        request.silence_ms = 200;
        request.timeout_ms = 3600 * 1000;
        sh_http_answer answer;
        sh_error error = {.code = SH_OK};
        assert_int_equal(sh_http_send(client, &request, &answer, &error), SH_E_NETWORK);
        assert_non_null(strstr(error.message, cases[i].message));
        sh_http_answer_reset(&answer);
    }
    sh_http_client_free(client);
    full_listener_stop(&full);
}

static void silent_peers_end_alone(void **state)
{
    (void)state;
    enum { COUNT = 50 };
    sh_http_request requests[COUNT];
    char silent[128], ok[128];
    (void)snprintf(silent, sizeof silent, "%s", url_of("/silent"));
    (void)snprintf(ok, sizeof ok, "%s", url_of("/busy"));
    for (size_t i = 0; i < COUNT; i++) {
        requests[i] = get("");
        requests[i].url = i % 10 == 0 ? silent : ok;
        requests[i].silence_ms = i % 10 == 0 ? 100 : 60000;
        requests[i].timeout_ms = 3600 * 1000;
    }
    sh_http_client *client = new_client(-1, 0);
    outcome o = {.stop_fd = -1};
    sh_http_send_all(client, requests, COUNT, &(sh_http_calls){.done = note, .context = &o});
    assert_int_equal(o.ended, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(o.err[i], i % 10 == 0 ? SH_E_NETWORK : SH_OK);
    sh_http_client_free(client);
}

static void the_time_out_bounds_a_silent_peer_too(void **state)
{
    (void)state;
    sh_http_client *client = new_client(-1, 0);
    sh_http_request request = get("/silent");
    request.silence_ms = 3600 * 1000;
    request.timeout_ms = 100;
    sh_http_answer answer;
    sh_error error = {.code = SH_OK};
    assert_int_equal(sh_http_send(client, &request, &answer, &error), SH_E_NETWORK);
    assert_non_null(strstr(error.message, "was not complete after 0.1 s"));
    sh_http_answer_reset(&answer);
    sh_http_client_free(client);
}

static void a_stop_ends_what_is_not_begun_and_soon_the_rest(void **state)
{
    (void)state;
    int stop[2];
    assert_int_equal(pipe(stop), 0);
    sh_http_client *client = new_client(stop[0], 2);
    sh_http_request requests[4];
    char silent[128], ok[128];
    (void)snprintf(silent, sizeof silent, "%s", url_of("/silent"));
    (void)snprintf(ok, sizeof ok, "%s", url_of("/ok"));
    for (size_t i = 0; i < 4; i++) {
        requests[i] = get("");
        requests[i].url = i == 1 ? ok : silent;
        requests[i].timeout_ms = 600000;
    }
    outcome o = {.stop_fd = stop[1]};
    sh_http_send_all(client, requests, 4, &(sh_http_calls){.done = note, .context = &o});
    assert_int_equal(o.err[0], SH_E_STOPPED); /* running, and aborted */
    assert_int_equal(o.err[1], SH_OK);
    assert_int_equal(o.err[2], SH_E_STOPPED);
    assert_int_equal(o.err[3], SH_E_STOPPED);
    /* The next call begins nothing. */
    sh_http_answer answer;
    assert_int_equal(sh_http_send(client, &requests[1], &answer, NULL), SH_E_STOPPED);
    sh_http_answer_reset(&answer);
    sh_http_client_free(client);
    (void)close(stop[0]);
    (void)close(stop[1]);
}

static void a_ca_file_that_is_not_there_is_named(void **state)
{
    (void)state;
    sh_http_client_options options = {
        .user_agent = "x", .ca_file = "/nonexistent/ca.pem", .stop_fd = -1};
    sh_http_client *client = NULL;
    sh_error error = {.code = SH_OK};
    assert_int_equal(sh_http_client_new(&options, &client, &error), SH_E_CONFIG);
    assert_non_null(strstr(error.message, "trusted certificates"));
    assert_non_null(strstr(error.message, "/nonexistent/ca.pem"));
}

static void header_lines_are_read_into_the_answer(void **state)
{
    (void)state;
    char date[64], line[96];
    time_t soon = (time_t)(sh_clock_unix_ms() / 1000) + 3600;
    struct tm tm;
    gmtime_r(&soon, &tm);
    (void)strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    (void)snprintf(line, sizeof line, "retry-after:  %s \r\n", date);
    sh_http_answer answer = {.retry_after_s = -1};
    sh_http_answer_line(&answer, sh_slice_of(line));
    assert_in_range(answer.retry_after_s, 3500, 3600);
    sh_http_answer_line(&answer, SH_SLICE("Retry-After: Fri, 01 Jan 2021 00:00:00 GMT\r\n"));
    assert_int_equal(answer.retry_after_s, 0);
    static const char *const odd[] = {"Retry-After: soon\r\n", "Retry-After: -1\r\n",
                                      "Retry-After: 99999999999\r\n", "Retry-After:\r\n"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        answer.retry_after_s = -1;
        answer.retry_at_s = 0;
        sh_http_answer_line(&answer, sh_slice_of(odd[i]));
        assert_int_equal(answer.retry_after_s, -1);
    }
    /* The delay is by the peer's clock, whatever ours is, and in any order of the headers. */
    sh_http_answer_line(&answer, SH_SLICE("HTTP/1.1 503 Busy\r\n"));
    sh_http_answer_line(&answer, SH_SLICE("Date: Fri, 01 Jan 2021 00:00:00 GMT\r\n"));
    sh_http_answer_line(&answer, SH_SLICE("Retry-After: Fri, 01 Jan 2021 00:00:30 GMT\r\n"));
    assert_int_equal(answer.retry_after_s, 30);
    sh_http_answer_line(&answer, SH_SLICE("HTTP/1.1 503 Busy\r\n"));
    sh_http_answer_line(&answer, SH_SLICE("Retry-After: Sat, 01 Jan 2050 00:00:30 GMT\r\n"));
    sh_http_answer_line(&answer, SH_SLICE("Date: Sat, 01 Jan 2050 00:00:00 GMT\r\n"));
    assert_int_equal(answer.retry_after_s, 30);
    char etag[200];
    memset(etag, 'e', sizeof etag);
    memcpy(etag, "ETag: ", 6);
    sh_http_answer_line(&answer, (sh_slice){etag, 6 + sizeof answer.etag - 1});
    assert_int_equal(strlen(answer.etag), sizeof answer.etag - 1);
    sh_http_answer_line(&answer, (sh_slice){etag, 6 + sizeof answer.etag});
    assert_string_equal(answer.etag, "");
    sh_http_answer_line(&answer, SH_SLICE("Content-Type: TEXT/html ;x=y\r\n"));
    assert_string_equal(answer.content_type, "text/html");
    sh_http_answer_line(&answer, SH_SLICE("HTTP/1.1 200 OK\r\n"));
    assert_string_equal(answer.content_type, "");
}

int main(void)
{
    /* The machine's proxies must not affect the test. */
    (void)unsetenv("http_proxy");
    (void)unsetenv("all_proxy");
    (void)unsetenv("ALL_PROXY");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_given_whole),
        cmocka_unit_test(statuses_are_answers_and_not_failures),
        cmocka_unit_test(failures_say_what_to_look_at),
        cmocka_unit_test(a_body_may_fill_its_limit_and_no_more),
        cmocka_unit_test(a_line_break_in_the_token_never_reaches_the_wire),
        cmocka_unit_test(a_body_is_posted_as_it_is),
        cmocka_unit_test(a_body_is_not_sent_where_the_peer_knows_it),
        cmocka_unit_test(a_body_is_sent_once_the_peer_asks_for_it),
        cmocka_unit_test(each_of_many_has_its_own_outcome),
        cmocka_unit_test(a_limit_on_parallel_exchanges_leaves_none_out),
        cmocka_unit_test(answers_that_do_not_fit_into_memory_together_come_in_turn),
        cmocka_unit_test(a_peer_that_stalls_keeps_no_memory_that_others_wait_for),
        cmocka_unit_test(a_silent_peer_is_given_up_long_before_the_time_out),
        cmocka_unit_test(silent_peers_end_alone),
        cmocka_unit_test(the_time_out_bounds_a_silent_peer_too),
        cmocka_unit_test(a_stop_ends_what_is_not_begun_and_soon_the_rest),
        cmocka_unit_test(a_ca_file_that_is_not_there_is_named),
        cmocka_unit_test(header_lines_are_read_into_the_answer),
    };
    return cmocka_run_group_tests(tests, server_start, server_stop);
}
