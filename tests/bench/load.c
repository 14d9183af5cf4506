/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/url.h"
#include "tests/bench/bench.h"
#include "tests/bench/requests.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/*
 * An HTTP load generator in one thread, with little CPU because it shares the cores with the
 * server. Without rate=N (closed loop), each of `connections` sends its next request after the
 * answer to the last one. With it (open loop), requests start at that rate independently of the
 * answers, each with its own connection and source address, like those of many nodes.
 */
#define ANSWER_BYTES 4096
#define EVENTS_MAX 256
#define STUCK_SECONDS 20.0

typedef struct {
    int fd;
    const bench_request *request; /* NULL: free */
    size_t sent;                  /* of head and body together */
    bool body_due;
    double begun;
    size_t len;
    char answer[ANSWER_BYTES];
} connection;

typedef struct {
    struct sockaddr_in address;
    connection *connections;
    size_t connections_count;
    connection **idle;
    size_t idle_count;
    bench_requests requests;
    size_t begun, ended, failed;
    size_t statuses[6]; /* by hundreds */
    size_t code_200, code_202;
    uint32_t *times;
    double rate; /* 0: as fast as answers come */
    int epoll;
} load;

static void connection_close(connection *c)
{
    if (c->fd >= 0)
        (void)close(c->fd);
    c->fd = -1;
}

/* Uses addresses of 127.0.0.0/8, to not run out of ports or exceed a limit per address. */
static void connect_one(load *l, connection *c, bool own_address)
{
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        bench_die("no socket: %s", strerror(errno));
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (own_address) {
        size_t n = l->begun;
        struct sockaddr_in from = {.sin_family = AF_INET,
                                   .sin_addr.s_addr =
                                       htonl(0x7f010000U + (uint32_t)(n % 60000) + 2)};
        (void)setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(c->fd, (const struct sockaddr *)&from, sizeof from) != 0)
            bench_die("no address: %s", strerror(errno));
    }
    if (connect(c->fd, (const struct sockaddr *)&l->address, sizeof l->address) != 0 &&
        errno != EINPROGRESS)
        bench_die("no connection: %s", strerror(errno));
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
        bench_die("epoll: %s", strerror(errno));
}

/* Sends the pending bytes; false if the connection is broken. */
static bool send_pending(connection *c)
{
    const bench_request *r = c->request;
    for (;;) {
        size_t due = r->head.len + (c->body_due ? r->body.len : 0);
        if (c->sent >= due)
            return true;
        struct iovec parts[2];
        int count = 0;
        size_t body_at = c->sent > r->head.len ? c->sent - r->head.len : 0;
        if (c->sent < r->head.len)
            parts[count++] =
                (struct iovec){(void *)(uintptr_t)(r->head.data + c->sent), r->head.len - c->sent};
        if (c->body_due && r->body.len > body_at)
            parts[count++] =
                (struct iovec){(void *)(uintptr_t)(r->body.data + body_at), r->body.len - body_at};
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
        ssize_t done = sendmsg(c->fd, &message, MSG_NOSIGNAL);
        if (done < 0)
            return errno == EAGAIN || errno == EINTR || errno == ENOTCONN;
        c->sent += (size_t)done;
    }
}

static void request_finish(load *l, connection *c, int status)
{
    if (status == 0)
        l->failed++;
    else
        l->times[l->ended++] = (uint32_t)((bench_now_s() - c->begun) * 1e6);
    l->code_200 += status == 200;
    l->code_202 += status == 202;
    l->statuses[status / 100 % 6]++;
    c->request = NULL;
}

static void request_start(load *l, connection *c, double at)
{
    c->request = &l->requests.all[l->begun % l->requests.count];
    c->sent = 0;
    c->len = 0;
    c->body_due = !c->request->asks;
    c->begun = at;
    bool own_address = l->rate > 0;
    if (c->fd < 0)
        connect_one(l, c, own_address);
    l->begun++;
    if (!send_pending(c)) {
        connection_close(c);
        request_finish(l, c, 0);
        l->idle[l->idle_count++] = c;
    }
}

/* Parses an answer and returns its length; *status is 0 while it is incomplete. */
static size_t read_answer(connection *c, int *status, bool *closes)
{
    *status = 0;
    c->answer[c->len] = '\0';
    char *ends = strstr(c->answer, "\r\n\r\n");
    if (ends == NULL || c->len < 12)
        return 0;
    int code = (c->answer[9] - '0') * 100 + (c->answer[10] - '0') * 10 + (c->answer[11] - '0');
    size_t head = (size_t)(ends - c->answer) + 4;
    if (code == 100) {
        *status = code;
        return head;
    }
    const char *length = strcasestr(c->answer, "content-length:");
    size_t body = 0;
    if (length != NULL && length < ends)
        body = (size_t)strtoul(length + 15, NULL, 10);
    if (c->len < head + body)
        return 0;
    const char *close_word = strcasestr(c->answer, "connection: close");
    *closes = close_word != NULL && close_word < ends;
    *status = code;
    return head + body;
}

static void receive_answer(load *l, connection *c)
{
    for (;;) {
        ssize_t got = recv(c->fd, c->answer + c->len, ANSWER_BYTES - 1 - c->len, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            connection_close(c);
            if (c->request != NULL)
                request_finish(l, c, 0);
            return;
        }
        c->len += (size_t)got;
        int status = 0;
        bool closes = false;
        size_t used = read_answer(c, &status, &closes);
        if (status == 0)
            continue;
        memmove(c->answer, c->answer + used, c->len - used);
        c->len -= used;
        if (status == 100) {
            c->body_due = true;
            (void)send_pending(c);
            continue;
        }
        if (closes || l->rate > 0)
            connection_close(c);
        request_finish(l, c, status);
        return;
    }
}

static void on_event(load *l, const struct epoll_event *event)
{
    connection *c = event->data.ptr;
    if (c->fd < 0)
        return;
    bool busy = c->request != NULL;
    if (busy && (event->events & EPOLLOUT) != 0 && !send_pending(c)) {
        connection_close(c);
        request_finish(l, c, 0);
    } else if ((event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        receive_answer(l, c);
    }
    if (busy && c->request == NULL)
        l->idle[l->idle_count++] = c;
}

static void run_load(load *l, size_t count)
{
    double from = bench_now_s(), moved = from;
    struct epoll_event events[EVENTS_MAX];
    while (l->ended + l->failed < count) {
        double now = bench_now_s();
        while (l->idle_count > 0 && l->begun < count) {
            double due = l->rate > 0 ? from + (double)l->begun / l->rate : now;
            if (due > now)
                break;
            request_start(l, l->idle[--l->idle_count], due); /* measure from the scheduled time */
        }
        int ready = epoll_wait(l->epoll, events, EVENTS_MAX, l->rate > 0 ? 1 : 1000);
        for (int i = 0; i < ready; i++)
            on_event(l, &events[i]);
        if (ready > 0)
            moved = now;
        else if (now - moved > STUCK_SECONDS)
            bench_die("no answer for %.0f s; %zu of %zu are there", STUCK_SECONDS, l->ended, count);
    }
}

static void open_all(load *l)
{
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->connections = calloc(l->connections_count, sizeof *l->connections);
    l->idle = calloc(l->connections_count, sizeof(connection *));
    if (l->epoll < 0 || l->connections == NULL || l->idle == NULL)
        bench_die("no memory for connections");
    for (size_t i = 0; i < l->connections_count; i++) {
        l->connections[i].fd = -1;
        l->idle[l->idle_count++] = &l->connections[i];
    }
}

int bench_load(int argc, char *argv[])
{
    sh_error error = {0};
    sh_url url;
    bench_must(sh_url_read(sh_slice_of(bench_text(argc, argv, "url", NULL)), &url, &error), &error);
    size_t count = bench_number(argc, argv, "count", NULL);
    load l = {.address = {.sin_family = AF_INET, .sin_port = htons(url.port)},
              .connections_count = bench_number(argc, argv, "connections", "16"),
              .rate = (double)bench_number(argc, argv, "rate", "0")};
    l.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bench_requests_make(bench_text(argc, argv, "kind", NULL),
                        bench_number(argc, argv, "requests", bench_text(argc, argv, "count", NULL)),
                        bench_number(argc, argv, "devices", "200"),
                        bench_number(argc, argv, "first", "0"), &l.requests);
    l.times = calloc(count + 1, sizeof *l.times);
    if (l.times == NULL)
        bench_die("out of memory");
    open_all(&l);
    double from = bench_now_s();
    run_load(&l, count);
    double seconds = bench_now_s() - from;
    (void)printf("count=%zu seconds=%.4f rate=%.1f s200=%zu s202=%zu s4xx=%zu s5xx=%zu failed=%zu "
                 "p50_us=%.0f p99_us=%.0f max_us=%.0f\n",
                 l.ended, seconds, (double)l.ended / seconds, l.code_200, l.code_202, l.statuses[4],
                 l.statuses[5], l.failed, bench_quantile(l.times, l.ended, 0.5),
                 bench_quantile(l.times, l.ended, 0.99), bench_quantile(l.times, l.ended, 1.0));
    for (size_t i = 0; i < l.connections_count; i++)
        connection_close(&l.connections[i]);
    bench_requests_reset(&l.requests);
    free(l.connections);
    free(l.idle);
    free(l.times);
    return 0;
}
