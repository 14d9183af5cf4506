/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/spelling.h"

#include <stdint.h>
#include <string.h>

#define DISTANCE_MAX 3

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Levenshtein distance with one row of the matrix. */
size_t sh_text_distance(const char *a, const char *b)
{
    size_t row[SH_NEAREST_BYTES];
    size_t len = strlen(b);
    if (len >= SH_NEAREST_BYTES || strlen(a) >= SH_NEAREST_BYTES)
        return SIZE_MAX;
    for (size_t j = 0; j <= len; j++)
        row[j] = j;
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < len; j++) {
            size_t replaced = diagonal + (lower(a[i]) != lower(b[j]));
            diagonal = row[j + 1];
            size_t removed = row[j + 1] + 1;
            size_t added = row[j] + 1;
            size_t best = removed < added ? removed : added;
            row[j + 1] = replaced < best ? replaced : best;
        }
    }
    return row[len];
}

sh_nearest sh_nearest_begin(const char *word)
{
    size_t half = (strlen(word) + 1) / 2;
    return (sh_nearest){.distance = half < DISTANCE_MAX ? half : DISTANCE_MAX};
}

void sh_nearest_try(sh_nearest *nearest, const char *word, const char *candidate)
{
    size_t distance = sh_text_distance(word, candidate);
    if (distance > nearest->distance || (nearest->word != NULL && distance == nearest->distance))
        return;
    nearest->word = candidate;
    nearest->distance = distance;
}
