/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SPELLING_H
#define SH_SPELLING_H

#include <stddef.h>

#define SH_NEAREST_BYTES 128 /* longer words are not compared */

/* Case-insensitive Levenshtein distance; SIZE_MAX if either word is too long. */
size_t sh_text_distance(const char *a, const char *b);

/* "Did you mean …?": the candidate nearest to a misspelled word. */
typedef struct {
    const char *word; /* borrowed from the candidates; NULL: none is near enough */
    size_t distance;
} sh_nearest;

/* Starts a search that ignores candidates at a distance of more than 3 or half of word. */
sh_nearest sh_nearest_begin(const char *word);
void sh_nearest_try(sh_nearest *nearest, const char *word, const char *candidate);

#endif
