/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_ARENA_H
#define SH_ARENA_H

#include <stddef.h>

/*
 * Memory for what is given back together, as the rows of one chunk of a table. For one thread at a
 * time. Zeroed, it is empty.
 */
typedef struct {
    struct sh_arena_block *newest;
} sh_arena;

/* That many bytes, aligned for any type, until clear or done. NULL: there is no memory. */
void *sh_arena_take(sh_arena *arena, size_t bytes);

/* Gives all back. One block is kept to be taken from again, of 512 KiB at most. */
void sh_arena_clear(sh_arena *arena);

void sh_arena_reset(sh_arena *arena); /* gives all back; empty then */

#endif
