/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/entry_progress.h"
#include "tests/unit/unit.h"

#include <stdio.h>

static void keep(entry_progress *progress, int number, size_t next)
{
    char id[QUEUE_ENTRY_ID_BYTES];
    (void)snprintf(id, sizeof id, "%d-0", number);
    const entry_result result = {.next = next};
    entry_progress_keep(progress, id, &result);
}

static size_t next_of(const entry_progress *progress, const char *id)
{
    const entry_result *result = entry_progress_find(progress, id);
    assert_non_null(result);
    return result->next;
}

static void each_entry_has_a_record_of_its_own(void **state)
{
    (void)state;
    entry_progress progress = {.records = NULL};
    assert_null(entry_progress_find(&progress, "1-0"));
    entry_progress_remove(&progress, "1-0");
    for (int i = 1; i <= 3; i++)
        keep(&progress, i, (size_t)i);
    keep(&progress, 2, 20);
    assert_int_equal(next_of(&progress, "1-0"), 1);
    assert_int_equal(next_of(&progress, "2-0"), 20);
    entry_progress_remove(&progress, "1-0");
    assert_null(entry_progress_find(&progress, "1-0"));
    assert_int_equal(next_of(&progress, "2-0"), 20);
    assert_int_equal(next_of(&progress, "3-0"), 3);
    entry_progress_reset(&progress);
    assert_null(entry_progress_find(&progress, "2-0"));
    entry_progress_reset(&progress);
}

static void a_record_over_the_limit_is_not_kept(void **state)
{
    (void)state;
    entry_progress progress = {.records = NULL};
    for (int i = 0; i <= ENTRY_PROGRESS_MAX; i++)
        keep(&progress, i, (size_t)i);
    char id[QUEUE_ENTRY_ID_BYTES];
    (void)snprintf(id, sizeof id, "%d-0", ENTRY_PROGRESS_MAX);
    assert_null(entry_progress_find(&progress, id));
    keep(&progress, 7, 70); /* existing ones are still updated */
    assert_int_equal(next_of(&progress, "7-0"), 70);
    entry_progress_remove(&progress, "7-0");
    keep(&progress, ENTRY_PROGRESS_MAX, 5);
    assert_int_equal(next_of(&progress, id), 5);
    entry_progress_reset(&progress);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_entry_has_a_record_of_its_own),
        cmocka_unit_test(a_record_over_the_limit_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
