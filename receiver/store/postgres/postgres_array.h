/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_POSTGRES_ARRAY_H
#define RECEIVER_POSTGRES_ARRAY_H

#include "libcommon/base/text.h"

#include <stdint.h>

/*
 * Arrays of one dimension in PostgreSQL's binary format (array_recv() in its arrayfuncs.c), for
 * parameters of statements that take many rows at once. Pure.
 */

/* Bytes of an array of count elements whose values have this many bytes together; NULLs have 0. */
#define POSTGRES_ARRAY_BYTES(count, value_bytes) (20 + 4 * (size_t)(count) + (size_t)(value_bytes))
#define POSTGRES_BIGINT_BYTES 8

typedef struct {
    char *head, *end;
} postgres_array;

/*
 * Begins an array of count elements, at least one, of the type with this OID. The caller's room
 * must suffice for all of it, and exactly count elements must be added.
 */
postgres_array postgres_array_begin(char *room, uint32_t type, size_t count);
void postgres_array_add(postgres_array *a, sh_slice value);
void postgres_array_add_bigint(postgres_array *a, int64_t number);
void postgres_array_add_null(postgres_array *a);
sh_slice postgres_array_bytes(const postgres_array *a); /* borrowed from the room */

#endif
