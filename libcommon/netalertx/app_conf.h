/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_APP_CONF_H
#define SH_APP_CONF_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

#include <stdbool.h>

/*
 * Parses NetAlertX's app.conf: Python source with assignments of literals, which is not executed.
 * Calls set() for each assignment to `SYNC_…` or `API_TOKEN`, until it returns an error. The value
 * is a string's content, the source text of True, False, numbers and lists, or "" for None. Skips
 * comments, `…__metadata` and all other statements. Assignments are reported in order: the last one
 * of a name wins, as in Python. An invalid literal is passed to set(), too: only the caller knows
 * whether the setting matters.
 *
 * SH_E_FORMAT (the message has the line) if a bracket or string is not closed, so that it is
 * unknown which settings follow.
 */
typedef struct {
    sh_slice name;
    sh_slice value; /* borrowed during the call; may be a secret */
    bool is_list;   /* value is the source text of a list, with its brackets */
    size_t line;    /* of the assignment, from 1 */
    const char
        *invalid; /* NULL, or why the literal is invalid, with line and name; no value then */
} sh_app_conf_item;

typedef sh_err (*sh_app_conf_set)(void *context, const sh_app_conf_item *item, sh_error *error);

sh_err sh_app_conf_read(const char *text, size_t len, sh_app_conf_set set, void *context,
                        sh_error *error);

#endif
