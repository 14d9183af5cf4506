/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_LIST_H
#define SH_LIST_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

#include <stddef.h>

/* A list setting's entries, in order, without empty ones. */
typedef struct {
    char **items; /* NUL-terminated, owned */
    size_t count;
} sh_list;

void sh_list_reset(sh_list *list); /* NULL and zeroed are accepted */

/* Adds a copy of text. SH_E_LIMIT over SH_LIST_MAX, SH_E_MEMORY. */
sh_err sh_list_add(sh_list *list, sh_slice text);

/*
 * Reads NetAlertX's literal (`['a','b']`, Python quoting, a trailing comma allowed), JSON
 * (`["a","b"]`), or commas or lines (`a, b`); blank text, `[]` are the empty list. SH_E_FORMAT
 * tells the place and the forms that would be right.
 */
sh_err sh_list_read(sh_slice text, sh_list *ret, sh_error *error);

#endif
