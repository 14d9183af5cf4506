/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_LIST_H
#define RECEIVER_CONSOLE_LIST_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"

#include <stddef.h>
#include <stdint.h>

/* A page of a list that is in memory. */
typedef struct {
    size_t first; /* the first item that is not of an earlier page */
    size_t count; /* of the whole list */
    int64_t limit;
    sh_err (*write)(void *context, size_t index, sh_buf *json, sh_error *error);
    /* Writes a JSON text by which the next page begins after this item. */
    sh_err (*write_next)(void *context, size_t index, sh_buf *json);
} console_list;

/* Appends `{"items":[…],"next":…}`. Errors of the functions; SH_E_LIMIT, SH_E_MEMORY. */
sh_err console_list_write(const console_list *list, void *context, sh_buf *json, sh_error *error);

#endif
