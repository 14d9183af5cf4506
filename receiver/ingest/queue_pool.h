/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_QUEUE_POOL_H
#define RECEIVER_QUEUE_POOL_H

#include "libcommon/base/error.h"
#include "libcommon/queue/queue.h"

/*
 * Connections to Redis that the HTTP server's threads borrow: as many as it has workers, opened
 * when needed. Thread-safe.
 */
typedef struct queue_pool queue_pool;

/* The strings of options must outlive the pool. SH_E_MEMORY. */
sh_err queue_pool_new(const sh_queue_options *options, queue_pool **ret, sh_error *error);
void queue_pool_free(queue_pool *pool); /* no connection may be borrowed; NULL is accepted */

typedef struct {
    sh_queue *queue; /* for the borrower only */
    queue_pool *pool;
} queue_loan;

/*
 * Waits while all are borrowed. A thread borrows one at a time. End with queue_loan_end(). The
 * errors of sh_queue_open().
 */
sh_err queue_loan_begin(queue_pool *pool, queue_loan *ret, sh_error *error);
/* Returns it; a zeroed loan is accepted. For SH_CLEANUP. */
void queue_loan_end(queue_loan *loan);

#endif
