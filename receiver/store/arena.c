/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/arena.h"

#include "libcommon/base/limits.h"

#include <stdint.h>
#include <stdlib.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, bytes) ((void)(at), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(at, bytes) ((void)(at), (void)(bytes))
#endif

#define BLOCK_FIRST (8 * SH_KIB)  /* blocks double from here … */
#define BLOCK_MOST (512 * SH_KIB) /* … up to this; a larger request gets its own block */

typedef struct sh_arena_block {
    struct sh_arena_block *older;
    size_t size, used; /* bytes of memory */
    max_align_t memory[];
} block;

static block *add_block(sh_arena *arena, size_t bytes)
{
    size_t size = arena->newest == NULL ? BLOCK_FIRST : 2 * arena->newest->size;
    if (size > BLOCK_MOST)
        size = BLOCK_MOST;
    if (size < bytes)
        size = bytes;
    block *added = malloc(sizeof *added + size);
    if (added == NULL)
        return NULL;
    *added = (block){.older = arena->newest, .size = size};
    ASAN_POISON_MEMORY_REGION(added->memory, size);
    arena->newest = added;
    return added;
}

void *sh_arena_take(sh_arena *arena, size_t bytes)
{
    const size_t align = _Alignof(max_align_t);
    if (bytes > SIZE_MAX / 4)
        return NULL;
    size_t rounded = (bytes + align - 1) / align * align;
    block *from = arena->newest;
    if (from == NULL || rounded > from->size - from->used)
        from = add_block(arena, rounded);
    if (from == NULL)
        return NULL;
    void *taken = (char *)from->memory + from->used;
    from->used += rounded;
    ASAN_UNPOISON_MEMORY_REGION(taken, bytes);
    return taken;
}

static void free_from(block *newest)
{
    while (newest != NULL) {
        block *older = newest->older;
        ASAN_UNPOISON_MEMORY_REGION(newest->memory, newest->size);
        free(newest);
        newest = older;
    }
}

void sh_arena_clear(sh_arena *arena)
{
    block *kept = arena->newest;
    if (kept == NULL || kept->size > BLOCK_MOST) {
        sh_arena_reset(arena);
        return;
    }
    free_from(kept->older);
    kept->older = NULL;
    kept->used = 0;
    ASAN_POISON_MEMORY_REGION(kept->memory, kept->size);
}

void sh_arena_reset(sh_arena *arena)
{
    free_from(arena->newest);
    arena->newest = NULL;
}
