/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/queue_pool.h"

#include "libcommon/http/http_server.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

/*
 * A worker of the HTTP server borrows one at a time. So each has one, and an I/O thread that needs
 * one, which is rare, waits for a worker at most.
 */
#define QUEUES_MAX SH_HTTP_WORKERS_MAX

/* A thread that held one and waited for another could deadlock. */
static _Thread_local bool borrowed;

struct queue_pool {
    sh_queue_options options;
    pthread_mutex_t lock;
    pthread_cond_t returned;
    sh_queue *idle[QUEUES_MAX]; /* the one used last is taken first */
    size_t idle_count, made;
};

sh_err queue_pool_new(const sh_queue_options *options, queue_pool **ret, sh_error *error)
{
    queue_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for connections to Redis");
    pool->options = *options;
    (void)pthread_mutex_init(&pool->lock, NULL);
    (void)pthread_cond_init(&pool->returned, NULL);
    *ret = pool;
    return SH_OK;
}

void queue_pool_free(queue_pool *pool)
{
    if (pool == NULL)
        return;
    for (size_t i = 0; i < pool->idle_count; i++)
        sh_queue_free(pool->idle[i]);
    (void)pthread_cond_destroy(&pool->returned);
    (void)pthread_mutex_destroy(&pool->lock);
    free(pool);
}

sh_err queue_loan_begin(queue_pool *pool, queue_loan *ret, sh_error *error)
{
    *ret = (queue_loan){.pool = pool};
    assert(!borrowed);
    (void)pthread_mutex_lock(&pool->lock);
    while (pool->idle_count == 0 && pool->made == QUEUES_MAX)
        (void)pthread_cond_wait(&pool->returned, &pool->lock);
    if (pool->idle_count > 0)
        ret->queue = pool->idle[--pool->idle_count];
    else
        pool->made++;
    (void)pthread_mutex_unlock(&pool->lock);
    sh_err err = SH_OK;
    if (ret->queue == NULL)
        err = sh_queue_open(&pool->options, &ret->queue, error);
    borrowed = err == SH_OK;
    if (err != SH_OK) {
        ret->queue = NULL;
        (void)pthread_mutex_lock(&pool->lock);
        pool->made--;
        (void)pthread_cond_signal(&pool->returned);
        (void)pthread_mutex_unlock(&pool->lock);
    }
    return err;
}

void queue_loan_end(queue_loan *loan)
{
    if (loan->queue == NULL)
        return;
    queue_pool *pool = loan->pool;
    (void)pthread_mutex_lock(&pool->lock);
    pool->idle[pool->idle_count++] = loan->queue;
    borrowed = false;
    (void)pthread_cond_signal(&pool->returned);
    (void)pthread_mutex_unlock(&pool->lock);
    loan->queue = NULL;
}
