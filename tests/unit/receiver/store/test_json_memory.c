/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/json/json_read.h"
#include "receiver/store/device_row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* Every allocation of the readers fails in turn: the linker redirects their calls. */

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker names them. */
void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);

static long failing_allocation; /* 0: none */

void *__wrap_malloc(size_t bytes)
{
    if (failing_allocation > 0 && --failing_allocation == 0)
        return NULL;
    return __real_malloc(bytes);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    if (failing_allocation > 0 && --failing_allocation == 0)
        return NULL;
    return __real_realloc(memory, bytes);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static const char json[] = "{\"devMac\":\"a\",\"devName\":\"T\\u00e4st\",\"devScan\":\"5\","
                           "\"other\":[1,2.5,{\"deep\":true}]}";

static sh_err parse(sh_error *error)
{
    sh_json *document = NULL;
    sh_err err = sh_json_parse(json, sizeof json - 1, &document, error);
    assert_true((document != NULL) == (err == SH_OK));
    sh_json_free(document);
    return err;
}

static sh_err read_row(sh_error *error)
{
    SH_CLEANUP(sh_arena_reset) sh_arena arena = {NULL};
    sh_device_row *row = NULL;
    sh_err err = sh_device_row_read(SH_SLICE(json),
                                    &(sh_row_context){sh_device_columns, sh_device_columns_count,
                                                      SH_SLICE("N"), "2026-08-22 02:53:00", &arena},
                                    &row, error);
    assert_true((row != NULL) == (err == SH_OK));
    return err;
}

/* The reader makes at least `least` allocations. */
static void fail_each(sh_err (*read)(sh_error *error), long least)
{
    assert_int_equal(read(NULL), SH_OK);
    long n = 1;
    for (sh_err err = SH_E_MEMORY; err != SH_OK; n++) {
        sh_error error = {.code = SH_OK};
        failing_allocation = n;
        err = read(&error);
        failing_allocation = 0;
        if (err != SH_OK && err != SH_E_MEMORY)
            fail_msg("allocation %ld: %d %s", n, (int)err, error.message);
        assert_int_equal(error.code, err);
    }
    assert_true(n > least);
}

static void lack_of_memory_is_never_taken_for_malformed_json(void **state)
{
    (void)state;
    fail_each(parse, 10);
}

static void lack_of_memory_never_sets_a_row_aside(void **state)
{
    (void)state;
    fail_each(read_row, 2); /* the row, and the room for its escapes */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lack_of_memory_is_never_taken_for_malformed_json),
        cmocka_unit_test(lack_of_memory_never_sets_a_row_aside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
