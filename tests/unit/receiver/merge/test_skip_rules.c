/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/skip_rules.h"

#include "libcommon/base/hex.h"
#include "libcommon/crypto/crypto.h"
#include "tests/unit/unit.h"

#include <stdio.h>

static const sh_list no_blocklist = {.items = NULL, .count = 0};

static sh_mac mac_of(const char *text)
{
    sh_mac mac;
    assert_int_equal(sh_mac_read(sh_slice_of(text), &mac, NULL), SH_OK);
    return mac;
}

static bool has(const skip_rules *s, const char *text)
{
    sh_mac mac = mac_of(text);
    return skip_rules_has(s, &mac);
}

static void keys_are_found_without_regard_to_case(void **state)
{
    (void)state;
    static char texts[][32] = {"internet", "02:00:00:00:00:aa", "Ä-key", "internet"};
    char *items[] = {texts[0], texts[1], texts[2], texts[3]};
    const sh_list keys = {.items = items, .count = 4};
    skip_rules *s = NULL;
    assert_int_equal(skip_rules_new(&keys, &no_blocklist, &s, NULL), SH_OK);
    assert_true(has(s, "internet"));
    assert_true(has(s, "INTERNET"));
    assert_true(has(s, "02-00-00-00-00-AA"));
    assert_true(has(s, "Ä-KEY"));
    assert_false(has(s, "ä-key")); /* only ASCII letters are compared ignoring case */
    assert_false(has(s, "internet2"));
    assert_false(has(s, "02:00:00:00:00:ab"));
    skip_rules_free(s);
    const sh_list none = {.items = NULL, .count = 0};
    assert_int_equal(skip_rules_new(&none, &no_blocklist, &s, NULL), SH_OK);
    assert_false(has(s, "internet"));
    skip_rules_free(s);
    const sh_list one = {.items = items, .count = 1}; /* no MAC of six bytes */
    assert_int_equal(skip_rules_new(&one, &no_blocklist, &s, NULL), SH_OK);
    assert_true(has(s, "INTERNET"));
    assert_false(has(s, "02-00-00-00-00-AA"));
    skip_rules_free(s);
}

static void rules_hex(char *items[], size_t count, char ret[static SH_DIGEST_HEX_BYTES])
{
    const sh_list keys = {.items = items, .count = count};
    skip_rules *s = NULL;
    assert_int_equal(skip_rules_new(&keys, &no_blocklist, &s, NULL), SH_OK);
    sh_hex_encode(skip_rules_digest(s), SH_DIGEST_BYTES, ret);
    skip_rules_free(s);
}

static void the_digest_of_the_rules_changes_with_them_alone(void **state)
{
    (void)state;
    static char internet[] = "internet", mac[] = "02:00:00:00:00:aa";
    char one[SH_DIGEST_HEX_BYTES], again[SH_DIGEST_HEX_BYTES], other[SH_DIGEST_HEX_BYTES];
    rules_hex((char *[]){internet}, 1, one);
    rules_hex((char *[]){internet}, 1, again);
    /* As 0.1.0 recorded it: an upgrade makes no node send its table again. */
    assert_string_equal(one, "b6fb946c5a8b97c03896944286be81f4cfed14c0cab76c03814d935671a65edb");
    assert_string_equal(again, one);
    rules_hex((char *[]){internet, mac}, 2, other);
    assert_string_not_equal(other, one);
    rules_hex(NULL, 0, other);
    assert_string_not_equal(other, one);
}

/* The CPU time of the fastest of a few runs of 20,000 look-ups, in us. */
static int64_t cost_with(size_t count, char *items[])
{
    const sh_list keys = {.items = items, .count = count};
    skip_rules *s = NULL;
    int64_t best_us = INT64_MAX;
    assert_int_equal(skip_rules_new(&keys, &no_blocklist, &s, NULL), SH_OK);
    sh_mac mac = mac_of("06:00:00:00:00:01");
    for (int run = 0; run < 3; run++) {
        int64_t begun_us = test_cpu_us();
        for (int i = 0; i < 20000; i++)
            assert_false(skip_rules_has(s, &mac));
        int64_t took_us = test_cpu_us() - begun_us;
        best_us = took_us < best_us ? took_us : best_us;
    }
    skip_rules_free(s);
    return best_us;
}

static void a_long_list_costs_no_more_than_a_short_one(void **state)
{
    (void)state;
    char **items = test_calloc(SH_LIST_MAX, sizeof *items);
    for (size_t i = 0; i < SH_LIST_MAX; i++) {
        items[i] = test_malloc(18);
        (void)snprintf(items[i], 18, "02:00:00:00:%02x:%02x", (unsigned)(i >> 8 & 255),
                       (unsigned)(i & 255));
    }
    int64_t short_us = cost_with(1, items);
    assert_true(cost_with(SH_LIST_MAX, items) < 20 * short_us + 50000);
    for (size_t i = 0; i < SH_LIST_MAX; i++)
        test_free(items[i]);
    test_free(items);
}

static int start(void **state)
{
    (void)state;
    return sh_crypto_init(NULL) == SH_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_found_without_regard_to_case),
        cmocka_unit_test(the_digest_of_the_rules_changes_with_them_alone),
        cmocka_unit_test(a_long_list_costs_no_more_than_a_short_one),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
