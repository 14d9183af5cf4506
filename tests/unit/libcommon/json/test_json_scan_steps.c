/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <stdio.h>

/* Test the code for CPUs without SSE2, too. */
#undef __SSE2__
/* NOLINTNEXTLINE(bugprone-suspicious-include) */
#include "libcommon/json/json_scan.c"

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static void a_step_ends_at_the_first_byte_that_is_not_plain(void **state)
{
    (void)state;
    for (unsigned place = 0; place < SH_PLAIN_STEP; place++) {
        for (unsigned c = 0; c < 256; c++) {
            for (unsigned behind = 0; behind < 256; behind++) {
                char text[SH_PLAIN_STEP + 1];
                memset(text, 'a', sizeof text);
                text[place] = (char)c;
                text[place + 1] = (char)behind;
                unsigned wanted = !is_plain((unsigned char)c) ? place
                                  : place + 1 < SH_PLAIN_STEP && !is_plain((unsigned char)behind)
                                      ? place + 1
                                      : SH_PLAIN_STEP;
                assert_int_equal(sh_plain_bytes(text), wanted);
            }
        }
    }
}

/* Each byte at each place of three blocks, of which the last is one byte short. */
static void blocks_end_before_the_first_byte_that_is_not_plain(void **state)
{
    (void)state;
    char text[3 * SH_PLAIN_BLOCK - 1];
    memset(text, 'a', sizeof text);
    for (size_t place = 0; place < sizeof text; place++) {
        for (unsigned c = 0; c < 256; c++) {
            size_t before = place / SH_PLAIN_BLOCK * SH_PLAIN_BLOCK;
            size_t wanted = is_plain((unsigned char)c) ? 2 * SH_PLAIN_BLOCK : before;
            text[place] = (char)c;
            assert_int_equal(sh_plain_blocks_portable(text, sizeof text), wanted);
#ifdef __x86_64__
            if (__builtin_cpu_supports("avx2"))
                assert_int_equal(sh_plain_blocks_avx2(text, sizeof text), wanted);
#endif
        }
        text[place] = 'a';
    }
}

static sh_err take_value(void *context, const sh_json_scan_member *member, sh_error *error)
{
    (void)error;
    *(sh_slice *)context = member->value;
    return SH_OK;
}

static void strings_of_every_length_are_read(void **state)
{
    (void)state;
    for (size_t len = 0; len < 300; len++) {
        char text[320];
        sh_slice value = SH_SLICE("");
        int end = snprintf(text, sizeof text, "{\"key\":\"%0*d\"}", (int)len, 0);
        assert_int_equal(sh_json_scan((sh_slice){text, (size_t)end}, take_value, &value, NULL),
                         SH_OK);
        assert_int_equal(value.len, len == 0 ? 1 : len);
        text[end / 2] = '\n';
        assert_int_equal(sh_json_scan((sh_slice){text, (size_t)end}, take_value, &value, NULL),
                         SH_E_FORMAT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_ends_at_the_first_byte_that_is_not_plain),
        cmocka_unit_test(blocks_end_before_the_first_byte_that_is_not_plain),
        cmocka_unit_test(strings_of_every_length_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
