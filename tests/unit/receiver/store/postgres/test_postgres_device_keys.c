/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "receiver/store/postgres/postgres_device_keys.h"

#include <string.h>

#define COUNT 5

static void keys_are_sorted_without_case_and_found(void **state)
{
    (void)state;
    static const char *const texts[COUNT] = {"Zeta", "zEta", "AA:BB:CC:00:00:01", "alpha",
                                             "\xc3\x84"};
    static const size_t sorted[COUNT] = {2, 3, 0, 1, 4};
    sh_mac macs[COUNT];
    device_key keys[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(sh_mac_read(sh_slice_of(texts[i]), &macs[i], NULL), SH_OK);
        keys[i] = (device_key){.mac = &macs[i], .index = i};
    }
    device_keys_sort(keys, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(keys[i].index, sorted[i]);
    assert_int_equal(device_keys_find(keys, COUNT, "aa:bb:cc:00:00:01"), 0);
    assert_int_equal(device_keys_find(keys, COUNT, "zeta"), 2); /* the first of two */
    assert_int_equal(device_keys_find(keys, COUNT, "\xc3\x84"), 4);
    assert_int_equal(device_keys_find(keys, COUNT, "\xc3\xa4"), COUNT);
    assert_int_equal(device_keys_find(keys, COUNT, "beta"), COUNT);
    assert_int_equal(device_keys_find(keys, 0, "zeta"), 0);
}

static void only_ascii_letters_are_folded(void **state)
{
    (void)state;
    sh_mac mac;
    char folded[SH_MAC_MAX_BYTES];
    assert_int_equal(sh_mac_read(SH_SLICE("Fake_\xc3\x84Z"), &mac, NULL), SH_OK);
    device_key_fold(&mac, folded);
    assert_memory_equal(folded, "fake_\xc3\x84z", mac.len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_sorted_without_case_and_found),
        cmocka_unit_test(only_ascii_letters_are_folded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
