/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/doctor.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/percent.h"
#include "libcommon/config/settings_http.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/crypto/encryption_key.h"
#include "libcommon/http/http_client.h"
#include "libcommon/native/envelope.h"
#include "libcommon/native/peer_answer.h"
#include "libcommon/runtime/doctor_clock.h"
#include "libcommon/runtime/doctor_network.h"
#include "libcommon/runtime/stop.h"
#include "pusher/push.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 5000
#define SIZE_PROBE_MAX (SH_ENVELOPE_MAX - 64 * SH_KIB)
#define AFTER_PROBE_MS 20 /* so that the hub's times of two requests differ */
#define ZEROS_16 "0000000000000000"
#define NO_DIGEST "Sync-Hub-Digest: " ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16
#define HEADERS_MAX (3 + HEARTBEAT_HEADERS)

/* What the checks at the hub share. */
typedef struct {
    sh_doctor_report *report;
    const sh_settings *settings;
    heartbeat *heartbeat;
    size_t push_bytes;
    sh_node_key key;
    sh_doctor_peer peer;
    sh_http_client *client;
    char *url;
    sh_buf node_header;
} hub_check;

/* Sends a body, or a heartbeat if it is empty. */
static sh_err ask(const hub_check *h, const sh_buf *body, sh_http_answer *answer, sh_error *error)
{
    sh_buf headers_text[HEARTBEAT_HEADERS];
    const char *headers[HEADERS_MAX + 1] = {"Content-Type: " SH_ENVELOPE_TYPE, h->node_header.data};
    char kind[SH_PROBLEM_KIND_MAX + 1];
    size_t count = 2;
    for (size_t i = 0; i < HEARTBEAT_HEADERS; i++)
        headers_text[i] = SH_BUF_INIT(HEARTBEAT_HEADER_MAX);
    if (body->len == 0)
        headers[count++] = NO_DIGEST;
    sh_err err = heartbeat_headers_write(h->heartbeat, sh_clock_unix_ms(), headers_text, kind);
    for (size_t i = 0; i < HEARTBEAT_HEADERS; i++)
        if (headers_text[i].len > 0)
            headers[count++] = headers_text[i].data;
    const sh_http_request request = {.method = "POST",
                                     .url = h->url,
                                     .token = h->settings->api_token,
                                     .headers = headers,
                                     .body = body->data,
                                     .body_len = body->len,
                                     .wants_certificate = true,
                                     .ask_first = body->len > SH_HTTP_SMALL_BODY,
                                     .answer_max = SH_HTTP_ERROR_BODY_MAX,
                                     .timeout_ms = h->settings->run_timeout_s * 1000};
    err = err == SH_OK ? sh_http_send(h->client, &request, answer, error)
                       : sh_fail(error, err, "out of memory");
    for (size_t i = 0; i < HEARTBEAT_HEADERS; i++)
        sh_buf_reset(&headers_text[i]);
    return err;
}

/* The check that a refusal belongs to. */
static const char *check_of(const sh_http_answer *answer)
{
    sh_peer_error said;
    sh_peer_error_read(answer, &said);
    switch (said.code) {
    case SH_CODE_TOKEN:
        return "token";
    case SH_CODE_NODE_NAME:
        return "node name";
    default:
        return said.is_own && answer->status == 403 ? "token" : "hub";
    }
}

/* A refusal is a sentence with what was answered, "; " and the remedy. */
static void add_refusal(const hub_check *h, const char *check, const char *message)
{
    char detail[SH_ERROR_MESSAGE_BYTES];
    const char *answered = strstr(message, "); ");
    const char *end = answered != NULL ? answered + 1 : strstr(message, "; ");
    (void)snprintf(detail, sizeof detail, "%.*s",
                   end == NULL ? (int)strlen(message) : (int)(end - message), message);
    sh_doctor_add(h->report, SH_CHECK_FAILED, check, detail,
                  end == NULL ? "check SYNC_hub_url, and the hub's log" : end + 2);
}

static void add_name(const hub_check *h, const sh_http_answer *answer)
{
    char notice[PUSH_NOTICE_BYTES];
    push_notice_read(answer, notice);
    if (notice[0] != '\0')
        sh_doctor_add_format(h->report, SH_CHECK_WARNING, "node name",
                             "find the other pusher with this SYNC_node_name, and rename one",
                             "%s: %s", h->settings->node_name, notice);
    else
        sh_doctor_add_format(h->report, SH_CHECK_OK, "node name", NULL, "%s is accepted",
                             h->settings->node_name);
}

/* Whether the hub accepts this node's heartbeat, and with it its token and name. */
static bool check_heartbeat(const hub_check *h)
{
    const sh_buf nothing = SH_BUF_INIT(0);
    sh_http_answer answer = {0};
    sh_error error = {.code = SH_OK}, reason = {.code = SH_OK};
    bool good = false;
    if (ask(h, &nothing, &answer, &error) != SH_OK) {
        sh_doctor_add(h->report, SH_CHECK_FAILED, "hub", error.message,
                      "check SYNC_hub_url (http or https, host, port), SYNC_tls_ca, and proxies");
    } else {
        static const uint8_t no_id[SH_ID_BYTES];
        const push_question question = {.protocol = SH_PROTOCOL_NATIVE,
                                        .answer = &answer,
                                        .url = h->settings->hub_url,
                                        .id = no_id,
                                        .asked = true,
                                        .is_heartbeat = true};
        sh_doctor_check_certificate(h->report, &h->peer, answer.certificate_end_s,
                                    sh_clock_unix_ms());
        good = push_classify(&question, &reason) == PUSH_UNCHANGED;
        if (good) {
            sh_doctor_add(h->report, SH_CHECK_OK, "token", "the hub accepts it for this node",
                          NULL);
            add_name(h, &answer);
            sh_doctor_check_clock(h->report, &h->peer, answer.date_s, sh_clock_unix_ms());
            heartbeat_hub_clock(h->heartbeat, answer.date_s, sh_clock_unix_ms());
        } else {
            add_refusal(h, check_of(&answer), reason.message);
        }
    }
    sh_http_answer_reset(&answer);
    return good;
}

/* An altered envelope: a hub refuses it as altered only if it names the hub's key. */
static sh_err write_probe(const hub_check *h, sh_slice content, sh_buf *ret, sh_error *error)
{
    sh_envelope_header header = {
        .kind = SH_KIND_DEVICES, .time_ms = sh_clock_unix_ms(), .parts = 1};
    (void)snprintf(header.node, sizeof header.node, "%s", h->settings->node_name);
    sh_random(header.id, sizeof header.id);
    sh_err err = sh_envelope_seal(&header, &h->key, content, ret, error);
    if (err == SH_OK)
        ret->data[ret->len - 1] ^= 1;
    return err;
}

/* The hub notes the refusal of a probe as a problem of this node, which the next contact ends. */
static void end_refusal(const hub_check *h)
{
    const sh_buf nothing = SH_BUF_INIT(0);
    sh_http_answer answer = {0};
    if (!sh_stop_wait(AFTER_PROBE_MS))
        (void)ask(h, &nothing, &answer, NULL);
    sh_http_answer_reset(&answer);
}

/* Returns whether the key is the hub's. */
static bool check_key(const hub_check *h)
{
    SH_CLEANUP(sh_buf_reset) sh_buf probe = SH_BUF_INIT(SH_ENVELOPE_MAX);
    sh_http_answer answer = {0};
    sh_error error = {.code = SH_OK};
    sh_peer_error said = {.code = SH_CODE_NONE};
    sh_err err = write_probe(h, SH_SLICE("{\"data\":[]}"), &probe, &error);
    if (err == SH_OK)
        err = ask(h, &probe, &answer, &error);
    if (err == SH_OK)
        sh_peer_error_read(&answer, &said);
    bool coded = said.code != SH_CODE_NONE;
    if (said.code == SH_CODE_KEY || (!coded && strstr(said.message, "SYNC_encryption_key") != NULL))
        sh_doctor_add(h->report, SH_CHECK_FAILED, "key", said.message,
                      "SYNC_encryption_key of this node must be the hub's");
    else if (said.code == SH_CODE_ALTERED || (!coded && said.is_own && answer.status == 422))
        sh_doctor_add(h->report, SH_CHECK_OK, "key", "it is the hub's", NULL);
    else if (said.code == SH_CODE_CLOCK)
        sh_doctor_add(h->report, SH_CHECK_SKIPPED, "key", "the clocks differ too much", NULL);
    else
        sh_doctor_add_format(
            h->report, SH_CHECK_WARNING, "key", "run this again; if it stays so, see the hub's log",
            "it could not be checked: %s", err != SH_OK ? error.message : said.message);
    sh_http_answer_reset(&answer);
    return said.code == SH_CODE_ALTERED;
}

/* Something in front of the hub may let only small requests pass: adds a result. */
static void add_size(const hub_check *h, size_t bytes, sh_err err, const sh_http_answer *answer,
                     const sh_error *error)
{
    static const sh_peer hub = {.name = "hub", .setting = "SYNC_hub_url"};
    char words[SH_PEER_DESCRIPTION_BYTES], text[SH_ERROR_MESSAGE_BYTES];
    sh_peer_error said = {.code = SH_CODE_NONE};
    if (err == SH_OK)
        sh_peer_error_read(answer, &said);
    if (err == SH_OK && said.is_own) {
        sh_doctor_add_format(
            h->report, SH_CHECK_OK, "push size", NULL,
            "a push of %zu bytes, as large as the next one may be, reaches the hub", bytes);
        return;
    }
    if (err == SH_OK)
        sh_peer_describe_foreign(&hub, answer, words);
    (void)snprintf(text, sizeof text, "a push of %zu bytes does not reach the hub: %s%.400s", bytes,
                   err == SH_OK ? "it was " : "", err == SH_OK ? words : error->message);
    heartbeat_problem_set(h->heartbeat, PROBLEM_INTERMEDIARY, "intermediary", text);
    sh_doctor_add(h->report, SH_CHECK_FAILED, "push size", text,
                  "let the proxies and firewalls in front of the hub pass requests of that size");
}

/* With random bytes, which cannot be compressed. */
static void check_size(const hub_check *h)
{
    SH_CLEANUP(sh_buf_reset) sh_buf content = SH_BUF_INIT(SH_ENVELOPE_MAX);
    SH_CLEANUP(sh_buf_reset) sh_buf probe = SH_BUF_INIT(2 * SH_ENVELOPE_MAX);
    sh_http_answer answer = {0};
    sh_error error = {.code = SH_OK};
    size_t len = h->push_bytes < SIZE_PROBE_MAX ? h->push_bytes : SIZE_PROBE_MAX;
    if (len == 0 || sh_buf_reserve(&content, len) != SH_OK)
        return;
    sh_random(content.data, len);
    if (write_probe(h, (sh_slice){content.data, len}, &probe, &error) == SH_OK) {
        sh_err err = ask(h, &probe, &answer, &error);
        add_size(h, probe.len, err, &answer, &error);
    }
    sh_http_answer_reset(&answer);
}

static sh_err derive_key(hub_check *h, sh_error *error)
{
    uint8_t passphrase_key[SH_KEY_BYTES];
    sh_err err =
        sh_encryption_key_derive(sh_slice_of(h->settings->encryption_key), passphrase_key, error);
    if (err == SH_OK)
        sh_node_key_derive(passphrase_key, sh_slice_of(h->settings->node_name), &h->key);
    sh_wipe(passphrase_key, sizeof passphrase_key);
    return err;
}

static sh_err open_hub(hub_check *h, sh_error *error)
{
    const sh_http_client_options options = {.user_agent = "synchub-pusher/" SYNCHUB_VERSION,
                                            .names = sh_settings_client_names("SYNC_hub_url"),
                                            .ca_file = h->settings->tls_ca,
                                            .stop_fd = -1};
    h->node_header = SH_BUF_INIT((size_t)SH_NODE_NAME_MAX * 3 + 64);
    h->url = sh_text_format("%s/sync", h->settings->hub_url);
    if (h->url == NULL || sh_buf_append_text(&h->node_header, "Sync-Hub-Node: ") != SH_OK ||
        sh_percent_encode(h->settings->node_name, &h->node_header) != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    sh_err err = derive_key(h, error);
    return err == SH_OK ? sh_http_client_new(&options, &h->client, error) : err;
}

void doctor_check_hub(sh_doctor_report *report, const sh_settings *settings, heartbeat *c,
                      size_t push_bytes)
{
    sh_error error = {.code = SH_OK};
    hub_check h = {.report = report,
                   .settings = settings,
                   .heartbeat = c,
                   .push_bytes = push_bytes,
                   .peer = {.peer = "hub",
                            .url = settings->hub_url,
                            .setting = "SYNC_hub_url",
                            .timeout_ms = CONNECT_MS}};
    if (settings->hub_url[0] == '\0') {
        sh_doctor_add(report, SH_CHECK_SKIPPED, "hub",
                      "SYNC_hub_url is not set: the hub pulls this node", NULL);
        return;
    }
    bool reached = sh_doctor_check_reach(report, &h.peer);
    if (!reached)
        sh_doctor_add(report, SH_CHECK_SKIPPED, "token, node name, clock, key",
                      "the hub cannot be reached", NULL);
    else if (settings->protocol == SH_PROTOCOL_NETALERTX)
        sh_doctor_add(report, SH_CHECK_SKIPPED, "token, node name, clock, key",
                      "a NetAlertX hub answers no questions about them", NULL);
    else if (open_hub(&h, &error) != SH_OK)
        sh_doctor_add(report, SH_CHECK_FAILED, "hub", error.message, "correct the setting");
    else if (check_heartbeat(&h) && check_key(&h)) {
        check_size(&h);
        end_refusal(&h);
    }
    sh_http_client_free(h.client);
    sh_wipe(&h.key, sizeof h.key);
    sh_buf_reset(&h.node_header);
    free(h.url);
}
