/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/limits.h"
#include "libcommon/json/json_read.h"
#include "libcommon/json/json_scan.h"
#include "libcommon/netalertx/table_scan.h"
#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * Measures the three JSON readers with one table, whole and row by row;
 * docs/decisions/0095-three-json-readers.md has the results.
 */

typedef struct {
    sh_slice table;
    sh_slice *rows;
    size_t count;
} sample;

static void read_brackets(const sample *s)
{
    sh_error error = {0};
    bench_must(sh_table_check(s->table.data, s->table.len, NULL, &error), &error);
}

static void read_strictly(const sample *s)
{
    sh_error error = {0};
    bench_must(sh_json_check(s->table, &error), &error);
}

static void read_tree(const sample *s)
{
    sh_error error = {0};
    sh_json *tree = NULL;
    bench_must(sh_json_parse(s->table.data, s->table.len, &tree, &error), &error);
    sh_json_free(tree);
}

static sh_err count_member(void *context, const sh_json_scan_member *member, sh_error *error)
{
    (void)error;
    *(size_t *)context += member->value.len;
    return SH_OK;
}

static void read_rows_strictly(const sample *s)
{
    sh_error error = {0};
    size_t bytes = 0;
    for (size_t i = 0; i < s->count; i++)
        bench_must(sh_json_scan(s->rows[i], count_member, &bytes, &error), &error);
    if (bytes == 0)
        bench_die("the rows are empty");
}

static void read_rows_as_trees(const sample *s)
{
    sh_error error = {0};
    for (size_t i = 0; i < s->count; i++) {
        sh_json *tree = NULL;
        bench_must(sh_json_parse(s->rows[i].data, s->rows[i].len, &tree, &error), &error);
        sh_json_free(tree);
    }
}

static const struct {
    const char *name;
    void (*read)(const sample *s);
} readers[] = {
    {"brackets", read_brackets},         {"strict", read_strictly},         {"tree", read_tree},
    {"rows_strict", read_rows_strictly}, {"rows_tree", read_rows_as_trees},
};

#define READERS (sizeof readers / sizeof readers[0])
#define TURNS_MAX 99

static int compare_times(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void split_rows(sample *s)
{
    sh_error error = {0};
    sh_table_scan scan;
    sh_table_row row;
    bool more = true;
    size_t count = 0;
    bench_must(sh_table_scan_init(&scan, s->table.data, s->table.len, &error), &error);
    while (bench_must(sh_table_scan_next(&scan, &row, &more, &error), &error), more) {
        if (count == s->count)
            bench_die("the table has more rows than were made");
        s->rows[count++] = row.text;
    }
    s->count = count;
}

int bench_json_readers(int argc, char *argv[])
{
    size_t turns = bench_number(argc, argv, "turns", "9");
    sh_buf table = SH_BUF_INIT(SH_PLAIN_MAX);
    sample s = {.count = bench_number(argc, argv, "devices", "10000")};
    double times[READERS][TURNS_MAX];
    if (turns == 0 || turns > TURNS_MAX)
        bench_die("turns is 1 to %d", TURNS_MAX);
    bench_table(0, s.count, &table);
    s.table = (sh_slice){table.data, table.len};
    s.rows = calloc(s.count, sizeof *s.rows);
    if (s.rows == NULL)
        bench_die("out of memory");
    split_rows(&s);
    for (size_t turn = 0; turn < turns; turn++)
        for (size_t i = 0; i < READERS; i++) {
            double start = bench_now_s();
            readers[i].read(&s);
            times[i][turn] = bench_now_s() - start;
        }
    for (size_t i = 0; i < READERS; i++) {
        qsort(times[i], turns, sizeof times[i][0], compare_times);
        (void)printf("%s=%.1f ", readers[i].name, (double)table.len / 1e6 / times[i][turns / 2]);
    }
    (void)printf("bytes=%zu\n", table.len);
    free(s.rows);
    sh_buf_reset(&table);
    return 0;
}
