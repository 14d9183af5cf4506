/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/store_common.h"

#include "libcommon/base/hex.h"
#include "libcommon/crypto/crypto.h"

#include <stdio.h>
#include <string.h>

void store_text_copy(char *ret, size_t ret_bytes, const char *text)
{
    if (memccpy(ret, text, '\0', ret_bytes) == NULL)
        ret[ret_bytes - 1] = '\0';
}

static bool holds_numbers(const sh_column *column)
{
    return column->kind == SH_COLUMN_INTEGER || column->kind == SH_COLUMN_BOOLEAN;
}

void store_column_settle(sh_column *column)
{
    const sh_column *known = sh_device_column_find(column->name);
    if (known != NULL) {
        bool not_null = column->not_null || known->not_null;
        bool ignore_case = column->ignore_case;
        *column = *known;
        column->not_null = not_null;
        column->ignore_case = ignore_case;
    }
    if (column->not_null && column->default_kind == SH_DEFAULT_NULL) {
        if (column->kind == SH_COLUMN_DATETIME)
            column->default_kind = SH_DEFAULT_NOW;
        else
            column->default_kind = holds_numbers(column) ? SH_DEFAULT_INTEGER : SH_DEFAULT_TEXT;
        column->default_text[0] = '\0';
        column->default_integer = 0;
    }
}

bool store_column_index(const sh_column *columns, size_t count, const char *name, size_t *ret)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(columns[i].name, name) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

void store_result_time(sh_slice field, const char *now, char ret[static SH_DATETIME_BYTES])
{
    static const char form[] = "dddd-dd-dd dd:dd:dd";
    bool good = field.len >= sizeof form - 1;
    for (size_t i = 0; good && i < sizeof form - 1; i++) {
        char c = field.data[i];
        if (form[i] == 'd')
            good = c >= '0' && c <= '9';
        else
            good = c == form[i] || (form[i] == ' ' && c == 'T');
    }
    (void)snprintf(ret, SH_DATETIME_BYTES, "%.19s", good ? field.data : now);
    if (ret[0] != '\0')
        ret[10] = ' ';
}

store_pace store_pace_own(void)
{
    return (store_pace){.begin_ms = SH_MERGE_TRANSACTION_MS / 2,
                        .end_ms = SH_MERGE_TRANSACTION_MS * 4 / 5,
                        .rows = STORE_ROWS_AT_ONCE};
}

/*
 * A row may run triggers that take milliseconds. Half of the limit is for the work after the last
 * row, and for a loaded machine.
 */
store_pace store_pace_shared(void)
{
    return (store_pace){.begin_ms = SH_MERGE_SHARED_TRANSACTION_MS / 3,
                        .end_ms = SH_MERGE_SHARED_TRANSACTION_MS / 2,
                        .rows = 4,
                        .pauses = true};
}

void store_uuid(char ret[static STORE_UUID_BYTES])
{
    uint8_t bytes[16];
    sh_random(bytes, sizeof bytes);
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    char hex[2 * sizeof bytes + 1];
    sh_hex_encode(bytes, sizeof bytes, hex);
    (void)snprintf(ret, STORE_UUID_BYTES, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
                   hex + 16, hex + 20);
}

const char *const store_result_columns[RESULT_COLUMNS] = {
    "plugin",        "objectPrimaryId", "objectSecondaryId", "dateTimeCreated", "dateTimeChanged",
    "watchedValue1", "watchedValue2",   "watchedValue3",     "watchedValue4",   "status",
    "extra",         "userData",        "foreignKey",        "syncHubNodeName", "helpVal1",
    "helpVal2",      "helpVal3",        "helpVal4",          "objectGuid",
};

bool store_result_is_replaced(size_t column)
{
    return (column >= RESULT_WATCHED_1 && column <= RESULT_WATCHED_4) || column == RESULT_EXTRA ||
           column == RESULT_FOREIGN_KEY || (column >= RESULT_HELP_1 && column <= RESULT_HELP_4);
}

void store_result_of(const char *plugin, const char *node, const sh_plugin_line *line,
                     const char *now, store_result *ret)
{
    store_result_time(line->field[SH_PLUGIN_DATE_TIME], now, ret->time);
    store_uuid(ret->guid);
    const sh_slice values[RESULT_COLUMNS] = {
        [RESULT_PLUGIN] = sh_slice_of(plugin),
        [RESULT_PRIMARY_ID] = line->field[SH_PLUGIN_PRIMARY_ID],
        [RESULT_SECONDARY_ID] = line->field[SH_PLUGIN_SECONDARY_ID],
        [RESULT_CREATED] = sh_slice_of(ret->time),
        [RESULT_CHANGED] = sh_slice_of(ret->time),
        [RESULT_STATUS] = SH_SLICE("new"),
        [RESULT_EXTRA] = line->field[SH_PLUGIN_EXTRA],
        [RESULT_USER_DATA] = SH_SLICE(""),
        [RESULT_FOREIGN_KEY] = line->field[SH_PLUGIN_FOREIGN_KEY],
        [RESULT_NODE] = sh_slice_of(node),
        [RESULT_GUID] = sh_slice_of(ret->guid),
    };
    memcpy(ret->values, values, sizeof values);
    for (int i = 0; i < 4; i++) {
        ret->values[RESULT_WATCHED_1 + i] = line->field[SH_PLUGIN_WATCHED_1 + i];
        ret->values[RESULT_HELP_1 + i] = line->field[SH_PLUGIN_HELP_1 + i];
    }
}
