/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/task_thread.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct {
    int *next;
    int order; /* when it ran, from 1 */
    pthread_t by;
} noted;

static void note(void *context)
{
    noted *n = context;
    n->order = ++*n->next;
    n->by = pthread_self();
}

static void tasks_are_done_aside_one_after_the_other(void **state)
{
    (void)state;
    task_thread *t = NULL;
    assert_int_equal(task_thread_new(&t, NULL), SH_OK);
    int next = 0;
    noted notes[SIDE_TASKS_MAX];
    side_task tasks[SIDE_TASKS_MAX];
    for (int round = 0; round < 100; round++) {
        next = 0;
        for (size_t i = 0; i < SIDE_TASKS_MAX; i++) {
            notes[i] = (noted){.next = &next};
            tasks[i] = (side_task){.run = note, .context = &notes[i]};
            task_thread_start(t, &tasks[i]);
        }
        task_thread_wait(t, &tasks[round % SIDE_TASKS_MAX]);
        assert_int_equal(notes[round % SIDE_TASKS_MAX].order, round % SIDE_TASKS_MAX + 1);
        task_thread_wait_all(t);
        for (int i = 0; i < SIDE_TASKS_MAX; i++) {
            assert_true(tasks[i].done);
            assert_int_equal(notes[i].order, i + 1);
            assert_false(pthread_equal(notes[i].by, pthread_self()));
        }
    }
    task_thread_free(t);
}

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool runs, may_end;
} gate;

static void wait_at_gate(void *context)
{
    gate *g = context;
    (void)pthread_mutex_lock(&g->lock);
    g->runs = true;
    (void)pthread_cond_broadcast(&g->changed);
    while (!g->may_end)
        (void)pthread_cond_wait(&g->changed, &g->lock);
    (void)pthread_mutex_unlock(&g->lock);
}

static void only_a_task_that_has_not_begun_can_be_taken_back(void **state)
{
    (void)state;
    task_thread *t = NULL;
    gate g = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    side_task first = {.run = wait_at_gate, .context = &g};
    int next = 0;
    noted notes[3] = {{.next = &next}, {.next = &next}, {.next = &next}};
    side_task later[3];
    assert_int_equal(task_thread_new(&t, NULL), SH_OK);
    task_thread_start(t, &first);
    for (size_t i = 0; i < 3; i++) {
        later[i] = (side_task){.run = note, .context = &notes[i]};
        task_thread_start(t, &later[i]);
    }
    (void)pthread_mutex_lock(&g.lock);
    while (!g.runs)
        (void)pthread_cond_wait(&g.changed, &g.lock);
    (void)pthread_mutex_unlock(&g.lock);
    assert_false(task_thread_is_done(t, &first));
    assert_false(task_thread_take_back(t, &first));
    assert_true(task_thread_take_back(t, &later[1]));
    assert_false(task_thread_take_back(t, &later[1]));
    (void)pthread_mutex_lock(&g.lock);
    g.may_end = true;
    (void)pthread_cond_broadcast(&g.changed);
    (void)pthread_mutex_unlock(&g.lock);
    task_thread_wait_all(t);
    assert_true(task_thread_is_done(t, &first));
    assert_false(task_thread_take_back(t, &later[0]));
    assert_int_equal(notes[0].order, 1);
    assert_int_equal(notes[1].order, 0);
    assert_int_equal(notes[2].order, 2);
    task_thread_start(t, &later[1]);
    task_thread_wait(t, &later[1]);
    assert_int_equal(notes[1].order, 3);
    task_thread_free(t);
}

static void a_task_can_be_done_at_once(void **state)
{
    (void)state;
    task_thread *t = NULL;
    assert_int_equal(task_thread_new(&t, NULL), SH_OK);
    int next = 0;
    noted n = {.next = &next};
    side_task task = {.run = note, .context = &n};
    side_task_run(&task);
    task_thread_wait(t, &task);
    assert_int_equal(n.order, 1);
    assert_true(pthread_equal(n.by, pthread_self()));
    task_thread_free(t);
    task_thread_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_are_done_aside_one_after_the_other),
        cmocka_unit_test(only_a_task_that_has_not_begun_can_be_taken_back),
        cmocka_unit_test(a_task_can_be_done_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
