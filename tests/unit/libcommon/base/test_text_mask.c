/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

/* Includes the source to test each implementation, not only the one selected for this CPU. */
/* NOLINTNEXTLINE(bugprone-suspicious-include) */
#include "libcommon/base/text_mask.c"

#include <stdbool.h>
#include <stdlib.h>

/* Deterministic, so that a failure can be reproduced. */
static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

static void fill(char text[static 64], uint32_t *seed)
{
    static const char frequent[] = "\"\\:{}[]{}[] ,aMLp\"p;\x7b\x5b\x7d\x5d\xdb\xfb";
    for (size_t i = 0; i < 64; i++)
        text[i] = next_random(seed) % 4 == 0 ? (char)next_random(seed)
                                             : frequent[next_random(seed) % (sizeof frequent - 1)];
}

static void compare(const char text[static 64], const sh_text_mask *got)
{
    sh_text_mask expected;
    mask_bytewise(text, 64, &expected);
    assert_memory_equal(got, &expected, sizeof expected);
}

static void vector_code_matches_bytewise_code(void **state)
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
        if (!__builtin_cpu_supports("pclmul"))
            continue;
        if (__builtin_cpu_supports("avx2")) {
            mask_by_32(text, 1, mask);
            compare(text, mask);
        }
        if (__builtin_cpu_supports("avx512bw")) {
            mask_by_64(text, 1, mask);
            compare(text, mask);
        }
#endif
    }
}

static void escapes_and_strings_match_a_bytewise_walk(void **state)
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
        uint64_t strings = sh_text_mask_prefix_xor(mask->quotes & ~got);
        bool inside = false;
        for (size_t i = 0; i < 64; i++) {
            assert_int_equal(got >> i & 1, escaped);
            if (text[i] == '"' && !escaped)
                inside = !inside;
            assert_int_equal(strings >> i & 1, inside);
            escaped = text[i] == '\\' && !escaped;
        }
    }
}

/* Each text is allocated exactly, so that ASan detects reads past its end. */
static void masks_cover_a_text_of_any_length(void **state)
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
            mask_bytewise(exact + i * 64, rest < 64 ? rest : 64, &mask);
            assert_memory_equal(&masks[i], &mask, sizeof mask);
        }
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vector_code_matches_bytewise_code),
        cmocka_unit_test(masks_cover_a_text_of_any_length),
        cmocka_unit_test(escapes_and_strings_match_a_bytewise_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
