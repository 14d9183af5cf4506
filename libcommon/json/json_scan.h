/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_JSON_SCAN_H
#define SH_JSON_SCAN_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

#include <stdbool.h>

/*
 * Reads the members of one large JSON object without building a tree: the whole text is checked
 * (RFC 8259, UTF-8, depth), values are borrowed from it. For bodies that carry a table in a string.
 */
typedef enum {
    SH_SCAN_NULL,
    SH_SCAN_BOOLEAN,
    SH_SCAN_NUMBER,
    SH_SCAN_STRING,
    SH_SCAN_ARRAY,
    SH_SCAN_OBJECT,
    SH_SCAN_NOT_FINITE, /* NaN, Infinity, -Infinity: in loose texts alone */
} sh_scan_type;

typedef struct {
    sh_slice key; /* between its quotes, escapes as written */
    bool key_escaped;
    sh_scan_type type;
    sh_slice value; /* as written; a string's is what is between its quotes */
    bool escaped;   /* a string with an escape in it: sh_json_unescape() gives its text */
    bool not_utf8;  /* a string that is not UTF-8: in loose texts alone */
} sh_scan_member;

/* Called for each member of the outermost object, in order. Another result than SH_OK ends it. */
typedef sh_err (*sh_scan_each)(void *context, const sh_scan_member *member, sh_error *error);

/*
 * SH_E_FORMAT with the offset at which the text stops being one JSON object, SH_E_LIMIT over
 * SH_JSON_DEPTH_MAX, or what each() returned. Members before the fault have been given by then.
 */
sh_err sh_json_scan(sh_slice text, sh_scan_each each, void *context, sh_error *error);

/* Whether text is exactly one JSON value of any kind. SH_E_FORMAT, SH_E_LIMIT as above. */
sh_err sh_json_check(sh_slice text, sh_error *error);

/*
 * The same two, of a text as Python's json.dump() writes and json.load() reads it: numbers may be
 * infinite, and a string that is not UTF-8 is its own fault, not that of the members beside it.
 */
sh_err sh_json_scan_loose(sh_slice text, sh_scan_each each, void *context, sh_error *error);
sh_err sh_json_check_loose(sh_slice text, sh_error *error);

/* Whether a member's key is that plain ASCII name, escapes resolved. */
bool sh_scan_key_is(const sh_scan_member *member, const char *name);

/*
 * Adds the text of a string that sh_json_scan() gave. SH_E_FORMAT for half a surrogate pair and for
 * U+0000; SH_E_LIMIT, SH_E_MEMORY.
 */
sh_err sh_json_unescape(sh_slice raw, sh_buf *ret);

#endif
