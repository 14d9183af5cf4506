/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

/* Each way of it is tested, whichever this machine would choose. */
/* NOLINTNEXTLINE(bugprone-suspicious-include) */
#include "libcommon/base/text_mask.c"

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
        sh_text_mask mask[SH_TEXT_MASKS];
        fill(text, &seed);
        assert_int_equal(sh_text_masks_of(text, 64, mask), 1);
        compare(text, mask);
#ifdef __x86_64__
        mask_by_16(text, 1, mask);
        compare(text, mask);
        if (!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("pclmul"))
            continue;
        mask_by_64(text, 1, mask);
        compare(text, mask);
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
        sh_text_mask mask[SH_TEXT_MASKS];
        assert_int_equal(sh_text_masks_of(text, 64, mask), 1);
        uint64_t got = sh_text_mask_escaped(mask->backslashes, &carry);
        uint64_t between = sh_text_mask_between(mask->quotes & ~got);
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

/* Of texts of every length up to more than fit, and nothing behind them is read. */
static void a_text_of_any_length_is_told_in_runs_of_64_bytes(void **state)
{
    (void)state;
    enum { MOST = 64 * (SH_TEXT_MASKS + 1) };
    uint32_t seed = 3;
    for (size_t len = 1; len <= MOST; len++) {
        char *text = malloc(MOST);
        sh_text_mask masks[SH_TEXT_MASKS];
        for (size_t at = 0; at < MOST; at += 64)
            fill(text + at, &seed);
        char *exact = realloc(text, len);
        assert_non_null(exact);
        size_t count = sh_text_masks_of(exact, len, masks);
        assert_int_equal(count, len < MOST - 64 ? (len + 63) / 64 : SH_TEXT_MASKS);
        for (size_t i = 0; i < count; i++) {
            sh_text_mask mask;
            size_t rest = len - i * 64;
            mask_one_by_one(exact + i * 64, rest < 64 ? rest : 64, &mask);
            assert_memory_equal(&masks[i], &mask, sizeof mask);
        }
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_gives_what_single_bytes_give),
        cmocka_unit_test(a_text_of_any_length_is_told_in_runs_of_64_bytes),
        cmocka_unit_test(escapes_and_strings_are_what_a_walk_over_the_bytes_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
