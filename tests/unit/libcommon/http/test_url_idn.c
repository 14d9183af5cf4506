/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/url_idn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void assert_ascii(const char *host, const char *expected)
{
    char url[512];
    char ascii[256];
    (void)snprintf(url, sizeof url, "http://%s:20212/x", host);
    if (!sh_url_host_to_ascii(url, ascii, sizeof ascii))
        fail_msg("%s has no form in ASCII", host);
    assert_string_equal(ascii, expected);
}

/* What Python's idna codec and RFC 3492 section 7.1 say. */
static void hosts_are_written_as_dns_knows_them(void **state)
{
    (void)state;
    assert_ascii("b\u00fcro.example", "xn--bro-hoa.example");
    assert_ascii("B\u00dcRO.Example", "xn--bro-hoa.example");
    assert_ascii("m\u00fcnchen", "xn--mnchen-3ya");
    assert_ascii("\u4f8b\u3048.jp", "xn--r8jz45g.jp");
    assert_ascii("\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444", "xn--e1afmkfd.xn--p1ai");
    assert_ascii("\u4ed6\u4eec\u4e3a\u4ec0\u4e48\u4e0d\u8bf4\u4e2d\u6587",
                 "xn--ihqwcrb4cv8a8dqg056pqjye");
    assert_ascii("a.\u00e9.b", "a.xn--9ca.b");
    assert_ascii("\u00fc.", "xn--tda.");
    /* IDNA 2008, UTS 46: the letter has a form of its own; a compatible form is mapped. */
    assert_ascii("stra\u00dfe.example", "xn--strae-oqa.example");
    assert_ascii("bu\u0308ro.example", "xn--bro-hoa.example");
}

static void other_hosts_have_no_such_form(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "http://hub",
        "http://\xff",
        "http://\xc3",
        "http://[::1]/\u00fc",
        "no URL \u00fc",
        /* a label of 64 */
        "http://\u00fcaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    char ascii[256];
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
        if (sh_url_host_to_ascii(urls[i], ascii, sizeof ascii))
            fail_msg("%s: %s", urls[i], ascii);
    assert_false(sh_url_host_to_ascii("http://b\u00fcro.example", ascii, 19));
    assert_true(sh_url_host_to_ascii("http://b\u00fcro.example", ascii, 20));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_written_as_dns_knows_them),
        cmocka_unit_test(other_hosts_have_no_such_form),
    };
    return cmocka_run_group_tests_name("url_idn", tests, NULL, NULL);
}
