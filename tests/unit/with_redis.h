/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_WITH_REDIS_H
#define TESTS_WITH_REDIS_H

#include "tests/unit/temp.h"
#include "tests/unit/unit.h"
#include "tests/wait.h"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A real Redis of the test's own, on a Unix socket in a new folder. A missing server fails the
 * test. */
typedef struct {
    pid_t pid;
    char folder[64];
    char url[128];
    redisContext *client; /* the test's own connection */
} with_redis;

static inline void redis_exec(const with_redis *r, const char *maxmemory)
{
    char socket_path[96];
    (void)snprintf(socket_path, sizeof socket_path, "%s/redis.sock", r->folder);
    int quiet = dup(2);
    /* It must not outlive a test that was killed, nor hold the test's output open. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int nothing = open("/dev/null", O_WRONLY);
    (void)dup2(nothing, 1);
    (void)dup2(nothing, 2);
    (void)fcntl(quiet, F_SETFD, FD_CLOEXEC);
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket_path, "--dir",
           r->folder, "--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy",
           "noeviction", "--maxmemory", maxmemory, "--save", "", (char *)NULL);
    (void)dprintf(quiet, "redis-server is not installed\n");
    _exit(127);
}

static inline void redis_launch(with_redis *r, const char *maxmemory)
{
    r->pid = fork();
    assert_true(r->pid >= 0);
    if (r->pid == 0)
        redis_exec(r, maxmemory);
    char path[96];
    (void)snprintf(path, sizeof path, "%s/redis.sock", r->folder);
    for (int tries = 0;; tries++) {
        r->client = redisConnectUnix(path);
        redisReply *reply =
            r->client != NULL && r->client->err == 0 ? redisCommand(r->client, "PING") : NULL;
        int up = reply != NULL && reply->type == REDIS_REPLY_STATUS;
        if (reply != NULL)
            freeReplyObject(reply);
        if (up)
            return;
        if (r->client != NULL)
            redisFree(r->client);
        assert_true(tries < 500);
        poll_pause_us(20000);
    }
}

static inline void redis_start(with_redis *r, const char *maxmemory)
{
    (void)snprintf(r->folder, sizeof r->folder, "%s/synchub-test-XXXXXX", temp_base_short());
    assert_non_null(mkdtemp(r->folder));
    (void)snprintf(r->url, sizeof r->url, "unix:%s/redis.sock", r->folder);
    redis_launch(r, maxmemory);
}

static inline void redis_kill(with_redis *r)
{
    redisFree(r->client);
    assert_int_equal(kill(r->pid, SIGKILL), 0);
    assert_int_equal(waitpid(r->pid, NULL, 0), r->pid);
}

static inline void redis_stop(with_redis *r)
{
    redis_kill(r);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", "--", r->folder, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* The integer that a command answers. */
static inline long long redis_ask(with_redis *r, const char *command)
{
    redisReply *reply = redisCommand(r->client, command);
    assert_non_null(reply);
    long long n = reply->type == REDIS_REPLY_INTEGER  ? reply->integer
                  : reply->type == REDIS_REPLY_STRING ? strtoll(reply->str, NULL, 10)
                  : reply->type == REDIS_REPLY_ERROR  ? -1
                                                      : 0;
    freeReplyObject(reply);
    return n;
}

#endif
