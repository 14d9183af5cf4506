/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_STORE_RULES_H
#define RECEIVER_STORE_RULES_H

#include "libcommon/base/clock.h"
#include "libcommon/base/text.h"
#include "libcommon/netalertx/plugin_lines.h"
#include "receiver/store/device_row.h"
#include "receiver/store/store.h"

#include <stdbool.h>
#include <stddef.h>

/* What all kinds of databases have in common. Pure. */

/*
 * Settles how a column is filled: *column is what the database declares. A name that NetAlertX has
 * takes NetAlertX's kind and default; a NOT NULL column always ends up with a default.
 */
void store_column_settle(sh_column *column);

/* Where the column of that name is; false where the table has none. */
bool store_column_index(const sh_column *columns, size_t count, const char *name, size_t *ret);

/*
 * The time of a plugin's result, `YYYY-MM-DD HH:MM:SS`, from the line's own field, or now where
 * that holds no such time: times are compared as text, so anything else would win or lose for ever.
 */
void store_result_time(sh_slice field, const char *now, char ret[static SH_DATETIME_BYTES]);

/*
 * The pace of a database of Sync Hub's own, and of one that another program waits for. What is left
 * of the limit once entries are interrupted is for the commit.
 */
store_pace store_pace_own(void);
store_pace store_pace_shared(void);

/* A random UUID (RFC 9562, version 4). */
#define STORE_UUID_BYTES 37
void store_uuid(char ret[static STORE_UUID_BYTES]);

/* The columns of Plugins_Objects that are used, in the order of their parameters. */
enum {
    RESULT_PLUGIN,
    RESULT_PRIMARY_ID,
    RESULT_SECONDARY_ID,
    RESULT_CREATED,
    RESULT_CHANGED,
    RESULT_WATCHED_1,
    RESULT_WATCHED_4 = RESULT_WATCHED_1 + 3,
    RESULT_STATUS,
    RESULT_EXTRA,
    RESULT_USER_DATA,
    RESULT_FOREIGN_KEY,
    RESULT_NODE,
    RESULT_HELP_1,
    RESULT_HELP_4 = RESULT_HELP_1 + 3,
    RESULT_GUID,
    RESULT_COLUMNS
};

extern const char *const store_result_columns[RESULT_COLUMNS];

/* Whether a later result replaces that column; the rest stays as it was first inserted. */
bool store_result_is_replaced(size_t column);

/* A line as a row of Plugins_Objects: the values borrow from the line and from the struct. */
typedef struct {
    sh_slice values[RESULT_COLUMNS];
    char time[SH_DATETIME_BYTES];
    char guid[STORE_UUID_BYTES];
} store_result;

void store_result_of(const char *plugin, const char *node, const sh_plugin_line *line,
                     const char *now, store_result *ret);

#endif
