/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/queue/receiver_scripts.h"
#include "tests/unit/with_scripts.h"

static void dead_retry_notes_that_a_table_waits(void **state)
{
    (void)state;
    static const struct {
        char kind;
        const char *before, *after; /* "queued 0 ": the id in the stream follows */
    } cases[] = {
        {1, "0a 5000", "queued 0 "},
        {1, "refused 0a 5000 why", "queued 0 "},
        {1, "queued 0b 9-1", "queued 0b 9-1"}, /* another table waits, which was queued later */
        {2, "0a 5000", "0a 5000"},             /* a plugin result */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char envelope[128], expected[64];
        sh_slice table = envelope_of("ab");
        memcpy(envelope, table.data, table.len);
        envelope[5] = cases[i].kind;
        (void)ask("DEL ingest dead");
        (void)ask("HSET digests ab %s", cases[i].before);
        (void)ask("XADD dead * e %b m push i 1-1 r why", envelope, table.len);
        dead_retry_arguments retry = {.keys = {SH_SLICE("ingest"), SH_SLICE("bytes"),
                                               SH_SLICE("dead"), SH_SLICE("dead:bytes"),
                                               SH_SLICE("shares"), SH_SLICE("dead:shares"),
                                               SH_SLICE("digests")},
                                      .id = sh_slice_of(entry_id("dead", 0)),
                                      .entries_max = SH_SLICE("10"),
                                      .bytes_max = SH_SLICE("1000")};
        assert_string_equal(ANSWER(dead_retry, retry), "done");
        bool noted = strcmp(cases[i].after, "queued 0 ") == 0;
        (void)snprintf(expected, sizeof expected, "%s%s", cases[i].after,
                       noted ? entry_id("ingest", 0) : "");
        assert_string_equal(ask("HGET digests ab"), expected);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(dead_retry_notes_that_a_table_waits, empty),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
