/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/combiner.h"

#include "tests/unit/unit.h"
#include "tests/wait.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS 6
#define WEIGHT_MAX 4
#define ROUNDS 500
#define PATIENT_MS INT64_C(600000)

/* Waits for up to a minute. */
#define WAIT_FOR(condition)                                                                        \
    do {                                                                                           \
        for (int pauses = 0; !(condition) && pauses < 600 * 1000; pauses++)                        \
            poll_pause_us(100);                                                                    \
    } while (false)

/* A call that notes its parts, and that the test can hold up. */
typedef struct {
    combiner *combiner;
    atomic_bool held;
    atomic_int begun, inside;
    atomic_bool overlapped;
    int calls, parts, most_parts; /* written by calls, of which there is one at a time */
    size_t most_weight;
} calls;

typedef struct {
    combiner_part part; /* first */
    calls *calls;
    int runs; /* written by calls: how often this part was in one */
} thread_part;

static void note(const void *context, combiner_part *first)
{
    calls *c = ((thread_part *)first)->calls;
    int parts = 0;
    size_t weight = 0;
    (void)context;
    if (atomic_fetch_add(&c->inside, 1) != 0)
        atomic_store(&c->overlapped, true);
    atomic_fetch_add(&c->begun, 1);
    WAIT_FOR(!atomic_load(&c->held));
    for (combiner_part *part = first; part != NULL; part = part->next) {
        ((thread_part *)part)->runs++;
        weight += part->weight;
        parts++;
    }
    c->calls++;
    c->parts += parts;
    c->most_parts = parts > c->most_parts ? parts : c->most_parts;
    if (parts > 1 && weight > c->most_weight)
        c->most_weight = weight;
    atomic_fetch_sub(&c->inside, 1);
}

static void *run_once(void *context)
{
    thread_part *part = context;
    combiner_run(part->calls->combiner, &part->part, note, NULL);
    return NULL;
}

static void *run_often(void *context)
{
    thread_part *part = context;
    for (int i = 0; i < ROUNDS; i++)
        combiner_run(part->calls->combiner, &part->part, note, NULL);
    return NULL;
}

/* A call that the test holds up, beside others. */
static void hold(const void *context, combiner_part *first)
{
    calls *c = ((thread_part *)first)->calls;
    (void)context;
    atomic_fetch_add(&c->inside, 1);
    WAIT_FOR(!atomic_load(&c->held));
    for (combiner_part *part = first; part != NULL; part = part->next)
        ((thread_part *)part)->runs++;
    atomic_fetch_sub(&c->inside, 1);
}

static void start(pthread_t *thread, void *(*run)(void *), thread_part *part)
{
    assert_int_equal(pthread_create(thread, NULL, run, part), 0);
}

static void those_that_come_during_a_call_share_the_next(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    thread_part parts[THREADS];
    calls c = {.held = true};
    assert_int_equal(combiner_new(WEIGHT_MAX, PATIENT_MS, &c.combiner, NULL), SH_OK);
    for (int i = 0; i < THREADS; i++)
        parts[i] = (thread_part){.part = {.weight = 1}, .calls = &c};
    start(&threads[0], run_once, &parts[0]);
    WAIT_FOR(atomic_load(&c.begun) > 0);
    for (int i = 1; i < THREADS; i++) /* one more than weigh WEIGHT_MAX */
        start(&threads[i], run_once, &parts[i]);
    WAIT_FOR(combiner_waiting(c.combiner) == THREADS - 1);
    atomic_store(&c.held, false);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(parts[i].runs, 1);
    }
    assert_int_equal(c.calls, 3); /* the first, WEIGHT_MAX together, the last */
    assert_int_equal(c.most_parts, WEIGHT_MAX);
    combiner_free(c.combiner);
}

static void each_part_is_in_one_call_however_many_threads_there_are(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    thread_part parts[THREADS];
    calls c = {.held = false};
    assert_int_equal(combiner_new(WEIGHT_MAX, PATIENT_MS, &c.combiner, NULL), SH_OK);
    for (int i = 0; i < THREADS; i++) { /* the last ones weigh more than a call may */
        parts[i] = (thread_part){.part = {.weight = (size_t)i + 1}, .calls = &c};
        start(&threads[i], run_often, &parts[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(parts[i].runs, ROUNDS);
    }
    assert_false(c.overlapped);
    assert_int_equal(c.parts, THREADS * ROUNDS);
    assert_true(c.most_weight <= WEIGHT_MAX);
    combiner_free(c.combiner);
}

static void *run_held(void *context)
{
    thread_part *part = context;
    combiner_run(part->calls->combiner, &part->part, hold, NULL);
    return NULL;
}

/* As with a connection to Redis that hangs: others may be good, and fail no later if not. */
static void a_call_that_takes_long_does_not_delay_others(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    thread_part parts[THREADS];
    calls c = {.held = true};
    assert_int_equal(combiner_new(1, 20, &c.combiner, NULL), SH_OK);
    for (int i = 0; i < THREADS; i++) {
        parts[i] = (thread_part){.part = {.weight = 1}, .calls = &c};
        start(&threads[i], run_held, &parts[i]);
    }
    WAIT_FOR(atomic_load(&c.inside) == THREADS);
    int inside = atomic_load(&c.inside);
    atomic_store(&c.held, false);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(parts[i].runs, 1);
    }
    assert_int_equal(inside, THREADS);
    combiner_free(c.combiner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_that_come_during_a_call_share_the_next),
        cmocka_unit_test(each_part_is_in_one_call_however_many_threads_there_are),
        cmocka_unit_test(a_call_that_takes_long_does_not_delay_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
