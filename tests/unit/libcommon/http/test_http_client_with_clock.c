/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/clock.h"
#include "libcommon/http/http_client.h"
#include "tests/wait.h"

#include "tests/unit/http_script.h"

/*
 * The limit of silence, with a clock that only the tests move: a machine that is slow cannot make a
 * peer silent.
 */
int64_t __wrap_sh_clock_monotonic_ms(void);

#define SILENCE_MS 5000

static int64_t now_ms;

int64_t __wrap_sh_clock_monotonic_ms(void)
{
    return now_ms;
}

enum { PEERS = 5 };

static char urls[PEERS][64];
static sh_http_request requests[PEERS];

static void ask(size_t i, const char *path)
{
    (void)snprintf(urls[i], sizeof urls[i], "http://127.0.0.1:%u%s", server.port, path);
    requests[i] = (sh_http_request){.method = "GET",
                                    .url = urls[i],
                                    .answer_max = 1000,
                                    .timeout_ms = 600000,
                                    .silence_ms = SILENCE_MS};
}

static sh_http_client *new_client(size_t parallel_max, void (*tick)(void))
{
    sh_http_client *client = NULL;
    sh_http_client_options options = {
        .user_agent = "synchub-test", .stop_fd = -1, .parallel_max = parallel_max, .tick = tick};
    now_ms = 1000;
    server_reset();
    assert_int_equal(sh_http_client_new(&options, &client, NULL), SH_OK);
    return client;
}

static size_t good;

static void is_good(sh_err err, const sh_error *error)
{
    if (err != SH_OK)
        fail_msg("%s", error->message);
    good++;
}

/* Each answer comes in one piece, 4 s after the one before. */
static void release_next(void *context, size_t index, sh_err err, const sh_http_answer *answer,
                         const sh_error *error)
{
    (void)context;
    (void)index;
    (void)answer;
    is_good(err, error);
    now_ms += SILENCE_MS - 1000;
    server_release(1);
}

static void whole_answers_are_progress(void **state)
{
    (void)state;
    sh_http_client *client = new_client(0, NULL);
    good = 0;
    for (size_t i = 0; i < PEERS; i++)
        ask(i, "/released");
    server_release(1);
    sh_http_send_all(client, requests, PEERS, &(sh_http_calls){.done = release_next});
    assert_int_equal(good, PEERS);
    sh_http_client_free(client);
}

static size_t first_path_released;

/*
 * Of two exchanges at once, the first waits for its release, and the others are answered. The
 * callback for the second one takes longer than the limit; the first answer comes meanwhile.
 */
static void work_long(void *context, size_t index, sh_err err, const sh_http_answer *answer,
                      const sh_error *error)
{
    (void)context;
    (void)answer;
    is_good(err, error);
    now_ms += 100; /* so that the client looks at the silent one */
    if (index != 2)
        return;
    server_release(1);
    first_path_released++;
    /* Those up to this one, which may be counted late, and the first. */
    while (server_sent() < index + 1)
        poll_pause_us(1000);
    now_ms += 2 * SILENCE_MS;
}

static void an_answer_that_came_during_a_callback_is_read_before_its_peer_is_judged(void **state)
{
    (void)state;
    sh_http_client *client = new_client(2, NULL);
    good = 0;
    ask(0, "/released");
    for (size_t i = 1; i < PEERS; i++)
        ask(i, "/busy");
    sh_http_send_all(client, requests, PEERS, &(sh_http_calls){.done = work_long});
    assert_int_equal(first_path_released, 1);
    assert_int_equal(good, PEERS);
    sh_http_client_free(client);
}

static void pass_time_once_it_was_sent(void)
{
    if (server_sent() > 0)
        now_ms += SILENCE_MS;
}

/* A peer that has begun to answer is alive: only the time-out bounds it. */
static void after_the_first_bytes_only_the_time_out_counts(void **state)
{
    (void)state;
    const char *const paths[] = {"/byte", "/stuck"};
    for (size_t i = 0; i < 2; i++) {
        sh_http_client *client = new_client(0, pass_time_once_it_was_sent);
        sh_http_answer answer;
        sh_error error = {.code = SH_OK};
        ask(0, paths[i]);
        requests[0].timeout_ms = 1000; /* real ones, of curl */
        assert_int_equal(sh_http_send(client, &requests[0], &answer, &error), SH_E_NETWORK);
        assert_non_null(strstr(error.message, "was not complete after 1 s"));
        sh_http_answer_reset(&answer);
        sh_http_client_free(client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_answers_are_progress),
        cmocka_unit_test(an_answer_that_came_during_a_callback_is_read_before_its_peer_is_judged),
        cmocka_unit_test(after_the_first_bytes_only_the_time_out_counts),
    };
    return cmocka_run_group_tests(tests, server_start, server_stop);
}
