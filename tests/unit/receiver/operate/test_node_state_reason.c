/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/node_state_reason.h"
#include "receiver/store/node_state.h"

#include "tests/unit/unit.h"

#include <string.h>

#define MINUTE INT64_C(60000)
#define DAY (24 * 60 * MINUTE)
#define NOW INT64_C(1787367180000)
#define AGO(ms) (NOW - (ms))

/* A node that reports an interval of 5 minutes and was in contact this long ago. */
#define SEEN(ago)                                                                                  \
    {                                                                                              \
        .last_ms = AGO(ago), .interval_ms = 5 * MINUTE                                             \
    }

static const node_thresholds defaults = {
    .silent_ms = 15 * MINUTE, .late_ms = MINUTE, .never_ms = DAY};

typedef struct {
    const char *what;
    node_facts facts;
    node_state state;
    bool attention;
    const char *reason; /* part of the sentence; NULL: there is none */
} state_case;

#define KEY .problem_kind = "key", .problem_status = 422, .problem_text = "SYNC_encryption_key"

static const state_case cases[] = {
    {"in contact", {.contact = SEEN(MINUTE)}, NODE_ONLINE, false, NULL},
    {"late at 2 intervals and a minute", {.contact = SEEN(11 * MINUTE)}, NODE_ONLINE, false, NULL},
    {"late", {.contact = SEEN(11 * MINUTE + 1)}, NODE_LATE, true, "expected every 5m"},
    {"silent", {.contact = SEEN(15 * MINUTE + 1)}, NODE_SILENT, true, "its pusher run"},
    {"a pulled one", {.contact = SEEN(DAY), .pulled = true}, NODE_SILENT, true, "the puller runs"},
    {"silent by the operator's time",
     {.contact = {.last_ms = AGO(3 * MINUTE), .set_ms = 2 * MINUTE}},
     NODE_SILENT,
     true,
     "no contact since 2026-"},
    {"ephemeral and silent",
     {.contact = SEEN(DAY), .ephemeral = true},
     NODE_GONE,
     false,
     "come and go"},
    {"ephemeral and late",
     {.contact = SEEN(12 * MINUTE), .ephemeral = true},
     NODE_LATE,
     true,
     "expected every"},
    {"expected",
     {.expected_ms = AGO(DAY)},
     NODE_NEVER,
     false,
     "not seen yet, expected since 2026-"},
    {"expected for long", {.expected_ms = AGO(DAY + 1)}, NODE_NEVER, true, "not seen yet"},
    {"has credentials for long",
     {.credentials = NODE_CREDENTIALS_OWN, .credentials_ms = AGO(2 * DAY)},
     NODE_NEVER,
     true,
     "not seen yet"},
    {"expected, and used with a wrong token",
     {.expected_ms = AGO(MINUTE), .refused_from = "192.0.2.7"},
     NODE_NEVER,
     true,
     "192.0.2.7"},
    {"refused, never accepted",
     {.problem_ms = AGO(DAY), .problem_seen_ms = AGO(MINUTE), KEY},
     NODE_FAILING,
     true,
     "refused, wrong key since 2026-08-21T02:53:00Z (422): SYNC_encryption_key"},
    {"refused at its last contact",
     {.contact = SEEN(2 * MINUTE), .problem_ms = AGO(DAY), .problem_seen_ms = AGO(MINUTE), KEY},
     NODE_FAILING,
     true,
     "wrong key"},
    {"a problem with a contact at once",
     {.contact = SEEN(0),
      .problem_ms = NOW,
      .problem_seen_ms = NOW,
      .problem_kind = "table_missing",
      .problem_text = "no file"},
     NODE_FAILING,
     true,
     "it has no device table since"},
    {"accepted since",
     {.contact = SEEN(MINUTE), .problem_ms = AGO(DAY), .problem_seen_ms = AGO(2 * MINUTE), KEY},
     NODE_ONLINE,
     false,
     NULL},
    {"in contact, but its content was rejected",
     {.contact = SEEN(0),
      .problem_ms = AGO(DAY),
      .problem_seen_ms = AGO(DAY),
      .problem_kind = "content",
      .problem_text = "its device table cannot be merged"},
     NODE_FAILING,
     true,
     "refused, invalid content since"},
    {"its content was refused at a question, accepted since",
     {.contact = SEEN(0),
      .problem_ms = AGO(DAY),
      .problem_seen_ms = AGO(DAY),
      .problem_kind = "content",
      .problem_status = 422,
      .problem_text = "its device table cannot be merged"},
     NODE_ONLINE,
     false,
     NULL},
    {"failing before silent",
     {.contact = SEEN(3 * DAY), .problem_ms = AGO(DAY), .problem_seen_ms = AGO(DAY), KEY},
     NODE_FAILING,
     true,
     "wrong key"},
    {"revoked before all",
     {.contact = SEEN(3 * DAY),
      .problem_ms = AGO(DAY),
      .problem_seen_ms = AGO(DAY),
      KEY,
      .credentials = NODE_CREDENTIALS_REVOKED,
      .credentials_ms = AGO(DAY)},
     NODE_REVOKED,
     false,
     "revoked at 2026-"},
    {"a contact in the future", {.contact = SEEN(-DAY)}, NODE_SILENT, true, "no contact since"},
    {"a clock that is a little ahead", {.contact = SEEN(-MINUTE)}, NODE_ONLINE, false, NULL},
    {"rejected rows",
     {.contact = SEEN(0), .rejected = 3, .rejected_reason = "no key"},
     NODE_ONLINE,
     true,
     "3 rows of its last table were rejected: no key"},
    {"dead letters", {.contact = SEEN(0), .dead = 2}, NODE_ONLINE, true, "dead list"},
    {"a conflict",
     {.contact = SEEN(0), .conflict_ms = AGO(59 * MINUTE), .conflict_text = "two instances"},
     NODE_ONLINE,
     true,
     "two instances"},
    {"a past conflict",
     {.contact = SEEN(0), .conflict_ms = AGO(60 * MINUTE), .conflict_text = "two instances"},
     NODE_ONLINE,
     false,
     NULL},
    {"revoked, and still sends",
     {.credentials = NODE_CREDENTIALS_REVOKED,
      .credentials_ms = NOW - 1000,
      .refused_from = "10.0.0.1",
      .refused_ms = NOW - 500},
     NODE_REVOKED,
     true,
     "it still sends, or another with its name, from 10.0.0.1: stop the pusher there"},
    {"revoked, and sent the day before",
     {.credentials = NODE_CREDENTIALS_REVOKED,
      .credentials_ms = NOW - INT64_C(400000000),
      .refused_from = "10.0.0.1",
      .refused_ms = NOW - INT64_C(90000000)},
     NODE_REVOKED,
     false,
     "`node add` makes new ones"},
    {"a lookalike", {.contact = SEEN(0), .lookalike = "Cabin"}, NODE_ONLINE, true, "\"Cabin\""},
};

static void the_first_state_that_applies_is_shown_with_its_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const state_case *c = &cases[i];
        char reason[NODE_REASON_BYTES];
        node_facts facts = c->facts;
        facts.thresholds = defaults;
        node_reason_write(&facts, NOW, reason);
        bool good = node_state_of(&facts, NOW) == c->state &&
                    node_needs_attention(&facts, NOW) == c->attention &&
                    (c->reason == NULL ? reason[0] == '\0' : strstr(reason, c->reason) != NULL);
        if (!good)
            fail_msg("%s: %s, %d, %s", c->what, node_state_name(node_state_of(&facts, NOW)),
                     node_needs_attention(&facts, NOW), reason);
    }
}

static void thresholds_decide_what_a_problem_is(void **state)
{
    (void)state;
    node_facts facts = {.contact = SEEN(50 * MINUTE),
                        .thresholds = {.silent_ms = 60 * MINUTE, .late_ms = 50 * MINUTE}};
    assert_int_equal(node_state_of(&facts, NOW), NODE_ONLINE);
    assert_int_equal(node_state_of(&facts, NOW + 1), NODE_LATE);
    assert_int_equal(node_state_of(&facts, NOW + 10 * MINUTE + 1), NODE_SILENT);
    node_facts expected = {.expected_ms = AGO(DAY), .thresholds = {.never_ms = 2 * DAY}};
    assert_false(node_needs_attention(&expected, NOW + DAY));
    assert_true(node_needs_attention(&expected, NOW + DAY + 1));
}

static void reports_of_a_node_itself_are_told_from_refusals(void **state)
{
    (void)state;
    assert_true(node_problem_is_own("table_old", 0));
    assert_false(node_problem_is_own(NODE_PROBLEM_CONTENT, 0));
    assert_false(node_problem_is_own("pull", 0));
    assert_false(node_problem_is_own("key", 422));
}

static void names_are_read_as_they_are_written(void **state)
{
    (void)state;
    for (node_state s = 0; s < NODE_STATES; s++)
        assert_int_equal(node_state_of_name(node_state_name(s)), s);
    assert_int_equal(node_state_of_name("offline"), NODE_STATES);
}

static void durations_have_two_units(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } all[] = {{0, "0s"},         {59000, "59s"},          {5 * MINUTE, "5m"},
               {90000, "1m 30s"}, {90 * MINUTE, "1h 30m"}, {DAY + 2 * 60 * MINUTE, "1d 2h"}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char text[NODE_DURATION_BYTES];
        node_duration_write(all[i].ms, text);
        assert_string_equal(text, all[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_state_that_applies_is_shown_with_its_reason),
        cmocka_unit_test(thresholds_decide_what_a_problem_is),
        cmocka_unit_test(reports_of_a_node_itself_are_told_from_refusals),
        cmocka_unit_test(names_are_read_as_they_are_written),
        cmocka_unit_test(durations_have_two_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
