/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_ENV_FILE_H
#define SH_ENV_FILE_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

/*
 * Reads a file of `NAME=value` lines as systemd reads one for EnvironmentFile=: comments begin with
 * '#' or ';', white space around names and values is dropped, values may be in single quotes (as
 * written), in double quotes (a backslash keeps '"', '\', '`' and '$' from meaning anything), or
 * bare (a backslash keeps the next character); a backslash before a line's end continues the line.
 * Variables are not expanded. A later assignment is given later: the last one counts.
 *
 * set() gets each name with its value, borrowed during the call and perhaps a secret; it returns
 * SH_OK to go on. SH_E_FORMAT names the line that has no '=', or a quote that is never closed.
 */
typedef sh_err (*sh_env_file_set)(void *context, sh_slice name, sh_slice value, sh_error *error);

sh_err sh_env_file_read(sh_slice text, sh_env_file_set set, void *context, sh_error *error);

#endif
