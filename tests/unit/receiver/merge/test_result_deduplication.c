/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "receiver/merge/result_deduplication.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define NOW "2026-08-22 02:53:00"

/* Folds a text; returns the first watched value of each remaining line, joined by commas. */
static const char *folded(const char *text, size_t *count)
{
    static char values[256];
    result_fold fold = {.lines = NULL};
    sh_plugin_lines lines;
    sh_plugin_line line;
    bool more = true;
    sh_plugin_lines_init(&lines, text, strlen(text));
    while (sh_plugin_lines_next(&lines, &line, &more, NULL) == SH_OK && more)
        assert_int_equal(result_deduplication_add(&fold, &line, NOW, NULL), SH_OK);
    values[0] = '\0';
    for (size_t i = 0; i < fold.count && i < 10; i++) {
        result_deduplication_at(&fold, i, &line);
        sh_slice value = line.field[SH_PLUGIN_WATCHED_1];
        size_t used = strlen(values);
        (void)snprintf(values + used, sizeof values - used, "%s%.*s", i == 0 ? "" : ",",
                       (int)value.len, value.data);
    }
    *count = fold.count;
    result_deduplication_free(&fold);
    return values;
}

static void the_newest_line_of_each_pair_of_ids_is_left(void **state)
{
    (void)state;
    static const struct {
        const char *text, *values;
    } cases[] = {
        {"", ""},
        {"p|s|2026-01-01 10:00:00|1||||x|f", "1"},
        /* the last of equal times, whatever is in between */
        {"p|s|2026-01-01 10:00:00|1||||x|f\nq|s|2026-01-01 10:00:00|9||||x|f\n"
         "p|s|2026-01-01 10:00:00|2||||x|f\n",
         "2,9"},
        /* an older line after a newer one is ignored */
        {"p|s|2026-01-01 10:00:00|1||||x|f\np|s|2026-01-01 09:00:00|2||||x|f\n", "1"},
        {"p|s|2026-01-01 10:00:00|1||||x|f\np|s|2026-01-01 11:00:00|2||||x|f\n", "2"},
        /* no time is now */
        {"p|s||1||||x|f\np|s|2026-01-01 11:00:00|2||||x|f\n", "1"},
        /* ids that run together, prefixes, an empty second one, the case of letters */
        {"ab|c||1||||x|f\na|bc||2||||x|f\na|b||3||||x|f\na|||4||||x|f\nA|||5||||x|f\n",
         "1,2,3,4,5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t count = 0;
        assert_string_equal(folded(cases[i].text, &count), cases[i].values);
    }
}

/* `<id>|s||<0 or 1>||||x|f` so many times, the ids repeated after `ids` lines. */
static char *long_text(int lines, int ids)
{
    char *text = test_malloc((size_t)lines * 32 + 1);
    size_t used = 0;
    for (int i = 0; i < lines; i++)
        used += (size_t)snprintf(text + used, 32, "%d|s||%d||||x|f\n", i % ids, i & 1);
    return text;
}

static void the_longest_result_is_folded_to_its_ids(void **state)
{
    (void)state;
    static const int ids[] = {1, 1000, SH_PLUGIN_LINES_MAX};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        char *text = long_text(SH_PLUGIN_LINES_MAX, ids[i]);
        size_t count = 0;
        (void)folded(text, &count);
        assert_int_equal(count, ids[i]);
        test_free(text);
    }
}

static int start(void **state)
{
    (void)state;
    return sh_crypto_init(NULL) == SH_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_line_of_each_pair_of_ids_is_left),
        cmocka_unit_test(the_longest_result_is_folded_to_its_ids),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
