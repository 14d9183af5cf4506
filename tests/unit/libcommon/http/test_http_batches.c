/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "libcommon/http/http_batches.h"

#include <string.h>

/*
 * A scenario as a list of steps: `n1` adds a normal exchange of group 1, `n0` one that is handled
 * separately, q and e are queries and exclusive ones; `?2` takes a batch while 2 other workers are
 * idle, `.n` ends a batch of this class. The expected batch of each `?` follows its `=`, in the
 * order of adding: `?0=q1q1`; `-` is nothing.
 */
typedef struct {
    const char *steps;
} story;

static const story stories[] = {
    {"?0=-"},
    /* First in, first out; which exchanges share a batch. */
    {"n0 n0 ?0=n0 ?0=n0 ?0=-"},
    {"n1 n1 n1 ?0=n1n1n1 ?0=-"},
    {"n1 n1 n2 n1 ?0=n1n1 ?0=n2 ?0=n1"},
    {"n1 n0 n1 ?0=n1 ?0=n0 ?0=n1"},
    {"n0 n1 ?0=n0 ?0=n1"},
    /* Workers that are idle have their share. */
    {"n1 n1 n1 n1 ?1=n1n1 ?0=n1n1"},
    {"n1 n1 n1 n1 n1 ?3=n1n1 ?2=n1 ?1=n1 ?0=n1"},
    {"n1 ?3=n1"},
    /* Queries gather while one worker has some of them, however many are idle. */
    {"q1 q1 q1 ?3=q1q1q1"},
    {"q1 ?3=q1 q1 q1 ?3=- .q ?3=q1q1"},
    {"q1 ?0=q1 n1 ?0=n1 q1 ?0=- .n ?0=- .q ?0=q1"},
    /* Of exclusive ones there is one at a time, of a batch and of workers. */
    {"e1 e1 ?0=e1 ?3=- .e ?0=e1 .e ?0=-"},
    {"e1 e1 n1 q1 ?0=n1 ?0=q1 ?0=e1 ?0=- .e ?0=e1"},
    /* The classes are served round-robin, whichever has more exchanges. */
    {"n0 n0 n0 q1 e1 ?0=n0 ?0=q1 ?0=e1 ?0=n0 ?0=n0"},
    {"n0 n0 ?0=n0 q1 ?0=q1 q1 .q ?0=n0 ?0=q1"},
    {"n1 ?0=n1 e1 e1 ?0=e1 .e n1 ?0=n1 ?0=e1"},
    {"q1 ?0=q1 .q q1 n0 n0 ?0=n0 ?0=q1 .q q1 ?0=n0 ?0=q1"},
};

typedef struct {
    sh_http_batches batches;
    sh_http_waiting waiting[64];
    size_t count;
} scene;

static sh_http_class class_of(char letter)
{
    return letter == 'n' ? SH_HTTP_NORMAL : letter == 'q' ? SH_HTTP_QUERY : SH_HTTP_EXCLUSIVE;
}

static const void *group_of(char digit)
{
    static const char groups[10];
    return digit == '0' ? NULL : &groups[digit - '0'];
}

/* Checks a batch against the text after `=`. */
static void check_batch(const char *step, sh_http_waiting *const batch[], size_t count)
{
    const char *expected = strchr(step, '=') + 1;
    size_t len = strcspn(expected, " ");
    assert_int_equal(count, *expected == '-' ? 0 : len / 2);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(batch[i]->class, class_of(expected[2 * i]));
        assert_ptr_equal(batch[i]->group, group_of(expected[2 * i + 1]));
        assert_true(i == 0 || batch[i] > batch[i - 1]); /* as they were added */
    }
}

static void take_step(scene *s, const char *step)
{
    sh_http_waiting *batch[SH_HTTP_TOGETHER_MAX];
    switch (*step) {
    case '?':
        assert_true(sh_http_batches_are_ready(&s->batches) == (strchr(step, '=')[1] != '-'));
        check_batch(step, batch, sh_http_batches_next(&s->batches, (size_t)(step[1] - '0'), batch));
        break;
    case '.':
        sh_http_batches_end(&s->batches, class_of(step[1]));
        assert_true(sh_http_batches_need_worker(&s->batches, class_of(step[1])));
        break;
    default:
        s->waiting[s->count] =
            (sh_http_waiting){.class = class_of(step[0]), .group = group_of(step[1])};
        sh_http_batches_add(&s->batches, &s->waiting[s->count++]);
    }
}

static void batches_are_taken_by_class_and_group(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stories / sizeof stories[0]; i++) {
        scene s = {.count = 0};
        sh_http_batches_init(&s.batches);
        print_message("%s\n", stories[i].steps);
        for (const char *step = stories[i].steps; *step != '\0';) {
            take_step(&s, step);
            step += strcspn(step, " ");
            step += strspn(step, " ");
        }
    }
}

static void a_batch_has_a_limit(void **state)
{
    (void)state;
    static sh_http_waiting waiting[SH_HTTP_TOGETHER_MAX + 3];
    static const sh_http_class classes[] = {SH_HTTP_NORMAL, SH_HTTP_QUERY};
    sh_http_waiting *batch[SH_HTTP_TOGETHER_MAX];
    for (size_t c = 0; c < 2; c++) {
        sh_http_batches batches;
        sh_http_batches_init(&batches);
        for (size_t i = 0; i < SH_HTTP_TOGETHER_MAX + 3; i++) {
            waiting[i] = (sh_http_waiting){.class = classes[c], .group = group_of('1')};
            sh_http_batches_add(&batches, &waiting[i]);
        }
        assert_int_equal(sh_http_batches_next(&batches, 0, batch), SH_HTTP_TOGETHER_MAX);
        sh_http_batches_end(&batches, classes[c]);
        assert_int_equal(sh_http_batches_next(&batches, 0, batch), 3);
    }
}

static void whoever_has_a_serial_class_comes_back_for_more(void **state)
{
    (void)state;
    sh_http_batches batches;
    sh_http_waiting *batch[SH_HTTP_TOGETHER_MAX];
    static const sh_http_class classes[] = {SH_HTTP_NORMAL, SH_HTTP_QUERY, SH_HTTP_EXCLUSIVE};
    for (size_t c = 0; c < 3; c++) {
        sh_http_waiting one = {.class = classes[c]};
        sh_http_batches_init(&batches);
        assert_true(sh_http_batches_need_worker(&batches, classes[c]));
        sh_http_batches_add(&batches, &one);
        assert_int_equal(sh_http_batches_next(&batches, 0, batch), 1);
        assert_true(sh_http_batches_need_worker(&batches, classes[c]) ==
                    (classes[c] == SH_HTTP_NORMAL));
    }
}

static void all_that_wait_can_be_dropped(void **state)
{
    (void)state;
    scene s = {.count = 0};
    sh_http_waiting *batch[SH_HTTP_TOGETHER_MAX];
    sh_http_batches_init(&s.batches);
    for (const char *letter = "qneqne"; *letter != '\0'; letter++) {
        s.waiting[s.count] = (sh_http_waiting){.class = class_of(*letter)};
        sh_http_batches_add(&s.batches, &s.waiting[s.count++]);
    }
    size_t taken = sh_http_batches_next(&s.batches, 0, batch); /* and so one class is busy or not */
    size_t dropped = 0;
    while (sh_http_batches_drop(&s.batches) != NULL)
        dropped++;
    assert_int_equal(taken + dropped, s.count);
    assert_false(sh_http_batches_are_ready(&s.batches));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_are_taken_by_class_and_group),
        cmocka_unit_test(a_batch_has_a_limit),
        cmocka_unit_test(whoever_has_a_serial_class_comes_back_for_more),
        cmocka_unit_test(all_that_wait_can_be_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
