/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/http_server.h"
#include "tests/bench/bench.h"

#include <signal.h>
#include <stdio.h>

/* The hub's HTTP server with a handler that only sends the answer for an unchanged table. */

static void answer(void *context, sh_http_exchange *exchange)
{
    (void)context;
    sh_http_reply(exchange, 200, "application/json", SH_SLICE("{\"status\":\"unchanged\"}"));
}

static const sh_http_route routes[] = {{.method = "POST", .path = "/sync", .handle = answer},
                                       {.method = NULL}};

int bench_constant_server(int argc, char *argv[])
{
    (void)argc;
    (void)argv;
    sh_error error = {0};
    sh_http_server *server = NULL;
    sh_http_server_options options = {.host = "127.0.0.1", .routes = routes};
    sigset_t stop;
    int signal_number = 0;
    (void)sigemptyset(&stop);
    (void)sigaddset(&stop, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &stop, NULL);
    bench_must(sh_http_server_start(&options, &server, &error), &error);
    (void)printf("listening on 127.0.0.1:%u\n", sh_http_server_port(server));
    (void)fflush(stdout);
    (void)sigwait(&stop, &signal_number);
    sh_http_server_stop(server, 1000);
    return 0;
}
