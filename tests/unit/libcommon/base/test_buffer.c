/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "libcommon/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define LARGE 100000

static void reserve_allocates_a_large_request_exactly(void **state)
{
    (void)state;
    sh_buf buf = SH_BUF_INIT(2 * LARGE);
    assert_int_equal(sh_buf_reserve(&buf, LARGE), SH_OK);
    assert_int_equal(buf.cap, LARGE + 1);
    assert_int_equal(sh_buf_reserve(&buf, LARGE), SH_OK);
    assert_int_equal(buf.cap, LARGE + 1);
    sh_buf_reset(&buf);
}

static void a_block_of_many_pages_keeps_its_bytes_when_it_grows(void **state)
{
    (void)state;
    const size_t first = (size_t)5 << 20, second = (size_t)9 << 20;
    sh_buf buf = SH_BUF_INIT(2 * second);
    assert_int_equal(sh_buf_reserve(&buf, first), SH_OK);
    assert_string_equal(buf.data, "");
    memset(buf.data, 'a', first);
    buf.len = first;
    assert_int_equal(sh_buf_reserve(&buf, second), SH_OK);
    assert_true(buf.cap > second);
    for (size_t i = 0; i < first; i += 4096)
        assert_int_equal(buf.data[i], 'a');
    assert_int_equal(buf.data[first - 1], 'a');
    sh_buf_clear(&buf);
    assert_int_equal(sh_buf_reserve(&buf, 2 * second), SH_OK); /* nothing to keep */
    assert_string_equal(buf.data, "");
    assert_int_equal(buf.len, 0);
    sh_buf_reset(&buf);
}

static void appending_reallocates_rarely(void **state)
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

static void fit_keeps_the_text_and_its_nul(void **state)
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

/* The HTTP server accounts for a body's memory by the requested size. */
static void reserve_exactly_allocates_no_more_than_requested(void **state)
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

static void a_buffer_keeps_its_limit_and_its_content(void **state)
{
    (void)state;
    sh_buf buf = SH_BUF_INIT(4);
    assert_int_equal(sh_buf_append(&buf, "abcd", 4), SH_OK);
    assert_int_equal(sh_buf_append(&buf, "e", 1), SH_E_LIMIT);
    assert_int_equal(sh_buf_append_format(&buf, "%d", 5), SH_E_LIMIT);
    assert_string_equal(buf.data, "abcd");
    char *text = sh_buf_steal(&buf);
    assert_string_equal(text, "abcd");
    free(text);
    assert_null(buf.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_keeps_its_limit_and_its_content),
        cmocka_unit_test(reserve_allocates_a_large_request_exactly),
        cmocka_unit_test(a_block_of_many_pages_keeps_its_bytes_when_it_grows),
        cmocka_unit_test(appending_reallocates_rarely),
        cmocka_unit_test(fit_keeps_the_text_and_its_nul),
        cmocka_unit_test(reserve_exactly_allocates_no_more_than_requested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
