/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/hex.h"
#include "libcommon/base/limits.h"
#include "tests/bench/bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Simulated nodes, each with its own port, that answer GET /sync with a table. Most answer
 * immediately; every 20th after `slow_ms`; another 20th is dead and never answers, although it
 * accepts connections, like a host that hangs. Prints the ports, then serves until SIGTERM.
 */
#define EVERY 20
#define EVENTS_MAX 256

typedef enum { NODE_GOOD, NODE_SLOW, NODE_DEAD } node_kind;

typedef struct {
    int fd;     /* the listening socket */
    int peer;   /* the current connection, or -1 */
    double due; /* when to answer; 0: no pending request */
    node_kind kind;
    sh_buf answer;
} node;

static void listen_at(node *n, int epoll, bool listens_to_requests)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    n->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (n->fd < 0 || bind(n->fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(n->fd, 16) != 0 || getsockname(n->fd, (struct sockaddr *)&address, &len) != 0)
        bench_die("no port: %s", strerror(errno));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = n};
    if (listens_to_requests && epoll_ctl(epoll, EPOLL_CTL_ADD, n->fd, &event) != 0)
        bench_die("epoll: %s", strerror(errno));
    (void)printf("%u\n", ntohs(address.sin_port));
}

static void make_answer(node *n, size_t number, size_t devices, const uint8_t *key, sh_buf *text)
{
    char name[32];
    char hex[SH_DIGEST_HEX_BYTES];
    sh_envelope_header header;
    sh_buf envelope = SH_BUF_INIT(SH_ENVELOPE_MAX);
    (void)snprintf(name, sizeof name, "pulled-%04zu", number);
    sh_buf_clear(text);
    bench_table(200000000 + number * devices, devices, text);
    bench_seal(key, name, (sh_slice){text->data, text->len}, &header, &envelope);
    sh_hex_encode(header.digest, SH_DIGEST_BYTES, hex);
    n->answer = SH_BUF_INIT(SH_ENVELOPE_MAX + SH_KIB);
    bench_must(sh_buf_append_format(&n->answer,
                                    "HTTP/1.1 200 OK\r\nContent-Type: " SH_ENVELOPE_TYPE
                                    "\r\nETag: \"%s\"\r\nContent-Length: %zu\r\n\r\n",
                                    hex, envelope.len),
               NULL);
    bench_must(sh_buf_append(&n->answer, envelope.data, envelope.len), NULL);
    sh_buf_reset(&envelope);
}

/* Sends the whole answer at once: it fits in the socket's buffer. */
static void send_answer(node *n)
{
    if (send(n->peer, n->answer.data, n->answer.len, MSG_NOSIGNAL) != (ssize_t)n->answer.len)
        bench_die("an answer did not fit the socket");
    n->due = 0;
}

static void on_listener(node *n, int epoll)
{
    int peer = accept4(n->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (peer < 0)
        return;
    if (n->peer >= 0)
        (void)close(n->peer);
    n->peer = peer;
    /* The lowest bit distinguishes the events of a connection from those of its listener. */
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)(uintptr_t)n | 1};
    (void)epoll_ctl(epoll, EPOLL_CTL_ADD, peer, &event);
}

static void on_peer(node *n, double slow_s)
{
    char request[4096];
    ssize_t got = recv(n->peer, request, sizeof request, 0);
    if (got < 0)
        return;
    if (got == 0) {
        (void)close(n->peer);
        n->peer = -1;
        n->due = 0;
    } else if (n->kind == NODE_GOOD) {
        send_answer(n);
    } else {
        n->due = bench_now_s() + slow_s;
    }
}

static volatile sig_atomic_t stopping;

static void on_stop(int number)
{
    (void)number;
    stopping = 1;
}

static void serve(node *nodes, size_t count, int epoll, double slow_s)
{
    struct epoll_event events[EVENTS_MAX];
    while (!stopping) {
        int ready = epoll_wait(epoll, events, EVENTS_MAX, 10);
        for (int i = 0; i < ready; i++) {
            node *n = (node *)(uintptr_t)(events[i].data.u64 & ~1ULL);
            if ((events[i].data.u64 & 1) == 0)
                on_listener(n, epoll);
            else if (n->peer >= 0)
                on_peer(n, slow_s);
        }
        double now = bench_now_s();
        for (size_t i = 0; i < count; i++)
            if (nodes[i].due > 0 && now >= nodes[i].due)
                send_answer(&nodes[i]);
    }
}

int bench_nodes(int argc, char *argv[])
{
    size_t count = bench_number(argc, argv, "count", NULL);
    size_t devices = bench_number(argc, argv, "devices", "200");
    struct rlimit files = {count * 2 + 64, count * 2 + 64};
    uint8_t key[SH_KEY_BYTES];
    sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
    node *nodes = calloc(count + 1, sizeof *nodes);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (nodes == NULL || epoll < 0)
        bench_die("out of memory");
    (void)setrlimit(RLIMIT_NOFILE, &files);
    (void)signal(SIGTERM, on_stop);
    bench_passphrase_key(key);
    for (size_t i = 0; i < count; i++) {
        nodes[i].peer = -1;
        nodes[i].kind = i % EVERY == 0 ? NODE_DEAD : i % EVERY == 1 ? NODE_SLOW : NODE_GOOD;
        listen_at(&nodes[i], epoll, nodes[i].kind != NODE_DEAD);
        if (nodes[i].kind != NODE_DEAD)
            make_answer(&nodes[i], i, devices, key, &text);
    }
    (void)printf("ready\n");
    (void)fflush(stdout);
    serve(nodes, count, epoll, (double)bench_number(argc, argv, "slow_ms", "2000") / 1000);
    for (size_t i = 0; i < count; i++)
        sh_buf_reset(&nodes[i].answer);
    sh_buf_reset(&text);
    free(nodes);
    return 0;
}
