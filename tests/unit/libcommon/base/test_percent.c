/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/percent.h"
#include "tests/unit/unit.h"

static void percent_encoding_goes_both_ways(void **state)
{
    (void)state;
    sh_buf text = SH_BUF_INIT(64);
    assert_int_equal(sh_percent_encode("B\xc3\xbcro 1~", &text), SH_OK);
    assert_string_equal(text.data, "B%C3%BCro%201~");
    sh_buf back = SH_BUF_INIT(64);
    assert_int_equal(sh_percent_decode((sh_slice){text.data, text.len}, &back), SH_OK);
    assert_string_equal(back.data, "B\xc3\xbcro 1~");
    static const char *const broken[] = {"%", "%4", "%zz", "a%"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        assert_int_equal(sh_percent_decode(sh_slice_of(broken[i]), &back), SH_E_FORMAT);
    sh_buf small = SH_BUF_INIT(2);
    assert_int_equal(sh_percent_decode(SH_SLICE("abc"), &small), SH_E_LIMIT);
    sh_buf_reset(&small);
    sh_buf_reset(&text);
    sh_buf_reset(&back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percent_encoding_goes_both_ways),
    };
    return cmocka_run_group_tests_name("percent", tests, NULL, NULL);
}
