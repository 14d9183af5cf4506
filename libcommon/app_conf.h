/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_APP_CONF_H
#define SH_APP_CONF_H

#include "libcommon/error.h"
#include "libcommon/text.h"

#include <stdbool.h>

/*
 * Reads NetAlertX's app.conf (NETALERTX.md section 5): Python source of plain assignments, read as
 * literals, never run. Gives `name` and `value` for each assignment whose name begins with `SYNC_`
 * or is `API_TOKEN`: a string's content with its escapes resolved, True/False, numbers and lists as
 * written (lists may go over several lines). Comments, `…__metadata` and all other lines are passed
 * over, whatever they hold. A later assignment is given later: the last one counts, as in Python.
 *
 * set() returns SH_OK to go on. SH_E_FORMAT names the line of a literal that cannot be read.
 */
typedef sh_err (*sh_app_conf_set)(void *context, sh_slice name, sh_slice value, size_t line,
                                  sh_error *error);

sh_err sh_app_conf_read(const char *text, size_t len, sh_app_conf_set set, void *context,
                        sh_error *error);

#endif
