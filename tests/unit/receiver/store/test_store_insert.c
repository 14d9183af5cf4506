/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store_fixture.h"

/* A statement's parameters outlive its run: none may be taken for another row's. */
static void rows_take_nothing_from_those_before(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{\"devMac\":\"01\"}",
        "{\"devMac\":\"02\",\"devParentPort\":7,\"devComments\":\"a\"}",
        "{\"devMac\":\"03\",\"devParentPort\":7,\"devComments\":\"a\",\"devVlan\":\"9\"}",
        "{\"devMac\":\"03\",\"devParentPort\":6,\"devComments\":\"\"}",
        "{\"devMac\":\"04\",\"devParentPort\":8,\"devComments\":\"\",\"devScan\":0}",
        "{\"devMac\":\"05\",\"devParentPort\":\"\",\"devComments\":\"b\",\"devScan\":0}",
        "{\"devMac\":\"06\",\"devParentPort\":0,\"devComments\":\"bc\"}",
        "{\"devMac\":\"07\",\"devVlan\":\"\"}",
        "{\"devMac\":\"08\",\"devParentPort\":8}",
    };
    store *s = opened();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(insert(s, rows[i], "N"), i == 3 ? STORE_KNOWN : STORE_INSERTED);
    store_close(s);
    assert_string_equal(sql("SELECT \"devMac\", \"devParentPort\", \"devComments\", \"devVlan\","
                            " \"devScan\" FROM \"Devices\" ORDER BY \"devMac\""),
                        "01|NULL|NULL|NULL|1;02|7|a|NULL|1;03|7|a|9|1;04|8||NULL|0;"
                        "05||b|NULL|0;06|0|bc|NULL|1;07|NULL|NULL||1;08|8|NULL|NULL|1;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_take_nothing_from_those_before, folder_make,
                                        folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
