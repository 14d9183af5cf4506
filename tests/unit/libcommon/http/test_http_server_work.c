/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "libcommon/http/http_server.h"
#include "libcommon/http/http_server_work.h"
#include "tests/wait.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Callbacks that wait for others: a gate that the test opens. */

#define PATIENCE_MS 30000
#define PEERS 40

static atomic_bool gate;
static atomic_size_t inside, together_most, exclusive_count, exclusive_now, exclusive_most;

static void note_most(atomic_size_t *most, size_t n)
{
    size_t before = atomic_load(most);
    while (n > before && !atomic_compare_exchange_weak(most, &before, n))
        ;
}

static void wait_for_the_gate(void)
{
    while (!atomic_load(&gate))
        poll_pause_us(1000);
}

static size_t admit(void *context, sh_http_exchange *exchange)
{
    (void)context;
    if (sh_http_header(exchange, "X-Ask") == NULL)
        return 1000;
    if (!sh_http_may_wait(exchange))
        return SH_HTTP_WAIT;
    atomic_fetch_add(&inside, 1);
    wait_for_the_gate();
    if (strcmp(sh_http_header(exchange, "X-Ask"), "refused") == 0)
        sh_http_reply(exchange, 403, "text/plain", SH_SLICE("no\n"));
    return 1000;
}

static void handle_each(void *context, sh_http_exchange *const exchanges[], size_t count)
{
    (void)context;
    note_most(&together_most, count);
    atomic_fetch_add(&inside, count);
    wait_for_the_gate();
    for (size_t i = 0; i < count; i++) {
        assert_true(sh_http_is_exclusive(exchanges[i]) ==
                    (sh_http_header(exchanges[i], "X-Large") != NULL));
        if (sh_http_is_exclusive(exchanges[i])) {
            note_most(&exclusive_most, atomic_fetch_add(&exclusive_now, 1) + 1);
            assert_int_equal(count, 1);
            atomic_fetch_add(&exclusive_count, 1);
            poll_pause_us(1000);
            atomic_fetch_sub(&exclusive_now, 1);
        }
        sh_http_reply(exchanges[i], 200, "text/plain", SH_SLICE("taken\n"));
    }
}

static sh_http_class classify(void *context, const sh_http_exchange *exchange)
{
    (void)context;
    if (sh_http_header(exchange, "X-Large") != NULL)
        return SH_HTTP_EXCLUSIVE;
    return sh_http_body(exchange).len == 0 ? SH_HTTP_QUERY : SH_HTTP_NORMAL;
}

static void handle_live(void *context, sh_http_exchange *exchange)
{
    (void)context;
    assert_false(sh_http_may_wait(exchange));
    sh_http_reply(exchange, 200, "text/plain", SH_SLICE("alive\n"));
}

static const sh_http_route routes[] = {
    {.method = "POST",
     .path = "/",
     .admit = admit,
     .handle_each = handle_each,
     .classify = classify},
    {.method = "GET", .path = "/live", .handle = handle_live},
    {.method = NULL},
};

static sh_http_server *start(bool open)
{
    const sh_http_server_options options = {.host = "127.0.0.1", .routes = routes};
    sh_http_server *server = NULL;
    atomic_store(&gate, open);
    atomic_store(&inside, 0);
    atomic_store(&together_most, 0);
    atomic_store(&exclusive_count, 0);
    atomic_store(&exclusive_most, 0);
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

static void say(int fd, const char *head, const char *body)
{
    char text[512];
    int len = snprintf(text, sizeof text, "%s\r\nHost: hub\r\n\r\n%s", head, body);
    assert_int_equal(send(fd, text, (size_t)len, MSG_NOSIGNAL), len);
}

static void post(int fd, const char *header)
{
    char head[256];
    (void)snprintf(head, sizeof head, "POST / HTTP/1.1\r\nContent-Length: 1%s", header);
    say(fd, head, "x");
}

/* A post that only asks. */
static void ask(int fd)
{
    say(fd, "POST / HTTP/1.1\r\nContent-Length: 0", "");
}

/* The status of the next answer, which ends with a separate line; 0 if there is none. */
static int hear(int fd)
{
    char text[4096];
    size_t len = 0;
    while (len < sizeof text - 1) {
        struct pollfd waited = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&waited, 1, PATIENCE_MS), 1);
        ssize_t n = recv(fd, text + len, 1, 0);
        if (n <= 0)
            return 0;
        len += (size_t)n;
        text[len] = '\0';
        const char *body = strstr(text, "\r\n\r\n");
        int status = (int)strtol(text + strlen("HTTP/1.1 "), NULL, 10);
        if (body != NULL && (status == 100 || strpbrk(body + 4, "\n}") != NULL))
            return status;
    }
    return 0;
}

static void wait_until_inside(size_t count)
{
    for (int i = 0; atomic_load(&inside) < count; i++) {
        assert_true(i < PATIENCE_MS);
        poll_pause_us(1000);
    }
}

static void dial_all(const sh_http_server *server, int fds[PEERS])
{
    for (size_t i = 0; i < PEERS; i++)
        fds[i] = dial(server);
}

static void all_are_taken(const int fds[PEERS])
{
    for (size_t i = 0; i < PEERS; i++)
        assert_int_equal(hear(fds[i]), 200);
}

static void close_all(const int fds[PEERS])
{
    for (size_t i = 0; i < PEERS; i++)
        (void)close(fds[i]);
}

static void workers_are_as_many_as_cores_can_use(void **state)
{
    (void)state;
    static const struct {
        long cores;
        size_t workers;
    } cases[] = {{-1, 4}, {0, 4}, {1, 4}, {2, 4}, {3, 6}, {4, 8}, {5, 8}, {1000, 8}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(sh_http_workers_for(cases[i].cores), cases[i].workers);
    assert_int_equal(sh_http_workers_for(1000), SH_HTTP_WORKERS_MAX);
}

static void what_comes_meanwhile_is_handled_together(void **state)
{
    (void)state;
    sh_http_server *server = start(false);
    int fds[PEERS];
    dial_all(server, fds);
    /* When all are read cannot be seen from here, so the gate is opened later and later. */
    for (int ms = 1; atomic_load(&together_most) < 2; ms *= 2) {
        assert_true(ms < PATIENCE_MS);
        atomic_store(&gate, false);
        for (size_t i = 0; i < PEERS; i++)
            post(fds[i], "");
        poll_pause_us((unsigned)ms * 1000);
        atomic_store(&gate, true);
        all_are_taken(fds);
    }
    close_all(fds);
    sh_http_server_stop(server, 1000);
}

static void queries_gather_at_one_thread(void **state)
{
    (void)state;
    sh_http_server *server = start(false);
    int fds[PEERS];
    dial_all(server, fds);
    for (int ms = 1; atomic_load(&together_most) < PEERS - 2; ms *= 2) {
        assert_true(ms < PATIENCE_MS);
        atomic_store(&gate, false);
        atomic_store(&inside, 0);
        ask(fds[0]);
        wait_until_inside(1);
        for (size_t i = 2; i < PEERS; i++)
            ask(fds[i]);
        post(fds[1], ""); /* is not kept from its turn */
        wait_until_inside(2);
        poll_pause_us((unsigned)ms * 1000);
        assert_int_equal(atomic_load(&inside), 2);
        atomic_store(&gate, true);
        all_are_taken(fds);
    }
    close_all(fds);
    sh_http_server_stop(server, 1000);
}

static void exclusive_ones_are_handled_one_at_a_time(void **state)
{
    (void)state;
    sh_http_server *server = start(true);
    int fds[PEERS];
    for (size_t i = 0; i < PEERS; i++) {
        fds[i] = dial(server);
        post(fds[i], i % 2 == 0 ? "\r\nX-Large: yes" : "");
    }
    for (size_t i = 0; i < PEERS; i++) {
        assert_int_equal(hear(fds[i]), 200);
        (void)close(fds[i]);
    }
    assert_int_equal(atomic_load(&exclusive_count), PEERS / 2);
    assert_int_equal(atomic_load(&exclusive_most), 1);
    sh_http_server_stop(server, 1000);
}

static void who_waits_for_admission_is_told_before_the_body(void **state)
{
    (void)state;
    sh_http_server *server = start(false);
    int good = dial(server);
    int bad = dial(server);
    const char *head = "POST / HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-continue\r\nX-Ask: ";
    char text[256];
    (void)snprintf(text, sizeof text, "%sgood", head);
    say(good, text, "");
    (void)snprintf(text, sizeof text, "%srefused", head);
    say(bad, text, "");
    wait_until_inside(2);
    /* Nobody else waits for them. */
    int live = dial(server);
    say(live, "GET /live HTTP/1.1", "");
    assert_int_equal(hear(live), 200);
    atomic_store(&gate, true);
    assert_int_equal(hear(bad), 403);
    assert_int_equal(hear(good), 100);
    assert_int_equal(send(good, "x", 1, MSG_NOSIGNAL), 1);
    assert_int_equal(hear(good), 200);
    (void)close(live);
    (void)close(bad);
    (void)close(good);
    sh_http_server_stop(server, 1000);
}

static atomic_int other_thread;

/* Until the other thread has begun and sleeps: it waits for those who are at the gate. */
static void wait_until_other_sleeps(void)
{
    char text[512] = "";
    for (int i = 0; text[0] != 'S'; i++) {
        char path[64];
        assert_true(i < PATIENCE_MS);
        poll_pause_us(1000);
        (void)snprintf(path, sizeof path, "/proc/self/task/%d/stat", atomic_load(&other_thread));
        FILE *file = fopen(path, "r"); /* "TID (NAME) STATE ..." */
        if (file == NULL)
            continue; /* it has not begun */
        size_t len = fread(text, 1, sizeof text - 1, file);
        text[len] = '\0';
        const char *state = strrchr(text, ')');
        text[0] = state != NULL ? state[2] : '\0';
        (void)fclose(file);
    }
}

static void *renew_twice(void *context)
{
    atomic_store(&other_thread, gettid());
    const sh_http_tls none = {NULL, NULL};
    assert_int_equal(sh_http_server_renew_tls(context, &none, NULL), SH_OK);
    assert_int_equal(sh_http_server_renew_tls(context, &none, NULL), SH_OK);
    return NULL;
}

static void a_renewal_waits_for_what_workers_have(void **state)
{
    (void)state;
    sh_http_server *server = start(false);
    int fd = dial(server);
    post(fd, "");
    wait_until_inside(1);
    pthread_t renewer;
    atomic_store(&other_thread, 0);
    assert_int_equal(pthread_create(&renewer, NULL, renew_twice, server), 0);
    wait_until_other_sleeps();
    atomic_store(&gate, true);
    assert_int_equal(hear(fd), 200);
    assert_int_equal(pthread_join(renewer, NULL), 0);
    (void)close(fd);
    int again = dial(server);
    post(again, "");
    assert_int_equal(hear(again), 200);
    (void)close(again);
    sh_http_server_stop(server, 1000);
}

static void *stop(void *context)
{
    atomic_store(&other_thread, gettid());
    sh_http_server_stop(context, 1);
    return NULL;
}

static void a_stop_ends_what_is_begun_and_refuses_the_rest(void **state)
{
    (void)state;
    sh_http_server *server = start(false);
    int fds[PEERS];
    for (size_t i = 0; i < PEERS; i++) {
        fds[i] = dial(server);
        if (i < PEERS / 2)
            post(fds[i], i == 0 ? "" : "\r\nX-Large: yes");
        else
            ask(fds[i]);
        if (i == 0)
            wait_until_inside(1);
    }
    pthread_t stopper;
    atomic_store(&other_thread, 0);
    assert_int_equal(pthread_create(&stopper, NULL, stop, server), 0);
    wait_until_other_sleeps();
    atomic_store(&gate, true);
    assert_int_equal(pthread_join(stopper, NULL), 0);
    assert_int_equal(hear(fds[0]), 200);
    for (size_t i = 1; i < PEERS; i++) {
        struct pollfd closed = {.fd = fds[i], .events = POLLIN};
        assert_int_equal(poll(&closed, 1, PATIENCE_MS), 1);
    }
    close_all(fds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_are_as_many_as_cores_can_use),
        cmocka_unit_test(what_comes_meanwhile_is_handled_together),
        cmocka_unit_test(queries_gather_at_one_thread),
        cmocka_unit_test(exclusive_ones_are_handled_one_at_a_time),
        cmocka_unit_test(who_waits_for_admission_is_told_before_the_body),
        cmocka_unit_test(a_renewal_waits_for_what_workers_have),
        cmocka_unit_test(a_stop_ends_what_is_begun_and_refuses_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
