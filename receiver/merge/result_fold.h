/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_RESULT_FOLD_H
#define RECEIVER_RESULT_FOLD_H

#include "libcommon/base/error.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/netalertx/plugin_lines.h"

#include <stddef.h>

/*
 * The lines of one plugin result, one for each pair of primary and secondary id: the newest by its
 * time, of several with the same time the last. The database therefore sees each id once, however
 * often a result repeats it. Lines borrow from the text of the result. Zeroed is empty.
 */
typedef struct {
    sh_slice text;
    uint64_t hash; /* of its ids */
} folded_line;

typedef struct {
    folded_line *lines; /* in the order in which their ids first came */
    size_t count, capacity;
    uint32_t *slots; /* index of a line and 1, or 0 where free; slots_count is a power of two */
    size_t slots_count;
    uint8_t key[SH_SHORT_KEY_BYTES];
} result_fold;

/* now stands for a time that is none, as in store_result_time(). SH_E_MEMORY. */
sh_err result_fold_add(result_fold *fold, const sh_plugin_line *line, const char *now,
                       sh_error *error);

/* The line at index, split again. */
void result_fold_at(const result_fold *fold, size_t index, sh_plugin_line *ret);

void result_fold_free(result_fold *fold); /* leaves it empty */

#endif
