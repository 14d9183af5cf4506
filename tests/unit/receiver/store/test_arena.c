/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "libcommon/base/limits.h"
#include "receiver/store/arena.h"

#include <stdint.h>
#include <string.h>

#define PIECES 5000

/* Each piece holds what was written to it, whatever was taken after it. */
static void take_many(sh_arena *arena)
{
    unsigned char *pieces[PIECES];
    for (size_t i = 0; i < PIECES; i++) {
        pieces[i] = sh_arena_take(arena, i + 1);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        memset(pieces[i], (int)(i % 251), i + 1);
    }
    for (size_t i = 0; i < PIECES; i++)
        for (size_t k = 0; k <= i; k++)
            assert_int_equal(pieces[i][k], i % 251);
}

static void pieces_do_not_overlap(void **state)
{
    (void)state;
    sh_arena arena = {NULL};
    take_many(&arena);
    sh_arena_clear(&arena);
    take_many(&arena);
    sh_arena_reset(&arena);
    assert_null(arena.newest);
    take_many(&arena);
    sh_arena_reset(&arena);
}

static void what_is_cleared_is_taken_again(void **state)
{
    (void)state;
    sh_arena arena = {NULL};
    void *first = sh_arena_take(&arena, 100);
    assert_non_null(first);
    sh_arena_clear(&arena);
    assert_ptr_equal(sh_arena_take(&arena, 200), first);
    sh_arena_reset(&arena);
}

static void a_large_piece_is_not_kept(void **state)
{
    (void)state;
    sh_arena arena = {NULL};
    char *large = sh_arena_take(&arena, SH_MIB);
    assert_non_null(large);
    large[SH_MIB - 1] = 'x';
    sh_arena_clear(&arena);
    assert_null(arena.newest);
    sh_arena_clear(&arena);
    sh_arena_reset(&arena);
}

static void what_nobody_has_is_refused(void **state)
{
    (void)state;
    sh_arena arena = {NULL};
    assert_non_null(sh_arena_take(&arena, 1));
    assert_null(sh_arena_take(&arena, SIZE_MAX));
    assert_null(sh_arena_take(&arena, SIZE_MAX - 1));
    assert_non_null(sh_arena_take(&arena, 1));
    sh_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_do_not_overlap),
        cmocka_unit_test(what_is_cleared_is_taken_again),
        cmocka_unit_test(a_large_piece_is_not_kept),
        cmocka_unit_test(what_nobody_has_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
