/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/node_info_columns.h"

#include "libcommon/native/credentials.h"
#include "receiver/store/store_common.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define INTEGER(column, field)                                                                     \
    {                                                                                              \
        column, offsetof(store_node_info, field), 0                                                \
    }
#define TEXT(column, field)                                                                        \
    {                                                                                              \
        column, offsetof(store_node_info, field), sizeof((store_node_info *)NULL)->field           \
    }

const node_info_column node_info_columns[NODE_INFO_COLUMNS] = {
    TEXT("node", node),
    TEXT("mode", mode),
    INTEGER("last_contact_ms", contact.last_ms),
    INTEGER("interval_ms", contact.interval_ms),
    INTEGER("reported_interval_ms", contact.reported_ms),
    INTEGER("silent_set_ms", contact.set_ms),
    INTEGER("first_contact_ms", first_contact_ms),
    TEXT("agent", agent),
    TEXT("protocol", protocol),
    TEXT("instance", instance),
    INTEGER("problem_ms", problem_ms),
    INTEGER("problem_seen_ms", problem_seen_ms),
    TEXT("problem_kind", problem_kind),
    INTEGER("problem_status", problem_status),
    TEXT("problem_text", problem_text),
    INTEGER("conflict_ms", conflict_ms),
    TEXT("conflict_text", conflict_text),
    TEXT("labels", labels),
    TEXT("note", note),
    INTEGER("ephemeral", ephemeral),
    INTEGER("expected_ms", expected_ms),
};

int64_t node_info_integer(const store_node_info *info, const node_info_column *column)
{
    int64_t value;
    memcpy(&value, (const char *)info + column->offset, sizeof value);
    return value;
}

sh_slice node_info_text(const store_node_info *info, const node_info_column *column)
{
    return sh_slice_of((const char *)info + column->offset);
}

void node_info_set_integer(store_node_info *info, const node_info_column *column, int64_t value)
{
    memcpy((char *)info + column->offset, &value, sizeof value);
}

void node_info_set_text(store_node_info *info, const node_info_column *column, const char *value)
{
    store_text_copy((char *)info + column->offset, column->bytes, value);
}

void node_summary_set_credentials(store_node_summary *node, sh_slice record)
{
    sh_node_record read = {.count = 0};
    node->has_credentials = record.len > 0;
    if (record.len > 0)
        sh_node_record_read(sh_slice_of(node->node), record, &read);
    node->is_revoked = read.revoked_ms > 0;
}

static void add(char ret[static NODE_INFO_SQL_BYTES], const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void add(char ret[static NODE_INFO_SQL_BYTES], const char *format, ...)
{
    size_t len = strlen(ret);
    va_list args;
    va_start(args, format);
    int added = vsnprintf(ret + len, NODE_INFO_SQL_BYTES - len, format, args);
    va_end(args);
    assert(added >= 0 && len + (size_t)added < NODE_INFO_SQL_BYTES);
}

void node_info_select(const char *end, char ret[static NODE_INFO_SQL_BYTES])
{
    ret[0] = '\0';
    for (size_t i = 0; i < NODE_INFO_COLUMNS; i++)
        add(ret, "%s%s", i == 0 ? "SELECT " : ", ", node_info_columns[i].column);
    add(ret, " FROM \"SyncHub_Nodes\" %s", end);
}

void node_info_upsert(bool casts, char ret[static NODE_INFO_SQL_BYTES])
{
    ret[0] = '\0';
    add(ret, "INSERT INTO \"SyncHub_Nodes\"(merged_ms, sent, inserted, known, skipped, set_aside,"
             " reason");
    for (size_t i = 0; i < NODE_INFO_COLUMNS; i++)
        add(ret, ", %s", node_info_columns[i].column);
    add(ret, ") VALUES(0, 0, 0, 0, 0, 0, ''");
    for (size_t i = 0; i < NODE_INFO_COLUMNS; i++)
        add(ret, ", $%zu%s", i + 1, casts && node_info_columns[i].bytes == 0 ? "::bigint" : "");
    add(ret, ") ON CONFLICT(node) DO UPDATE SET ");
    for (size_t i = 1; i < NODE_INFO_COLUMNS; i++)
        add(ret, "%s%s = excluded.%s", i == 1 ? "" : ", ", node_info_columns[i].column,
            node_info_columns[i].column);
}
