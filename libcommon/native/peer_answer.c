/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/native/peer_answer.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/json/json_read.h"

#include <stdio.h>
#include <string.h>

#define HINT_BYTES 240

/* A member that is a string, or NULL. */
static const sh_json *string_member(const sh_json *document, const char *key)
{
    const sh_json *value = sh_json_member(document, key);
    return value != NULL && sh_json_kind_of(value) == SH_JSON_STRING ? value : NULL;
}

/* Copies text, truncated to fit, with '?' for control characters. */
static void copy_printable(sh_slice text, char *ret, size_t ret_bytes)
{
    size_t len = text.len < ret_bytes - 1 ? text.len : ret_bytes - 1;
    while (len < text.len && len > 0 && ((unsigned char)text.data[len] & 0xc0) == 0x80)
        len--; /* do not split a character */
    for (size_t i = 0; i < len; i++)
        ret[i] = (unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f ? '?' : text.data[i];
    ret[len] = '\0';
}

static void read_members(const sh_json *document, sh_peer_error *ret)
{
    const sh_json *error_text = string_member(document, "error");
    if (error_text == NULL)
        return;
    const sh_json *success = sh_json_member(document, "success");
    const sh_json *message = string_member(document, "message");
    const sh_json *code = string_member(document, "code");
    ret->is_likely_own = true;
    ret->is_own = success != NULL && sh_json_kind_of(success) == SH_JSON_FALSE;
    if (code != NULL)
        ret->code = sh_error_code_of(sh_json_text(code));
    bool has_message = message != NULL && sh_json_text(message).len > 0;
    copy_printable(sh_json_text(has_message ? message : error_text), ret->message,
                   sizeof ret->message);
}

void sh_peer_error_read(const sh_http_answer *answer, sh_peer_error *ret)
{
    SH_CLEANUP(sh_json_free_cleanup) sh_json *document = NULL;
    *ret = (sh_peer_error){.code = SH_CODE_NONE};
    if (strcmp(answer->content_type, "application/json") == 0 &&
        answer->body.len <= SH_HTTP_ERROR_BODY_MAX &&
        sh_json_parse(answer->body.data, answer->body.len, &document, NULL) == SH_OK &&
        sh_json_kind_of(document) == SH_JSON_OBJECT)
        read_members(document, ret);
}

static bool body_contains(const sh_http_answer *answer, const char *text)
{
    return answer->body.len > 0 &&
           memmem(answer->body.data, answer->body.len, text, strlen(text)) != NULL;
}

static void write_hint(const sh_peer *peer, const sh_http_answer *answer, char ret[HINT_BYTES])
{
    int status = answer->status;
    /* nginx, Go and Apache mention it when they receive plain HTTP on a TLS port. */
    if (status == 400 && (body_contains(answer, "HTTPS") || body_contains(answer, "https") ||
                          body_contains(answer, "SSL")))
        (void)snprintf(ret, HINT_BYTES, "that port serves TLS: write https:// in %s",
                       peer->setting);
    else if (status == 407)
        (void)snprintf(ret, HINT_BYTES,
                       "a proxy requires credentials: add them to http_proxy, https_proxy or "
                       "ALL_PROXY, or add the %s's host to no_proxy",
                       peer->name);
    else if (status == 413)
        (void)snprintf(
            ret, HINT_BYTES,
            "a proxy in front of the %s does not accept requests of this size: raise its "
            "limit (nginx: client_max_body_size)",
            peer->name);
    else if (status == 401 || status == 403 || status == 451 || status == 511)
        (void)snprintf(ret, HINT_BYTES,
                       "a firewall, a proxy's access rule or the network's login page is in front "
                       "of the %s",
                       peer->name);
    else if (status == 404 || status == 405 || status == 410)
        (void)snprintf(ret, HINT_BYTES,
                       "another server answers there: check host, port and path in %s, and the "
                       "rules of a proxy in front of the %s",
                       peer->setting, peer->name);
    else if (status >= 300 && status < 400)
        (void)snprintf(
            ret, HINT_BYTES,
            "redirects are not followed because they would disclose the token: set %s to "
            "the final URL, unless this is the network's login page",
            peer->setting);
    else if (status == 429 || status >= 500)
        (void)snprintf(ret, HINT_BYTES, "a proxy in front of the %s is busy or cannot reach it",
                       peer->name);
    else if (status >= 200 && status < 300)
        (void)snprintf(ret, HINT_BYTES,
                       "the network's login page, or another server: check %s and the network path",
                       peer->setting);
    else
        (void)snprintf(ret, HINT_BYTES, "check %s and the network path", peer->setting);
}

void sh_peer_describe_foreign(const sh_peer *peer, const sh_http_answer *answer,
                              char ret[static SH_PEER_DESCRIPTION_BYTES])
{
    char hint[HINT_BYTES];
    bool has_type = answer->content_type[0] != '\0';
    bool has_server = answer->server[0] != '\0';
    bool has_proxy = answer->proxy[0] != '\0';
    write_hint(peer, answer, hint);
    (void)snprintf(ret, SH_PEER_DESCRIPTION_BYTES,
                   "answered %d with %.40s%s%.40s%s%.120s, which is not the %.10s's own answer: "
                   "%.200s",
                   answer->status, has_type ? answer->content_type : "no content type",
                   has_server ? " by " : "", answer->server, has_proxy ? " through the proxy " : "",
                   answer->proxy, peer->name, hint);
}
