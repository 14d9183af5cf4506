/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_HTTP_SCRIPT_H
#define TESTS_HTTP_SCRIPT_H

/* A server of the HTTP client's tests: it answers each path with fixed bytes. */

#include "libcommon/base/buffer.h"
#include "libcommon/base/limits.h"
#include "tests/wait.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct {
    const char *path;
    const char *answer;
    size_t fill;       /* bytes of 'x' that follow it */
    bool fill_headers; /* or of header lines */
    bool read_body;    /* waits for the body before it answers */
    bool hang;         /* keeps the connection open, and answers nothing more */
    bool keep;         /* accepts the next request on the same connection */
    bool released;     /* answers after a call of server_release() for it */
} script;

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static const script scripts[] = {
    {.path = "/ok",
     .answer = "HTTP/1.1 200 OK\r\nContent-Type: Application/JSON; charset=utf-8\r\n"
               "ETag: \"abc\"\r\nContent-Length: 5\r\n\r\nhello",
     .keep = true},
    {.path = "/busy", .answer = "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"},
    {.path = "/moved",
     .answer = "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n"},
    {.path = "/short", .answer = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"},
    {.path = "/huge", .answer = "HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\nhello"},
    {.path = "/endless", .answer = "HTTP/1.1 200 OK\r\n\r\n", .fill = 300000},
    {.path = "/hundred", .answer = "HTTP/1.1 200 OK\r\n\r\n", .fill = 100},
    {.path = "/holds", .answer = "HTTP/1.1 200 OK\r\n\r\n", .fill = 200000, .hang = true},
    {.path = "/headers", .answer = "HTTP/1.1 200 OK\r\n", .fill = 70000, .fill_headers = true},
    {.path = "/nonsense", .answer = "\x01\x02 nothing of the kind\r\n\r\n"},
    {.path = "/silent", .answer = "", .hang = true},
    {.path = "/byte", .answer = "H", .hang = true},
    {.path = "/stuck", .answer = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhel", .hang = true},
    {.path = "/closed", .answer = ""},
    {.path = "/gzip",
     .answer = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b++"},
    {.path = "/take", .answer = OK_EMPTY, .read_body = true},
    {.path = "/released", .answer = OK_EMPTY, .released = true},
    {.path = "/known", .answer = OK_EMPTY, .keep = true},
    {.path = "/go",
     .answer = "HTTP/1.1 100 Continue\r\nETag: \"interim\"\r\n\r\n" OK_EMPTY,
     .read_body = true},
};

#define SEEN_BYTES 8192
#define CONNECTIONS_MAX 512

static struct {
    int fd;
    uint16_t port;
    pthread_t thread;
    pthread_mutex_t lock;
    char seen[SEEN_BYTES]; /* all bytes of requests since the last reset */
    size_t seen_len;
    int connections;
    size_t sent;     /* answers, or begun ones, since the last reset … */
    unsigned resets; /* … whose requests came since */
    size_t releases; /* that are left */
    pthread_cond_t released;
    int open[CONNECTIONS_MAX];
    pthread_t threads[CONNECTIONS_MAX];
    size_t open_count;
} server;

__attribute__((unused)) static void server_reset(void)
{
    pthread_mutex_lock(&server.lock);
    memset(server.seen, 0, sizeof server.seen);
    server.seen_len = 0;
    server.connections = 0;
    server.sent = 0;
    server.resets++;
    server.releases = 0;
    pthread_mutex_unlock(&server.lock);
}

/* Lets it answer this number of requests that wait for it. */
__attribute__((unused)) static void server_release(size_t count)
{
    pthread_mutex_lock(&server.lock);
    server.releases += count;
    pthread_cond_broadcast(&server.released);
    pthread_mutex_unlock(&server.lock);
}

__attribute__((unused)) static size_t server_sent(void)
{
    pthread_mutex_lock(&server.lock);
    size_t sent = server.sent;
    pthread_mutex_unlock(&server.lock);
    return sent;
}

static void wait_for_release(void)
{
    pthread_mutex_lock(&server.lock);
    while (server.releases == 0)
        pthread_cond_wait(&server.released, &server.lock);
    server.releases--;
    pthread_mutex_unlock(&server.lock);
}

/* Loopback delivers later than send() returns where the machine is busy. */
static void wait_until_delivered(int fd)
{
    int left = 0;
    while (ioctl(fd, SIOCOUTQ, &left) == 0 && left > 0)
        poll_pause_us(1000);
}

static unsigned count_resets(void)
{
    pthread_mutex_lock(&server.lock);
    unsigned resets = server.resets;
    pthread_mutex_unlock(&server.lock);
    return resets;
}

/* A client may have the answer, and the next test may have begun, before this is called. */
static void count_sent(unsigned resets)
{
    pthread_mutex_lock(&server.lock);
    server.sent += server.resets == resets;
    pthread_mutex_unlock(&server.lock);
}

__attribute__((unused)) static bool server_saw(const char *text)
{
    pthread_mutex_lock(&server.lock);
    bool saw = strstr(server.seen, text) != NULL;
    pthread_mutex_unlock(&server.lock);
    return saw;
}

__attribute__((unused)) static int server_connections(void)
{
    pthread_mutex_lock(&server.lock);
    int connections = server.connections;
    pthread_mutex_unlock(&server.lock);
    return connections;
}

/* Reads until text arrives; false if the peer closes before. */
static bool read_until(int fd, sh_buf *in, const char *text)
{
    while (in->data == NULL || strstr(in->data, text) == NULL) {
        char bytes[4096];
        ssize_t got = recv(fd, bytes, sizeof bytes, 0);
        if (got <= 0 || sh_buf_append(in, bytes, (size_t)got) != SH_OK)
            return false;
        pthread_mutex_lock(&server.lock);
        for (ssize_t i = 0; i < got && server.seen_len < SEEN_BYTES - 1; i++)
            server.seen[server.seen_len++] = bytes[i];
        pthread_mutex_unlock(&server.lock);
    }
    return true;
}

static const script *find_script(const char *request)
{
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        const char *path = strchr(request, ' ');
        size_t len = strlen(scripts[i].path);
        if (path != NULL && strncmp(path + 1, scripts[i].path, len) == 0 && path[1 + len] == ' ')
            return &scripts[i];
    }
    return NULL;
}

/* Answers one request; false when the connection is to be closed. */
static bool serve_request(int fd)
{
    sh_buf in = SH_BUF_INIT(1024 * 1024);
    bool good = read_until(fd, &in, "\r\n\r\n");
    const script *s = good ? find_script(in.data) : NULL;
    unsigned resets = count_resets();
    if (s != NULL) {
        const char *answer = s->answer;
        const char *rest = strstr(answer, OK_EMPTY);
        if (strncmp(answer, "HTTP/1.1 100", 12) == 0 && rest != NULL) {
            (void)send(fd, answer, (size_t)(rest - answer), MSG_NOSIGNAL);
            answer = rest;
        }
        if (s->read_body)
            (void)read_until(fd, &in, "END");
        if (s->released)
            wait_for_release();
        (void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
        if (s->released)
            wait_until_delivered(fd);
        count_sent(resets);
        char block[1000];
        memset(block, 'x', sizeof block);
        for (size_t i = 0; s->fill_headers && i < sizeof block; i += 100) {
            memcpy(block + i, "X: ", 3);
            block[i + 99] = '\n';
        }
        for (size_t sent = 0; sent < s->fill; sent += sizeof block) {
            size_t len = s->fill - sent < sizeof block ? s->fill - sent : sizeof block;
            if (send(fd, block, len, MSG_NOSIGNAL) < 0)
                break;
        }
        if (s->hang)
            (void)read_until(fd, &in, "never");
    }
    sh_buf_reset(&in);
    return s != NULL && s->keep;
}

static void *serve_connection(void *context)
{
    int fd = (int)(intptr_t)context;
    while (serve_request(fd))
        ;
    (void)shutdown(fd, SHUT_WR);
    char rest[4096]; /* closing with unread bytes would reset the connection and lose the answer */
    while (recv(fd, rest, sizeof rest, 0) > 0)
        ;
    return NULL;
}

static void *serve(void *context)
{
    (void)context;
    int fd;
    while ((fd = accept(server.fd, NULL, NULL)) >= 0) {
        pthread_mutex_lock(&server.lock);
        assert_true(server.open_count < CONNECTIONS_MAX);
        size_t at = server.open_count++;
        server.open[at] = fd;
        server.connections++;
        pthread_mutex_unlock(&server.lock);
        if (pthread_create(&server.threads[at], NULL, serve_connection, (void *)(intptr_t)fd) != 0)
            abort();
    }
    return NULL;
}

static int server_start(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t len = sizeof address;
    pthread_mutex_init(&server.lock, NULL);
    pthread_cond_init(&server.released, NULL);
    server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server.fd < 0 || bind(server.fd, (struct sockaddr *)&address, len) != 0 ||
        listen(server.fd, 128) != 0 ||
        getsockname(server.fd, (struct sockaddr *)&address, &len) != 0)
        return -1;
    server.port = ntohs(address.sin_port);
    return pthread_create(&server.thread, NULL, serve, NULL);
}

static int server_stop(void **state)
{
    (void)state;
    server_release(CONNECTIONS_MAX);
    (void)shutdown(server.fd, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    for (size_t i = 0; i < server.open_count; i++) {
        (void)shutdown(server.open[i], SHUT_RDWR);
        pthread_join(server.threads[i], NULL);
        (void)close(server.open[i]);
    }
    (void)close(server.fd);
    return 0;
}

#endif
