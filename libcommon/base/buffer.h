/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_BUFFER_H
#define SH_BUFFER_H

#include "libcommon/base/error.h"

#include <stddef.h>

/*
 * A growable byte buffer with a limit set at initialization. sh_buf_append*() always writes a NUL
 * after the last byte, not counted in len, so text can be used as a C string. A failed call leaves
 * the content unchanged.
 */
typedef struct {
    char *data;   /* NULL until something is added */
    size_t len;   /* bytes in use */
    size_t cap;   /* bytes allocated */
    size_t limit; /* len never exceeds it */
} sh_buf;

#define SH_BUF_INIT(limit_bytes)                                                                   \
    (sh_buf)                                                                                       \
    {                                                                                              \
        .data = NULL, .len = 0, .cap = 0, .limit = (limit_bytes)                                   \
    }

/* Frees the content. Accepts NULL and a zeroed buffer. The buffer can be reused. */
void sh_buf_reset(sh_buf *buf);

/* Overwrites the content, then sh_buf_reset(). For keys, tokens and plaintext. */
void sh_buf_wipe(sh_buf *buf);

/* Ensures capacity for a total of len bytes. SH_E_LIMIT over the buffer's limit, SH_E_MEMORY. */
sh_err sh_buf_reserve(sh_buf *buf, size_t len);

/* As sh_buf_reserve(), but allocates exactly len bytes and one for the NUL. */
sh_err sh_buf_reserve_exactly(sh_buf *buf, size_t len);

/* Appends len bytes. bytes may be NULL if len is 0. SH_E_LIMIT, SH_E_MEMORY. */
sh_err sh_buf_append(sh_buf *buf, const void *bytes, size_t len);

/* Appends a C string. SH_E_LIMIT, SH_E_MEMORY. */
sh_err sh_buf_append_text(sh_buf *buf, const char *text);

/* Appends printf-formatted text. SH_E_LIMIT, SH_E_MEMORY. */
sh_err sh_buf_append_format(sh_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Shrinks the allocation to the content. */
void sh_buf_fit(sh_buf *buf);

/* Sets len to 0 and keeps the allocation. */
void sh_buf_clear(sh_buf *buf);

/* Transfers the NUL-terminated content to the caller, who frees it. NULL if out of memory. */
char *sh_buf_steal(sh_buf *buf);

#endif
