/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_access.h"

#include "libcommon/base/utf8.h"
#include "libcommon/http/ip_network.h"
#include "receiver/console/console_decode.h"
#include "receiver/console/console_host.h"
#include "receiver/console/console_password.h"
#include "receiver/console/console_reply.h"
#include "receiver/console/console_session.h"
#include "receiver/console/console_token.h"

#include <stdio.h>
#include <string.h>

#define COOKIE_IS "synchub_session="

/* --- The request's own headers --------------------------------------------------------------- */

/* The value of the session's cookie; empty if there is none. */
static sh_slice session_cookie(const console_request *request)
{
    return console_decode_cookie(sh_http_header(request->exchange, "Cookie"), COOKIE_IS);
}

void console_access_session_key(const console_request *request,
                                char ret[static SH_DIGEST_HEX_BYTES])
{
    sh_slice cookie = session_cookie(request);
    ret[0] = '\0';
    if (cookie.len > 0)
        console_secret_hash(cookie, ret);
}

/* The user that a trusted proxy names, or NULL. */
static const char *proxy_user(const console_request *request)
{
    const sh_settings *settings = request->console->settings;
    const char *user = sh_http_header(request->exchange, "Remote-User");
    size_t len = user == NULL ? 0 : strlen(user);
    if (len == 0 || len > SH_CONSOLE_USER_MAX || !sh_utf8_is_valid(user, len) ||
        sh_utf8_has_control(user, len))
        return NULL;
    for (size_t i = 0; i < settings->console_trusted_proxy.count; i++) {
        sh_ip_network network;
        if (sh_ip_network_read(settings->console_trusted_proxy.items[i], &network) &&
            sh_ip_network_has(&network, sh_http_peer(request->exchange)))
            return user;
    }
    return NULL;
}

static bool has_bearer(const console_request *request)
{
    return sh_http_bearer(request->exchange).len > 0;
}

/* --- Where it comes from --------------------------------------------------------------------- */

bool console_access_check_host(const console_request *request)
{
    const char *host = sh_http_header(request->exchange, "Host");
    if (console_host_is_own(request->console->settings, host))
        return true;
    console_reply_problem(request->exchange, 421, NULL,
                          "The console is not reached under this name: add its URL to "
                          "SYNC_console_url on the hub, or use the address it listens on");
    return false;
}

bool console_access_check_origin(const console_request *request)
{
    const sh_http_exchange *exchange = request->exchange;
    const console_origin from = {.host = sh_http_header(exchange, "Host"),
                                 .origin = sh_http_header(exchange, "Origin"),
                                 .fetch_site = sh_http_header(exchange, "Sec-Fetch-Site")};
    bool stated = false;
    bool own = console_origin_is_own(&from, &stated);
    if (!console_request_changes(request)) {
        /* A person who opens a page or a download has the site `none`. */
        own = own || (from.fetch_site != NULL && strcmp(from.fetch_site, "none") == 0);
        stated = true;
    }
    bool ambient = session_cookie(request).len > 0 || proxy_user(request) != NULL;
    if (own && (stated || has_bearer(request) || !ambient))
        return true;
    console_reply_problem(request->exchange, 403, NULL,
                          own ? "A request with a cookie must say which page sent it (Origin or "
                                "Sec-Fetch-Site); programs use a token"
                              : "Another site's page sent this request");
    return false;
}

/* --- Who sends it ---------------------------------------------------------------------------- */

static sh_err identify_token(console_request *request, store *s)
{
    console_token token;
    bool found = false;
    sh_err err = console_token_find(request->console->settings, s,
                                    sh_http_bearer(request->exchange), &token, &found);
    if (err == SH_OK && found) {
        request->proof = CONSOLE_TOKEN;
        request->read_only = token.read_only;
        (void)snprintf(request->user, sizeof request->user, "token %s", token.name);
    }
    return err;
}

static sh_err identify_session(console_request *request, store *s, bool *has_password,
                               sh_error *error)
{
    char key[SH_DIGEST_HEX_BYTES], mark[SH_DIGEST_HEX_BYTES];
    console_password password;
    bool found = false;
    sh_err err = console_password_read(request->console->settings, s, &password, error);
    if (err != SH_OK)
        return err;
    *has_password = console_password_is_set(&password);
    console_password_mark(&password, mark);
    console_access_session_key(request, key);
    if (key[0] != '\0')
        err = console_session_find(s, key, mark, &request->expires_ms, &found);
    if (err == SH_OK && found) {
        request->proof = CONSOLE_PASSWORD;
        (void)snprintf(request->user, sizeof request->user, "admin");
    }
    return err;
}

static sh_err identify(console_request *request, bool *has_password, sh_error *error)
{
    store *s = NULL;
    sh_err err = console_record_open(request->console->settings, &s, error);
    if (err == SH_OK && has_bearer(request))
        err = identify_token(request, s);
    else if (err == SH_OK)
        err = identify_session(request, s, has_password, error);
    store_close(s);
    return err;
}

bool console_access_identify(console_request *request)
{
    sh_error error = {.code = SH_OK};
    bool has_password = true;
    const char *user = has_bearer(request) ? NULL : proxy_user(request);
    if (user != NULL) {
        request->proof = CONSOLE_PROXY;
        (void)snprintf(request->user, sizeof request->user, "%s", user);
        return true;
    }
    sh_err err = identify(request, &has_password, &error);
    if (err != SH_OK) {
        (void)sh_fail(&error, err, "access could not be checked in the database");
        console_reply_failure(request->exchange, &error);
        return false;
    }
    if (request->proof != CONSOLE_NOBODY)
        return true;
    console_reply_problem(request->exchange, 401, has_password ? "login" : "setup",
                          has_bearer(request) ? "This token is not valid"
                          : has_password
                              ? "Log in"
                              : "No password is set yet: open the link that the receiver printed "
                                "at its start, or that `synchub-receiver console link` prints");
    return false;
}
