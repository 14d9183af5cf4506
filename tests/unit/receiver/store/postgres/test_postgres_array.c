/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "receiver/store/postgres/postgres_array.h"

#include <string.h>

#define TEXT 25
#define BIGINT 20

static void assert_bytes(const postgres_array *a, const char *bytes, size_t len)
{
    sh_slice built = postgres_array_bytes(a);
    assert_int_equal(built.len, len);
    assert_memory_equal(built.data, bytes, len);
}

/* The bytes that PostgreSQL's array_send() makes of ARRAY['ab', NULL, '']. */
static void texts_and_nulls_follow_their_lengths(void **state)
{
    (void)state;
    static const char bytes[] = "\0\0\0\1\0\0\0\1\0\0\0\x19\0\0\0\3\0\0\0\1"
                                "\0\0\0\2ab\xff\xff\xff\xff\0\0\0\0";
    char room[POSTGRES_ARRAY_BYTES(3, 2)];
    postgres_array a = postgres_array_begin(room, TEXT, 3);
    postgres_array_add(&a, SH_SLICE("ab"));
    postgres_array_add_null(&a);
    postgres_array_add(&a, (sh_slice){NULL, 0});
    assert_bytes(&a, bytes, sizeof bytes - 1);
    assert_int_equal(sizeof bytes - 1, sizeof room);
}

/* ARRAY[258, -1]::bigint[] */
static void numbers_have_eight_bytes(void **state)
{
    (void)state;
    static const char bytes[] = "\0\0\0\1\0\0\0\0\0\0\0\x14\0\0\0\2\0\0\0\1"
                                "\0\0\0\10\0\0\0\0\0\0\1\2"
                                "\0\0\0\10\xff\xff\xff\xff\xff\xff\xff\xff";
    char room[POSTGRES_ARRAY_BYTES(2, 2 * POSTGRES_BIGINT_BYTES)];
    postgres_array a = postgres_array_begin(room, BIGINT, 2);
    postgres_array_add_bigint(&a, 258);
    postgres_array_add_bigint(&a, -1);
    assert_bytes(&a, bytes, sizeof bytes - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_and_nulls_follow_their_lengths),
        cmocka_unit_test(numbers_have_eight_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
