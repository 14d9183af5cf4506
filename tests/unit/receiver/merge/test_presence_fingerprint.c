/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/presence_fingerprint.h"

#include "tests/unit/unit.h"

static void add(sightings *s, const char *text, sighting_kind kind, const char *ip)
{
    sh_mac mac;
    const sh_row_state state = {.last_ip = sh_slice_of(ip), .last_connection = SH_SLICE("")};
    assert_int_equal(sh_mac_read(sh_slice_of(text), &mac, NULL), SH_OK);
    assert_int_equal(sightings_add(s, &mac, kind, &state, NULL), SH_OK);
}

/* Of a table with a device that does not change and one that does. */
static int64_t fingerprint_with(const char *mac, sighting_kind kind, const char *ip)
{
    sightings s = SIGHTINGS_INIT;
    add(&s, "outside", SIGHTED_PRESENT, "10.0.0.9");
    sightings_range range = sightings_begin(&s);
    add(&s, "02:00:00:00:00:01", SIGHTED_PRESENT, "10.0.0.1");
    add(&s, mac, kind, ip);
    sightings_end(&s, &range);
    int64_t ret = presence_fingerprint(&s, &range);
    sightings_reset(&s);
    return ret;
}

static void a_fingerprint_changes_with_device_state_and_address(void **state)
{
    (void)state;
    int64_t first = fingerprint_with("02:00:00:00:00:02", SIGHTED_PRESENT, "192.168.100.20");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fingerprint_changes_with_device_state_and_address),
        cmocka_unit_test(a_table_that_is_merged_in_pieces_has_none),
    };
    return cmocka_run_group_tests_name("presence_fingerprint", tests, NULL, NULL);
}
