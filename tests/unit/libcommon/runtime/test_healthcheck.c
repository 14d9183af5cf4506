/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/http_server.h"
#include "libcommon/runtime/healthcheck_command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static unsigned status;                    /* of the server's answer */
static const char *ready_text = "ready\n"; /* its body, if that is 200 */

static void handle_readyz(void *context, sh_http_exchange *exchange)
{
    (void)context;
    sh_http_reply(exchange, status, "text/plain",
                  status == 200 ? sh_slice_of(ready_text) : SH_SLICE("Redis is away"));
}

static const sh_http_route routes[] = {
    {.method = "GET", .path = "/readyz", .handle = handle_readyz},
    {.method = NULL},
};

/* Starts a server at host, asks it as what SYNC_listen would name it, and stops it. */
static sh_err check(const char *host, const char *format, sh_error *error)
{
    const sh_http_server_options options = {.host = host, .routes = routes};
    sh_http_server *server = NULL;
    char listen[64];
    assert_int_equal(sh_http_server_start(&options, &server, error), SH_OK);
    (void)snprintf(listen, sizeof listen, "%s:%u", format, (unsigned)sh_http_server_port(server));
    sh_err err = sh_healthcheck(&SH_HEALTH_OF_PROGRAM(listen, ""), error);
    sh_http_server_stop(server, 1000);
    return err;
}

static void a_ready_program_is_found_healthy(void **state)
{
    (void)state;
    sh_error error = {0};
    status = 200;
    assert_int_equal(check("127.0.0.1", "127.0.0.1", &error), SH_OK);
}

static void what_listens_everywhere_is_asked_at_the_loopback(void **state)
{
    (void)state;
    sh_error error = {0};
    status = 200;
    assert_int_equal(check("0.0.0.0", "0.0.0.0", &error), SH_OK);
}

static void a_program_that_is_not_ready_says_why(void **state)
{
    (void)state;
    sh_error error = {0};
    status = 503;
    assert_int_equal(check("127.0.0.1", "127.0.0.1", &error), SH_E_BUSY);
    assert_non_null(strstr(error.message, "503"));
    assert_non_null(strstr(error.message, "Redis is away"));
}

static void another_program_is_not_taken_for_it(void **state)
{
    (void)state;
    sh_error error = {0};
    status = 200;
    ready_text = "<html>It works!</html>";
    assert_int_equal(check("127.0.0.1", "127.0.0.1", &error), SH_E_NETWORK);
    assert_non_null(strstr(error.message, "another program"));
    ready_text = "ready\n";
}

static void nobody_there_is_unhealthy(void **state)
{
    (void)state;
    sh_error error = {0};
    status = 200;
    /* The server has stopped when its port is requested again. */
    const sh_http_server_options options = {.host = "127.0.0.1", .routes = routes};
    sh_http_server *server = NULL;
    char listen[64];
    assert_int_equal(sh_http_server_start(&options, &server, &error), SH_OK);
    (void)snprintf(listen, sizeof listen, "127.0.0.1:%u", (unsigned)sh_http_server_port(server));
    sh_http_server_stop(server, 0);
    assert_int_equal(sh_healthcheck(&SH_HEALTH_OF_PROGRAM(listen, ""), &error), SH_E_NETWORK);
}

static void what_cannot_be_asked_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *listen;
        sh_err expected;
    } cases[] = {
        {"0.0.0.0:0", SH_E_CONFIG},
        {"0.0.0.0", SH_E_FORMAT},
        {"", SH_E_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_error error = {0};
        assert_int_equal(sh_healthcheck(&SH_HEALTH_OF_PROGRAM(cases[i].listen, ""), &error),
                         cases[i].expected);
        assert_true(error.message[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ready_program_is_found_healthy),
        cmocka_unit_test(what_listens_everywhere_is_asked_at_the_loopback),
        cmocka_unit_test(a_program_that_is_not_ready_says_why),
        cmocka_unit_test(another_program_is_not_taken_for_it),
        cmocka_unit_test(nobody_there_is_unhealthy),
        cmocka_unit_test(what_cannot_be_asked_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
