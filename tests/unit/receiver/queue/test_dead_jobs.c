/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "receiver/queue/dead_jobs.h"

#include <string.h>

#define ID "00112233445566778899aabbccddeeff"

static bool read_record(const char *text, dead_job *ret)
{
    return dead_job_read(SH_SLICE(ID), sh_slice_of(text), ret);
}

static void a_record_is_read(void **state)
{
    (void)state;
    dead_job job;
    assert_true(read_record("waiting drop 10000 200 1-2 3-4 1000 2000 Büro 1", &job));
    assert_string_equal(job.id, ID);
    assert_int_equal(job.state, DEAD_JOB_WAITING);
    assert_int_equal(job.action, DEAD_JOB_DROP);
    assert_int_equal(job.total, 10000);
    assert_int_equal(job.done, 200);
    assert_int_equal(job.began_ms, 1000);
    assert_int_equal(job.changed_ms, 2000);
    assert_string_equal(job.node, "Büro 1");
    assert_true(read_record("running retry 0 0 0-0 0-0 1 1 ", &job));
    assert_int_equal(job.action, DEAD_JOB_RETRY);
    assert_string_equal(job.node, "");
}

static void the_states_have_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        dead_job_state state;
        bool active;
    } cases[] = {{"running", DEAD_JOB_RUNNING, true},
                 {"waiting", DEAD_JOB_WAITING, true},
                 {"done", DEAD_JOB_DONE, false},
                 {"cancelled", DEAD_JOB_CANCELLED, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[80];
        dead_job job;
        (void)snprintf(text, sizeof text, "%s retry 1 1 0-0 1-1 1 1 ", cases[i].name);
        assert_true(read_record(text, &job));
        assert_int_equal(job.state, cases[i].state);
        assert_int_equal(dead_job_is_active(&job), cases[i].active);
        assert_string_equal(dead_job_state_name(job.state), cases[i].name);
    }
}

static void other_texts_are_no_records(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "running",
        "running retry",
        "running retry 1",
        "running retry 1 1",
        "running retry 1 1 0-0 1-1",
        "running retry 1 1 0-0 1-1 1",
        "pausing retry 1 1 0-0 1-1 1 1 ",
        "running Retry 1 1 0-0 1-1 1 1 ",
        "running retry -1 1 0-0 1-1 1 1 ",
        "running retry 1 x 0-0 1-1 1 1 ",
        "running retry 9223372036854775808 1 0-0 1-1 1 1 ",
        "running retry 1 1 0-0 1-1 1  x",
    };
    char long_name[300] = "running retry 1 1 0-0 1-1 1 1 ";
    dead_job job;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(read_record(texts[i], &job));
    size_t used = strlen(long_name);
    memset(long_name + used, 'x', SH_NODE_NAME_MAX);
    assert_true(read_record(long_name, &job));
    long_name[used + SH_NODE_NAME_MAX] = 'x';
    assert_false(read_record(long_name, &job));
    assert_false(
        dead_job_read(SH_SLICE("short"), SH_SLICE("running retry 1 1 0-0 1-1 1 1 "), &job));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_read),
        cmocka_unit_test(the_states_have_names),
        cmocka_unit_test(other_texts_are_no_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
