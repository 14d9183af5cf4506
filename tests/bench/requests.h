/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_REQUESTS_H
#define BENCH_REQUESTS_H

#include "libcommon/base/text.h"

#include <stdbool.h>
#include <stddef.h>

/* The requests of one load, generated before it starts. */
typedef struct {
    sh_slice head; /* up to the empty line, inclusive */
    sh_slice body;
    bool asks; /* sends the body after 100 Continue */
} bench_request;

typedef struct {
    bench_request *all;
    size_t count; /* a load with more requests repeats them */
    struct bench_store {
        char **blocks;
        size_t count;
    } memory;
} bench_requests;

/*
 * kind is native (an envelope each, its id new), webdis (the same envelopes, for that program to
 * pass to XADD), netalertx (one body), unchanged (kept-alive check-ins without a body), million
 * (check-ins that ask before they send, 1 % of them changed; of the nodes from first on).
 */
void bench_requests_make(const char *kind, size_t count, size_t devices, size_t first,
                         bench_requests *ret);
void bench_requests_reset(bench_requests *requests);

#endif
