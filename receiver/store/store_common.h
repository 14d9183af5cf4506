/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_STORE_COMMON_H
#define RECEIVER_STORE_COMMON_H

#include "libcommon/base/clock.h"
#include "libcommon/base/text.h"
#include "libcommon/netalertx/plugin_lines.h"
#include "receiver/store/device_row.h"
#include "receiver/store/store.h"

#include <stdbool.h>
#include <stddef.h>

/* Rules common to all kinds of databases. Pure. */

/*
 * Determines type and default of a column from *column as declared in the database. A column of
 * NetAlertX gets NetAlertX's type and default; a NOT NULL column always gets a default.
 */
void store_column_settle(sh_column *column);

/* The index of the column with this name; false if the table has none. */
bool store_column_index(const sh_column *columns, size_t count, const char *name, size_t *ret);

/*
 * The time of a plugin's result, `YYYY-MM-DD HH:MM:SS`, from the line's field, or now if that is no
 * valid time: times are compared as text, so other text would always win or lose.
 */
void store_result_time(sh_slice field, const char *now, char ret[static SH_DATETIME_BYTES]);

/*
 * The pace for Sync Hub's own database, and for one that another program waits for. The time
 * between the interruption of entries and the limit is for the commit.
 */
store_pace store_pace_own(void);
store_pace store_pace_shared(void);

/* Copies a text, cut to fit; lists read millions of them, for which snprintf() is slow. */
void store_text_copy(char *ret, size_t ret_bytes, const char *text);

/* A random UUID (RFC 9562, version 4). */
#define STORE_UUID_BYTES 37
void store_uuid(char ret[static STORE_UUID_BYTES]);

/* The used columns of Plugins_Objects, in the order of their parameters. */
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

/* Whether a later result replaces this column; other columns keep the first value. */
bool store_result_is_replaced(size_t column);

/* A line as a row of Plugins_Objects; the values borrow from the line and the struct. */
typedef struct {
    sh_slice values[RESULT_COLUMNS];
    char time[SH_DATETIME_BYTES];
    char guid[STORE_UUID_BYTES];
} store_result;

void store_result_of(const char *plugin, const char *node, const sh_plugin_line *line,
                     const char *now, store_result *ret);

#endif
