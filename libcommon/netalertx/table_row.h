/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_TABLE_ROW_H
#define SH_TABLE_ROW_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"
#include "libcommon/netalertx/row_state.h"

#include <stdbool.h>
#include <stddef.h>

/* Finds the end of a row of a device table and a few of its values, without parsing the row. */

typedef enum {
    SH_ROW_MAC_TEXT,    /* mac is the text between the quotes, without escapes */
    SH_ROW_MAC_UNCLEAR, /* a number, an escape, or a duplicate key: parse the row */
    SH_ROW_MAC_NONE,    /* an object without "devMac", or with null */
    SH_ROW_NOT_OBJECT,  /* an element of "data" that is not an object */
} sh_table_row_kind;

/* "devMac" and the device's state, as found at the first level of a row. */
typedef struct {
    unsigned count; /* of "devMac" and of keys that can be an escaped "devMac" */
    sh_slice mac;
    sh_table_row_kind kind;
    bool too_deep; /* the row is nested deeper than SH_JSON_DEPTH_MAX */
    sh_row_state state;
} sh_row_mac;

static inline bool sh_table_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *sh_table_skip_space(const char *at, const char *end)
{
    while (at < end && sh_table_is_space(*at))
        at++;
    return at;
}

/* at is after an opening quote. Returns the position after the closing one, or NULL. */
const char *sh_table_skip_string(const char *at, const char *end);

/*
 * Skips the JSON value at `at`: *ret is the position after it or, after a failure, about where the
 * text was read up to. Checks only that brackets and strings are closed. Fills *mac (may be NULL,
 * else {.kind = SH_ROW_MAC_NONE}) if the value is an object. SH_E_FORMAT.
 */
sh_err sh_table_skip_value(const char *at, const char *end, sh_row_mac *mac, const char **ret,
                           sh_error *error);

#endif
