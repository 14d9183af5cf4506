/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/buffer.h"
#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "pusher/mac_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/pusher_folder.h"

static const uint8_t key[SH_KEY_BYTES] = {7};

static mac_set set_of(const char *table)
{
    mac_set set;
    sh_error error = {0};
    assert_int_equal(mac_set_of_table(key, sh_slice_of(table), &set, &error), SH_OK);
    return set;
}

static void spellings_of_one_mac_are_one(void **state)
{
    (void)state;
    mac_set set = set_of("{\"data\": [{\"devMac\": \"AA:BB:CC:DD:EE:FF\"},"
                         "{\"devMac\": \"aa-bb-cc-dd-ee-ff\"}, {\"devMac\": \"aabbccddeeff\"},"
                         "{\"devMac\": \"\\u0061a:bb:cc:dd:ee:ff\"},"
                         "{\"devMac\": \"Internet\"}, {\"devMac\": \"internet\"},"
                         "{\"devMac\": 7}, {\"devMac\": \"7\"}]}");
    assert_int_equal(set.count, 3);
    mac_set_reset(&set);
}

static void rows_without_a_key_are_passed_over(void **state)
{
    (void)state;
    mac_set set = set_of("{\"data\": [{}, 5, {\"devMac\": null}, {\"devMac\": \"\"},"
                         "{\"devMac\": [1]}, {\"devMac\": \"a\\u0000b\"}, {\"devMac\": \"x\"}]}");
    assert_int_equal(set.count, 1);
    mac_set_reset(&set);
    set = set_of("{\"data\": []}");
    assert_int_equal(set.count, 0);
    mac_set_reset(&set);
}

static void only_what_is_not_known_is_missing(void **state)
{
    (void)state;
    mac_set known = set_of("{\"data\": [{\"devMac\": \"a\"}, {\"devMac\": \"b\"}]}");
    mac_set fewer = set_of("{\"data\": [{\"devMac\": \"B\"}]}");
    mac_set more = set_of("{\"data\": [{\"devMac\": \"b\"}, {\"devMac\": \"c\"}]}");
    mac_set none = {0};
    assert_int_equal(mac_set_count_missing(&known, &fewer), 0);
    assert_int_equal(mac_set_count_missing(&known, &more), 1);
    assert_int_equal(mac_set_count_missing(&none, &more), 2);
    assert_int_equal(mac_set_count_missing(&known, &none), 0);
    assert_int_equal(mac_set_merge(&known, &more, NULL), SH_OK);
    assert_int_equal(known.count, 3);
    assert_int_equal(mac_set_count_missing(&known, &more), 0);
    assert_int_equal(mac_set_merge(&none, &none, NULL), SH_OK);
    assert_int_equal(none.count, 0);
    mac_set_reset(&known);
    mac_set_reset(&fewer);
    mac_set_reset(&more);
}

/* A set of count made-up hashes, the first of which is number first. */
static mac_set made_up(uint32_t first, size_t count)
{
    mac_set set = {.hashes = calloc(count, MAC_SET_HASH_BYTES), .count = count};
    assert_non_null(set.hashes);
    for (uint32_t i = 0; i < count; i++)
        for (int byte = 0; byte < 4; byte++)
            set.hashes[i][byte] = (uint8_t)((first + i) >> (24 - 8 * byte));
    return set;
}

static void over_its_limit_the_newest_table_is_kept(void **state)
{
    (void)state;
    mac_set known = made_up(0, SH_ROWS_MAX - 1);
    mac_set one = made_up(SH_ROWS_MAX, 1), two = made_up(SH_ROWS_MAX, 2);
    assert_int_equal(mac_set_merge(&known, &one, NULL), SH_OK);
    assert_int_equal(known.count, SH_ROWS_MAX);
    assert_int_equal(mac_set_merge(&known, &two, NULL), SH_OK);
    assert_int_equal(known.count, 2);
    mac_set_reset(&known);
    mac_set_reset(&one);
    mac_set_reset(&two);
}

static void a_saved_set_is_loaded_by_its_owner_alone(void **state)
{
    (void)state;
    mac_set set = set_of("{\"data\": [{\"devMac\": \"a\"}, {\"devMac\": \"b\"}]}");
    const char *path = in_folder("macs");
    assert_int_equal(mac_set_save(path, SH_SLICE("me"), &set, NULL), SH_OK);
    mac_set loaded;
    assert_int_equal(mac_set_load(path, SH_SLICE("me"), &loaded, NULL), SH_OK);
    assert_int_equal(loaded.count, 2);
    assert_int_equal(mac_set_count_missing(&loaded, &set), 0);
    mac_set_reset(&loaded);
    assert_int_equal(mac_set_load(path, SH_SLICE("you"), &loaded, NULL), SH_OK);
    assert_int_equal(loaded.count, 0);
    assert_int_equal(mac_set_load(in_folder("none"), SH_SLICE("me"), &loaded, NULL), SH_OK);
    assert_int_equal(loaded.count, 0);
    mac_set_reset(&set);
}

static void a_damaged_set_is_told(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "SHMACS1\n", "SHMACS1\n1234567890123456x",
                                        "SHMACS2\n1234567890123456"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        folder_put("macs", texts[i]);
        mac_set set;
        sh_error error = {0};
        assert_int_equal(mac_set_load(in_folder("macs"), SH_SLICE("me"), &set, &error),
                         SH_E_FORMAT);
        assert_non_null(strstr(error.message, in_folder("macs")));
        assert_int_equal(set.count, 0);
    }
}

static int start(void **state)
{
    (void)state;
    return sh_crypto_init(NULL) != SH_OK;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spellings_of_one_mac_are_one),
        cmocka_unit_test(rows_without_a_key_are_passed_over),
        cmocka_unit_test(only_what_is_not_known_is_missing),
        cmocka_unit_test(over_its_limit_the_newest_table_is_kept),
        FOLDER_TEST(a_saved_set_is_loaded_by_its_owner_alone),
        FOLDER_TEST(a_damaged_set_is_told),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
