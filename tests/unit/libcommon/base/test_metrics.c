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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_are_written_in_prometheus_text_format),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
