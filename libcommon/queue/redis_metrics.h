/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_REDIS_METRICS_H
#define SH_REDIS_METRICS_H

#include "libcommon/base/buffer.h"
#include "libcommon/queue/queue_watch.h"

/*
 * Appends the metrics about Redis, as the watch found it: synchub_redis_… What is unknown has no
 * value. Thread-safe. SH_E_MEMORY, SH_E_LIMIT.
 */
sh_err sh_redis_metrics_write(const sh_queue_state *state, sh_buf *ret);

#endif
