/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_PLUGIN_LINES_H
#define SH_PLUGIN_LINES_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

#include <stdbool.h>

/* The columns of a line in last_result.<PLUGIN>.log. */
enum {
    SH_PLUGIN_PRIMARY_ID,
    SH_PLUGIN_SECONDARY_ID,
    SH_PLUGIN_DATE_TIME,
    SH_PLUGIN_WATCHED_1,
    SH_PLUGIN_WATCHED_2,
    SH_PLUGIN_WATCHED_3,
    SH_PLUGIN_WATCHED_4,
    SH_PLUGIN_EXTRA,
    SH_PLUGIN_FOREIGN_KEY,
    SH_PLUGIN_HELP_1,
    SH_PLUGIN_HELP_2,
    SH_PLUGIN_HELP_3,
    SH_PLUGIN_HELP_4,
    SH_PLUGIN_FIELDS
};

/* A line; borrowed from the text. */
typedef struct {
    sh_slice field[SH_PLUGIN_FIELDS]; /* helpVal1–4 are empty in a line of 9 columns */
    size_t columns;                   /* 9 or 13 */
    sh_slice text;                    /* the line without its line end */
} sh_plugin_line;

typedef struct {
    sh_slice rest;
    size_t line; /* number of the last line returned, from 1 */
} sh_plugin_lines;

void sh_plugin_lines_init(sh_plugin_lines *lines, const char *text, size_t len);

/*
 * Reads the next line that is not blank, without a trailing CR. Sets *more = false at the end, and
 * after SH_PLUGIN_LINES_MAX lines (blank ones included); lines->rest is not empty in the latter
 * case. SH_E_FORMAT (number of columns, invalid UTF-8, a NUL, no primary id) or SH_E_LIMIT if this
 * line is invalid; the next call continues after it.
 */
sh_err sh_plugin_lines_next(sh_plugin_lines *lines, sh_plugin_line *ret, bool *more,
                            sh_error *error);

/* Splits the text of a line that sh_plugin_lines_next() returned before. */
void sh_plugin_line_split(sh_slice text, sh_plugin_line *ret);

/*
 * Checks that text is a plugin result: UTF-8 without NUL, at most SH_PLUGIN_LINES_MAX lines and,
 * unless it is blank, at least one valid line. SH_E_FORMAT, SH_E_LIMIT.
 */
sh_err sh_plugin_text_check(const char *text, size_t len, sh_error *error);

#endif
