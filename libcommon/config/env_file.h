/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_ENV_FILE_H
#define SH_ENV_FILE_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

/*
 * Parses `NAME=value` lines with the syntax of systemd's EnvironmentFile=: comments start with '#'
 * or ';', white space around names and values is ignored. A value can be in single quotes (taken
 * literally), in double quotes (a backslash escapes '"', '\', '`' and '$') or unquoted (a backslash
 * escapes the next character). A backslash at the end of a line continues it. Variables are not
 * expanded. Assignments are reported in order: the last one of a name wins.
 *
 * Calls set() for each assignment until it returns an error. name and value are borrowed during the
 * call; value can be a secret. SH_E_FORMAT (the message has the line) for a line without '=' or an
 * unterminated quote; SH_E_LIMIT, SH_E_MEMORY.
 */
typedef sh_err (*sh_env_file_set)(void *context, sh_slice name, sh_slice value, sh_error *error);

sh_err sh_env_file_read(sh_slice text, sh_env_file_set set, void *context, sh_error *error);

#endif
