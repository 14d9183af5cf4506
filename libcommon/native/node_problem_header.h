/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_NODE_PROBLEM_HEADER_H
#define SH_NODE_PROBLEM_HEADER_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/limits.h"

#include <stdbool.h>

/*
 * A problem that a node reports about itself, as the value of the header Sync-Hub-Problem
 * (PROTOCOL.md, section 3): in its requests, and in its answers if it is pulled. Pure.
 */
typedef struct {
    char kind[SH_PROBLEM_KIND_MAX + 1]; /* [a-z_]+; "": none */
    char text[SH_PROBLEM_TEXT_MAX + 1]; /* a sentence with the remedy */
} sh_node_problem;

#define SH_NODE_PROBLEM_VALUE_MAX (3 * SH_PROBLEM_TEXT_MAX + SH_PROBLEM_KIND_MAX + 1)

/* Reads a value. False if it is none; *ret has no kind then. */
bool sh_node_problem_read(const char *value, sh_node_problem *ret);

/* Appends the value; cuts the text to what fits, between characters. SH_E_MEMORY. */
sh_err sh_node_problem_write(const char *kind, const char *text, sh_buf *ret);

#endif
