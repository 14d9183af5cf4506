/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A lack of memory that tests can begin and end. Preloaded into a program (LD_PRELOAD), it lets
 * allocations fail that are at least as large as the number in the file that SYNCHUB_TEST_MEMORY
 * names: one signed 64-bit number of bytes, in the byte order of the machine, 0 for none. The file
 * is mapped, so that a change is seen by the next allocation.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *malloc(size_t bytes);
void *calloc(size_t count, size_t bytes);
void *realloc(void *memory, size_t bytes);
void *reallocarray(void *memory, size_t count, size_t bytes);

static void *(*next_malloc)(size_t bytes);
static void *(*next_calloc)(size_t count, size_t bytes);
static void *(*next_realloc)(void *memory, size_t bytes);

static const _Atomic int64_t *least_bytes;

/* What is allocated while the next functions are looked up is never freed. */
static char early[16384];
static size_t early_used;

static void *early_alloc(size_t bytes)
{
    void *memory = early + early_used;
    early_used += (bytes + 15) / 16 * 16;
    return early_used <= sizeof early ? memory : NULL;
}

static int find_next(void)
{
    static int finding;
    if (next_realloc != NULL)
        return 1;
    if (finding)
        return 0;
    finding = 1;
    /* A function's address in an object pointer, as POSIX allows for dlsym(). */
    *(void **)&next_malloc = dlsym(RTLD_NEXT, "malloc");
    *(void **)&next_calloc = dlsym(RTLD_NEXT, "calloc");
    *(void **)&next_realloc = dlsym(RTLD_NEXT, "realloc");
    return 1;
}

__attribute__((constructor)) static void map_limit(void)
{
    const char *path = getenv("SYNCHUB_TEST_MEMORY");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    void *at = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (at != MAP_FAILED)
        least_bytes = at;
}

static int is_denied(size_t bytes)
{
    int64_t least = least_bytes == NULL ? 0 : atomic_load(least_bytes);
    if (least == 0 || bytes < (size_t)least)
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t bytes)
{
    if (!find_next())
        return early_alloc(bytes);
    return is_denied(bytes) ? NULL : next_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    size_t all;
    if (__builtin_mul_overflow(count, bytes, &all))
        return NULL;
    if (!find_next())
        return early_alloc(all);
    return is_denied(all) ? NULL : next_calloc(count, bytes);
}

void *realloc(void *memory, size_t bytes)
{
    if (!find_next())
        return NULL;
    return is_denied(bytes) ? NULL : next_realloc(memory, bytes);
}

void *reallocarray(void *memory, size_t count, size_t bytes)
{
    size_t all;
    if (__builtin_mul_overflow(count, bytes, &all))
        return NULL;
    return realloc(memory, all);
}
