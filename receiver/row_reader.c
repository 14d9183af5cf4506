/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/row_reader.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#define ROWS_WORTH_A_THREAD 32

struct row_reader {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    const row_reader_job *job; /* NULL: nothing to do */
    bool ending;
};

static void read_rows(const row_reader_job *job)
{
    for (size_t i = 0; i < job->count; i++) {
        row_reader_row *row = &job->rows[i];
        sh_error_clear(&row->error);
        row->ret = NULL;
        (void)sh_device_row_read(row->text, job->columns, job->columns_count, job->node, job->now,
                                 &row->ret, &row->error);
    }
}

static void *run(void *context)
{
    row_reader *r = context;
    (void)pthread_mutex_lock(&r->lock);
    for (;;) {
        while (r->job == NULL && !r->ending)
            (void)pthread_cond_wait(&r->changed, &r->lock);
        if (r->ending)
            break;
        const row_reader_job *job = r->job;
        (void)pthread_mutex_unlock(&r->lock);
        read_rows(job);
        (void)pthread_mutex_lock(&r->lock);
        r->job = NULL;
        (void)pthread_cond_broadcast(&r->changed);
    }
    (void)pthread_mutex_unlock(&r->lock);
    return NULL;
}

sh_err row_reader_new(row_reader **ret, sh_error *error)
{
    row_reader *r = calloc(1, sizeof *r);
    if (r == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to read rows");
    (void)pthread_mutex_init(&r->lock, NULL);
    (void)pthread_cond_init(&r->changed, NULL);
    if (pthread_create(&r->thread, NULL, run, r) != 0) {
        (void)pthread_cond_destroy(&r->changed);
        (void)pthread_mutex_destroy(&r->lock);
        free(r);
        return sh_fail(error, SH_E_MEMORY, "the system gives no thread to read rows");
    }
    *ret = r;
    return SH_OK;
}

void row_reader_free(row_reader *r)
{
    if (r == NULL)
        return;
    (void)pthread_mutex_lock(&r->lock);
    assert(r->job == NULL);
    r->ending = true;
    (void)pthread_cond_broadcast(&r->changed);
    (void)pthread_mutex_unlock(&r->lock);
    (void)pthread_join(r->thread, NULL);
    (void)pthread_cond_destroy(&r->changed);
    (void)pthread_mutex_destroy(&r->lock);
    free(r);
}

void row_reader_start(row_reader *r, const row_reader_job *job)
{
    if (job->count < ROWS_WORTH_A_THREAD) {
        read_rows(job);
        return;
    }
    (void)pthread_mutex_lock(&r->lock);
    assert(r->job == NULL);
    r->job = job;
    (void)pthread_cond_broadcast(&r->changed);
    (void)pthread_mutex_unlock(&r->lock);
}

void row_reader_wait(row_reader *r)
{
    (void)pthread_mutex_lock(&r->lock);
    while (r->job != NULL)
        (void)pthread_cond_wait(&r->changed, &r->lock);
    (void)pthread_mutex_unlock(&r->lock);
}
