/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/http_client_silence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LIMIT_MS 100

static bool is_silent(http_client_silence *s, http_client_step step, unsigned sockets,
                      int64_t now_ms)
{
    const http_client_silence now = {.step = step, .sockets = sockets, .since_ms = now_ms};
    (void)http_client_silence_note(s, now);
    return http_client_is_silent(s, now_ms, 0, LIMIT_MS);
}

static void each_step_has_its_own_time(void **state)
{
    (void)state;
    http_client_silence s = {.since_ms = 0};
    assert_false(is_silent(&s, HTTP_STEP_CONNECTING, 1, 1000));
    assert_false(is_silent(&s, HTTP_STEP_CONNECTING, 1, 1099));
    assert_false(is_silent(&s, HTTP_STEP_HANDSHAKE, 1, 1120));
    assert_false(is_silent(&s, HTTP_STEP_HANDSHAKE, 1, 1219));
    assert_false(is_silent(&s, HTTP_STEP_REQUEST, 1, 1230));
    assert_false(is_silent(&s, HTTP_STEP_REQUEST, 1, 1329));
    assert_true(is_silent(&s, HTTP_STEP_REQUEST, 1, 1330));
}

static void another_address_has_its_own_time(void **state)
{
    (void)state;
    http_client_silence s = {.since_ms = 0};
    assert_false(is_silent(&s, HTTP_STEP_CONNECTING, 1, 1000));
    assert_false(is_silent(&s, HTTP_STEP_CONNECTING, 2, 1150));
    assert_false(is_silent(&s, HTTP_STEP_CONNECTING, 2, 1249));
    assert_true(is_silent(&s, HTTP_STEP_CONNECTING, 2, 1250));
}

static void a_name_server_and_an_answer_are_not_silence(void **state)
{
    (void)state;
    http_client_silence s = {.since_ms = 0};
    assert_false(is_silent(&s, HTTP_STEP_RESOLVING, 0, 1000));
    assert_false(is_silent(&s, HTTP_STEP_RESOLVING, 0, 9000));
    assert_false(is_silent(&s, HTTP_STEP_CONNECTING, 1, 9001));
    assert_false(is_silent(&s, HTTP_STEP_ANSWER, 1, 9050));
    assert_false(is_silent(&s, HTTP_STEP_ANSWER, 1, 99000));
}

static void a_change_of_step_or_address_is_noted(void **state)
{
    (void)state;
    http_client_silence s = {.since_ms = 0};
    http_client_silence now = {.step = HTTP_STEP_CONNECTING, .sockets = 1, .since_ms = 1000};
    assert_true(http_client_silence_note(&s, now));
    now.since_ms = 1050;
    assert_false(http_client_silence_note(&s, now));
    now.sockets = 2;
    assert_true(http_client_silence_note(&s, now));
    now.step = HTTP_STEP_REQUEST;
    assert_true(http_client_silence_note(&s, now));
    assert_int_equal(s.since_ms, 1050);
}

static void time_before_the_progress_of_others_is_not_counted(void **state)
{
    (void)state;
    const http_client_silence s = {.step = HTTP_STEP_REQUEST, .sockets = 1, .since_ms = 1000};
    assert_true(http_client_is_silent(&s, 1100, 0, LIMIT_MS));
    assert_false(http_client_is_silent(&s, 1100, 1001, LIMIT_MS));
    assert_true(http_client_is_silent(&s, 1101, 1001, LIMIT_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_step_has_its_own_time),
        cmocka_unit_test(another_address_has_its_own_time),
        cmocka_unit_test(a_change_of_step_or_address_is_noted),
        cmocka_unit_test(time_before_the_progress_of_others_is_not_counted),
        cmocka_unit_test(a_name_server_and_an_answer_are_not_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
