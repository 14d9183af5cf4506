/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/utf8.h"

/* Includes the source to test each implementation, not only the one selected for this CPU. */
/* NOLINTNEXTLINE(bugprone-suspicious-include) */
#include "receiver/ingest/text_traits.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_agrees(const char *text, size_t len)
{
    bool survey = sh_text_traits_of((sh_slice){text, len}).utf8;
    if (survey != sh_utf8_is_valid(text, len))
        fail_msg("%zu bytes, the survey says %d", len, survey);
}

/* Puts bytes at every place of a text of three blocks, also at its end. */
static void try_everywhere(const uint8_t *bytes, size_t count)
{
    char text[192];
    for (size_t at = 56; at <= 72; at++) {
        memset(text, 'a', sizeof text);
        memcpy(text + at, bytes, count);
        assert_agrees(text, sizeof text);
        assert_agrees(text, at + count);
    }
}

static void a_survey_finds_what_is_no_utf8(void **state)
{
    (void)state;
    static const uint8_t leads[] = {0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1,
                                    0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};
    static const uint8_t others[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f,
                                     0xa0, 0xbf, 0xc2, 0xe0, 0xf0, 0xff};
    for (size_t a = 0; a < sizeof leads; a++)
        for (size_t b = 0; b < sizeof others; b++)
            for (size_t c = 0; c < sizeof others; c++) {
                uint8_t bytes[4] = {leads[a], others[b], others[c], 0x80};
                for (size_t count = 1; count <= sizeof bytes; count++)
                    try_everywhere(bytes, count);
            }
}

/* The same numbers in every run: a linear congruential generator. */
static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

static void random_texts_are_judged_as_by_the_usual_check(void **state)
{
    (void)state;
    uint32_t seed = 1;
    char text[256];
    for (int i = 0; i < 20000; i++) {
        size_t len = next_random(&seed) % sizeof text;
        for (size_t j = 0; j < len; j++)
            text[j] = (char)(next_random(&seed) % 8 == 0 ? next_random(&seed) : 'a');
        assert_agrees(text, len);
    }
}

#ifdef __x86_64__
/* Surveys one block after BEFORE bytes by each implementation. */
static void assert_same(const uint8_t text[static BEFORE + BLOCK])
{
    findings portable = {0}, vector = {0};
    survey(text, 1, &portable);
    survey_by_32(text, 1, &vector);
    assert_int_equal(is_any(portable.broken), is_any(vector.broken));
    assert_int_equal(is_any(portable.nul), is_any(vector.nul));
    assert_int_equal(is_any(portable.control), is_any(vector.control));
}

/* Every pair of bytes, after each kind of byte, near both ends of each half of a block. */
static void vector_code_matches_portable_code(void **state)
{
    (void)state;
    static const uint8_t before[] = {'a', 0xc2, 0xe1, 0xf1};
    static const size_t places[] = {BEFORE + 2, 34, 64};
    if (!__builtin_cpu_supports("avx2"))
        skip();
    for (unsigned pair = 0x80; pair < 0x10000; pair++)
        for (size_t k = 0; k < sizeof before; k++)
            for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
                uint8_t text[BEFORE + BLOCK];
                memset(text, 'a', sizeof text);
                text[places[i] - 1] = before[k];
                text[places[i]] = (uint8_t)(pair >> 8);
                text[places[i] + 1] = (uint8_t)pair;
                assert_same(text);
                text[places[i] - 2] = 0xf1; /* so that the pair can be the last of four bytes */
                assert_same(text);
            }
}
#endif

static void a_survey_finds_control_characters_and_nul(void **state)
{
    (void)state;
    for (size_t at = 0; at < 130; at++)
        for (int c = 0; c < 0x30; c++) {
            char text[130];
            memset(text, 'a', sizeof text);
            text[at] = (char)c;
            sh_text_traits traits = sh_text_traits_of((sh_slice){text, sizeof text});
            assert_int_equal(traits.nul, c == 0);
            assert_int_equal(traits.control, c < 0x20 && c != '\t' && c != '\n' && c != '\r');
        }
}

static void an_empty_text_has_nothing(void **state)
{
    (void)state;
    sh_text_traits traits = sh_text_traits_of((sh_slice){NULL, 0});
    assert_true(traits.utf8 && !traits.nul && !traits.control);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_survey_finds_what_is_no_utf8),
        cmocka_unit_test(random_texts_are_judged_as_by_the_usual_check),
#ifdef __x86_64__
        cmocka_unit_test(vector_code_matches_portable_code),
#endif
        cmocka_unit_test(a_survey_finds_control_characters_and_nul),
        cmocka_unit_test(an_empty_text_has_nothing),
    };
    return cmocka_run_group_tests_name("text_traits", tests, NULL, NULL);
}
