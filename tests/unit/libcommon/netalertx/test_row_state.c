/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/netalertx/row_state.h"

#include "libcommon/netalertx/table_scan.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

/* The state of the only row of a table, after padding that moves it across the scan's blocks. */
static sh_row_state state_of(const char *row, int padding)
{
    static char text[8192];
    sh_table_scan scan;
    sh_table_row found;
    bool more = false;
    int len = snprintf(text, sizeof text, "{\"data\": [%*s%s]}", padding, "", row);
    assert_in_range(len, 1, sizeof text - 1);
    assert_int_equal(sh_table_scan_init(&scan, text, (size_t)len, NULL), SH_OK);
    assert_int_equal(sh_table_scan_next(&scan, &found, &more, NULL), SH_OK);
    assert_true(more);
    assert_int_equal(sh_row_state_complete(found.text, &found.state, NULL), SH_OK);
    return found.state;
}

static void a_row_says_whether_its_device_is_present(void **state)
{
    (void)state;
    static const struct {
        const char *members;
        sh_row_present present;
    } cases[] = {
        {"\"devPresentLastScan\": 1", SH_ROW_PRESENT_YES},
        {"\"devPresentLastScan\":1", SH_ROW_PRESENT_YES},
        {"\"devPresentLastScan\" : true", SH_ROW_PRESENT_YES},
        {"\"devPresentLastScan\": \"1\"", SH_ROW_PRESENT_YES},
        {"\"devPresentLastScan\": 1.0", SH_ROW_PRESENT_YES},
        {"\"devPresentLastScan\": 0", SH_ROW_PRESENT_NO},
        {"\"devPresentLastScan\": 2", SH_ROW_PRESENT_NO},
        {"\"devPresentLastScan\": 1x", SH_ROW_PRESENT_NO},
        {"\"devPresentLastScan\": null", SH_ROW_PRESENT_NO},
        {"\"devPresentLastScan\": \"\"", SH_ROW_PRESENT_NO},
        {"\"devPresentLastScan\": false", SH_ROW_PRESENT_NO},
        {"\"devPresentLastScan\": [1]", SH_ROW_PRESENT_NO},
        {"\"devPresentLastScan\": \"1111111111111111111111111111111111111\"", SH_ROW_PRESENT_NO},
        {"\"devPresentLastScan\": 0, \"devPresentLastScan\": 1", SH_ROW_PRESENT_YES},
        {"\"devPresentLastScan\": 1, \"devPresentLastScan\": 0", SH_ROW_PRESENT_NO},
        {"\"devPresent\\u004castScan\": 0", SH_ROW_PRESENT_NO},
        {"\"devPresentLastScan\": 1, \"devPresent\\u004castScan\": 0", SH_ROW_PRESENT_NO},
        {"\"devPresentLastScan\": 0, \"present\": \"unknown\"", SH_ROW_PRESENT_UNKNOWN},
        {"\"present\": \"unknown\", \"devPresentLastScan\": 0", SH_ROW_PRESENT_UNKNOWN},
        {"\"devPresentLastScan\": 0, \"present\": \"no\"", SH_ROW_PRESENT_NO},
        {"\"devPresentLastScan\": 1, \"present\": \"unknown\"", SH_ROW_PRESENT_YES},
        {"\"devPresentLastScan\": 0, \"present\" : \"unknown\"", SH_ROW_PRESENT_UNKNOWN},
        {"\"devPresentLastScan\": 0, \"pres\\u0065nt\": \"unknown\"", SH_ROW_PRESENT_UNKNOWN},
        {"\"devPresentLastScan\": 0, \"presents\": \"unknown\"", SH_ROW_PRESENT_NO},
        {"\"devPresentLastScan\": 0, \"x\": {\"present\": \"unknown\"}", SH_ROW_PRESENT_NO},
        {"\"devPresentLastScan\": 0, \"x\": \"\\\"present\\\": 1\"", SH_ROW_PRESENT_NO},
        {"\"devName\": \"present\"", SH_ROW_PRESENT_MISSING},
        {"\"x\": {\"devPresentLastScan\": 0}", SH_ROW_PRESENT_MISSING},
        {"\"devName\": \"devPresentLastScan\"", SH_ROW_PRESENT_MISSING},
        {"\"devName\": \"\\\"devPresentLastScan\\\": 0\"", SH_ROW_PRESENT_MISSING},
        {"\"devpresentLastScan\": 0", SH_ROW_PRESENT_MISSING},
        {"\"ZdevPresentLastScan\": 0, \"LastScan\": 0", SH_ROW_PRESENT_MISSING},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int padding = 0; padding < 70; padding += 3) {
            char row[512];
            (void)snprintf(row, sizeof row, "{\"devMac\": \"02:00:00:00:00:01\", %s}",
                           cases[i].members);
            if (state_of(row, padding).present != cases[i].present)
                fail_msg("%s at %d", cases[i].members, padding);
        }
}

static void its_address_and_time_are_found(void **state)
{
    (void)state;
    for (int padding = 0; padding < 130; padding++) {
        sh_row_state found =
            state_of("{\"devLastConnection\": \"2026-01-02 03:04:05\", \"devMac\":"
                     " \"x\", \"devLastIPSource\": \"y\", \"devLastIP\":\"10.0.0.1\"}",
                     padding);
        assert_true(sh_slice_equals(found.last_ip, SH_SLICE("10.0.0.1")));
        assert_true(sh_slice_equals(found.last_connection, SH_SLICE("2026-01-02 03:04:05")));
        assert_int_equal(found.present, SH_ROW_PRESENT_MISSING);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_says_whether_its_device_is_present),
        cmocka_unit_test(its_address_and_time_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
