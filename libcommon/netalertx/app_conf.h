/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_APP_CONF_H
#define SH_APP_CONF_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

#include <stdbool.h>

/*
 * Reads NetAlertX's app.conf: Python source of plain assignments, read as
 * literals, never run. Gives `name` and `value` for each assignment whose name begins with `SYNC_`
 * or is `API_TOKEN`: a string's content with its escapes resolved, True/False, numbers and lists as
 * written (lists may go over several lines), None as empty text. Comments, `…__metadata` and all
 * other lines are passed over, whatever they hold. A later assignment is given later: the last one
 * counts, as in Python.
 *
 * set() returns SH_OK to go on. SH_E_FORMAT names the line of a literal that cannot be read, or of
 * a bracket or text that is never closed.
 */
typedef struct {
    sh_slice name;
    sh_slice value; /* borrowed during the call; may be a secret */
    bool is_list;   /* value is a list's literal text, brackets included */
    size_t line;    /* where the assignment begins, from 1 */
} sh_app_conf_item;

typedef sh_err (*sh_app_conf_set)(void *context, const sh_app_conf_item *item, sh_error *error);

sh_err sh_app_conf_read(const char *text, size_t len, sh_app_conf_set set, void *context,
                        sh_error *error);

#endif
