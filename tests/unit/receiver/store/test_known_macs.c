/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "libcommon/crypto/crypto.h"
#include "receiver/store/known_macs.h"

#include <stdio.h>

static sh_mac mac_of(const char *text)
{
    sh_mac mac;
    assert_int_equal(sh_mac_read(sh_slice_of(text), &mac, NULL), SH_OK);
    return mac;
}

static sh_mac mac_of_number(unsigned long n)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%012lx", n);
    return mac_of(text);
}

static void what_was_added_is_known_and_nothing_else(void **state)
{
    (void)state;
    known_macs known = {0};
    const unsigned long count = 100000;
    for (unsigned long i = 0; i < count; i++) {
        sh_mac even = mac_of_number(2 * i * 65537);
        assert_false(known_macs_has(&known, &even));
        known_macs_add(&known, &even);
        known_macs_add(&known, &even);
    }
    for (unsigned long i = 0; i < count; i++) {
        sh_mac even = mac_of_number(2 * i * 65537);
        sh_mac other = mac_of_number(2 * i * 65537 + 1);
        assert_true(known_macs_has(&known, &even));
        assert_false(known_macs_has(&known, &other));
    }
    known_macs_clear(&known);
    for (unsigned long i = 0; i < count; i++) {
        sh_mac even = mac_of_number(2 * i * 65537);
        assert_false(known_macs_has(&known, &even));
    }
    known_macs_reset(&known);
}

static void only_six_bytes_are_remembered_however_they_are_written(void **state)
{
    (void)state;
    known_macs known = {0};
    sh_mac zero = mac_of("00:00:00:00:00:00");
    sh_mac last = mac_of("ff:ff:ff:ff:ff:ff");
    sh_mac name = mac_of("Fake_Mac");
    known_macs_add(&known, &name);
    assert_false(known_macs_has(&known, &name));
    known_macs_add(&known, &zero);
    assert_false(known_macs_has(&known, &last));
    known_macs_add(&known, &last);
    sh_mac bare = mac_of("FFFFFFFFFFFF");
    sh_mac dashes = mac_of("00-00-00-00-00-00");
    assert_true(known_macs_has(&known, &bare) && known_macs_has(&known, &dashes));
    assert_false(known_macs_has(&known, &name));
    known_macs_reset(&known);
}

static void there_is_an_end_to_its_memory(void **state)
{
    (void)state;
    known_macs known = {0};
    const unsigned long count = 2000000;
    for (unsigned long i = 0; i < count; i++) {
        sh_mac mac = mac_of_number(i);
        known_macs_add(&known, &mac);
    }
    assert_int_equal(known.size * sizeof known.slots[0], KNOWN_MACS_BYTES_MAX);
    assert_true(known.count < known.size);
    sh_mac first = mac_of_number(0), last = mac_of_number(count - 1);
    assert_true(known_macs_has(&known, &first));
    assert_false(known_macs_has(&known, &last));
    known_macs_reset(&known);
}

static int start(void **state)
{
    (void)state;
    return sh_crypto_init(NULL) == SH_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_is_known_and_nothing_else),
        cmocka_unit_test(only_six_bytes_are_remembered_however_they_are_written),
        cmocka_unit_test(there_is_an_end_to_its_memory),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
