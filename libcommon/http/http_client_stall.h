/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_CLIENT_STALL_H
#define SH_HTTP_CLIENT_STALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Part of the module http_client: whether an answer that has begun hardly goes on. Pure. */

#define HTTP_STALL_MS 5000
#define HTTP_STALL_BYTES_PER_S 16384

typedef struct {
    int64_t mark_ms; /* monotonic; 0: not looked at since it began or was resumed */
    size_t mark_len; /* of the body, then */
} http_client_stall;

/*
 * To be asked now and then: true where less than HTTP_STALL_BYTES_PER_S came for stall_ms or more.
 * len is the body's now.
 */
bool http_client_stalls(http_client_stall *s, size_t len, int64_t now_ms, int64_t stall_ms);

#endif
