/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_PULL_ANSWER_H
#define PULLER_PULL_ANSWER_H

#include "puller/pull_run.h"

/* From a node's answer to its table in the queue. */

/* sh_http_done of the run's requests; context is the run. */
void pull_answer_done(void *context, size_t index, sh_err err, const sh_http_answer *answer,
                      const sh_error *failure);

/* No answer is ready: writes what has come together. context is the run. */
void pull_answer_idle(void *context);

/* enqueue_batch_ended: a table or contact was written, or was not. context is the run. */
void pull_answer_written(void *context, const enqueue_batch_item *item, sh_err err, sh_put put,
                         const sh_error *error);

#endif
