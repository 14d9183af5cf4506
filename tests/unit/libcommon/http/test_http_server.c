/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "libcommon/base/limits.h"
#include "libcommon/http/http_server.h"
#include "tests/wait.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The server's limits, by a client of bare sockets. */

#define PATIENCE_MS 30000
#define BODY_MAX (48 * SH_MIB)

static size_t admit(void *context, sh_http_exchange *exchange)
{
    (void)context;
    if (sh_http_header(exchange, "X-Refuse") == NULL)
        return BODY_MAX;
    sh_http_reply_error(exchange, 403, NULL, "Forbidden", "ERROR: Not authorized");
    return 0;
}

static void handle(void *context, sh_http_exchange *exchange)
{
    size_t *claim = context;
    if (claim != NULL && !sh_http_claim(exchange, *claim))
        sh_http_reply_error(exchange, 503, NULL, "Busy", "no room");
    else
        sh_http_reply(exchange, 200, "text/plain", SH_SLICE("taken\n"));
}

/* Each answer has a text of its own, to which only that answer has a reference in the end. */
static void handle_shared(void *context, sh_http_exchange *exchange)
{
    (void)context;
    sh_buf text = SH_BUF_INIT(SH_MIB);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(sh_buf_append_format(&text, "%05d\n", i), SH_OK);
    sh_shared_text *shared = sh_shared_text_new(&text);
    assert_non_null(shared);
    sh_http_reply_shared(exchange, 200, "text/plain", SH_SLICE("first\n"), shared);
    sh_shared_text_unref(shared);
}

static const sh_http_route routes[] = {
    {.method = "POST", .path = "/", .admit = admit, .handle = handle},
    {.method = "GET", .path = "/shared", .handle = handle_shared},
    {.method = NULL},
};

static sh_http_server *start(int64_t headers_max_ms, int64_t exchange_max_ms, size_t *claim)
{
    const sh_http_server_options options = {
        .host = "127.0.0.1",
        .routes = routes,
        .context = claim,
        .headers_max_ms = headers_max_ms,
        .exchange_max_ms = exchange_max_ms,
    };
    sh_http_server *server = NULL;
    assert_int_equal(sh_http_server_start(&options, &server, NULL), SH_OK);
    return server;
}

static int dial(const sh_http_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(sh_http_server_port(server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Whether everything could be sent. */
static bool say(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static bool say_text(int fd, const char *text)
{
    return say(fd, text, strlen(text));
}

/* The status of the answer, 0 where the connection ends without one. */
static int hear(int fd)
{
    char text[4096];
    size_t len = 0;
    while (len < sizeof text - 1) {
        struct pollfd waited = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&waited, 1, PATIENCE_MS), 1);
        ssize_t n = recv(fd, text + len, sizeof text - 1 - len, 0);
        if (n <= 0)
            return 0;
        len += (size_t)n;
        text[len] = '\0';
        if (strchr(text, '\n') != NULL)
            return (int)strtol(text + strlen("HTTP/1.1 "), NULL, 10);
    }
    return 0;
}

/* Tends until it has ended one connection. */
static void tend_until_one_ended(sh_http_server *server)
{
    size_t ended = 0;
    for (int i = 0; ended == 0 && i < PATIENCE_MS; i++) {
        poll_pause_us(1000);
        ended = sh_http_server_tend(server);
    }
    assert_int_equal(ended, 1);
}

static void headers_that_trickle_are_cut_off(void **state)
{
    (void)state;
    sh_http_server *server = start(50, 0, NULL);
    int fd = dial(server);
    assert_true(say_text(fd, "POST / HTTP/1.1\r\nHost: a\r\nX-Slow: "));
    tend_until_one_ended(server);
    assert_int_equal(hear(fd), 0);
    (void)close(fd);
    sh_http_server_stop(server, 1000);
}

static void a_body_that_trickles_is_cut_off(void **state)
{
    (void)state;
    sh_http_server *server = start(0, 50, NULL);
    int fd = dial(server);
    assert_true(say_text(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx"));
    tend_until_one_ended(server);
    assert_int_equal(hear(fd), 0);
    (void)close(fd);
    sh_http_server_stop(server, 1000);
}

static void a_refused_body_gets_no_more_time_than_headers(void **state)
{
    (void)state;
    sh_http_server *server = start(50, 3600000, NULL);
    int fd = dial(server);
    assert_true(
        say_text(fd, "POST / HTTP/1.1\r\nHost: a\r\nX-Refuse: 1\r\nContent-Length: 100\r\n\r\nx"));
    tend_until_one_ended(server);
    assert_int_equal(hear(fd), 0);
    (void)close(fd);
    sh_http_server_stop(server, 1000);
}

static void exchanges_in_time_are_left_alone(void **state)
{
    (void)state;
    sh_http_server *server = start(0, 0, NULL);
    int fd = dial(server);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sh_http_server_tend(server), 0);
        assert_true(say_text(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"));
        assert_int_equal(hear(fd), 200);
    }
    assert_int_equal(sh_http_server_tend(server), 0);
    (void)close(fd);
    sh_http_server_stop(server, 1000);
}

/* Waits at most wait_ms for the server to have something to tend. */
static bool is_busy(const sh_http_server *server, int wait_ms)
{
    struct pollfd waited = {.fd = sh_http_server_busy_fd(server), .events = POLLIN};
    return poll(&waited, 1, wait_ms) == 1;
}

static void tend_until_idle(sh_http_server *server)
{
    for (int i = 0; !sh_http_server_is_idle(server) && i < PATIENCE_MS; i++) {
        poll_pause_us(1000);
        (void)sh_http_server_tend(server);
    }
    assert_true(sh_http_server_is_idle(server));
}

static void a_server_is_idle_without_connections(void **state)
{
    (void)state;
    sh_http_server *server = start(0, 0, NULL);
    assert_true(sh_http_server_is_idle(server));
    assert_false(is_busy(server, 0));
    for (int i = 0; i < 2; i++) {
        int fd = dial(server);
        assert_true(is_busy(server, PATIENCE_MS)); /* although nothing was sent */
        assert_false(sh_http_server_is_idle(server));
        (void)sh_http_server_tend(server);
        assert_false(is_busy(server, 0));
        assert_false(sh_http_server_is_idle(server));
        (void)close(fd);
        tend_until_idle(server);
        assert_false(is_busy(server, 0));
    }
    sh_http_server_stop(server, 1000);
}

/* Sends a request with `sent` bytes of a body of len bytes; false where it was cut off. */
static bool begin_body_part(int fd, size_t len, size_t sent)
{
    static char zeros[SH_MIB];
    char head[128];
    (void)snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
                   len);
    bool good = say_text(fd, head);
    for (size_t left = sent; good && left > 0;) {
        size_t n = left < sizeof zeros ? left : sizeof zeros;
        good = say(fd, zeros, n);
        left -= n;
    }
    return good;
}

/* The same but for the last byte. */
static bool begin_body(int fd, size_t len)
{
    return begin_body_part(fd, len, len - 1);
}

static void bodies_together_have_a_limit_and_small_ones_find_room(void **state)
{
    (void)state;
    enum { LARGE = SH_HTTP_BODIES_MAX / BODY_MAX + 1 }; /* more than there is room for */
    sh_http_server *server = start(0, 0, NULL);
    int fds[LARGE];
    bool whole[LARGE];
    for (size_t i = 0; i < LARGE; i++) {
        fds[i] = dial(server);
        whole[i] = begin_body(fds[i], BODY_MAX);
    }
    /* The memory for large bodies is in use now: yet a small one is taken. */
    int small = dial(server);
    assert_true(begin_body(small, SH_HTTP_SMALL_BODY) && say_text(small, "x"));
    assert_int_equal(hear(small), 200);
    size_t taken = 0;
    for (size_t i = 0; i < LARGE; i++) {
        int status = whole[i] && say_text(fds[i], "x") ? hear(fds[i]) : 0;
        taken += status == 200;
        assert_true(status == 200 || status == 503 || status == 0);
        (void)close(fds[i]);
    }
    assert_true(taken >= 1 && taken * BODY_MAX <= SH_HTTP_BODIES_MAX - SH_HTTP_BODIES_RESERVED);
    /* All memory was released. */
    int again = dial(server);
    assert_true(begin_body(again, BODY_MAX) && say_text(again, "x"));
    assert_int_equal(hear(again), 200);
    (void)close(again);
    (void)close(small);
    sh_http_server_stop(server, 1000);
}

static void announced_bodies_do_not_fill_the_memory_of_others(void **state)
{
    (void)state;
    enum { STALLED = 32, SENT = SH_MIB }; /* 1536 MiB announced, 32 sent, at most 160 reserved */
    sh_http_server *server = start(0, 0, NULL);
    int fds[STALLED];
    for (size_t i = 0; i < STALLED; i++) {
        fds[i] = dial(server);
        assert_true(begin_body_part(fds[i], BODY_MAX, SENT));
    }
    int whole = dial(server);
    assert_true(begin_body(whole, BODY_MAX) && say_text(whole, "x"));
    assert_int_equal(hear(whole), 200);
    for (size_t i = 0; i < STALLED; i++)
        (void)close(fds[i]);
    (void)close(whole);
    sh_http_server_stop(server, 1000);
}

/* Whether the server closes the connection before the library would as idle. */
static bool is_closed_early(sh_http_server *server, int fd)
{
    struct pollfd waited = {.fd = fd, .events = POLLIN};
    char byte;
    for (int i = 0; i < SH_HTTP_IDLE_TIMEOUT_S * 1000 / 2; i++) {
        if (poll(&waited, 1, 1) == 1)
            return recv(fd, &byte, 1, 0) == 0;
        (void)sh_http_server_tend(server);
    }
    return false;
}

static void a_body_that_breaks_off_with_its_last_bytes_is_dropped(void **state)
{
    (void)state;
    static const char part[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\npart";
    enum { BROKEN = 20 };
    sh_http_server *server = start(0, 0, NULL);
    int fds[BROKEN];
    for (size_t i = 0; i < BROKEN; i++) {
        fds[i] = dial(server);
        /* In one segment with the end of the stream. */
        assert_int_equal(send(fds[i], part, sizeof part - 1, MSG_MORE), sizeof part - 1);
        assert_int_equal(shutdown(fds[i], SHUT_WR), 0);
    }
    for (size_t i = 0; i < BROKEN; i++) {
        assert_true(is_closed_early(server, fds[i]));
        (void)close(fds[i]);
    }
    sh_http_server_stop(server, 1000);
}

static void a_peer_that_ends_its_stream_after_the_body_is_answered(void **state)
{
    (void)state;
    sh_http_server *server = start(0, 0, NULL);
    for (int i = 0; i < 20; i++) {
        int fd = dial(server);
        assert_true(begin_body(fd, 1000));
        assert_int_equal(send(fd, "x", 1, MSG_MORE), 1);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        (void)sh_http_server_tend(server);
        assert_int_equal(hear(fd), 200);
        (void)close(fd);
    }
    sh_http_server_stop(server, 1000);
}

static void a_shared_text_follows_the_body_and_lasts_until_it_is_sent(void **state)
{
    (void)state;
    static const char first[] = "\r\n\r\nfirst\n00000\n", last[] = "09999\n";
    char text[70000];
    size_t len = 0;
    sh_http_server *server = start(0, 0, NULL);
    int fd = dial(server), stalled = dial(server);
    assert_true(say_text(stalled, "GET /shared HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(say_text(fd, "GET /shared HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    for (ssize_t n = 1; n > 0; len += n > 0 ? (size_t)n : 0) {
        struct pollfd waited = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&waited, 1, PATIENCE_MS), 1);
        n = recv(fd, text + len, sizeof text - 1 - len, 0);
    }
    text[len] = '\0';
    assert_non_null(strstr(text, "Content-Length: 60006\r\n"));
    assert_non_null(strstr(text, first));
    assert_string_equal(text + len - (sizeof last - 1), last);
    (void)close(fd);
    sh_http_server_stop(server, 0); /* with the other answer unread */
    (void)close(stalled);
}

static void what_a_handler_claims_counts_until_it_has_answered(void **state)
{
    (void)state;
    static const struct {
        size_t claim;
        int status;
    } cases[] = {{SH_HTTP_BODIES_MAX, 503}, {SH_MIB, 200}, {SH_HTTP_BODIES_MAX / 2, 200}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t claim = cases[i].claim;
        sh_http_server *server = start(0, 0, &claim);
        int fd = dial(server);
        for (int j = 0; j < 3; j++) {
            assert_true(begin_body(fd, 1000) && say_text(fd, "x"));
            assert_int_equal(hear(fd), cases[i].status);
        }
        (void)close(fd);
        sh_http_server_stop(server, 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_that_trickle_are_cut_off),
        cmocka_unit_test(a_body_that_trickles_is_cut_off),
        cmocka_unit_test(a_refused_body_gets_no_more_time_than_headers),
        cmocka_unit_test(exchanges_in_time_are_left_alone),
        cmocka_unit_test(a_server_is_idle_without_connections),
        cmocka_unit_test(bodies_together_have_a_limit_and_small_ones_find_room),
        cmocka_unit_test(what_a_handler_claims_counts_until_it_has_answered),
        cmocka_unit_test(announced_bodies_do_not_fill_the_memory_of_others),
        cmocka_unit_test(a_body_that_breaks_off_with_its_last_bytes_is_dropped),
        cmocka_unit_test(a_peer_that_ends_its_stream_after_the_body_is_answered),
        cmocka_unit_test(a_shared_text_follows_the_body_and_lasts_until_it_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
