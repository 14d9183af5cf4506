/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/metrics.h"
#include "tests/unit/unit.h"

#include <string.h>

static void metrics_are_written_in_prometheus_text_format(void **state)
{
    (void)state;
    static sh_metric a = {
        .name = "x_total", .labels = "r=\"a\"", .help = "Things.", .type = "counter"};
    static sh_metric b = {.name = "x_total", .labels = "r=\"b\"", .type = "counter"};
    static sh_metric c = {.name = "y", .help = "Level.", .type = "gauge"};
    static sh_metric d = {.name = "z_seconds", .help = "Time.", .type = "gauge", .divisor = 1000};
    sh_metric *const all[] = {&a, &b, &c, &d};
    sh_metric_add(&a, 2);
    sh_metric_add(&a, 3);
    sh_metric_set(&c, -1);
    sh_metric_set(&d, 1250);
    sh_buf out = SH_BUF_INIT(1024);
    assert_int_equal(sh_metrics_write(all, 4, &out), SH_OK);
    assert_string_equal(out.data,
                        "# HELP x_total Things.\n# TYPE x_total counter\n"
                        "x_total{r=\"a\"} 5\nx_total{r=\"b\"} 0\n"
                        "# HELP y Level.\n# TYPE y gauge\ny -1\n"
                        "# HELP z_seconds Time.\n# TYPE z_seconds gauge\nz_seconds 1.250\n");
    sh_metric_clear(&c);
    sh_buf_clear(&out);
    assert_int_equal(sh_metrics_write(all, 4, &out), SH_OK);
    assert_null(strstr(out.data, "y -1"));
    sh_metric_set(&c, 7);
    sh_buf_clear(&out);
    assert_int_equal(sh_metrics_write(all, 4, &out), SH_OK);
    assert_non_null(strstr(out.data, "\ny 7\n"));
    sh_buf_reset(&out);
}

static void label_values_are_escaped(void **state)
{
    (void)state;
    static const struct {
        sh_slice value;
        const char *written;
    } cases[] = {
        {SH_SLICE(""), "\"\""},
        {SH_SLICE("Office"), "\"Office\""},
        {SH_SLICE("a\"b\""), "\"a\\\"b\\\"\""},
        {SH_SLICE("\\"), "\"\\\\\""},
        {SH_SLICE("\\n\n"), "\"\\\\n\\n\""},
        {SH_SLICE("x{y=\"z\"} 1"), "\"x{y=\\\"z\\\"} 1\""},
        {SH_SLICE("B\xc3\xbcro \xe6\x97\xa5 \xf0\x9f\x8f\xa0"),
         "\"B\xc3\xbcro \xe6\x97\xa5 \xf0\x9f\x8f\xa0\""},
        {SH_SLICE("a\xff"
                  "b\xc3"),
         "\"a\xef\xbf\xbd"
         "b\xef\xbf\xbd\""},
        {SH_SLICE("a\0b"), "\"a\xef\xbf\xbd"
                           "b\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_buf out = SH_BUF_INIT(64);
        assert_int_equal(sh_metric_append_label_value(cases[i].value, &out), SH_OK);
        assert_string_equal(out.data, cases[i].written);
        sh_buf_reset(&out);
    }
    sh_buf full = SH_BUF_INIT(5);
    assert_int_equal(sh_metric_append_label_value(SH_SLICE("\"\""), &full), SH_E_LIMIT);
    sh_buf_reset(&full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_are_written_in_prometheus_text_format),
        cmocka_unit_test(label_values_are_escaped),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
