/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_DEAD_SCRIPTS_H
#define TESTS_DEAD_SCRIPTS_H

/* Tests of the scripts for dead letters, which test_receiver_scripts.c runs. */

#include "receiver/queue/receiver_scripts.h"
#include "tests/unit/with_scripts.h"

#include <stdio.h>

static inline dead_add_arguments dead_add_of(const char *id, const char *node, const char *keep)
{
    return (dead_add_arguments){.keys = {.stream = SH_SLICE("ingest"),
                                         .bytes = SH_SLICE("bytes"),
                                         .failures = SH_SLICE("failures"),
                                         .dead = SH_SLICE("dead"),
                                         .dead_bytes = SH_SLICE("dead:bytes"),
                                         .shares = SH_SLICE("shares"),
                                         .dead_shares = SH_SLICE("dead:shares"),
                                         .digests = SH_SLICE("digests")},
                                .group = SH_SLICE("g"),
                                .id = sh_slice_of(id),
                                .envelope = envelope_of(node),
                                .mode = SH_SLICE("push"),
                                .reason = SH_SLICE("why"),
                                .entries_max = SH_SLICE("2"),
                                .bytes_max = SH_SLICE("1000"),
                                .keep = sh_slice_of(keep),
                                .node_entries_max = SH_SLICE("10"),
                                .node_bytes_max = SH_SLICE("1000"),
                                .now_ms = SH_SLICE("777")};
}

static inline const char *add_dead_letter(const char *node, const char *keep)
{
    dead_add_arguments arguments = dead_add_of(add_entry(node), node, keep);
    return ANSWER(dead_add, arguments);
}

static inline void dead_add_drops_the_oldest_that_may_go(void **state)
{
    (void)state;
    make_group();
    (void)ask("HSET shares a %s", "1 113");
    dead_add_arguments first = dead_add_of(add_entry("a"), "a", "1");
    assert_string_equal(ANSWER(dead_add, first), "(0    )");
    assert_string_equal(ANSWER(dead_add, first), "(0    )"); /* twice, as after a lost answer */
    assert_string_equal(ask("XLEN dead"), "1");
    assert_string_equal(ask("GET dead:bytes"), "113");
    assert_string_equal(ask("GET bytes"), "0");
    assert_string_equal(ask("EXISTS shares dead:shares"), "0");
    assert_string_equal(add_dead_letter("b", ""), "(0    )");
    assert_string_equal(ask("HGETALL dead:shares"), "(b 1 113 -)");
    char expected[80];
    (void)snprintf(expected, sizeof expected, "(1 %s b why )", entry_id("dead", 1));
    assert_string_equal(add_dead_letter("c", ""), expected); /* the first one is kept */
    (void)snprintf(expected, sizeof expected, "(1 %s c why )", entry_id("dead", 1));
    assert_string_equal(add_dead_letter("d", "1"), expected);
    assert_string_equal(add_dead_letter("e", "1"),
                        "(0    full)"); /* no other may be deleted: it stays */
    assert_string_equal(ask("XLEN ingest"), "1");
    assert_string_equal(ask("XLEN dead"), "2");
    assert_string_equal(ask("GET dead:bytes"), "226");
    const char *answer = add_dead_letter("f", ""); /* it may be deleted, so it is */
    assert_non_null(strstr(answer, "(1 "));
    assert_non_null(strstr(answer, " f why )"));
    assert_string_equal(ask("XLEN ingest"), "1");
    assert_string_equal(ask("XLEN dead"), "2");
}

static inline void dead_add_publishes_why_a_table_was_refused(void **state)
{
    (void)state;
    const struct {
        const char *before, *digest, *after;
    } cases[] = {
        {"queued aa 5-0", "aa", "refused aa 777 why"},
        {"queued bb 5-0", "aa", "queued bb 5-0"}, /* a later table waits */
        {"queued aa 5-0", "", "queued aa 5-0"},   /* no invalid content */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)ask("DEL dead dead:bytes dead:shares");
        (void)ask("HSET digests ab %s", cases[i].before);
        dead_add_arguments arguments = dead_add_of(add_entry("ab"), "ab", "");
        arguments.digest = sh_slice_of(cases[i].digest);
        (void)ANSWER(dead_add, arguments);
        assert_string_equal(ask("HGET digests ab"), cases[i].after);
    }
}

static inline void dead_add_takes_the_room_of_a_nodes_own_letters_first(void **state)
{
    (void)state;
    make_group();
    assert_string_equal(add_dead_letter("other", ""), "(0    )");
    assert_string_equal(add_dead_letter("a", ""), "(0    )");
    dead_add_arguments arguments = dead_add_of(add_entry("a"), "a", "");
    arguments.entries_max = SH_SLICE("100");
    arguments.node_entries_max = SH_SLICE("1");
    char expected[80];
    (void)snprintf(expected, sizeof expected, "(1 %s a why )", entry_id("dead", 1));
    assert_string_equal(ANSWER(dead_add, arguments), expected);
    assert_string_equal(ask("XLEN dead"), "2");
    assert_string_equal(ask("HGET dead:shares other"), "1 117 -");
}

static inline void dead_retry_moves_one_back(void **state)
{
    (void)state;
    make_group();
    (void)add_dead_letter("ab", "");
    const char *id = entry_id("dead", 0);
    dead_retry_arguments retry = {.keys = {.stream = SH_SLICE("ingest"),
                                           .bytes = SH_SLICE("bytes"),
                                           .dead = SH_SLICE("dead"),
                                           .dead_bytes = SH_SLICE("dead:bytes"),
                                           .shares = SH_SLICE("shares"),
                                           .dead_shares = SH_SLICE("dead:shares"),
                                           .digests = SH_SLICE("digests")},
                                  .id = sh_slice_of(id),
                                  .entries_max = SH_SLICE("0"),
                                  .bytes_max = SH_SLICE("1000")};
    (void)ask("HSET shares left over"); /* the stream is empty, so this counts for nothing */
    assert_string_equal(ANSWER(dead_retry, retry), "full");
    retry.entries_max = SH_SLICE("10");
    retry.bytes_max = SH_SLICE("113");
    assert_string_equal(ANSWER(dead_retry, retry), "full");
    retry.bytes_max = SH_SLICE("114");
    assert_string_equal(ANSWER(dead_retry, retry), "done");
    assert_string_equal(ANSWER(dead_retry, retry), "missing");
    assert_string_equal(ask("XLEN ingest"), "1");
    assert_string_equal(ask("GET bytes"), "114");
    assert_string_equal(ask("HGETALL shares"), "(ab 1 114)");
    assert_string_equal(ask("GET dead:bytes"), "0");
    assert_string_equal(ask("EXISTS dead:shares"), "0");
}

static inline void dead_drop_deletes_one(void **state)
{
    (void)state;
    make_group();
    (void)add_dead_letter("a", "");
    (void)add_dead_letter("b", "");
    const dead_drop_arguments drop = {
        .keys = {SH_SLICE("dead"), SH_SLICE("dead:bytes"), SH_SLICE("dead:shares")},
        .id = sh_slice_of(entry_id("dead", 0))};
    assert_string_equal(ANSWER(dead_drop, drop), "done");
    assert_string_equal(ANSWER(dead_drop, drop), "missing");
    assert_string_equal(ask("XLEN dead"), "1");
    assert_string_equal(ask("GET dead:bytes"), "113");
    assert_string_equal(ask("HGETALL dead:shares"), "(b 1 113 -)");
}

static inline void dead_list_gives_heads_within_its_limits(void **state)
{
    (void)state;
    (void)ask("XADD dead 1-1 e envelope m push i 7-7 r why k 1");
    (void)ask("XADD dead 1-2 r other e x");
    dead_list_arguments list = {.keys = {SH_SLICE("dead")},
                                .from = SH_SLICE("-"),
                                .to = SH_SLICE("+"),
                                .letters_max = SH_SLICE("10"),
                                .head_bytes = SH_SLICE("3"),
                                .bytes_max = SH_SLICE("100")};
    assert_string_equal(ANSWER(dead_list, list), "((1-1 env 8 push 7-7 why) (1-2 x 1   other))");
    list.bytes_max = SH_SLICE("8");
    assert_string_equal(ANSWER(dead_list, list), "((1-1 env 8 push 7-7 why))");
    list.bytes_max = SH_SLICE("100");
    list.from = SH_SLICE("(1-1");
    list.letters_max = SH_SLICE("1");
    assert_string_equal(ANSWER(dead_list, list), "((1-2 x 1   other))");
}

#define DEAD_SCRIPTS_TESTS                                                                         \
    TEST(dead_add_drops_the_oldest_that_may_go), TEST(dead_add_publishes_why_a_table_was_refused), \
        TEST(dead_add_takes_the_room_of_a_nodes_own_letters_first),                                \
        TEST(dead_retry_moves_one_back), TEST(dead_drop_deletes_one),                              \
        TEST(dead_list_gives_heads_within_its_limits)

#endif
