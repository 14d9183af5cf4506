/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/crypto/crypto.h"
#include "receiver/ingest/throttle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define START 1000000
#define NODE_MS (THROTTLE_NODE_INTERVAL_S * 1000LL)

static throttle *t;

static int set_up(void **state)
{
    (void)state;
    return throttle_new(&t, NULL) == SH_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    throttle_free(t);
    return 0;
}

/* How many invalid payloads are let through, of many at one moment. */
static int tries(const char *peer, const char *node, bool known, int64_t now_ms)
{
    int count = 0;
    while (count < 1000 && throttle_wait_s(t, peer, node, known, now_ms) == 0) {
        (void)throttle_count(t, peer, node, known, now_ms);
        count++;
    }
    return count;
}

static void a_peer_may_be_wrong_so_often_and_waits_then(void **state)
{
    (void)state;
    assert_int_equal(tries("10.0.0.1", "a", true, START), THROTTLE_NODE_MAX);
    assert_int_equal(throttle_wait_s(t, "10.0.0.1", "a", true, START), THROTTLE_NODE_INTERVAL_S);
    assert_int_equal(throttle_wait_s(t, "10.0.0.1", "a", true, START + NODE_MS - 1), 1);
    assert_int_equal(tries("10.0.0.1", "a", true, START + NODE_MS), 1);
    assert_int_equal(tries("10.0.0.1", "a", true, START + 3 * NODE_MS), 2);
    assert_int_equal(tries("10.0.0.1", "a", true, START + 100 * NODE_MS), THROTTLE_NODE_MAX);
}

static void the_last_one_that_is_let_through_says_so(void **state)
{
    (void)state;
    for (int i = 1; i < THROTTLE_NODE_MAX; i++)
        assert_false(throttle_count(t, "10.0.0.1", "a", true, START));
    assert_true(throttle_count(t, "10.0.0.1", "a", true, START));
}

static void others_do_not_wait(void **state)
{
    (void)state;
    (void)tries("10.0.0.1", "a", true, START);
    assert_int_equal(throttle_wait_s(t, "10.0.0.1", "b", true, START), 0); /* same ingress */
    assert_int_equal(throttle_wait_s(t, "10.0.0.2", "a", true, START), 0);
}

static void invented_names_help_nobody_and_known_ones_go_on(void **state)
{
    (void)state;
    int sum = 0;
    for (int i = 0; i < 5000; i++) {
        char name[24];
        (void)snprintf(name, sizeof name, "name %d", i);
        sum += tries("10.0.0.1", name, false, START);
    }
    assert_int_equal(sum, THROTTLE_PEER_MAX);
    assert_int_equal(throttle_wait_s(t, "10.0.0.1", "known", true, START), 0);
    assert_int_equal(throttle_wait_s(t, "10.0.0.2", "name", false, START), 0);
    assert_int_equal(tries("10.0.0.1", "later", false, START + THROTTLE_PEER_INTERVAL_S * 1000LL),
                     1);
}

static void an_ipv6_network_of_64_bits_is_one_peer(void **state)
{
    (void)state;
    assert_int_equal(tries("2001:db8::1", "a", true, START), THROTTLE_NODE_MAX);
    assert_int_equal(tries("2001:db8::ffff:ffff:ffff:ffff", "a", true, START), 0);
    assert_int_equal(tries("2001:db8:0:1::1", "a", true, START), THROTTLE_NODE_MAX);
}

static void an_ipv4_address_is_the_same_in_its_ipv6_form(void **state)
{
    (void)state;
    (void)tries("10.0.0.1", "a", true, START);
    assert_int_equal(tries("::ffff:10.0.0.1", "a", true, START), 0);
    assert_int_equal(tries("::ffff:10.0.0.2", "a", true, START), THROTTLE_NODE_MAX);
}

static void a_flood_of_peers_neither_grows_nor_frees_who_waits(void **state)
{
    (void)state;
    (void)tries("10.0.0.1", "a", true, START);
    for (unsigned i = 0; i < 20000; i++) { /* once each, so that they are forgotten first */
        char peer[40];
        (void)snprintf(peer, sizeof peer, "2001:db8:%x:%x::1", i >> 8, i & 0xff);
        (void)throttle_count(t, peer, "a", true, START);
    }
    assert_int_equal(tries("10.0.0.1", "a", true, START), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_peer_may_be_wrong_so_often_and_waits_then, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_last_one_that_is_let_through_says_so, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(others_do_not_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(invented_names_help_nobody_and_known_ones_go_on, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_ipv6_network_of_64_bits_is_one_peer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_ipv4_address_is_the_same_in_its_ipv6_form, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_flood_of_peers_neither_grows_nor_frees_who_waits, set_up,
                                        tear_down),
    };
    sh_error error;
    if (sh_crypto_init(&error) != SH_OK)
        return 1;
    return cmocka_run_group_tests_name("receiver_throttle", tests, NULL, NULL);
}
