/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_PAGER_H
#define RECEIVER_PAGER_H

#include "libcommon/config/settings.h"

#include <stdbool.h>
#include <stdio.h>

/*
 * The pager of lists, as git's: if standard output is a terminal, lists are shown by $PAGER, or by
 * less if it is not set. Not with --no-pager, --json or --csv, nor if $PAGER is empty or `cat`. The
 * pager starts with the first output, and inherits neither the settings of the programs, which may
 * be secrets, nor any file but standard input, output and error.
 */

/* A command that writes its list to out and messages to err; returns the exit code. */
typedef int (*paged_command)(const sh_settings *settings, int argc, char *const argv[], FILE *out,
                             FILE *err);

/*
 * Runs the command without the argument --no-pager, and returns its exit code after the pager has
 * ended: messages are shown then. It is not a failure if the user ends the pager early. Main
 * thread.
 */
int pager_run(paged_command command, const sh_settings *settings, int argc, char *const argv[]);

/* Whether the user has ended the pager, so that nobody reads further output. */
bool pager_has_quit(void);

/* The width of the terminal behind a pager's stream; 0: out is another stream, or none is known. */
size_t pager_columns(FILE *out);

/* --- For tests ----------------------------------------------------------------------------- */

/*
 * Chooses the command line of the pager for this value of $PAGER as command (NULL: unset) and
 * $PATH; NULL: none.
 */
const char *pager_choose(const char *command, const char *path);

/* Whether the pager may inherit this variable, in the form `NAME=value`. */
bool pager_may_inherit(const char *variable);

#endif
