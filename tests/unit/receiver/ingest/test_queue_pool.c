/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/queue_pool.h"

#include "libcommon/http/http_server.h"
#include "tests/unit/with_redis.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

#define THREADS (4 * SH_HTTP_WORKERS_MAX)
#define LOANS 50 /* of each thread */

static with_redis server;

static queue_pool *new_pool(void)
{
    queue_pool *pool = NULL;
    const sh_queue_options options = {.redis_url = server.url, .prefix = "pool"};
    assert_int_equal(queue_pool_new(&options, &pool, NULL), SH_OK);
    return pool;
}

/* Connections to the server but the test's own. */
static long long connections(void)
{
    redisReply *reply = redisCommand(server.client, "INFO clients");
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    const char *number = strstr(reply->str, "connected_clients:");
    assert_non_null(number);
    long long count = strtoll(number + strlen("connected_clients:"), NULL, 10) - 1;
    freeReplyObject(reply);
    return count;
}

typedef struct {
    queue_pool *pool;
    atomic_int held, most, failed;
} crowd;

static void *borrow_again_and_again(void *context)
{
    crowd *c = context;
    for (int i = 0; i < LOANS; i++) {
        queue_loan loan = {0};
        sh_err err = queue_loan_begin(c->pool, &loan, NULL);
        int held = atomic_fetch_add(&c->held, 1) + 1;
        int most = atomic_load(&c->most);
        while (held > most && !atomic_compare_exchange_weak(&c->most, &most, held)) {
        }
        if (err != SH_OK || sh_queue_check(loan.queue, NULL) != SH_OK)
            atomic_fetch_add(&c->failed, 1);
        atomic_fetch_sub(&c->held, 1);
        queue_loan_end(&loan);
    }
    return NULL;
}

static void a_crowd_shares_as_many_connections_as_there_are_workers(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    crowd c = {.pool = new_pool()};
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, borrow_again_and_again, &c), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(c.failed, 0);
    assert_in_range(c.most, 1, SH_HTTP_WORKERS_MAX);
    assert_in_range(connections(), 1, SH_HTTP_WORKERS_MAX);
    queue_pool_free(c.pool);
}

static void one_that_was_returned_is_lent_again(void **state)
{
    (void)state;
    queue_pool *pool = new_pool();
    sh_queue *first = NULL;
    for (int i = 0; i < 3; i++) {
        queue_loan loan = {0};
        assert_int_equal(queue_loan_begin(pool, &loan, NULL), SH_OK);
        first = first == NULL ? loan.queue : first;
        assert_ptr_equal(loan.queue, first);
        queue_loan_end(&loan);
        assert_null(loan.queue);
        queue_loan_end(&loan); /* is not returned twice */
    }
    queue_pool_free(pool);
}

/* Otherwise two threads that hold the last ones would wait for each other. */
static void a_thread_that_borrows_two_is_a_fault_of_the_program(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct rlimit no_core = {0, 0};
        queue_loan one = {0};
        queue_loan two = {0};
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)signal(SIGABRT, SIG_DFL);
        (void)close(2);
        queue_pool *pool = new_pool();
        (void)queue_loan_begin(pool, &one, NULL);
        (void)queue_loan_begin(pool, &two, NULL);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void one_that_cannot_be_opened_takes_no_place(void **state)
{
    (void)state;
    char prefix[1000];
    memset(prefix, 'p', sizeof prefix - 1);
    prefix[sizeof prefix - 1] = '\0';
    const sh_queue_options options = {.redis_url = server.url, .prefix = prefix};
    queue_pool *pool = NULL;
    assert_int_equal(queue_pool_new(&options, &pool, NULL), SH_OK);
    for (int i = 0; i < 2 * SH_HTTP_WORKERS_MAX; i++) {
        queue_loan loan = {0};
        assert_int_equal(queue_loan_begin(pool, &loan, NULL), SH_E_CONFIG);
        assert_null(loan.queue);
        queue_loan_end(&loan);
    }
    queue_pool_free(pool);
}

static int setup(void **state)
{
    (void)state;
    redis_start(&server, "100mb");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    redis_stop(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crowd_shares_as_many_connections_as_there_are_workers),
        cmocka_unit_test(one_that_was_returned_is_lent_again),
        cmocka_unit_test(a_thread_that_borrows_two_is_a_fault_of_the_program),
        cmocka_unit_test(one_that_cannot_be_opened_takes_no_place),
    };
    return cmocka_run_group_tests_name("queue_pool", tests, setup, teardown);
}
