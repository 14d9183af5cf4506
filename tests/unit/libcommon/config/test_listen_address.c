/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/listen_address.h"
#include "tests/unit/unit.h"

#include <string.h>

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
        cmocka_unit_test(a_listen_address_is_split),
    };
    return cmocka_run_group_tests_name("listen_address", tests, NULL, NULL);
}
