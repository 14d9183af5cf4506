/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/os/host_addresses.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static void add(sh_host_addresses *list, int family, const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (family == AF_INET) {
        assert_int_equal(inet_pton(AF_INET, text, &v4.sin_addr), 1);
        sh_host_addresses_add(list, (const struct sockaddr *)&v4, sizeof v4);
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
        sh_host_addresses_add(list, (const struct sockaddr *)&v6, sizeof v6);
    }
}

static void a_host_has_addresses(void **state)
{
    (void)state;
    sh_host_addresses list;
    const char *why = NULL;
    assert_true(sh_host_resolve("127.0.0.1", &list, &why));
    assert_int_equal(list.count, 1);
    assert_string_equal(list.text[0], "127.0.0.1");
    assert_true(sh_host_resolve("::1", &list, &why));
    assert_string_equal(list.text[0], "::1");
    assert_true(sh_host_resolve("localhost", &list, &why));
    assert_true(list.count > 0);
    why = NULL;
    assert_false(sh_host_resolve("there-is-no-such-host.invalid", &list, &why));
    assert_non_null(why);
    assert_int_equal(list.count, 0);
}

static void addresses_are_listed_once(void **state)
{
    (void)state;
    sh_host_addresses list = {0};
    char text[64];
    sh_host_addresses_print(&list, "db", text, sizeof text);
    assert_string_equal(text, "");
    add(&list, AF_INET, "10.0.0.5");
    add(&list, AF_INET, "10.0.0.5");
    sh_host_addresses_print(&list, "db", text, sizeof text);
    assert_string_equal(text, " (10.0.0.5)");
    sh_host_addresses_print(&list, "10.0.0.5", text, sizeof text);
    assert_string_equal(text, "");
    add(&list, AF_INET6, "2001:db8::1");
    sh_host_addresses_print(&list, "db", text, sizeof text);
    assert_string_equal(text, " (10.0.0.5, 2001:db8::1)");
    const struct sockaddr local = {.sa_family = AF_UNIX};
    sh_host_addresses_add(&list, &local, sizeof local);
    assert_int_equal(list.count, 2);
}

static void an_address_in_brackets_is_not_repeated(void **state)
{
    (void)state;
    sh_host_addresses list = {0};
    char text[64];
    add(&list, AF_INET6, "::1");
    sh_host_addresses_print(&list, "[::1]", text, sizeof text);
    assert_string_equal(text, "");
    sh_host_addresses_print(&list, "[::2]", text, sizeof text);
    assert_string_equal(text, " (::1)");
}

static void a_full_list_takes_no_more(void **state)
{
    (void)state;
    sh_host_addresses list = {0};
    char address[24];
    for (int i = 0; i < SH_HOST_ADDRESSES_MAX + 1; i++) {
        (void)snprintf(address, sizeof address, "10.0.0.%d", i);
        add(&list, AF_INET, address);
    }
    assert_int_equal(list.count, SH_HOST_ADDRESSES_MAX);
    char all[200], cut[20];
    sh_host_addresses_print(&list, "db", all, sizeof all);
    assert_non_null(strstr(all, ", 10.0.0.7)"));
    sh_host_addresses_print(&list, "db", cut, sizeof cut);
    assert_int_equal(strlen(cut), sizeof cut - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_has_addresses),
        cmocka_unit_test(addresses_are_listed_once),
        cmocka_unit_test(an_address_in_brackets_is_not_repeated),
        cmocka_unit_test(a_full_list_takes_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
