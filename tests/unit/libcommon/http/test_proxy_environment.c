/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/proxy_environment.h"

#include <stdbool.h>

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static const char *const names[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
                                    "all_proxy",  "ALL_PROXY",  "no_proxy",    "NO_PROXY"};

static int clear(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)unsetenv(names[i]);
    return 0;
}

static void expect(const char *url, const char *variable, const char *shown)
{
    sh_proxy proxy;
    sh_proxy_of(url, &proxy);
    if (variable == NULL) {
        if (proxy.variable != NULL)
            fail_msg("%s goes through %s", url, proxy.variable);
        return;
    }
    if (proxy.variable == NULL)
        fail_msg("%s goes through no proxy", url);
    assert_string_equal(proxy.variable, variable);
    assert_string_equal(proxy.shown, shown);
}

static void each_scheme_has_its_variables_as_in_curl(void **state)
{
    (void)state;
    expect("http://hub:20212", NULL, NULL);
    (void)setenv("HTTP_PROXY", "http://upper:1", 1); /* a web server's variable of that name is
                                                        a request's header */
    expect("http://hub:20212", NULL, NULL);
    (void)setenv("ALL_PROXY", "socks5://all:1080", 1);
    expect("http://hub", "ALL_PROXY", "socks5://all:1080");
    expect("https://hub", "ALL_PROXY", "socks5://all:1080");
    (void)setenv("HTTPS_PROXY", "tls:3128", 1);
    (void)setenv("http_proxy", "http://plain:3128/", 1);
    expect("http://hub", "http_proxy", "http://plain:3128");
    expect("https://hub", "HTTPS_PROXY", "tls:3128");
    (void)setenv("http_proxy", "", 1); /* as good as not set */
    expect("http://hub", "ALL_PROXY", "socks5://all:1080");
}

static void a_password_is_never_shown(void **state)
{
    (void)state;
    const char *const values[] = {
        "http://user:very-secret@p:3128", "user:very-secret@p:3128",
        "http://user:very/secret@p:3128", "http://u:very-secret@@p:3128",
        "very-secret://x@p:3128",         "http://u:very?secret@p:3128/x"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        sh_proxy proxy;
        (void)setenv("http_proxy", values[i], 1);
        sh_proxy_of("http://hub", &proxy);
        assert_string_equal(proxy.value, values[i]);
        assert_non_null(strstr(proxy.shown, "p:3128"));
        if (strstr(proxy.shown, "secret") != NULL)
            fail_msg("%s is shown as %s", values[i], proxy.shown);
    }
}

static void hosts_that_no_proxy_lists_are_asked_directly(void **state)
{
    (void)state;
    static const struct {
        const char *list, *url;
        bool direct;
    } cases[] = {
        {"*", "http://hub", true},
        {"hub", "http://hub:20212", true},
        {"HUB", "http://hub", true},
        {"other", "http://hub", false},
        {"example.com", "http://hub.example.com", true},
        {".example.com", "http://hub.example.com", true},
        {".example.com", "http://example.com", true},
        {"example.com.", "http://hub.example.com", true},
        {"ample.com", "http://hub.example.com", false},
        {"hub.example.com", "http://example.com", false},
        {"a, b  hub,c", "http://hub", true},
        {",,", "http://hub", false},
        {"10.0.0.7", "http://10.0.0.7:1", true},
        {"10.0.0.7", "http://10.0.0.70:1", false},
        {"0.0.7", "http://10.0.0.7:1", false},
        {"10.0.0.0/8", "http://10.1.2.3", true},
        {"10.0.0.0/8", "http://11.1.2.3", false},
        {"10.1.2.128/25", "http://10.1.2.200", true},
        {"10.1.2.128/25", "http://10.1.2.100", false},
        {"10.0.0.0/33", "http://10.0.0.0", false},
        {"10.0.0.0/x", "http://10.0.0.0", false},
        {"0.0.0.0/0", "http://10.0.0.0", true},
        {"::1", "http://[::1]:1", true},
        {"[::1]", "http://[::1]:1", true},
        {"fd00::/8", "http://[fd12::1]:1", true},
        {"fd00::/8", "http://[2001:db8::1]:1", false},
    };
    (void)setenv("http_proxy", "http://p:3128", 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_proxy proxy;
        (void)setenv(i % 2 == 0 ? "no_proxy" : "NO_PROXY", cases[i].list, 1);
        sh_proxy_of(cases[i].url, &proxy);
        if ((proxy.variable == NULL) != cases[i].direct)
            fail_msg("case %zu: %s with no_proxy=%s", i, cases[i].url, cases[i].list);
        (void)unsetenv("no_proxy");
        (void)unsetenv("NO_PROXY");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_scheme_has_its_variables_as_in_curl, clear),
        cmocka_unit_test_setup(a_password_is_never_shown, clear),
        cmocka_unit_test_setup(hosts_that_no_proxy_lists_are_asked_directly, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
