/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/rows.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/netalertx/table_scan.h"
#include "receiver/store/store.h"
#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void read_table(sh_slice text, const char *node, bench_rows *ret)
{
    sh_error error = {0};
    sh_table_scan scan;
    char now[SH_DATETIME_BYTES];
    sh_clock_datetime(sh_clock_unix_ms(), now);
    bench_must(sh_table_scan_init(&scan, text.data, text.len, &error), &error);
    for (;;) {
        sh_table_row row;
        bool more = false;
        bench_must(sh_table_scan_next(&scan, &row, &more, &error), &error);
        if (!more)
            return;
        bench_must(sh_device_row_read(row.text,
                                      &(sh_row_context){sh_device_columns, sh_device_columns_count,
                                                        sh_slice_of(node), now, &ret->memory},
                                      &ret->rows[ret->count++], &error),
                   &error);
    }
}

void bench_rows_read(size_t first, size_t count, const char *node, bench_rows *ret)
{
    *ret = (bench_rows){.count = 0};
    ret->rows = calloc(count + 1, sizeof(sh_device_row *));
    if (ret->rows == NULL)
        bench_die("out of memory");
    sh_buf text = SH_BUF_INIT(16 * SH_PLAIN_MAX);
    bench_table(first, count, &text);
    read_table((sh_slice){text.data, text.len}, node, ret);
    sh_buf_reset(&text);
}

void bench_rows_reset(bench_rows *rows)
{
    sh_arena_reset(&rows->memory);
    free(rows->rows);
}

sqlite3_stmt *bench_rows_prepare(sqlite3 *db)
{
    sqlite3_str *text = sqlite3_str_new(db);
    sqlite3_str_appendall(text, "INSERT INTO Devices(");
    for (size_t i = 0; i < sh_device_columns_count; i++)
        sqlite3_str_appendf(text, "%s%s", i == 0 ? "" : ", ", sh_device_columns[i].name);
    sqlite3_str_appendall(text, ") VALUES(");
    for (size_t i = 0; i < sh_device_columns_count; i++)
        sqlite3_str_appendall(text, i == 0 ? "?" : ", ?");
    sqlite3_str_appendall(text, ") ON CONFLICT(devMac) DO NOTHING");
    char *sql = sqlite3_str_finish(text);
    sqlite3_stmt *insert = NULL;
    if (sql == NULL || sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &insert, NULL))
        bench_die("%s", sqlite3_errmsg(db));
    sqlite3_free(sql);
    return insert;
}

void bench_rows_bind(sqlite3_stmt *insert, const sh_device_row *row)
{
    for (size_t i = 0; i < sh_device_columns_count; i++) {
        sh_value value = sh_device_row_value(row, i);
        int at = (int)i + 1;
        if (value.kind == SH_VALUE_TEXT)
            (void)sqlite3_bind_text64(insert, at, value.text.data, value.text.len, SQLITE_STATIC,
                                      SQLITE_UTF8);
        else if (value.kind == SH_VALUE_INTEGER)
            (void)sqlite3_bind_int64(insert, at, value.integer);
        else
            (void)sqlite3_bind_null(insert, at);
    }
}
