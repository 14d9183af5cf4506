/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/http_client.h"

#include <curl/curl.h>

#include "tests/unit/http_script.h"

/*
 * curl may call a transfer good although a callback did not take all of it, or although it stayed
 * paused; here it does so each time.
 */
CURLMsg *__wrap_curl_multi_info_read(CURLM *multi, int *left);
CURLMsg *__real_curl_multi_info_read(CURLM *multi, int *left);
CURLcode __wrap_curl_easy_pause(CURL *easy, int mask);
CURLcode __real_curl_easy_pause(CURL *easy, int mask);

static CURLcode pause_result;
static bool pause_is_real;

CURLMsg *__wrap_curl_multi_info_read(CURLM *multi, int *left)
{
    CURLMsg *message = __real_curl_multi_info_read(multi, left);
    if (message != NULL)
        message->data.result = CURLE_OK;
    return message;
}

CURLcode __wrap_curl_easy_pause(CURL *easy, int mask)
{
    return pause_is_real ? __real_curl_easy_pause(easy, mask) : pause_result;
}

static sh_http_client *new_client(size_t bodies_max)
{
    sh_http_client *client = NULL;
    sh_http_client_options options = {
        .user_agent = "synchub-test", .stop_fd = -1, .bodies_max = bodies_max};
    assert_int_equal(sh_http_client_new(&options, &client, NULL), SH_OK);
    return client;
}

static sh_http_request get(const char *path, size_t answer_max)
{
    static char urls[8][128];
    static unsigned next;
    char *url = urls[next++ % 8];
    (void)snprintf(url, sizeof urls[0], "http://127.0.0.1:%u%s", server.port, path);
    return (sh_http_request){
        .method = "GET", .url = url, .answer_max = answer_max, .timeout_ms = 60000};
}

static void what_a_callback_refused_is_no_success(void **state)
{
    (void)state;
    const char *const paths[] = {"/endless", "/headers"};
    sh_http_client *client = new_client(0);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        sh_http_request request = get(paths[i], 1000);
        sh_http_answer answer;
        sh_error error = {.code = SH_OK};
        assert_int_equal(sh_http_send(client, &request, &answer, &error), SH_E_LIMIT);
        assert_non_null(strstr(error.message, "more than"));
        sh_http_answer_reset(&answer);
    }
    sh_http_client_free(client);
}

typedef struct {
    size_t good, memory, network;
} outcomes;

static void note(void *context, size_t index, sh_err err, const sh_http_answer *answer,
                 const sh_error *error)
{
    outcomes *o = context;
    (void)index;
    if (err == SH_OK) {
        assert_int_equal(answer->body.len, 300000);
        o->good++;
        return;
    }
    assert_non_null(strstr(error->message, "could not be continued"));
    *(err == SH_E_MEMORY ? &o->memory : &o->network) += 1;
}

/* Of three that do not fit into memory together one waits, unless they come one after the other. */
static outcomes three_at_once(void)
{
    sh_http_client *client = new_client(100000);
    sh_http_request requests[3];
    outcomes o = {0};
    for (size_t i = 0; i < 3; i++)
        requests[i] = get("/endless", 300000);
    sh_http_send_all(client, requests, 3, &(sh_http_calls){.done = note, .context = &o});
    sh_http_client_free(client);
    assert_int_equal(o.good + o.memory + o.network, 3);
    return o;
}

/* As they do on a busy machine. */
static outcomes three_of_which_one_waits(void)
{
    for (int i = 0; i < 100; i++) {
        outcomes o = three_at_once();
        if (o.good < 3)
            return o;
    }
    fail_msg("none ever waited");
    return (outcomes){0};
}

static void an_answer_that_cannot_be_resumed_is_no_success(void **state)
{
    (void)state;
    pause_is_real = true;
    assert_int_equal(three_at_once().good, 3);
    pause_is_real = false;
    pause_result = CURLE_OUT_OF_MEMORY;
    outcomes o = three_of_which_one_waits();
    assert_true(o.memory > 0);
    assert_int_equal(o.network, 0);
    pause_result = CURLE_BAD_FUNCTION_ARGUMENT;
    assert_true(three_of_which_one_waits().network > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_callback_refused_is_no_success),
        cmocka_unit_test(an_answer_that_cannot_be_resumed_is_no_success),
    };
    return cmocka_run_group_tests(tests, server_start, server_stop);
}
