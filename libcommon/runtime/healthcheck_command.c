/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/healthcheck_command.h"

#include "libcommon/base/limits.h"
#include "libcommon/base/text.h"
#include "libcommon/config/listen_address.h"
#include "libcommon/config/settings_http.h"
#include "libcommon/http/http_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The address to connect to for a listening address: the loopback if it listens on all addresses.
 */
static const char *ask_at(const char *host)
{
    if (strcmp(host, "0.0.0.0") == 0)
        return "127.0.0.1";
    return strcmp(host, "::") == 0 ? "::1" : host;
}

static sh_err check_answer(const sh_health_question *q, const char *url,
                           const sh_http_answer *answer, sh_error *error)
{
    sh_slice body = {answer->body.len == 0 ? "" : answer->body.data, answer->body.len};
    if (answer->status != 200)
        return sh_fail(error, SH_E_BUSY, "not ready: %s answered %d: %.*s", url, answer->status,
                       (int)(body.len < 300 ? body.len : 300), body.data);
    if (body.len < q->begins.len || memcmp(body.data, q->begins.data, q->begins.len) != 0)
        return sh_fail(error, SH_E_NETWORK,
                       "%s is answered by another program, which listens there instead", url);
    return SH_OK;
}

static sh_err ask(sh_http_client *client, const sh_health_question *q, const char *url,
                  sh_error *error)
{
    sh_http_answer answer = {0};
    const sh_http_request request = {
        .method = "GET",
        .url = url,
        .answer_max = SH_HEALTHCHECK_BODY_MAX,
        .timeout_ms = SH_HEALTHCHECK_MS,
    };
    sh_err err = sh_http_send(client, &request, &answer, error);
    if (err == SH_OK)
        err = check_answer(q, url, &answer, error);
    sh_http_answer_reset(&answer);
    return err;
}

sh_err sh_healthcheck(const sh_health_question *q, sh_error *error)
{
    char host[64];
    uint16_t port;
    char url[160];
    sh_http_client *client = NULL;
    sh_err err = sh_listen_read(sh_slice_of(q->listen), host, &port, error);
    if (err != SH_OK)
        return err;
    if (port == 0)
        return sh_fail(error, SH_E_CONFIG,
                       "%s is %s, any free port, so the port to ask is unknown: set a port",
                       q->setting, q->listen);
    if (setenv("no_proxy", "*", 1) != 0)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    const char *at = ask_at(host);
    bool v6 = strchr(at, ':') != NULL;
    (void)snprintf(url, sizeof url, "%s://%s%s%s:%u%s", q->tls_cert[0] == '\0' ? "http" : "https",
                   v6 ? "[" : "", at, v6 ? "]" : "", (unsigned)port, q->path);
    const sh_http_client_options options = {.user_agent = "synchub-healthcheck",
                                            .names = sh_settings_client_names(q->setting),
                                            .pinned_cert_file = q->tls_cert,
                                            .stop_fd = -1};
    err = sh_http_client_new(&options, &client, error);
    if (err == SH_OK)
        err = ask(client, q, url, error);
    sh_http_client_free(client);
    return err;
}
