/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/buffer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIRST_CAPACITY 256
#define HUGE_MIN ((size_t)4 << 20) /* bytes: two huge pages of usual size */

void sh_buf_reset(sh_buf *buf)
{
    if (buf == NULL)
        return;
    free(buf->data);
    buf->data = NULL;
    buf->len = 0;
    buf->cap = 0;
}

void sh_buf_wipe(sh_buf *buf)
{
    if (buf != NULL && buf->data != NULL)
        explicit_bzero(buf->data, buf->cap);
    sh_buf_reset(buf);
}

/*
 * Asks the kernel for huge pages in a large block, where it has them: the page faults of a table of
 * 14 MB took 66 ms on a virtual machine, and 1 ms with them. Only a hint: a failure changes
 * nothing. Whole pages, from the one with malloc's header: mremap() cannot move a mapping of which
 * only a part was advised, and realloc() would copy it.
 */
static void advise_huge_pages(char *data, size_t cap)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t before = (uintptr_t)data & (page - 1);
    uintptr_t len = (before + cap + page - 1) & ~(page - 1);
    (void)madvise(data - before, len, MADV_HUGEPAGE);
}

static sh_err buf_realloc(sh_buf *buf, size_t cap)
{
    bool is_large = cap >= HUGE_MIN;
    if (is_large && buf->len == 0)
        sh_buf_reset(buf); /* a new block is cheaper than one that is moved */
    char *data = realloc(buf->data, cap);
    if (data == NULL)
        return SH_E_MEMORY;
    if (is_large)
        advise_huge_pages(data, cap);
    if (buf->len == 0)
        data[0] = '\0';
    buf->data = data;
    buf->cap = cap;
    return SH_OK;
}

sh_err sh_buf_reserve(sh_buf *buf, size_t len)
{
    if (len > buf->limit)
        return SH_E_LIMIT;
    if (len < buf->cap) /* cap includes one byte for the NUL */
        return SH_OK;
    /* Grow by half, but allocate a large request exactly: sh_buf_wipe() overwrites all of cap. */
    size_t cap = buf->cap == 0 ? FIRST_CAPACITY : buf->cap + buf->cap / 2;
    if (cap <= len)
        cap = len + 1;
    if (cap > buf->limit + 1)
        cap = buf->limit + 1;
    return buf_realloc(buf, cap);
}

sh_err sh_buf_reserve_exactly(sh_buf *buf, size_t len)
{
    if (len > buf->limit)
        return SH_E_LIMIT;
    return len < buf->cap ? SH_OK : buf_realloc(buf, len + 1);
}

sh_err sh_buf_append(sh_buf *buf, const void *bytes, size_t len)
{
    assert(bytes != NULL || len == 0);
    if (len > buf->limit - buf->len)
        return SH_E_LIMIT;
    sh_err err = sh_buf_reserve(buf, buf->len + len);
    if (err != SH_OK)
        return err;
    if (len > 0)
        memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return SH_OK;
}

sh_err sh_buf_append_text(sh_buf *buf, const char *text)
{
    return sh_buf_append(buf, text, strlen(text));
}

sh_err sh_buf_append_format(sh_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(len >= 0);
    if ((size_t)len > buf->limit - buf->len)
        return SH_E_LIMIT;
    sh_err err = sh_buf_reserve(buf, buf->len + (size_t)len);
    if (err != SH_OK)
        return err;
    va_start(args, format);
    (void)vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
    va_end(args);
    buf->len += (size_t)len;
    return SH_OK;
}

void sh_buf_clear(sh_buf *buf)
{
    buf->len = 0;
    if (buf->data != NULL)
        buf->data[0] = '\0';
}

void sh_buf_fit(sh_buf *buf)
{
    char *data = buf->data == NULL ? NULL : realloc(buf->data, buf->len + 1);
    if (data == NULL)
        return; /* shrinking failed: keep the larger block */
    buf->data = data;
    buf->cap = buf->len + 1;
}

char *sh_buf_steal(sh_buf *buf)
{
    if (sh_buf_append(buf, NULL, 0) != SH_OK)
        return NULL;
    char *data = buf->data;
    buf->data = NULL;
    sh_buf_reset(buf);
    return data;
}
