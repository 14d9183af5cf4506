/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_PLUGIN_LINES_H
#define SH_PLUGIN_LINES_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

#include <stdbool.h>

/* One line of last_result.<PLUGIN>.log; borrowed from the text. */
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

typedef struct {
    sh_slice field[SH_PLUGIN_FIELDS]; /* helpVal1–4 are empty in a line of 9 columns */
    size_t columns;                   /* 9 or 13 */
    sh_slice text;                    /* the whole line without its end */
} sh_plugin_line;

typedef struct {
    sh_slice rest;
    size_t line; /* number of the line last given, from 1 */
} sh_plugin_lines;

void sh_plugin_lines_init(sh_plugin_lines *lines, const char *text, size_t len);

/*
 * Takes the next line that is not blank (a final CR is not part of it). *more = false at the end.
 * SH_E_FORMAT (column count, not UTF-8, a NUL, no primary id) or SH_E_LIMIT tell that this one line
 * is to be set aside; the next call goes on behind it. Behind SH_PLUGIN_LINES_MAX lines, blank ones
 * included, *more is false and lines->rest is not empty.
 */
sh_err sh_plugin_lines_next(sh_plugin_lines *lines, sh_plugin_line *ret, bool *more,
                            sh_error *error);

/* Splits again what sh_plugin_lines_next() gave as a line's text. */
void sh_plugin_line_split(sh_slice text, sh_plugin_line *ret);

/*
 * Whether text can be a plugin result at all: UTF-8 without NUL, at most SH_PLUGIN_LINES_MAX lines,
 * and, unless it is blank, at least one well-formed line. SH_E_FORMAT, SH_E_LIMIT.
 */
sh_err sh_plugin_text_check(const char *text, size_t len, sh_error *error);

#endif
