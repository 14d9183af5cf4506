/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_RESULT_DEDUPLICATION_H
#define RECEIVER_RESULT_DEDUPLICATION_H

#include "libcommon/base/error.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/netalertx/plugin_lines.h"

#include <stddef.h>

/*
 * The lines of a plugin result, one for each pair of primary and secondary id: the newest by its
 * time, or the last of several with the same time. So each id is stored once, however often a
 * result repeats it. Lines borrow from the result's text. A zeroed one is empty.
 */
typedef struct {
    sh_slice text;
    uint64_t hash; /* hash of its ids */
} folded_line;

typedef struct {
    folded_line *lines; /* in the order of the first occurrence of their ids */
    size_t count, capacity;
    uint32_t *slots; /* index of a line plus 1, or 0: free; slots_count is a power of two */
    size_t slots_count;
    uint8_t key[SH_SHORT_KEY_BYTES];
} result_fold;

/* Adds a line. now replaces an invalid time, as in store_result_time(). SH_E_MEMORY. */
sh_err result_deduplication_add(result_fold *fold, const sh_plugin_line *line, const char *now,
                                sh_error *error);

/* The line at index, split again. */
void result_deduplication_at(const result_fold *fold, size_t index, sh_plugin_line *ret);

void result_deduplication_free(result_fold *fold); /* empty afterwards */

#endif
