/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_BUFFER_H
#define SH_BUFFER_H

#include "libcommon/base/error.h"

#include <stddef.h>

/*
 * A growing run of bytes with a limit that is given at birth. After sh_buf_append* the byte behind
 * the last one is always NUL and not counted, so text can be used as a C string.
 * A failed call leaves the content as it was.
 */
typedef struct {
    char *data;   /* NULL while nothing was added */
    size_t len;   /* bytes in use */
    size_t cap;   /* bytes allocated */
    size_t limit; /* len never exceeds it */
} sh_buf;

#define SH_BUF_INIT(limit_bytes)                                                                   \
    (sh_buf)                                                                                       \
    {                                                                                              \
        .data = NULL, .len = 0, .cap = 0, .limit = (limit_bytes)                                   \
    }

/* Frees the content; NULL and zeroed are accepted. The buffer may be used again. */
void sh_buf_reset(sh_buf *buf);

/* As sh_buf_reset(), after overwriting the content: for keys, tokens and plain payloads. */
void sh_buf_wipe(sh_buf *buf);

/* Makes room for len bytes in all. SH_E_LIMIT over the buffer's limit, SH_E_MEMORY. */
sh_err sh_buf_reserve(sh_buf *buf, size_t len);

/* The same, but allocates no more than len bytes and one for the NUL. */
sh_err sh_buf_reserve_exactly(sh_buf *buf, size_t len);

/* Adds len bytes. SH_E_LIMIT, SH_E_MEMORY. bytes may be NULL where len is 0. */
sh_err sh_buf_append(sh_buf *buf, const void *bytes, size_t len);

/* Adds a C string. SH_E_LIMIT, SH_E_MEMORY. */
sh_err sh_buf_append_text(sh_buf *buf, const char *text);

/* Adds what printf would print. SH_E_LIMIT, SH_E_MEMORY. */
sh_err sh_buf_append_format(sh_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Gives back what was reserved and not used. */
void sh_buf_fit(sh_buf *buf);

/* Empties the buffer and keeps its memory. */
void sh_buf_clear(sh_buf *buf);

/* Hands the content, NUL-terminated, to the caller, who frees it. NULL when memory ran out. */
char *sh_buf_steal(sh_buf *buf);

#endif
