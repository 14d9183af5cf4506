/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/limits.h"
#include "libcommon/base/utf8.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/native/name_lookalike.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static bool keys_match(const char *a, const char *b)
{
    sh_name_keys x = sh_name_keys_of(sh_slice_of(a)), y = sh_name_keys_of(sh_slice_of(b));
    return sh_name_keys_match(&x, &y);
}

static void lookalike_names_share_a_key(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"Victim", "victim"},
        {"Victim", "VICTIM"},
        {"Victim", "\u0475ictim"},                /* Cyrillic izhitsa */
        {"Victim", "Vi\u0441tim"},                /* Cyrillic es */
        {"victim", "VI\u0421TIM"},                /* the same in upper case */
        {"office", "\u043eff\u0456\u0441\u0435"}, /* Cyrillic o, i, es, ie */
        {"office", "o\ufb03ce"},                  /* a ligature */
        {"Alpha", "\u0391lpha"},                  /* Greek Alpha */
        {"alpha", "\u03b1lph\u0430"},             /* Greek and Cyrillic */
        {"node 1", "node l"},
        {"node 1", "node I"},
        {"node 1", "node |"},
        {"NODE0", "NODEO"},
        {"Victim", "\uff36\uff49\uff43\uff54\uff49\uff4d"},                         /* full width */
        {"Victim", "\U0001d415\U0001d422\U0001d41c\U0001d42d\U0001d422\U0001d426"}, /* bold */
        {"Victim", "\u24cb\u24d8\u24d2\u24e3\u24d8\u24dc"},                         /* in circles */
        {"Building 2", "Building \u00b2"},
        {"a b", "a  b"},
        {"a b", "a\u00a0b"},
        {"a b", "a\u2003\u2009b"},
        {"a-b", "a\u2010b"},
        {"a-b", "a\u2013b"},
        {"Bob's", "Bob\u2019s"},
        {"B\u00fcro", "Bu\u0308ro"}, /* decomposed, as on macOS */
        {"B\u00dcRO", "bu\u0308ro"},
        {"\u01d6", "u\u0308\u0304"},
        {"\u0421\u041a\u041b\u0410\u0414", "\u0441\u043a\u043b\u0430\u0434"}, /* Cyrillic case */
        {"\u0391\u0398\u0397\u039d\u0391", "\u03b1\u03b8\u03b7\u03bd\u03b1"}, /* Greek case */
        {"\u03c3\u03b1\u03c2", "\u03a3\u0391\u03a3"},
        {"\uac00\uac01", "\u1100\u1161\u1100\u1161\u11a8"}, /* Korean syllables and letters */
        {"\u304c", "\u304b\u3099"},
        {"\uff76", "\u30ab"},      /* half-width Katakana */
        {"home\ufe0f", "home"},    /* a variation selector */
        {"\u13a0\u13a1", "DR"},    /* Cherokee */
        {"\u0585ffice", "office"}, /* Armenian */
        {"\u212aelvin", "Kelvin"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (!keys_match(pairs[i][0], pairs[i][1]) || !keys_match(pairs[i][1], pairs[i][0]))
            fail_msg("pair %zu: %s and %s", i, pairs[i][0], pairs[i][1]);
}

static void different_names_share_no_key(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"Office", "Offices"},
        {"Node_A", "Node_B"},
        {"Node 1", "Node 2"},
        {"Node 1", "Node 11"},
        {"Node 10", "Node 1"},
        {"B\u00fcro", "Buro"},
        {"Zurich", "Z\u00fcrich"},
        {"a b", "ab"},
        {"a-b", "a_b"},
        {"rn", "m"},
        {"\u5317\u4eac", "\u5357\u4eac"},
        {"site i", "site l"},
        {"home\U0001f3e0", "home"},
        {"5", "S"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (keys_match(pairs[i][0], pairs[i][1]))
            fail_msg("pair %zu: %s and %s", i, pairs[i][0], pairs[i][1]);
}

static void the_longest_names_have_keys(void **state)
{
    (void)state;
    static const char *const letters[] = {"a",      "\u01d6",     "\u1f82", "\ufb03",
                                          "\uac01", "\U0001d415", "\u00a0x"};
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        char name[SH_NODE_NAME_MAX + 1] = "";
        size_t len = 0, one = strlen(letters[i]);
        for (size_t n = 0; len + one <= SH_NODE_NAME_MAX &&
                           sh_utf8_count(name, len) + sh_utf8_count(letters[i], one) <=
                               SH_NODE_NAME_CHARACTERS_MAX;
             n++) {
            memcpy(name + len, letters[i], one);
            len += one;
            name[len] = '\0';
        }
        assert_true(keys_match(name, name));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lookalike_names_share_a_key),
        cmocka_unit_test(different_names_share_no_key),
        cmocka_unit_test(the_longest_names_have_keys),
    };
    sh_error error;
    if (sh_crypto_init(&error) != SH_OK)
        return 1;
    return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
