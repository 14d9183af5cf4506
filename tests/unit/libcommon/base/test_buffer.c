/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "libcommon/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define LARGE 100000

static void what_is_known_at_once_gets_what_it_needs(void **state)
{
    (void)state;
    sh_buf buf = SH_BUF_INIT(2 * LARGE);
    assert_int_equal(sh_buf_reserve(&buf, LARGE), SH_OK);
    assert_int_equal(buf.cap, LARGE + 1);
    assert_int_equal(sh_buf_reserve(&buf, LARGE), SH_OK);
    assert_int_equal(buf.cap, LARGE + 1);
    sh_buf_reset(&buf);
}

static void what_grows_is_not_moved_for_each_byte(void **state)
{
    (void)state;
    sh_buf buf = SH_BUF_INIT(LARGE);
    size_t moves = 0;
    for (size_t i = 0; i < LARGE; i++) {
        size_t before = buf.cap;
        assert_int_equal(sh_buf_append(&buf, "x", 1), SH_OK);
        moves += buf.cap != before;
        assert_int_equal(buf.data[buf.len], '\0');
    }
    assert_true(moves < 20);
    assert_int_equal(buf.cap, LARGE + 1);
    assert_int_equal(sh_buf_append(&buf, "x", 1), SH_E_LIMIT);
    assert_int_equal(sh_buf_reserve(&buf, LARGE + 1), SH_E_LIMIT);
    assert_int_equal(buf.len, LARGE);
    sh_buf_reset(&buf);
}

static void fitting_keeps_the_text_and_its_end(void **state)
{
    (void)state;
    sh_buf buf = SH_BUF_INIT(2 * LARGE);
    sh_buf_fit(&buf);
    assert_null(buf.data);
    assert_int_equal(sh_buf_reserve(&buf, LARGE), SH_OK);
    assert_int_equal(sh_buf_append_text(&buf, "text"), SH_OK);
    sh_buf_fit(&buf);
    assert_int_equal(buf.cap, sizeof "text");
    assert_string_equal(buf.data, "text");
    assert_int_equal(sh_buf_append_format(&buf, " and %d", 1), SH_OK);
    assert_string_equal(buf.data, "text and 1");
    sh_buf_clear(&buf);
    assert_string_equal(buf.data, "");
    char *stolen = sh_buf_steal(&buf);
    assert_string_equal(stolen, "");
    free(stolen);
    assert_null(buf.data);
}

/* What a body's memory is charged is what it takes. */
static void exact_room_is_no_more_than_what_was_asked_for(void **state)
{
    (void)state;
    sh_buf buf = SH_BUF_INIT(1000000);
    for (size_t len = 1; len < 1000000; len += len / 2 + 1) {
        assert_int_equal(sh_buf_reserve_exactly(&buf, len), SH_OK);
        assert_int_equal(buf.cap, len + 1);
        assert_int_equal(
            sh_buf_append(&buf, "xxxxxxxxxxxxxxxx", len - buf.len < 16 ? len - buf.len : 16),
            SH_OK);
        assert_int_equal(buf.cap, len + 1);
    }
    assert_int_equal(sh_buf_reserve_exactly(&buf, 1000001), SH_E_LIMIT);
    sh_buf_reset(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_known_at_once_gets_what_it_needs),
        cmocka_unit_test(what_grows_is_not_moved_for_each_byte),
        cmocka_unit_test(fitting_keeps_the_text_and_its_end),
        cmocka_unit_test(exact_room_is_no_more_than_what_was_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
