/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_DEAD_JOB_SCRIPTS_H
#define TESTS_DEAD_JOB_SCRIPTS_H

/* Tests of the scripts for jobs of dead letters, which test_receiver_scripts.c runs. */

#include "tests/unit/receiver/queue/dead_scripts.h"

static inline dead_job_begin_arguments begin_of(const char *id, const char *action,
                                                const char *node, const char *total)
{
    return (dead_job_begin_arguments){.keys = {SH_SLICE("dead"), SH_SLICE("jobs")},
                                      .id = sh_slice_of(id),
                                      .action = sh_slice_of(action),
                                      .node = sh_slice_of(node),
                                      .total = sh_slice_of(total),
                                      .now_ms = SH_SLICE("1000"),
                                      .jobs_max = SH_SLICE("2")};
}

static inline dead_job_retry_arguments retry_step_of(const char *id, const char *letters_max,
                                                     const char *entries_max)
{
    return (dead_job_retry_arguments){.keys = {.stream = SH_SLICE("ingest"),
                                               .bytes = SH_SLICE("bytes"),
                                               .dead = SH_SLICE("dead"),
                                               .dead_bytes = SH_SLICE("dead:bytes"),
                                               .shares = SH_SLICE("shares"),
                                               .dead_shares = SH_SLICE("dead:shares"),
                                               .digests = SH_SLICE("digests"),
                                               .jobs = SH_SLICE("jobs")},
                                      .id = sh_slice_of(id),
                                      .now_ms = SH_SLICE("2000"),
                                      .letters_max = sh_slice_of(letters_max),
                                      .read_max = SH_SLICE("100000"),
                                      .entries_max = sh_slice_of(entries_max),
                                      .bytes_max = SH_SLICE("100000")};
}

static inline dead_job_drop_arguments drop_step_of(const char *id, const char *bytes_max)
{
    return (dead_job_drop_arguments){.keys = {SH_SLICE("dead"), SH_SLICE("dead:bytes"),
                                              SH_SLICE("dead:shares"), SH_SLICE("jobs")},
                                     .id = sh_slice_of(id),
                                     .now_ms = SH_SLICE("2000"),
                                     .letters_max = SH_SLICE("10"),
                                     .bytes_max = sh_slice_of(bytes_max)};
}

/* Dead letters 1-1, 1-2, … of these nodes, each a letter of the text. */
static inline void dead_letters_of(const char *nodes)
{
    for (int i = 0; nodes[i] != '\0'; i++) {
        sh_slice envelope = envelope_of((char[]){nodes[i], '\0'});
        (void)ask("XADD dead 1-%d e %b m push i 7-7 r why", i + 1, envelope.data, envelope.len);
        (void)ask("INCRBY dead:bytes %d", (int)envelope.len);
    }
}

static inline void dead_job_begin_allows_one_at_a_time(void **state)
{
    (void)state;
    dead_letters_of("ab");
    dead_job_begin_arguments first = begin_of("j1", "retry", "", "");
    assert_string_equal(ANSWER(dead_job_begin, first), "(j1 begun)");
    assert_string_equal(ask("HGET jobs j1"), "running retry 2 0 0-0 1-2 1000 1000 ");
    dead_job_begin_arguments again = begin_of("j2", "retry", "", "");
    assert_string_equal(ANSWER(dead_job_begin, again), "(j1 same)");
    dead_job_begin_arguments drop = begin_of("j2", "drop", "", "");
    assert_string_equal(ANSWER(dead_job_begin, drop), "(j1 other)");
    dead_job_begin_arguments of_node = begin_of("j2", "retry", "a", "1");
    assert_string_equal(ANSWER(dead_job_begin, of_node), "(j1 other)");
    assert_string_equal(ask("HLEN jobs"), "1");
}

static inline void dead_job_begin_has_nothing_to_do_and_forgets_the_oldest(void **state)
{
    (void)state;
    dead_job_begin_arguments begin = begin_of("j1", "drop", "a b", "0");
    assert_string_equal(ANSWER(dead_job_begin, begin), "(j1 begun)");
    assert_string_equal(ask("HGET jobs j1"), "done drop 0 0 0-0 0-0 1000 1000 a b");
    begin.id = SH_SLICE("j2");
    begin.now_ms = SH_SLICE("900"); /* a clock that was set back */
    assert_string_equal(ANSWER(dead_job_begin, begin), "(j2 begun)");
    begin.id = SH_SLICE("j3");
    assert_string_equal(ANSWER(dead_job_begin, begin), "(j3 begun)");
    assert_string_equal(ask("HLEN jobs"), "2");
    assert_string_equal(ask("HEXISTS jobs j2"), "0");
    (void)ask("HSET jobs j1 damaged");
    begin.id = SH_SLICE("j4");
    assert_string_equal(ANSWER(dead_job_begin, begin), "(j4 begun)");
    assert_string_equal(ask("HEXISTS jobs j1"), "0");
}

static inline void dead_job_retry_goes_on_where_it_was_left(void **state)
{
    (void)state;
    dead_letters_of("aab");
    dead_job_begin_arguments begin = begin_of("j1", "retry", "", "");
    (void)ANSWER(dead_job_begin, begin);
    sh_slice late = envelope_of("c"); /* what comes later is not concerned */
    (void)ask("XADD dead 2-1 e %b m push i 7-7 r why", late.data, late.len);
    dead_job_retry_arguments step = retry_step_of("j1", "2", "100");
    assert_string_equal(ANSWER(dead_job_retry, step), "running");
    assert_string_equal(ask("HGET jobs j1"), "running retry 3 2 1-2 1-3 1000 2000 ");
    assert_string_equal(ask("XLEN ingest"), "2");
    assert_string_equal(ask("HGET shares a"), "2 226");
    step.entries_max = SH_SLICE("2");
    assert_string_equal(ANSWER(dead_job_retry, step), "waiting");
    assert_string_equal(ask("HGET jobs j1"), "waiting retry 3 2 1-2 1-3 1000 2000 ");
    step.entries_max = SH_SLICE("100");
    assert_string_equal(ANSWER(dead_job_retry, step), "done");
    assert_string_equal(ANSWER(dead_job_retry, step), "done"); /* another console */
    assert_string_equal(ask("HGET jobs j1"), "done retry 3 3 1-3 1-3 1000 2000 ");
    assert_string_equal(ask("XLEN ingest"), "3");
    assert_string_equal(ask("GET bytes"), "339");
    assert_string_equal(ask("GET dead:bytes"), "0");
    assert_string_equal(ask("XLEN dead"), "1");
}

static inline void dead_job_drop_drops_those_of_the_node(void **state)
{
    (void)state;
    dead_letters_of("abab");
    dead_job_begin_arguments begin = begin_of("j1", "drop", "b", "2");
    (void)ANSWER(dead_job_begin, begin);
    dead_job_drop_arguments step = drop_step_of("j1", "200");
    assert_string_equal(ANSWER(dead_job_drop, step), "running"); /* 200 bytes were read */
    assert_string_equal(ask("HGET jobs j1"), "running drop 2 1 1-2 1-4 1000 2000 b");
    (void)ask("XDEL dead 1-4"); /* somebody else */
    assert_string_equal(ANSWER(dead_job_drop, step), "done");
    assert_string_equal(ask("HGET jobs j1"), "done drop 2 1 1-3 1-4 1000 2000 b");
    assert_string_equal(ask("XLEN dead"), "2");
    step.id = SH_SLICE("j2");
    assert_string_equal(ANSWER(dead_job_drop, step), "missing");
}

static inline void dead_job_cancel_ends_it_for_good(void **state)
{
    (void)state;
    dead_letters_of("aa");
    dead_job_begin_arguments begin = begin_of("j1", "drop", "", "");
    (void)ANSWER(dead_job_begin, begin);
    dead_job_cancel_arguments cancel = {{SH_SLICE("jobs")}, SH_SLICE("j1"), SH_SLICE("3000")};
    assert_string_equal(ANSWER(dead_job_cancel, cancel), "cancelled");
    assert_string_equal(ask("HGET jobs j1"), "cancelled drop 2 0 0-0 1-2 1000 3000 ");
    dead_job_drop_arguments step = drop_step_of("j1", "1000");
    assert_string_equal(ANSWER(dead_job_drop, step), "cancelled");
    assert_string_equal(ask("XLEN dead"), "2");
    cancel.id = SH_SLICE("j2");
    assert_string_equal(ANSWER(dead_job_cancel, cancel), "missing");
    begin.id = SH_SLICE("j3");
    assert_string_equal(ANSWER(dead_job_begin, begin), "(j3 begun)");
    step.id = SH_SLICE("j3");
    assert_string_equal(ANSWER(dead_job_drop, step), "done");
    cancel.id = SH_SLICE("j3");
    assert_string_equal(ANSWER(dead_job_cancel, cancel), "done"); /* too late */
}

#define DEAD_JOB_SCRIPTS_TESTS                                                                     \
    TEST(dead_job_begin_allows_one_at_a_time),                                                     \
        TEST(dead_job_begin_has_nothing_to_do_and_forgets_the_oldest),                             \
        TEST(dead_job_retry_goes_on_where_it_was_left),                                            \
        TEST(dead_job_drop_drops_those_of_the_node), TEST(dead_job_cancel_ends_it_for_good)

#endif
