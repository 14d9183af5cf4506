/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console.h"

#include "libcommon/base/limits.h"
#include "libcommon/config/listen_address.h"
#include "libcommon/config/settings_table.h"
#include "libcommon/runtime/listener.h"
#include "libcommon/runtime/log.h"
#include "receiver/console/console_access.h"
#include "receiver/console/console_api.h"
#include "receiver/console/console_credential_transfer.h"
#include "receiver/console/console_page.h"
#include "receiver/console/console_password.h"
#include "receiver/console/console_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STOP_GRACE_MS 2000

struct console {
    console_context context;
    sh_listener *listener;
};

/* --- Requests -------------------------------------------------------------------------------- */

static size_t admit(void *context, sh_http_exchange *exchange)
{
    console_request request = {.console = context, .exchange = exchange};
    if (!console_is_import(exchange))
        return SH_CONSOLE_BODY_MAX;
    size_t allowed = console_admit_import(&request);
    console_request_reset(&request);
    return allowed;
}

static bool is_api(const char *path)
{
    return strncmp(path, "/api/", 5) == 0;
}

static void answer(console_request *request)
{
    const char *path = sh_http_path(request->exchange);
    if (!console_access_check_host(request))
        return;
    /* A link from elsewhere leads to the page, which holds no data and is not shown in frames. */
    if (!console_request_changes(request) && console_page_reply(request->exchange, path))
        return;
    if (!console_access_check_origin(request))
        return;
    if (is_api(path))
        console_api(request);
    else
        console_reply_problem(request->exchange, 404, NULL, "There is no such page");
}

static void handle(void *context, sh_http_exchange *exchange)
{
    console_request request = {.console = context, .exchange = exchange};
    answer(&request);
    console_request_reset(&request);
}

/* Only the API waits for databases; one import at a time, as it takes much memory. */
static sh_http_class classify(void *context, const sh_http_exchange *exchange)
{
    (void)context;
    if (console_is_import(exchange))
        return SH_HTTP_EXCLUSIVE;
    return is_api(sh_http_path(exchange)) ? SH_HTTP_NORMAL : SH_HTTP_IMMEDIATE;
}

static const sh_http_route routes[] = {
    {.method = "*", .path = "*", .admit = admit, .handle = handle, .classify = classify},
    {.method = NULL},
};

/* --- Start and stop -------------------------------------------------------------------------- */

void console_url_write(const sh_settings *settings, uint16_t port, bool has_tls,
                       char ret[static CONSOLE_URL_BYTES])
{
    char host[64] = "";
    uint16_t configured = 0;
    if (settings->console_url.count > 0) {
        (void)snprintf(ret, CONSOLE_URL_BYTES, "%s", settings->console_url.items[0]);
        return;
    }
    (void)sh_listen_read(sh_slice_of(settings->console_listen), host, &configured, NULL);
    bool every = strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
    bool v6 = !every && strchr(host, ':') != NULL;
    (void)snprintf(ret, CONSOLE_URL_BYTES, "http%s://%s%s%s:%u", has_tls ? "s" : "", v6 ? "[" : "",
                   every ? "127.0.0.1" : host, v6 ? "]" : "",
                   (unsigned)(port != 0 ? port : configured));
}

/* Without a password, somebody must be able to set one. */
static void print_link(console *c)
{
    char url[CONSOLE_URL_BYTES];
    console_password password = {.from_settings = false};
    store *s = NULL;
    /* A database that does not exist yet, or cannot be read now, holds no password that is known.
     */
    if (console_record_open(c->context.settings, &s, NULL) == SH_OK)
        (void)console_password_read(c->context.settings, s, &password, NULL);
    store_close(s);
    if (console_password_is_set(&password) || c->context.settings->console_password[0] != '\0')
        return;
    sh_random_secret(c->context.start_code);
    console_url_write(c->context.settings, sh_listener_port(c->listener), c->context.has_tls, url);
    sh_log_info("console: to set its password, open %s/#/password?code=%s", url,
                c->context.start_code);
}

static bool is_default(const sh_settings *settings)
{
    return strcmp(settings->console_listen, SH_CONSOLE_LISTEN) == 0;
}

static sh_err listen_on(console *c, sh_error *error)
{
    const sh_listener_options options = {.routes = routes,
                                         .context = &c->context,
                                         .connections_max = SH_CONSOLE_CONNECTIONS_MAX,
                                         .listen = c->context.settings->console_listen,
                                         .listen_setting = "SYNC_console_listen",
                                         .refuse = console_reply_refusal};
    return sh_listener_start(c->context.settings, &options, &c->listener, error);
}

sh_err console_start(const sh_settings *settings, console **ret, sh_error *error)
{
    sh_error reason = {.code = SH_OK};
    *ret = NULL;
    if (settings->console_listen[0] == '\0')
        return SH_OK;
    console *c = calloc(1, sizeof *c);
    if (c == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the console");
    c->context.settings = settings;
    c->context.has_tls = settings->tls_cert[0] != '\0';
    sh_err err = console_login_rate_new(&c->context.rate, &reason);
    if (err == SH_OK)
        err = console_job_runner_new(settings, &c->context.jobs, &reason);
    if (err == SH_OK)
        err = console_device_counts_new(&c->context.counts, &reason);
    if (err == SH_OK)
        err = listen_on(c, &reason);
    if (err != SH_OK) {
        console_stop(c);
        if (err != SH_E_IO || !is_default(settings))
            return sh_fail(error, err, "%s", reason.message);
        sh_log_warning("there is no console: %s", reason.message);
        return SH_OK;
    }
    sh_log_info("the console is at %s", sh_listener_address(c->listener));
    if (sh_listener_is_in_clear(c->listener))
        sh_log_warning("the console's password is received over plain HTTP: put TLS in front, or "
                       "set SYNC_tls_cert and SYNC_tls_key");
    print_link(c);
    *ret = c;
    return SH_OK;
}

void console_stop(console *c)
{
    if (c == NULL)
        return;
    sh_listener_stop(c->listener, STOP_GRACE_MS);
    console_job_runner_free(c->context.jobs);
    console_device_counts_free(c->context.counts);
    console_login_rate_free(c->context.rate);
    sh_wipe(c->context.start_code, sizeof c->context.start_code);
    free(c);
}
