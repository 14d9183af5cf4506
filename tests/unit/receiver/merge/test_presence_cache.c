/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/presence_cache.h"

#include "tests/unit/unit.h"

#include <stdio.h>

static void add(sightings *s, const char *text, sighting_kind kind, const char *ip)
{
    sh_mac mac;
    const sh_row_state state = {.last_ip = sh_slice_of(ip), .last_connection = SH_SLICE("")};
    assert_int_equal(sh_mac_read(sh_slice_of(text), &mac, NULL), SH_OK);
    assert_int_equal(sightings_add(s, &mac, kind, &state, NULL), SH_OK);
}

/* Of a table with a device that does not change and one that does. */
static uint64_t fingerprint_with(const char *mac, sighting_kind kind, const char *ip)
{
    sightings s = SIGHTINGS_INIT;
    add(&s, "outside", SIGHTED_PRESENT, "10.0.0.9");
    sightings_range range = sightings_begin(&s);
    add(&s, "02:00:00:00:00:01", SIGHTED_PRESENT, "10.0.0.1");
    add(&s, mac, kind, ip);
    sightings_end(&s, &range);
    uint64_t ret = presence_fingerprint(&s, &range);
    sightings_reset(&s);
    return ret;
}

static void a_fingerprint_changes_with_device_state_and_address(void **state)
{
    (void)state;
    uint64_t first = fingerprint_with("02:00:00:00:00:02", SIGHTED_PRESENT, "192.168.100.20");
    assert_true(first != 0);
    assert_true(first == fingerprint_with("02-00-00-00-00-02", SIGHTED_PRESENT, "192.168.100.20"));
    assert_true(first != fingerprint_with("02:00:00:00:00:03", SIGHTED_PRESENT, "192.168.100.20"));
    assert_true(first != fingerprint_with("02:00:00:00:00:02", SIGHTED_ABSENT, "192.168.100.20"));
    assert_true(first !=
                fingerprint_with("02:00:00:00:00:02", SIGHTED_NOT_KNOWN, "192.168.100.20"));
    assert_true(first != fingerprint_with("02:00:00:00:00:02", SIGHTED_PRESENT, "192.168.100.21"));
    assert_true(first != fingerprint_with("02:00:00:00:00:02", SIGHTED_PRESENT, "192.168.100.2"));
    assert_true(first != fingerprint_with("02:00:00:00:00:02", SIGHTED_PRESENT, ""));
}

static void a_table_that_is_merged_in_pieces_has_none(void **state)
{
    (void)state;
    assert_true(fingerprint_with("02:00:00:00:00:02", SIGHTED_EARLIER, "") == 0);
}

static void an_entry_holds_while_its_table_is_the_newest(void **state)
{
    (void)state;
    presence_cache *c = NULL;
    assert_int_equal(presence_cache_new(&c, NULL), SH_OK);
    const store_table table = {.order = 7, .sealed_ms = 1000, .digest = {1}};
    store_table later = table, sealed = table, other = table;
    later.order = 8;
    sealed.sealed_ms = 1001;
    other.digest[SH_DIGEST_BYTES - 1] = 1;
    assert_false(presence_cache_matches(c, "Node_A", &table, 5));
    presence_cache_set(c, "Node_A", &table, 5);
    assert_true(presence_cache_matches(c, "Node_A", &table, 5));
    assert_false(presence_cache_matches(c, "Node_A", &table, 7));
    assert_false(presence_cache_matches(c, "Node_B", &table, 5));
    assert_false(presence_cache_matches(c, "Node_A", &later, 5));
    assert_false(presence_cache_matches(c, "Node_A", &sealed, 5));
    assert_false(presence_cache_matches(c, "Node_A", &other, 5));
    presence_cache_clear(c);
    assert_false(presence_cache_matches(c, "Node_A", &table, 5));
    presence_cache_free(c);
}

static void nodes_that_share_a_place_are_never_confused(void **state)
{
    (void)state;
    presence_cache *c = NULL;
    char name[24];
    int kept = 0;
    assert_int_equal(presence_cache_new(&c, NULL), SH_OK);
    for (int i = 0; i < 40000; i++) {
        const store_table table = {.order = i + 1};
        (void)snprintf(name, sizeof name, "Node_%d", i);
        presence_cache_set(c, name, &table, (uint64_t)i + 1);
    }
    for (int i = 0; i < 40000; i++) {
        const store_table table = {.order = i + 1}, next = {.order = i + 2};
        (void)snprintf(name, sizeof name, "Node_%d", i);
        kept += presence_cache_matches(c, name, &table, (uint64_t)i + 1);
        assert_false(presence_cache_matches(c, name, &next, (uint64_t)i + 2));
    }
    assert_true(kept > 10000);
    presence_cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fingerprint_changes_with_device_state_and_address),
        cmocka_unit_test(a_table_that_is_merged_in_pieces_has_none),
        cmocka_unit_test(an_entry_holds_while_its_table_is_the_newest),
        cmocka_unit_test(nodes_that_share_a_place_are_never_confused),
    };
    return cmocka_run_group_tests_name("presence_cache", tests, NULL, NULL);
}
