/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/http/idn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* What Python's idna codec and RFC 3492 section 7.1 say. */
static void hosts_are_written_as_dns_knows_them(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"hub", "hub"},
        {"hub.example.com", "hub.example.com"},
        {"b\u00fcro.example", "xn--bro-hoa.example"},
        {"B\u00dcRO.Example", "xn--bro-hoa.example"},
        {"m\u00fcnchen", "xn--mnchen-3ya"},
        {"\u4f8b\u3048.jp", "xn--r8jz45g.jp"},
        {"\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444", "xn--e1afmkfd.xn--p1ai"},
        {"\u4ed6\u4eec\u4e3a\u4ec0\u4e48\u4e0d\u8bf4\u4e2d\u6587", "xn--ihqwcrb4cv8a8dqg056pqjye"},
        {"a.\u00e9.b", "a.xn--9ca.b"},
        {"", ""},
        {"\u00fc.", "xn--tda."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SH_CLEANUP(sh_buf_reset) sh_buf ascii = SH_BUF_INIT(256);
        assert_int_equal(sh_idn_to_ascii(sh_slice_of(cases[i][0]), &ascii), SH_OK);
        assert_string_equal(ascii.data == NULL ? "" : ascii.data, cases[i][1]);
    }
}

static void what_is_no_host_is_refused(void **state)
{
    (void)state;
    char label[80];
    SH_CLEANUP(sh_buf_reset) sh_buf ascii = SH_BUF_INIT(256);
    assert_int_equal(sh_idn_to_ascii(SH_SLICE("\xff"), &ascii), SH_E_FORMAT);
    memset(label, 'a', sizeof label);
    assert_int_equal(sh_idn_to_ascii((sh_slice){label, 63}, &ascii), SH_OK);
    assert_int_equal(sh_idn_to_ascii((sh_slice){label, 64}, &ascii), SH_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_written_as_dns_knows_them),
        cmocka_unit_test(what_is_no_host_is_refused),
    };
    return cmocka_run_group_tests_name("idn", tests, NULL, NULL);
}
