/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/json/json_write.h"
#include "tests/unit/unit.h"

static void json_strings_are_escaped(void **state)
{
    (void)state;
    sh_buf out = SH_BUF_INIT(256);
    assert_int_equal(sh_json_write_string(&out, SH_SLICE("a\"b\\c\n\r\t\x01\x7f \xc3\xa9 \xff!")),
                     SH_OK);
    assert_string_equal(out.data, "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u007f \xc3\xa9 \\ufffd!\"");
    sh_buf_clear(&out);
    assert_int_equal(sh_buf_append_text(&out, "{"), SH_OK);
    assert_int_equal(sh_json_write_member_text(&out, "k", "v"), SH_OK);
    assert_int_equal(sh_json_write_member_integer(&out, "n", -5), SH_OK);
    assert_string_equal(out.data, "{\"k\":\"v\",\"n\":-5");
    sh_buf_reset(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_strings_are_escaped),
    };
    return cmocka_run_group_tests_name("json_write", tests, NULL, NULL);
}
