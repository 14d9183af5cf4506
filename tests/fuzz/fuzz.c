/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fuzz_must(bool kept, const char *promise)
{
    if (kept)
        return;
    (void)fprintf(stderr, "a promise is broken: %s\n", promise);
    abort();
}

char *fuzz_copy(const uint8_t *data, size_t size)
{
    char *copy = malloc(size == 0 ? 1 : size);
    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}
