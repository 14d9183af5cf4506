/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "libcommon/base/limits.h"
#include "libcommon/http/http_client.h"
#include "libcommon/native/peer_answer.h"
#include "receiver/hub/hub_metrics.h"
#include "receiver/ingest/ingest_error_answers.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* A real server whose only route refuses as the test sets, and a real client. */

static struct {
    bool refuses;
    refused_kind refused;
    unavailable_kind unavailable;
    sh_err err; /* SH_OK: unavailable by its kind, else by this failure */
} next;

static void handle(void *context, sh_http_exchange *exchange)
{
    (void)context;
    sh_error error = {0};
    if (next.refuses)
        ingest_refuse(exchange, next.refused, NULL, "a message");
    else if (next.err == SH_OK)
        ingest_unavailable(exchange, next.unavailable, NULL, NULL);
    else {
        (void)sh_fail(&error, next.err, "the reason is for the log");
        ingest_failed(exchange, NULL, &error);
    }
}

static size_t admit(void *context, sh_http_exchange *exchange)
{
    (void)context;
    (void)exchange;
    return SH_KIB;
}

static sh_http_server *server;
static sh_http_client *client;

static int set_up(void **state)
{
    (void)state;
    static const sh_http_route routes[] = {
        {.method = "POST", .path = "/sync", .admit = admit, .handle = handle}, {.method = NULL}};
    const sh_http_server_options options = {.host = "127.0.0.1", .routes = routes};
    const sh_http_client_options client_options = {
        .user_agent = "test", .stop_fd = -1, .parallel_max = 1};
    return sh_http_server_start(&options, &server, NULL) == SH_OK &&
                   sh_http_client_new(&client_options, &client, NULL) == SH_OK
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    sh_http_client_free(client);
    sh_http_server_stop(server, 0);
    return 0;
}

static void ask(const char *type, sh_http_answer *ret)
{
    char url[64], header[128];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/sync", sh_http_server_port(server));
    (void)snprintf(header, sizeof header, "Content-Type: %s", type);
    const char *const headers[] = {header, NULL};
    sh_http_request request = {.method = "POST",
                               .url = url,
                               .headers = headers,
                               .body = "x",
                               .body_len = 1,
                               .answer_max = SH_HTTP_ERROR_BODY_MAX,
                               .timeout_ms = 20000};
    assert_int_equal(sh_http_send(client, &request, ret, NULL), SH_OK);
}

static void each_refusal_has_its_status_and_code(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        sh_error_code code;
    } expected[REFUSED_KINDS] = {
        [REFUSED_HEADER] = {400, SH_CODE_HEADER},
        [REFUSED_ENVELOPE] = {400, SH_CODE_ENVELOPE},
        [REFUSED_TYPE] = {415, SH_CODE_CONTENT_TYPE},
        [REFUSED_PROTOCOL] = {415, SH_CODE_CONTENT_TYPE},
        [REFUSED_SIZE] = {413, SH_CODE_SIZE},
        [REFUSED_NODE_NAME] = {422, SH_CODE_NODE_NAME},
        [REFUSED_LOOKALIKE] = {422, SH_CODE_NODE_NAME},
        [REFUSED_PLUGIN_NAME] = {422, SH_CODE_PLUGIN_NAME},
        [REFUSED_CLOCK] = {422, SH_CODE_CLOCK},
        [REFUSED_KEY] = {422, SH_CODE_KEY},
        [REFUSED_ALTERED] = {422, SH_CODE_ALTERED},
        [REFUSED_CONTENT] = {422, SH_CODE_CONTENT},
        [REFUSED_JSON] = {400, SH_CODE_NONE},
        [REFUSED_FIELD] = {422, SH_CODE_NONE},
        [REFUSED_PAYLOAD] = {422, SH_CODE_NONE},
    };
    next.refuses = true;
    for (next.refused = 0; next.refused < REFUSED_KINDS; next.refused++) {
        static const char *const types[] = {"application/vnd.synchub.envelope", "application/json"};
        for (size_t i = 0; i < 2; i++) {
            sh_http_answer answer = {0};
            sh_peer_error peer_error;
            ask(types[i], &answer);
            sh_peer_error_read(&answer, &peer_error);
            assert_int_equal(answer.status, expected[next.refused].status);
            assert_true(peer_error.is_own);
            assert_int_equal(peer_error.code, i == 0 ? expected[next.refused].code : SH_CODE_NONE);
            assert_string_equal(peer_error.message, "a message");
            sh_http_answer_reset(&answer);
        }
    }
}

/* The failure's own counter goes up and no other, and the node hears the same. */
static void assert_unavailable(int status, sh_error_code code, sh_metric *counter)
{
    sh_metric *const all[] = {&hub_metrics.unavailable_redis,  &hub_metrics.unavailable_full,
                              &hub_metrics.unavailable_busy,   &hub_metrics.unavailable_share,
                              &hub_metrics.unavailable_names,  &hub_metrics.unavailable_key,
                              &hub_metrics.unavailable_memory, &hub_metrics.unavailable_credentials,
                              &hub_metrics.failed_internal};
    int64_t before = 0, counted = atomic_load(&counter->value);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        before += atomic_load(&all[i]->value);
    sh_http_answer answer = {0};
    sh_peer_error peer_error;
    ask("application/vnd.synchub.envelope", &answer);
    sh_peer_error_read(&answer, &peer_error);
    assert_int_equal(answer.status, status);
    assert_true(peer_error.is_own);
    assert_int_equal(peer_error.code, code);
    assert_null(strstr(peer_error.message, "for the log"));
    assert_true((answer.retry_after_s > 0) == (status == 503));
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        before -= atomic_load(&all[i]->value);
    assert_int_equal(before, -1);
    assert_int_equal(atomic_load(&counter->value), counted + 1);
    sh_http_answer_reset(&answer);
}

static void each_reason_to_come_again_has_its_own_code_and_counter(void **state)
{
    (void)state;
    const struct {
        int status;
        sh_error_code code;
        sh_metric *counter;
    } expected[UNAVAILABLE_KINDS] = {
        [UNAVAILABLE_BUSY] = {503, SH_CODE_BUSY, &hub_metrics.unavailable_busy},
        [UNAVAILABLE_CREDENTIALS] = {503, SH_CODE_CREDENTIALS,
                                     &hub_metrics.unavailable_credentials},
        [UNAVAILABLE_FULL] = {503, SH_CODE_FULL, &hub_metrics.unavailable_full},
        [UNAVAILABLE_INTERNAL] = {500, SH_CODE_INTERNAL, &hub_metrics.failed_internal},
        [UNAVAILABLE_KEY] = {503, SH_CODE_NOT_READY, &hub_metrics.unavailable_key},
        [UNAVAILABLE_MEMORY] = {503, SH_CODE_MEMORY, &hub_metrics.unavailable_memory},
        [UNAVAILABLE_NAMES] = {503, SH_CODE_NAMES, &hub_metrics.unavailable_names},
        [UNAVAILABLE_REDIS] = {503, SH_CODE_REDIS, &hub_metrics.unavailable_redis},
        [UNAVAILABLE_SHARE] = {503, SH_CODE_SHARE, &hub_metrics.unavailable_share},
    };
    next.refuses = false;
    next.err = SH_OK;
    for (next.unavailable = 0; next.unavailable < UNAVAILABLE_KINDS; next.unavailable++)
        assert_unavailable(expected[next.unavailable].status, expected[next.unavailable].code,
                           expected[next.unavailable].counter);
}

static void a_failure_is_counted_and_answered_as_what_it_is(void **state)
{
    (void)state;
    const struct {
        sh_err err;
        int status;
        sh_error_code code;
        sh_metric *counter;
    } cases[] = {
        {SH_E_MEMORY, 503, SH_CODE_MEMORY, &hub_metrics.unavailable_memory},
        {SH_E_BUSY, 503, SH_CODE_FULL, &hub_metrics.unavailable_full},
        {SH_E_NETWORK, 503, SH_CODE_REDIS, &hub_metrics.unavailable_redis},
        {SH_E_CONFIG, 503, SH_CODE_REDIS, &hub_metrics.unavailable_redis},
        {SH_E_STOPPED, 503, SH_CODE_REDIS, &hub_metrics.unavailable_redis},
        {SH_E_FORMAT, 500, SH_CODE_INTERNAL, &hub_metrics.failed_internal},
        {SH_E_LIMIT, 500, SH_CODE_INTERNAL, &hub_metrics.failed_internal},
    };
    next.refuses = false;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        next.err = cases[i].err;
        assert_unavailable(cases[i].status, cases[i].code, cases[i].counter);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_refusal_has_its_status_and_code),
        cmocka_unit_test(each_reason_to_come_again_has_its_own_code_and_counter),
        cmocka_unit_test(a_failure_is_counted_and_answered_as_what_it_is),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
