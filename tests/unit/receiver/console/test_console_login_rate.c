/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_login_rate.h"

#include "libcommon/base/limits.h"
#include "tests/unit/unit.h"

#include <stdio.h>

#define NOW INT64_C(1000000)
#define PEER "192.0.2.7"

static console_login_rate *rate;

static int start(void **state)
{
    (void)state;
    return console_login_rate_new(&rate, NULL) == SH_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    console_login_rate_free(rate);
    return 0;
}

static void fails(const char *address, int times, int64_t now_ms)
{
    for (int i = 0; i < times; i++)
        console_login_rate_failed(rate, address, now_ms);
}

static void failures_make_their_address_wait_longer_and_longer(void **state)
{
    (void)state;
    fails(PEER, SH_CONSOLE_LOGINS_FREE - 1, NOW);
    assert_int_equal(console_login_rate_wait(rate, PEER, NOW), 0);
    int64_t now_ms = NOW;
    static const int64_t waits_s[] = {1, 2, 4, 8, 16, 32, 60, 60};
    for (size_t i = 0; i < sizeof waits_s / sizeof waits_s[0]; i++) {
        fails(PEER, 1, now_ms);
        assert_int_equal(console_login_rate_wait(rate, PEER, now_ms), waits_s[i]);
        assert_int_equal(console_login_rate_wait(rate, PEER, now_ms + waits_s[i] * 1000 - 1), 1);
        assert_int_equal(console_login_rate_wait(rate, "192.0.2.8", now_ms), 0);
        now_ms += waits_s[i] * 1000;
        assert_int_equal(console_login_rate_wait(rate, PEER, now_ms), 0);
    }
}

static void a_login_forgives_the_failures_before(void **state)
{
    (void)state;
    fails(PEER, SH_CONSOLE_LOGINS_FREE, NOW);
    assert_int_equal(console_login_rate_wait(rate, PEER, NOW), 1);
    console_login_rate_passed(rate, PEER);
    assert_int_equal(console_login_rate_wait(rate, PEER, NOW), 0);
    fails(PEER, SH_CONSOLE_LOGINS_FREE - 1, NOW);
    assert_int_equal(console_login_rate_wait(rate, PEER, NOW), 0);
}

static void failures_are_forgotten_after_a_quarter_of_an_hour(void **state)
{
    (void)state;
    fails(PEER, SH_CONSOLE_LOGINS_FREE + 3, NOW);
    int64_t later = NOW + INT64_C(15 * 60 * 1000) + 1;
    fails(PEER, 1, later);
    assert_int_equal(console_login_rate_wait(rate, PEER, later), 0);
}

/* Whoever has one address of an IPv6 network has all of it, in whichever way they are written. */
static void addresses_of_one_ipv6_network_are_one_peer(void **state)
{
    (void)state;
    static const char *const same[][2] = {
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2:ffff::1"},
        {"2001:db8::1", "2001:db8::2"},
        {"2001:db8:0:0:1:2:3:4", "2001:db8::5"},
        {"fe80::1", "fe80::2"},
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        console_login_rate_passed(rate, same[i][0]);
        fails(same[i][0], SH_CONSOLE_LOGINS_FREE, NOW);
        if (console_login_rate_wait(rate, same[i][1], NOW) != 1)
            fail_msg("%s is not taken for %s", same[i][1], same[i][0]);
        assert_int_equal(console_login_rate_wait(rate, "2001:db8:1:3::1", NOW), 0);
    }
    /* As the addresses of IPv4 appear at a listener of [::]. */
    fails("::ffff:192.0.2.1", SH_CONSOLE_LOGINS_FREE, NOW);
    assert_int_equal(console_login_rate_wait(rate, "::ffff:192.0.2.2", NOW), 0);
}

static void all_addresses_together_try_so_often_in_a_second(void **state)
{
    (void)state;
    char address[32];
    for (int i = 0; i < SH_CONSOLE_LOGINS_PER_S + 5; i++) {
        (void)snprintf(address, sizeof address, "198.51.100.%d", i);
        assert_int_equal(console_login_rate_wait(rate, address, NOW),
                         i < SH_CONSOLE_LOGINS_PER_S ? 0 : 1);
    }
    assert_int_equal(console_login_rate_wait(rate, PEER, NOW + 1000), 0);
}

/* Guesses from many addresses use up the tries of addresses that have never logged in. */
static void who_has_logged_in_has_tries_of_its_own(void **state)
{
    (void)state;
    char address[32];
    console_login_rate_passed(rate, "2001:db8::1");
    for (int i = 0; i < 100; i++) {
        (void)snprintf(address, sizeof address, "198.51.100.%d", i);
        (void)console_login_rate_wait(rate, address, NOW);
    }
    assert_int_equal(console_login_rate_wait(rate, PEER, NOW), 1);
    assert_int_equal(console_login_rate_wait(rate, "2001:db8::2", NOW), 0);
    fails("2001:db8::1", SH_CONSOLE_LOGINS_FREE, NOW);
    assert_int_equal(console_login_rate_wait(rate, "2001:db8::1", NOW), 1);
    for (int i = 0; i < SH_CONSOLE_LOGINS_PER_S + 5; i++)
        (void)console_login_rate_wait(rate, "2001:db8::1", NOW + 1000);
    assert_int_equal(console_login_rate_wait(rate, "2001:db8::1", NOW + 1000), 1);
}

static void those_who_have_logged_in_are_bounded(void **state)
{
    (void)state;
    char address[32];
    for (int i = 0; i <= SH_CONSOLE_LOGIN_KNOWN_MAX; i++) {
        (void)snprintf(address, sizeof address, "198.51.%d.%d", i / 256, i % 256);
        for (int again = 0; again < 3; again++)
            console_login_rate_passed(rate, address);
    }
    for (int i = 0; i < SH_CONSOLE_LOGINS_PER_S; i++)
        (void)console_login_rate_wait(rate, PEER, NOW);
    assert_int_equal(console_login_rate_wait(rate, "198.51.0.0", NOW), 1); /* forgotten */
    assert_int_equal(console_login_rate_wait(rate, "198.51.0.1", NOW), 0);
    assert_int_equal(console_login_rate_wait(rate, address, NOW), 0);
}

/* The table is full: the place of the one that failed longest ago is taken. */
static void ten_thousand_addresses_have_bounded_room(void **state)
{
    (void)state;
    char address[32];
    fails(PEER, SH_CONSOLE_LOGINS_FREE + 10, NOW);
    for (int i = 0; i < 10000; i++) {
        (void)snprintf(address, sizeof address, "10.0.%d.%d", i / 256, i % 256);
        fails(address, SH_CONSOLE_LOGINS_FREE, NOW + i);
    }
    assert_int_equal(console_login_rate_wait(rate, address, NOW + 9999), 1);
    assert_int_equal(console_login_rate_wait(rate, PEER, NOW + 9999), 0); /* forgotten */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(failures_make_their_address_wait_longer_and_longer, start,
                                        end),
        cmocka_unit_test_setup_teardown(a_login_forgives_the_failures_before, start, end),
        cmocka_unit_test_setup_teardown(failures_are_forgotten_after_a_quarter_of_an_hour, start,
                                        end),
        cmocka_unit_test_setup_teardown(addresses_of_one_ipv6_network_are_one_peer, start, end),
        cmocka_unit_test_setup_teardown(all_addresses_together_try_so_often_in_a_second, start,
                                        end),
        cmocka_unit_test_setup_teardown(who_has_logged_in_has_tries_of_its_own, start, end),
        cmocka_unit_test_setup_teardown(those_who_have_logged_in_are_bounded, start, end),
        cmocka_unit_test_setup_teardown(ten_thousand_addresses_have_bounded_room, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
