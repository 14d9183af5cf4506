/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/listen_address.h"
#include "libcommon/config/node_entry.h"
#include "tests/unit/unit.h"

#include <string.h>

static void a_node_entry_is_split_into_name_and_url(void **state)
{
    (void)state;
    static const struct {
        const char *entry, *name, *url;
    } good[] = {
        {"http://h:1", "", "http://h:1"},    {"http://h/a=http://b", "", "http://h/a=http://b"},
        {"a=http://h", "a", "http://h"},     {" Site B = https://h/ ", "Site B", "https://h/"},
        {"x=y=http://h", "x=y", "http://h"}, {"zürich=HTTP://h", "zürich", "HTTP://h"},
    };
    static const char *const bad[] = {"",
                                      "a",
                                      "=http://h",
                                      "a=",
                                      "a=h",
                                      "a/b=http://h",
                                      "..=http://h",
                                      "a=ftp://h",
                                      "a\tb=http://h",
                                      "a=http://u@h"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        sh_slice name, url;
        sh_error error = {0};
        if (sh_node_entry_read(good[i].entry, &name, &url, &error) != SH_OK)
            fail_msg("%s: %s", good[i].entry, error.message);
        assert_true(sh_slice_equals(name, sh_slice_of(good[i].name)));
        assert_true(sh_slice_equals(url, sh_slice_of(good[i].url)));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        sh_slice name, url;
        sh_error error = {0};
        if (sh_node_entry_read(bad[i], &name, &url, &error) != SH_E_FORMAT)
            fail_msg("'%s' passes", bad[i]);
    }
}

static void a_listen_address_is_split(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        int port;
    } good[] = {
        {"0.0.0.0:20212", "0.0.0.0", 20212},
        {"127.0.0.1:0", "127.0.0.1", 0},
        {"[::1]:65535", "::1", 65535},
        {"[::]:1", "::", 1},
        {"[::ffff:1.2.3.4]:1", "::ffff:1.2.3.4", 1},
    };
    static const char *const bad[] = {
        "",
        "20212",
        ":20212",
        "0.0.0.0",
        "0.0.0.0:",
        "0.0.0.0:65536",
        "0.0.0.0:x",
        "*:1",
        "::1:1",
        "[::1]",
        "[::1:1",
        "[127.0.0.1]:1",
        "hub:1",
        "localhost:1",
        "1.2.3:1",
        "0.0.0.0:-1",
        "[]:1",
        "0.0.0.0 :1",
        "[11111111111111111111111111111111111111111111111111111111111111111111111]:1",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char host[64];
        uint16_t port;
        assert_int_equal(sh_listen_read(sh_slice_of(good[i].text), host, &port, NULL), SH_OK);
        assert_string_equal(host, good[i].host);
        assert_int_equal(port, good[i].port);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char host[64] = "as it was";
        uint16_t port;
        sh_error error = {0};
        if (sh_listen_read(sh_slice_of(bad[i]), host, &port, &error) != SH_E_FORMAT)
            fail_msg("%s passes", bad[i]);
        assert_non_null(strstr(error.message, "0.0.0.0:20212"));
        assert_string_equal(host, "as it was");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_entry_is_split_into_name_and_url),
        cmocka_unit_test(a_listen_address_is_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
