/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_NEAREST_H
#define SH_NEAREST_H

#include <stddef.h>

#define SH_NEAREST_BYTES 128 /* words that are compared are shorter */

/* Insertions, removals and replacements between two words, without regard to case; SIZE_MAX where
 * one is too long to be compared. */
size_t sh_text_distance(const char *a, const char *b);

/* For the word that was meant: the nearest so far, at most `distance` away. */
typedef struct {
    const char *word; /* NULL: none yet */
    size_t distance;
} sh_nearest;

/* What is further away than 3, or than half of the word, is no slip of the finger. */
sh_nearest sh_nearest_begin(const char *word);
void sh_nearest_try(sh_nearest *nearest, const char *word, const char *candidate);

#endif
