/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/sightings.h"

#include "libcommon/base/limits.h"
#include "tests/unit/unit.h"

#include <string.h>

static sh_mac mac_of(const char *text)
{
    sh_mac mac;
    assert_int_equal(sh_mac_read(sh_slice_of(text), &mac, NULL), SH_OK);
    return mac;
}

static void add(sightings *s, const char *text, sighting_kind kind, const char *ip,
                const char *time)
{
    sh_mac mac = mac_of(text);
    const sh_row_state state = {.last_ip = sh_slice_of(ip), .last_connection = sh_slice_of(time)};
    assert_int_equal(sightings_add(s, &mac, kind, &state, NULL), SH_OK);
}

static void expect(const sightings *s, size_t i, const char *mac, const char *ip, const char *time)
{
    char room[SIGHTING_MAC_BYTES];
    assert_true(sh_slice_equals(sighting_mac(s, &s->rows[i], room), sh_slice_of(mac)));
    assert_true(sh_slice_equals(sighting_ip(s, &s->rows[i]), sh_slice_of(ip)));
    assert_true(sh_slice_equals(sighting_time(s, &s->rows[i]), sh_slice_of(time)));
}

static void what_is_noted_is_read_again(void **state)
{
    (void)state;
    sightings s = SIGHTINGS_INIT;
    add(&s, "AA-BB-CC-DD-EE-0F", SIGHTED_PRESENT, "10.0.0.1", "2026-01-02 03:04:05");
    add(&s, "Printer-X", SIGHTED_ABSENT, "fe80::1%eth0", "2026-01-02 03:04:05");
    add(&s, "ff:ff:ff:ff:ff:ff", SIGHTED_ABSENT, "a b", "yesterday");
    add(&s, "00:00:00:00:00:00", SIGHTED_EARLIER, "10.0.0.2", "2026-01-02 03:04:05");
    expect(&s, 0, "aa:bb:cc:dd:ee:0f", "10.0.0.1", "");
    expect(&s, 1, "printer-x", "fe80::1%eth0", "2026-01-02 03:04:05");
    expect(&s, 2, "ff:ff:ff:ff:ff:ff", "", "");
    expect(&s, 3, "00:00:00:00:00:00", "", "");
    sightings_reset(&s);
}

static void a_cut_forgets_what_came_since(void **state)
{
    (void)state;
    sightings s = SIGHTINGS_INIT;
    add(&s, "kept", SIGHTED_PRESENT, "1", "");
    sightings_range range = sightings_begin(&s);
    for (int i = 0; i < 3000; i++)
        add(&s, "cut", SIGHTED_PRESENT, "22", "");
    sightings_end(&s, &range);
    assert_int_equal(range.end - range.first, 3000);
    sightings_cut(&s, &range);
    add(&s, "next", SIGHTED_PRESENT, "3", "");
    assert_int_equal(s.count, 2);
    expect(&s, 0, "kept", "1", "");
    expect(&s, 1, "next", "3", "");
    sightings_reset(&s);
}

static void memory_of_a_large_transaction_is_freed(void **state)
{
    (void)state;
    sightings s = SIGHTINGS_INIT;
    add(&s, "one", SIGHTED_PRESENT, "1", "");
    sightings_clear(&s);
    assert_int_equal(s.count, 0);
    assert_int_not_equal(s.capacity, 0); /* kept for the next one */
    for (int i = 0; i < 140000; i++)
        add(&s, "one", SIGHTED_PRESENT, "1", "");
    sightings_clear(&s);
    assert_int_equal(s.capacity, 0);
    assert_int_equal(s.texts.cap, 0);
    add(&s, "two", SIGHTED_PRESENT, "2", "");
    expect(&s, 0, "two", "2", "");
    sightings_reset(&s);
}

/* A transaction takes tables until it has SIGHTINGS_MANY rows, so that the last can be a full one.
 */
static void a_full_transaction_and_a_full_table_fit(void **state)
{
    (void)state;
    char mac[SH_MAC_MAX_BYTES + 1], ip[SH_PRESENCE_IP_MAX + 1];
    sightings s = SIGHTINGS_INIT;
    for (size_t i = 0; i < SH_MAC_MAX; i++)
        memcpy(mac + 4 * i, "\xf0\x9f\x98\x80", 5);
    memset(ip, 'f', SH_PRESENCE_IP_MAX);
    ip[SH_PRESENCE_IP_MAX] = '\0';
    for (int i = 0; i < SIGHTINGS_MANY + SH_ROWS_MAX; i++)
        add(&s, mac, SIGHTED_ABSENT, ip, "2026-01-02 03:04:05");
    expect(&s, s.count - 1, mac, ip, "2026-01-02 03:04:05");
    sightings_reset(&s);
}

static void keys_are_one_for_each_device(void **state)
{
    (void)state;
    sh_mac a = mac_of("AA:BB:CC:DD:EE:FF"), b = mac_of("aabbccddeeff"), c = mac_of("Printer"),
           d = mac_of("pRINTER"), e = mac_of("printer2");
    assert_true(sighting_key(&a) == sighting_key(&b));
    assert_true(sighting_key(&c) == sighting_key(&d));
    assert_true(sighting_key(&c) != sighting_key(&e));
    sightings s = SIGHTINGS_INIT;
    add(&s, "aa:bb:cc:dd:ee:ff", SIGHTED_PRESENT, "", "");
    add(&s, "Printer", SIGHTED_EARLIER, "", "");
    const sightings_range range = {.first = 0, .end = 2};
    sh_buf keys = SH_BUF_INIT(100);
    assert_int_equal(sightings_write_keys(&s, &range, &keys), SH_OK);
    assert_int_equal(keys.len, 2 * SIGHTING_KEY_BYTES);
    assert_true(sighting_key_read(keys.data) == sighting_key(&a));
    assert_true(sighting_key_read(keys.data + SIGHTING_KEY_BYTES) == sighting_key(&c));
    sh_buf_reset(&keys);
    sightings_reset(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_noted_is_read_again),
        cmocka_unit_test(a_cut_forgets_what_came_since),
        cmocka_unit_test(memory_of_a_large_transaction_is_freed),
        cmocka_unit_test(a_full_transaction_and_a_full_table_fit),
        cmocka_unit_test(keys_are_one_for_each_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
