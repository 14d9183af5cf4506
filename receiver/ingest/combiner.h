/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_COMBINER_H
#define RECEIVER_COMBINER_H

#include "libcommon/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Group commit: calls of several threads become one. While a call is in progress, those that come
 * meanwhile wait, and the thread of one of them makes the next call for all. If a call takes long,
 * they do not wait for it but make the next one beside it. Thread-safe.
 */
typedef struct combiner combiner;

/* What one thread adds to a call: the first member of a struct of the caller's. */
typedef struct combiner_part {
    size_t weight;
    struct combiner_part *next; /* in the same call; NULL: the last one */
    bool is_taken, is_done;     /* the combiner's: by a call, which has ended */
} combiner_part;

/* Makes the call for a list of parts. Their threads wait until it returns. */
typedef void combiner_call(const void *context, combiner_part *first);

/*
 * Parts of one call weigh weight_max together, or there is only one. A part waits at most
 * patience_ms for calls that it is not in. SH_E_MEMORY.
 */
sh_err combiner_new(size_t weight_max, int64_t patience_ms, combiner **ret, sh_error *error);
void combiner_free(combiner *c); /* no thread may be in combiner_run(); NULL is accepted */

/*
 * Returns once a call with this part has ended, in this thread or another: all threads must give
 * the same call and context.
 */
void combiner_run(combiner *c, combiner_part *part, combiner_call *call, const void *context);

size_t combiner_waiting(combiner *c); /* number of parts that no call has taken yet */

#endif
