/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

/* Each way of it is tested, whichever this machine would choose. */
/* NOLINTNEXTLINE(bugprone-suspicious-include) */
#include "libcommon/text_mask.c"

#include <stdbool.h>
#include <stdlib.h>

/* A fixed sequence, so that a failure can be repeated. */
static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

static void fill(char text[static 64], uint32_t *seed)
{
    static const char often[] = "\"\\:{}[]{}[] ,aM;\x7b\x5b\x7d\x5d\xdb\xfb";
    for (size_t i = 0; i < 64; i++)
        text[i] = next_random(seed) % 4 == 0 ? (char)next_random(seed)
                                             : often[next_random(seed) % (sizeof often - 1)];
}

static void compare(const char text[static 64], const sh_text_mask *got)
{
    sh_text_mask one_by_one;
    mask_one_by_one(text, 64, &one_by_one);
    assert_memory_equal(got, &one_by_one, sizeof one_by_one);
}

static void every_way_gives_what_single_bytes_give(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (int round = 0; round < 5000; round++) {
        char text[64];
        sh_text_mask mask;
        fill(text, &seed);
        sh_text_mask_of(text, 64, &mask);
        compare(text, &mask);
#ifdef __x86_64__
        mask_by_16(text, &mask);
        compare(text, &mask);
        if (!__builtin_cpu_supports("avx512bw"))
            continue;
        mask_by_64(text, &mask);
        compare(text, &mask);
#endif
    }
}

static void escapes_and_strings_are_what_a_walk_over_the_bytes_finds(void **state)
{
    (void)state;
    uint32_t seed = 2;
    uint64_t carry = 0;
    bool escaped = false;
    for (int round = 0; round < 5000; round++) {
        char text[64];
        fill(text, &seed);
        sh_text_mask mask;
        sh_text_mask_of(text, 64, &mask);
        uint64_t got = sh_text_mask_escaped(mask.backslashes, &carry);
        uint64_t between = sh_text_mask_between(mask.quotes & ~got);
        bool inside = false;
        for (size_t i = 0; i < 64; i++) {
            assert_int_equal(got >> i & 1, escaped);
            if (text[i] == '"' && !escaped)
                inside = !inside;
            assert_int_equal(between >> i & 1, inside);
            escaped = text[i] == '\\' && !escaped;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_gives_what_single_bytes_give),
        cmocka_unit_test(escapes_and_strings_are_what_a_walk_over_the_bytes_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
