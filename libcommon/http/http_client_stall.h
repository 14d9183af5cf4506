/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_CLIENT_STALL_H
#define SH_HTTP_CLIENT_STALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Part of the module http_client: detects answers that have stalled. Pure. */

#define HTTP_STALL_MS 5000
#define HTTP_STALL_BYTES_PER_S 16384

typedef struct {
    int64_t mark_ms; /* monotonic; 0: not checked since it started or was resumed */
    size_t mark_len; /* length of the body then */
} http_client_stall;

/*
 * Call it regularly: returns true if the rate was below HTTP_STALL_BYTES_PER_S for at least
 * stall_ms. len is the current length of the body.
 */
bool http_client_stalls(http_client_stall *s, size_t len, int64_t now_ms, int64_t stall_ms);

#endif
