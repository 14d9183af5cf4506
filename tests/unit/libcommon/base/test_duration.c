/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/duration.h"
#include "tests/unit/unit.h"

static void durations_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {{"1s", 1000},      {"90s", 90000}, {"15m", 900000},  {"12h", 43200000},
                 {"7d", 604800000}, {"0s", 0},      {"007m", 420000}, {"366d", 31622400000}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ms = -1;
        assert_true(sh_duration_read(cases[i].text, 366 * 86400, &ms));
        assert_int_equal(ms, cases[i].ms);
    }
}

static void other_texts_and_long_durations_are_not(void **state)
{
    (void)state;
    static const char *const cases[] = {"",     "m",    "5",    "5 m",   "-5m",
                                        "+5m",  "1.5h", "5M",   "5w",    "5ms",
                                        "m5",   "5m ",  "367d", "8785h", "99999999999999999999d",
                                        "\377d"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ms = -1;
        assert_false(sh_duration_read(cases[i], 366 * 86400, &ms));
        assert_int_equal(ms, -1);
    }
}

static void the_largest_whole_unit_is_written(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {{0, "0s"},    {1, "1s"},     {60, "1m"},    {90, "90s"},    {900, "15m"},
                 {3600, "1h"}, {5400, "90m"}, {86400, "1d"}, {90000, "25h"}, {31622400, "366d"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[SH_DURATION_BYTES];
        sh_duration_write(cases[i].seconds, text);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_read),
        cmocka_unit_test(other_texts_and_long_durations_are_not),
        cmocka_unit_test(the_largest_whole_unit_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
