/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_SHOW_OUTPUT_H
#define RECEIVER_SHOW_OUTPUT_H

#include "libcommon/error.h"
#include "libcommon/text.h"

#include <stdbool.h>
#include <stdio.h>

/* What the subcommands that show something have in common. */

typedef struct {
    const char *name;  /* of the subcommand, for messages */
    const char *usage; /* `devices [--node N] [--json]` */
    bool takes_node;
} show_command;

typedef struct {
    bool json;
    const char *node; /* NULL where none is named; borrowed from argv */
} show_options;

/* Reads the arguments behind the subcommand's name. SH_E_CONFIG with the usage. */
sh_err show_options_read(const show_command *command, int argc, char *const argv[],
                         show_options *ret, sh_error *error);

/*
 * Writes text padded with spaces to `width` characters, on the left where it is a number. Control
 * characters and what is no UTF-8 become '?': names come from other machines, and must not steer
 * the terminal of the one who looks.
 */
void show_cell(FILE *out, sh_slice text, size_t width, bool number);

/* Whether everything so far could be written; after_flush pushes out what is buffered before. */
sh_err show_written(FILE *out, bool after_flush, sh_error *error);

/* Tells a failure on err and gives the exit code for it. */
int show_failure(const show_command *command, const sh_error *error, FILE *err);

#endif
