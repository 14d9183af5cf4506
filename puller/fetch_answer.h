/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_FETCH_ANSWER_H
#define PULLER_FETCH_ANSWER_H

#include "puller/pull_run.h"

/* Processes a node's answer until its table is in the queue. */

/* sh_http_done of the run's requests; context is the run. */
void pull_answer_done(void *context, size_t index, sh_err err, const sh_http_answer *answer,
                      const sh_error *failure);

/* idle() of the run's requests: writes the batch. context is the run. */
void pull_answer_idle(void *context);

/* enqueue_batch_ended of the run: a table or contact was written, or failed. context is the run. */
void pull_answer_written(void *context, const enqueue_batch_item *item, sh_err err, sh_put put,
                         const sh_error *error);

#endif
