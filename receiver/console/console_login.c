/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_login.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/json/json_write.h"
#include "libcommon/runtime/log.h"
#include "receiver/console/console_access.h"
#include "receiver/console/console_body.h"
#include "receiver/console/console_host.h"
#include "receiver/console/console_password.h"
#include "receiver/console/console_reply.h"
#include "receiver/console/console_session.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- Cookies --------------------------------------------------------------------------------- */

static void set_cookie(console_request *request, const char *secret, int64_t seconds)
{
    char value[240];
    bool secure = request->console->has_tls ||
                  console_host_has_https(request->console->settings,
                                         sh_http_header(request->exchange, "Host"));
    (void)snprintf(value, sizeof value,
                   "synchub_session=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%" PRId64 "%s",
                   secret, seconds, secure ? "; Secure" : "");
    sh_http_reply_header(request->exchange, "Set-Cookie", value);
}

/* A new session, never the one of the request's cookie, which ends. */
static void start_session(console_request *request)
{
    const sh_settings *settings = request->console->settings;
    char secret[SH_SECRET_TEXT_BYTES], mark[SH_DIGEST_HEX_BYTES], old[SH_DIGEST_HEX_BYTES];
    sh_error error = {.code = SH_OK};
    console_password password;
    store *s = NULL;
    console_access_session_key(request, old);
    sh_err err = console_record_open(settings, &s, &error);
    if (err == SH_OK)
        err = console_password_read(settings, s, &password, &error);
    store_close(s);
    if (err == SH_OK && old[0] != '\0')
        err = console_session_end(settings, old, &error);
    if (err == SH_OK) {
        console_password_mark(&password, mark);
        err = console_session_start(settings, mark, secret, &error);
    }
    if (err != SH_OK) {
        console_reply_failure(request->exchange, &error);
        return;
    }
    set_cookie(request, secret, SH_CONSOLE_SESSION_S);
    console_reply_empty(request->exchange, 204);
}

/* --- Proofs ---------------------------------------------------------------------------------- */

/* Whether the address may try now; otherwise 429 is answered. */
static bool may_try(const console_request *request)
{
    char seconds[24];
    int64_t wait_s = console_login_rate_wait(
        request->console->rate, sh_http_peer(request->exchange), sh_clock_monotonic_ms());
    if (wait_s == 0)
        return true;
    (void)snprintf(seconds, sizeof seconds, "%" PRId64, wait_s);
    sh_http_reply_header(request->exchange, "Retry-After", seconds);
    console_reply_problem(request->exchange, 429, NULL,
                          "Too many failed logins: wait a moment, then try again");
    return false;
}

static void refuse(const console_request *request, const char *detail)
{
    console_login_rate_failed(request->console->rate, sh_http_peer(request->exchange),
                              sh_clock_monotonic_ms());
    sh_log_warning("console: a login from %s failed", sh_http_peer(request->exchange));
    console_reply_problem(request->exchange, 401, "login", detail);
}

static void passed(const console_request *request, const char *how)
{
    console_login_rate_passed(request->console->rate, sh_http_peer(request->exchange));
    sh_log_info("console: %s from %s", how, sh_http_peer(request->exchange));
}

/* Whether text is the password. The errors of the store. */
static sh_err check_password(const console_request *request, const char *text, bool *matches,
                             sh_error *error)
{
    const sh_settings *settings = request->console->settings;
    console_password password;
    store *s = NULL;
    sh_err err = console_record_open(settings, &s, error);
    if (err == SH_OK)
        err = console_password_read(settings, s, &password, error);
    store_close(s);
    *matches = err == SH_OK && console_password_matches(&password, settings, text);
    return err;
}

/* Whether a link's code is valid; the one printed at start is, until there is a password. */
static sh_err check_code(const console_request *request, const char *code, bool *valid,
                         sh_error *error)
{
    const char *first = request->console->start_code;
    console_password password;
    store *s = NULL;
    if (!sh_secret_equals(sh_slice_of(first), sh_slice_of(code)))
        return console_code_use(request->console->settings, code, valid, error);
    sh_err err = console_record_open(request->console->settings, &s, error);
    if (err == SH_OK)
        err = console_password_read(request->console->settings, s, &password, error);
    store_close(s);
    *valid = err == SH_OK && first[0] != '\0' && !console_password_is_set(&password);
    return err;
}

/* --- Handlers -------------------------------------------------------------------------------- */

/* The new password is checked first, so that a mistyped one does not use the code up. */
static void login_by_code(console_request *request, const char *code, const char *password)
{
    sh_error error = {.code = SH_OK};
    bool valid = false;
    bool is_fixed = request->console->settings->console_password[0] != '\0';
    sh_err err = is_fixed ? SH_OK : console_password_check(password, &error);
    if (err == SH_OK)
        err = check_code(request, code, &valid, &error);
    if (err == SH_OK && !valid) {
        refuse(request, "This link was used, has expired, or is not valid: "
                        "`synchub-receiver console link` prints another");
        return;
    }
    if (err == SH_OK && !is_fixed)
        err = console_password_set(request->console->settings, password, &error);
    if (err != SH_OK) {
        console_reply_failure(request->exchange, &error);
        return;
    }
    passed(request, "the password was set by a link");
    start_session(request);
}

static void login_by_password(console_request *request, const char *password)
{
    sh_error error = {.code = SH_OK};
    bool matches = false;
    if (check_password(request, password, &matches, &error) != SH_OK) {
        console_reply_failure(request->exchange, &error);
    } else if (!matches) {
        refuse(request, "This is not the password");
    } else {
        passed(request, "login");
        start_session(request);
    }
}

void console_login(console_request *request)
{
    sh_error error = {.code = SH_OK};
    const char *password = NULL, *code = NULL;
    const console_body_field fields[] = {
        {"password", CONSOLE_BODY_TEXT, &password, .required = true},
        {"code", CONSOLE_BODY_TEXT, &code, .required = false},
    };
    if (console_body_read(request->body, fields, 2, &error) != SH_OK)
        console_reply_failure(request->exchange, &error);
    else if (!may_try(request))
        return;
    else if (code != NULL)
        login_by_code(request, code, password);
    else
        login_by_password(request, password);
}

void console_logout(console_request *request)
{
    char key[SH_DIGEST_HEX_BYTES];
    sh_error error = {.code = SH_OK};
    console_access_session_key(request, key);
    if (key[0] != '\0' && console_session_end(request->console->settings, key, &error) != SH_OK) {
        console_reply_failure(request->exchange, &error);
        return;
    }
    set_cookie(request, "", 0);
    console_reply_empty(request->exchange, 204);
}

void console_show_session(console_request *request)
{
    static const char *const kinds[] = {
        [CONSOLE_PASSWORD] = "password", [CONSOLE_TOKEN] = "token", [CONSOLE_PROXY] = "proxy"};
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(4 * SH_KIB);
    char expires[SH_RFC3339_BYTES];
    sh_clock_rfc3339(request->expires_ms, expires);
    bool ends = request->expires_ms > 0;
    sh_err err = sh_buf_append_text(&json, "{");
    if (err == SH_OK)
        err = sh_json_write_member_text(&json, "user", request->user);
    if (err == SH_OK)
        err = sh_json_write_member_text(&json, "kind", kinds[request->proof]);
    if (err == SH_OK)
        err = sh_buf_append_format(&json, ",\"read_only\":%s,\"expires\":%s%s%s}",
                                   request->read_only ? "true" : "false", ends ? "\"" : "",
                                   ends ? expires : "null", ends ? "\"" : "");
    if (err != SH_OK)
        console_reply_problem(request->exchange, 503, NULL, "The hub is short of memory");
    else
        console_reply_secret(request->exchange, 200, (sh_slice){json.data, json.len});
}

void console_change_password(console_request *request)
{
    sh_error error = {.code = SH_OK};
    const char *password = NULL, *current = NULL;
    bool matches = false;
    const console_body_field fields[] = {
        {"password", CONSOLE_BODY_TEXT, &password, .required = true},
        {"current", CONSOLE_BODY_TEXT, &current, .required = true},
    };
    sh_err err = console_body_read(request->body, fields, 2, &error);
    if (err == SH_OK && !may_try(request))
        return;
    if (err == SH_OK)
        err = check_password(request, current, &matches, &error);
    if (err == SH_OK && !matches) {
        refuse(request, "This is not the current password");
        return;
    }
    if (err == SH_OK)
        err = console_password_set(request->console->settings, password, &error);
    if (err != SH_OK) {
        console_reply_failure(request->exchange, &error);
        return;
    }
    passed(request, "the password was changed");
    start_session(request);
}
