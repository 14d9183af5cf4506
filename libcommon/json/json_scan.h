/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_JSON_SCAN_H
#define SH_JSON_SCAN_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

#include <stdbool.h>

/*
 * Reads the members of a large JSON object without building a tree. Validates the whole text (RFC
 * 8259, UTF-8, nesting); keys and values are borrowed from it. For bodies with a table in a string,
 * and for device rows.
 */
typedef enum {
    SH_JSON_SCAN_NULL,
    SH_JSON_SCAN_BOOLEAN,
    SH_JSON_SCAN_NUMBER,
    SH_JSON_SCAN_STRING,
    SH_JSON_SCAN_ARRAY,
    SH_JSON_SCAN_OBJECT,
    SH_JSON_SCAN_NOT_FINITE, /* NaN, Infinity, -Infinity; only in a lenient scan */
} sh_json_scan_type;

typedef struct {
    sh_slice key; /* between the quotes, with escapes */
    bool key_escaped;
    sh_json_scan_type type;
    sh_slice value; /* as written; of a string, the text between the quotes */
    bool escaped;   /* a string with escapes: see sh_json_unescape() */
    bool not_utf8;  /* a string that is not UTF-8; only in a lenient scan */
} sh_json_scan_member;

/* Called for each member of the outermost object, in order. An error ends the scan. */
typedef sh_err (*sh_json_scan_callback)(void *context, const sh_json_scan_member *member,
                                        sh_error *error);

/*
 * SH_E_FORMAT if the text is not exactly one JSON object (the message has the offset), SH_E_LIMIT
 * over SH_JSON_DEPTH_MAX, or the error of each(). Calls each() for the members before the error.
 */
sh_err sh_json_scan(sh_slice text, sh_json_scan_callback each, void *context, sh_error *error);

/* Checks that text is exactly one JSON value of any type. SH_E_FORMAT, SH_E_LIMIT as above. */
sh_err sh_json_check(sh_slice text, sh_error *error);

/*
 * The same for JSON as Python's json module writes it: accept numbers that are not finite, and
 * report invalid UTF-8 for the member instead of rejecting the text.
 */
sh_err sh_json_scan_lenient(sh_slice text, sh_json_scan_callback each, void *context,
                            sh_error *error);
sh_err sh_json_check_lenient(sh_slice text, sh_error *error);

/* Whether a member's key, unescaped, is this ASCII name. */
bool sh_json_scan_key_is(const sh_json_scan_member *member, const char *name);

/*
 * Appends the unescaped text of a string. raw need not be validated by a scan: SH_E_FORMAT for an
 * invalid escape, an unpaired surrogate or U+0000; SH_E_LIMIT, SH_E_MEMORY.
 */
sh_err sh_json_unescape(sh_slice raw, sh_buf *ret);

#endif
