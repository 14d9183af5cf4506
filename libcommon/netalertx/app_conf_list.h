/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_APP_CONF_LIST_H
#define SH_APP_CONF_LIST_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

#include <stddef.h>

/* The entries of a list, in order, without empty ones. */
typedef struct {
    char **items; /* NUL-terminated, owned */
    size_t count;
} sh_list;

void sh_list_reset(sh_list *list); /* accepts NULL and a zeroed list */

/* Appends a copy of text. SH_E_LIMIT over SH_LIST_MAX, SH_E_MEMORY. */
sh_err sh_list_add(sh_list *list, sh_slice text);

/*
 * Parses a Python list of strings, as NetAlertX writes it (`['a','b']`, trailing comma allowed),
 * JSON (`["a","b"]`), or entries separated by commas or line ends (`a, b`). Blank text and `[]` are
 * the empty list. A failure leaves *ret unchanged: SH_E_FORMAT (the message has the position and
 * the valid forms), SH_E_LIMIT, SH_E_MEMORY.
 */
sh_err sh_list_read(sh_slice text, sh_list *ret, sh_error *error);

#endif
