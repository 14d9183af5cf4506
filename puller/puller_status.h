/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_STATUS_H
#define PULLER_STATUS_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The result of one node in one run. */
typedef enum {
    PULL_PULLED,    /* its table is in the queue */
    PULL_UNCHANGED, /* the hub has it already */
    PULL_FAILED,
    PULL_SKIPPED, /* another puller fetches it, or the program stops */
    PULL_OUTCOMES
} puller_outcome;

/* Counters for GET /metrics. */
void puller_count_node(puller_outcome outcome);
void puller_count_run(size_t failed, size_t nodes, int64_t duration_ms, int64_t end_unix_ms);

/*
 * Watches Redis, reads settings made on the hub, and serves GET /livez, /readyz and /metrics on
 * SYNC_listen if that is set.
 */
typedef struct puller_status puller_status;
sh_err puller_status_start(const sh_settings *settings, puller_status **ret, sh_error *error);
void puller_status_stop(puller_status *status); /* NULL is accepted */

#endif
