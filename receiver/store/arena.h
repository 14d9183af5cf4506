/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_ARENA_H
#define SH_ARENA_H

#include <stddef.h>

/*
 * An arena: memory that is freed together, such as the rows of a chunk of a table. For one thread
 * at a time. A zeroed one is empty.
 */
typedef struct {
    struct sh_arena_block *newest;
} sh_arena;

/* Allocates bytes, aligned for any type, valid until clear or reset. NULL: out of memory. */
void *sh_arena_take(sh_arena *arena, size_t bytes);

/* Frees all allocations. Keeps one block of at most 512 KiB for reuse. */
void sh_arena_clear(sh_arena *arena);

void sh_arena_reset(sh_arena *arena); /* frees all memory; the arena is empty then */

#endif
