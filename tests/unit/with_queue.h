/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_WITH_QUEUE_H
#define TESTS_WITH_QUEUE_H

#include "libcommon/crypto/crypto.h"
#include "libcommon/queue/queue.h"
#include "tests/unit/with_redis.h"

/* One Redis for all tests of a program, emptied before each. */

static with_redis server;

static int start(void **state)
{
    (void)state;
    sh_error error = {0};
    assert_int_equal(sh_crypto_init(&error), SH_OK);
    (void)signal(SIGPIPE, SIG_IGN); /* as the programs do */
    redis_start(&server, "0");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    redis_stop(&server);
    return 0;
}

static int empty(void **state)
{
    (void)state;
    (void)redis_ask(&server, "FLUSHALL");
    return 0;
}

static inline sh_queue *open_queue(void)
{
    sh_queue *queue = NULL;
    sh_error error = {0};
    assert_int_equal(sh_queue_new(server.url, "t", &queue, &error), SH_OK);
    return queue;
}

#endif
