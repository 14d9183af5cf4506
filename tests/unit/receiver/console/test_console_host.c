/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_host.h"

#include "tests/unit/unit.h"

#include <string.h>

static char *urls[] = {(char[]){"https://hub.example.org"}, (char[]){"http://intern:8080"}};

static sh_settings settings(const char *listen)
{
    return (sh_settings){.console_listen = (char *)(uintptr_t)listen,
                         .console_url = {.items = urls, .count = 2}};
}

/* RFC 9110, section 7.2: uri-host [ ":" port ]. */
static void only_the_console_s_names_are_its_host(void **state)
{
    (void)state;
    static const struct {
        const char *listen, *host;
        bool own;
    } cases[] = {
        {"127.0.0.1:20214", "127.0.0.1:20214", true},
        {"127.0.0.1:20214", "localhost", true},
        {"127.0.0.1:20214", "LocalHost:1", true},
        {"127.0.0.1:20214", "[::1]:20214", true},
        {"127.0.0.1:20214", "localhost.example.org", false},
        {"127.0.0.1:20214", "127.0.0.1.example.org", false},
        {"127.0.0.1:20214", "notlocalhost", false},
        {"127.0.0.1:20214", "192.0.2.1", false},
        {"192.0.2.1:20214", "192.0.2.1:20214", true},
        {"192.0.2.1:20214", "192.0.2.2:20214", false},
        {"0.0.0.0:20214", "192.0.2.2:20214", true},
        {"[::]:20214", "[2001:db8::1]", true},
        {"0.0.0.0:20214", "rebound.example.org", false},
        {"0.0.0.0:20214", "192.0.2.2.example.org", false},
        {"127.0.0.1:20214", "hub.example.org", true},
        {"127.0.0.1:20214", "HUB.example.org", true},
        {"127.0.0.1:20214", "hub.example.org.", false},
        {"127.0.0.1:20214", "hub.example.org:444", false},
        {"127.0.0.1:20214", "evil-hub.example.org", false},
        {"127.0.0.1:20214", "intern:8080", true},
        {"127.0.0.1:20214", "intern", false},
        {"127.0.0.1:20214", "", false},
        {"127.0.0.1:20214", "[", false},
        {"127.0.0.1:20214", "[]", false},
        {"127.0.0.1:20214", ":80", false},
        {"127.0.0.1:20214", "[::1]", true},
        {"127.0.0.1:20214", "[0:0::01]:20214", true},
        {"127.0.0.1:20214", "[127.0.0.1]", false},
        {"127.0.0.1:20214", "[localhost]", false},
        {"0.0.0.0:20214", "[192.0.2.1]", false},
        {"127.0.0.1:20214", "[::1]example.org", false},
        {"127.0.0.1:20214", "[::1]:80.example.org", false},
        {"127.0.0.1:20214", "[::1", false},
        {"127.0.0.1:20214", "localhost:80.example.org", false},
        {"127.0.0.1:20214", "localhost:example.org", false},
        {"127.0.0.1:20214", "localhost:80:80", false},
        {"127.0.0.1:20214", NULL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const sh_settings here = settings(cases[i].listen);
        if (console_host_is_own(&here, cases[i].host) != cases[i].own)
            fail_msg("%s at %s", cases[i].host, cases[i].listen);
    }
    char longest[2000];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    const sh_settings here = settings("127.0.0.1:20214");
    assert_false(console_host_is_own(&here, longest));
}

static void https_is_what_a_url_of_the_settings_says(void **state)
{
    (void)state;
    const sh_settings here = settings("127.0.0.1:20214");
    assert_true(console_host_has_https(&here, "hub.example.org"));
    assert_false(console_host_has_https(&here, "intern:8080"));
    assert_false(console_host_has_https(&here, "127.0.0.1:20214"));
    assert_false(console_host_has_https(&here, NULL));
}

/* Fetch Metadata and RFC 6454. */
static void only_pages_of_the_console_are_its_origin(void **state)
{
    (void)state;
    static const struct {
        console_origin request;
        bool own, stated;
    } cases[] = {
        {{"hub:1", NULL, NULL}, true, false},
        {{"hub:1", "http://hub:1", NULL}, true, true},
        {{"hub:1", "https://HUB:1", "same-origin"}, true, true},
        {{"hub:1", "http://hub:1", "cross-site"}, false, true},
        {{"hub:1", "http://hub:2", NULL}, false, true},
        {{"hub:1", "http://hub:1.example.org", NULL}, false, true},
        {{"hub:1", "null", NULL}, false, true},
        {{"hub:1", "", NULL}, false, true},
        {{"hub:1", NULL, "none"}, false, true},
        {{"hub:1", NULL, "same-site"}, false, true},
        {{"hub:1", NULL, "same-origin"}, true, true},
        {{NULL, "http://hub:1", NULL}, false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool stated = false;
        if (console_origin_is_own(&cases[i].request, &stated) != cases[i].own ||
            stated != cases[i].stated)
            fail_msg("case %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_console_s_names_are_its_host),
        cmocka_unit_test(https_is_what_a_url_of_the_settings_says),
        cmocka_unit_test(only_pages_of_the_console_are_its_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
