/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/limits.h"
#include "libcommon/netalertx/mac.h"
#include "tests/unit/unit.h"

#include <string.h>

static void check_number(const sh_mac *mac)
{
    sh_mac again;
    if (mac->number == 0)
        return;
    sh_mac_of_number(mac->number, &again);
    assert_string_equal(again.text, mac->text);
    assert_int_equal(again.len, mac->len);
    assert_int_equal(again.number, mac->number);
}

static void macs_are_normalised(void **state)
{
    (void)state;
    static const struct {
        const char *text, *key; /* key NULL: refused */
    } cases[] = {
        {"AA:bb:CC:dd:EE:ff", "aa:bb:cc:dd:ee:ff"},
        {"AA-BB-CC-DD-EE-FF", "aa:bb:cc:dd:ee:ff"},
        {"aabbccddeeff", "aa:bb:cc:dd:ee:ff"},
        {"001122334455", "00:11:22:33:44:55"},
        {"  00:11:22:33:44:55\n", "00:11:22:33:44:55"},
        {"aabb.cc00.000f", "aa:bb:cc:00:00:0f"},
        {"AABB-CC00-000F", "aa:bb:cc:00:00:0f"},
        {"aabb:cc00:000f", "aa:bb:cc:00:00:0f"},
        {"aabbcc-00000f", "aa:bb:cc:00:00:0f"},
        {"aabbcc:00000f", "aa:bb:cc:00:00:0f"},
        {"AA.BB.CC.00.00.0F", "aa:bb:cc:00:00:0f"},
        {"aa:bb:cc:0:0:f", "aa:bb:cc:00:00:0f"},
        {"0:C:29:1:2:3", "00:0c:29:01:02:03"},
        {"0-c-29-01-2-3", "00:0c:29:01:02:03"},
        {"a:b:c:d:e:f", "0a:0b:0c:0d:0e:0f"},
        {"0:c:29:1:2", "0:c:29:1:2"},         /* five octets, */
        {"0:c:29:1:2:", "0:c:29:1:2:"},       /* an empty one, */
        {":c:29:1:2:3", ":c:29:1:2:3"},       /* … */
        {"0:c:029:1:2:3", "0:c:029:1:2:3"},   /* three digits, */
        {"0:c:29:1:2:3:4", "0:c:29:1:2:3:4"}, /* seven octets, */
        {"0:c-29:1:2:3", "0:c-29:1:2:3"},     /* two separators, */
        {"1.3.6.1.2.1", "1.3.6.1.2.1"},       /* an OID, */
        {"aabb.cc00-000f", "aabb.cc00-000f"},
        {"aabbc.c00000f", "aabbc.c00000f"},
        {"aabb.cc000.00f", "aabb.cc000.00f"}, /* and other groups: some other key */
        {"aabb.cc00.000g", "aabb.cc00.000g"},
        {"aabb cc00 000f", "aabb cc00 000f"},
        {"aa:bb-cc:dd:ee:ff", "aa:bb-cc:dd:ee:ff"}, /* mixed separators: some other key */
        {"aa:bb:cc:dd:ee:fg", "aa:bb:cc:dd:ee:fg"},
        {"Internet", "Internet"},
        {"0", "0"},
        {"fake_mac_12", "fake_mac_12"},
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"", NULL},
        {" \t", NULL},
        {"a\x01z", NULL},
        {"\xff", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_mac mac;
        sh_error error = {0};
        sh_err err = sh_mac_read(sh_slice_of(cases[i].text), &mac, &error);
        if (cases[i].key == NULL) {
            assert_int_equal(err, SH_E_FORMAT);
            continue;
        }
        assert_int_equal(err, SH_OK);
        assert_string_equal(mac.text, cases[i].key);
        check_number(&mac);
        assert_int_equal(mac.len, strlen(mac.text));
    }
}

static void a_key_has_at_most_so_many_characters(void **state)
{
    (void)state;
    char longest[4 * (SH_MAC_MAX + 1)];
    for (size_t i = 0; i < SH_MAC_MAX + 1; i++)
        memcpy(longest + 4 * i, "\xf0\x9f\x98\x80", 4);
    sh_mac mac;
    assert_int_equal(sh_mac_read((sh_slice){longest, 4 * SH_MAC_MAX}, &mac, NULL), SH_OK);
    assert_int_equal(sh_mac_read((sh_slice){longest, sizeof longest}, &mac, NULL), SH_E_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(macs_are_normalised),
        cmocka_unit_test(a_key_has_at_most_so_many_characters),
    };
    return cmocka_run_group_tests_name("mac", tests, NULL, NULL);
}
