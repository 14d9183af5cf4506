/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/postgres/postgres_array.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#define NULLS_AT 4 /* whether an element is NULL */

static void put(postgres_array *a, uint32_t number)
{
    uint32_t big_endian = htobe32(number);
    memcpy(a->end, &big_endian, sizeof big_endian);
    a->end += sizeof big_endian;
}

/* Dimensions, whether there are NULLs, type, length, lower bound. */
postgres_array postgres_array_begin(char *room, uint32_t type, size_t count)
{
    postgres_array a = {.head = room, .end = room};
    assert(count > 0 && count <= INT32_MAX);
    const uint32_t head[] = {1, 0, type, (uint32_t)count, 1};
    for (size_t i = 0; i < sizeof head / sizeof head[0]; i++)
        put(&a, head[i]);
    return a;
}

void postgres_array_add(postgres_array *a, sh_slice value)
{
    put(a, (uint32_t)value.len);
    if (value.len > 0)
        memcpy(a->end, value.data, value.len);
    a->end += value.len;
}

void postgres_array_add_bigint(postgres_array *a, int64_t number)
{
    uint64_t big_endian = htobe64((uint64_t)number);
    postgres_array_add(a, (sh_slice){(const char *)&big_endian, sizeof big_endian});
}

void postgres_array_add_null(postgres_array *a)
{
    const uint32_t some = htobe32(1);
    put(a, UINT32_MAX); /* a length of -1 */
    memcpy(a->head + NULLS_AT, &some, sizeof some);
}

sh_slice postgres_array_bytes(const postgres_array *a)
{
    return (sh_slice){a->head, (size_t)(a->end - a->head)};
}
