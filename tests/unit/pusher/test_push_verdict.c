/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/push.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define URL "http://hub:20212"
#define NATIVE SH_PROTOCOL_NATIVE
#define NETALERTX SH_PROTOCOL_NETALERTX
#define JSON "application/json"

typedef struct {
    sh_protocol protocol;
    int status;
    const char *type;
    const char *body;
    bool asked;
    push_verdict expected;
    const char *message; /* of the message; NULL for a success */
} verdict_case;

static bool was_heartbeat; /* what is answered */

static const verdict_case cases[] = {
    {NATIVE, 202, JSON, "{\"status\":\"queued\",\"id\":\"00112233445566778899aabbccddeeff\"}", true,
     PUSH_QUEUED, NULL},
    {NATIVE, 200, JSON, "{\"status\":\"duplicate\",\"id\":\"00112233445566778899aabbccddeeff\"}",
     true, PUSH_DUPLICATE, NULL},
    {NATIVE, 200, JSON, "{\"status\":\"unchanged\"}", true, PUSH_UNCHANGED, NULL},
    /* Of another item: kept by a proxy, or made up. */
    {NATIVE, 202, JSON, "{\"status\":\"queued\",\"id\":\"ffeeddccbbaa99887766554433221100\"}", true,
     PUSH_FOREIGN, "not the hub's own answer"},
    {NATIVE, 202, JSON, "{\"status\":\"queued\"}", true, PUSH_FOREIGN, "SYNC_hub_url"},
    {NATIVE, 202, "text/plain",
     "{\"status\":\"queued\",\"id\":\"00112233445566778899aabbccddeeff\"}", true, PUSH_FOREIGN,
     "text/plain"},
    {NATIVE, 200, JSON, "{\"status\":\"queued\",\"id\":\"00112233445566778899aabbccddeeff\"}", true,
     PUSH_FOREIGN, "SYNC_hub_url"},
    /* Nobody asked, so nothing is known to be unchanged. */
    {NATIVE, 200, JSON, "{\"status\":\"unchanged\"}", false, PUSH_FOREIGN, "SYNC_hub_url"},
    {NATIVE, 200, JSON, "{\"status\":\"fine\"}", true, PUSH_FOREIGN, "SYNC_hub_url"},
    {NATIVE, 200, JSON, "{\"status\":5}", true, PUSH_FOREIGN, "SYNC_hub_url"},
    {NATIVE, 200, JSON, "[]", true, PUSH_FOREIGN, "SYNC_hub_url"},
    {NATIVE, 202, "text/html", "<html>", true, PUSH_FOREIGN, "text/html by nginx"},
    {NATIVE, 200, "", "", true, PUSH_FOREIGN, "no content type"},
    {NATIVE, 201, JSON, "{\"status\":\"queued\",\"id\":\"00112233445566778899aabbccddeeff\"}", true,
     PUSH_FOREIGN, "SYNC_hub_url"},
    {NATIVE, 200, JSON, "{\"message\":\"Data received and stored successfully\"}", true,
     PUSH_MISCONFIGURED, "SYNC_protocol=netalertx"},
    {NATIVE, 302, "", "", true, PUSH_FOREIGN, "redirects"},
    {NATIVE, 302, JSON, "{\"error\":\"x\",\"message\":\"gone\",\"success\":false}", true,
     PUSH_FOREIGN, "SYNC_hub_url"},
    /* The hub's own errors, and what looks like them and is not. */
    {NATIVE, 400, JSON, "{\"error\":\"x\",\"message\":\"no envelope\",\"success\":false}", true,
     PUSH_MISCONFIGURED, "no envelope"},
    {NATIVE, 400, JSON,
     "{\"error\":\"x\",\"message\":\"this port serves https\",\"success\":false}", true,
     PUSH_MISCONFIGURED, "write https://"},
    {NATIVE, 400, "text/html", "The plain HTTP request was sent to HTTPS port", true, PUSH_FOREIGN,
     "write https://"},
    {NATIVE, 401, "", "", true, PUSH_FOREIGN, "firewall"},
    {NATIVE, 401, JSON, "{\"error\":\"x\",\"message\":\"x\",\"success\":false}", true,
     PUSH_MISCONFIGURED, "SYNC_api_token"},
    {NATIVE, 403, JSON, "{\"error\":\"x\",\"message\":\"ERROR: Not authorized\",\"success\":false}",
     true, PUSH_MISCONFIGURED, "SYNC_api_token"},
    {NATIVE, 403, JSON, "{}", true, PUSH_FOREIGN, "login page"},
    {NATIVE, 403, "text/html", "{\"error\":\"x\",\"message\":\"x\",\"success\":false}", true,
     PUSH_FOREIGN, "login page"},
    {NATIVE, 404, "", "", true, PUSH_FOREIGN, "another server"},
    {NATIVE, 404, JSON, "{\"error\":\"x\",\"message\":\"x\",\"success\":false}", true,
     PUSH_MISCONFIGURED, "SYNC_hub_url"},
    {NATIVE, 405, JSON, "{\"error\":\"x\",\"message\":\"x\",\"success\":false}", true,
     PUSH_MISCONFIGURED, "SYNC_hub_url"},
    {NATIVE, 407, "text/html", "", true, PUSH_FOREIGN, "http_proxy"},
    {NATIVE, 408, "", "", true, PUSH_LATER, "408"},
    {NATIVE, 410, "", "", true, PUSH_FOREIGN, "SYNC_hub_url"},
    {NATIVE, 413, JSON, "{\"error\":\"x\",\"message\":\"too large\",\"success\":false}", true,
     PUSH_REFUSED, "too large"},
    {NATIVE, 413, "text/html", "<html>413", true, PUSH_FOREIGN, "client_max_body_size"},
    {NATIVE, 413, JSON, "{\"message\":\"too large\"}", true, PUSH_FOREIGN, "413"},
    {NATIVE, 413, JSON, "{\"error\":\"too large\",\"success\":true}", true, PUSH_FOREIGN, "413"},
    {NATIVE, 413, JSON, "{\"error\":5,\"success\":false}", true, PUSH_FOREIGN, "413"},
    {NATIVE, 413, JSON, "{\"error\":\"cut", true, PUSH_FOREIGN, "413"},
    {NATIVE, 415, JSON, "{\"error\":\"x\",\"message\":\"x\",\"success\":false}", true,
     PUSH_MISCONFIGURED, "SYNC_protocol=netalertx"},
    {NATIVE, 422, JSON,
     "{\"error\":\"x\",\"message\":\"look at SYNC_encryption_key\",\"success\":false}", true,
     PUSH_MISCONFIGURED, "SYNC_encryption_key of this node"},
    {NATIVE, 422, JSON,
     "{\"error\":\"x\",\"message\":\"the node's clock is off\",\"success\":false}", true,
     PUSH_MISCONFIGURED, "set this node's clock"},
    {NATIVE, 422, JSON, "{\"error\":\"x\",\"message\":\"no table\",\"success\":false}", true,
     PUSH_REFUSED, "no table"},
    {NATIVE, 422, "text/html", "<html>", true, PUSH_FOREIGN, "nothing is lost"},
    {NATIVE, 422, "", "", true, PUSH_FOREIGN, "422"},
    {NATIVE, 425, "", "", true, PUSH_LATER, "425"},
    {NATIVE, 429, "", "", true, PUSH_LATER, "429"},
    {NATIVE, 451, "", "", true, PUSH_FOREIGN, "firewall"},
    {NATIVE, 500, "", "", true, PUSH_LATER, "500"},
    {NATIVE, 502, "text/html", "<html>", true, PUSH_LATER, "cannot reach it"},
    {NATIVE, 503, JSON, "{\"error\":\"x\",\"message\":\"queue full\",\"success\":false}", true,
     PUSH_LATER, "queue full"},
    {NATIVE, 599, "", "", true, PUSH_LATER, "599"},
    {NETALERTX, 200, JSON, "{\"message\":\"Data received and stored successfully\"}", false,
     PUSH_QUEUED, NULL},
    {NETALERTX, 200, JSON, "{\"message\":\"Welcome\"}", false, PUSH_FOREIGN, "SYNC_hub_url"},
    {NETALERTX, 200, "", "", false, PUSH_FOREIGN, "SYNC_hub_url"},
    {NETALERTX, 200, "text/html", "<html>", false, PUSH_FOREIGN, "20212"},
    {NETALERTX, 201, JSON, "{\"message\":\"Data received and stored successfully\"}", false,
     PUSH_FOREIGN, "201"},
    {NETALERTX, 202, JSON, "{\"status\":\"queued\",\"id\":\"00112233445566778899aabbccddeeff\"}",
     false, PUSH_FOREIGN, "202"},
    {NETALERTX, 403, JSON,
     "{\"error\":\"x\",\"message\":\"ERROR: Not authorized\",\"success\":false}", false,
     PUSH_MISCONFIGURED, "SYNC_api_token"},
    {NETALERTX, 415, JSON, "{\"error\":\"Invalid Content-Type\",\"success\":false}", false,
     PUSH_MISCONFIGURED, "v26.6.3"},
    {NETALERTX, 422, JSON, "{\"error\":\"Missing required 'data'\",\"success\":false}", false,
     PUSH_REFUSED, "Missing required"},
    {NETALERTX, 413, "text/html", "<html>", false, PUSH_FOREIGN, "413"},
    {NETALERTX, 500, JSON, "{}", false, PUSH_LATER, "500"},
};

static const uint8_t item_id[SH_ID_BYTES] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                             0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

#define CODED(message, code)                                                                       \
    "{\"error\":\"x\",\"message\":\"" message "\",\"success\":false,\"code\":\"" code "\"}"
#define UNCODED(message) "{\"error\":\"x\",\"message\":\"" message "\",\"success\":false}"

/* With each status and code of PROTOCOL.md, and with codes and statuses that it does not have. */
static const verdict_case coded[] = {
    {NATIVE, 403, JSON, CODED("no", "token"), true, PUSH_MISCONFIGURED, "SYNC_api_token"},
    {NATIVE, 422, JSON, CODED("no", "key"), true, PUSH_MISCONFIGURED, "SYNC_encryption_key of"},
    {NATIVE, 422, JSON, CODED("no", "clock"), true, PUSH_MISCONFIGURED, "set this node's clock"},
    {NATIVE, 422, JSON, CODED("no", "node_name"), true, PUSH_MISCONFIGURED, "SYNC_node_name of"},
    {NATIVE, 400, JSON, CODED("no", "header"), true, PUSH_MISCONFIGURED, "update the older"},
    {NATIVE, 400, JSON, CODED("no", "envelope"), true, PUSH_MISCONFIGURED, "update the older"},
    {NATIVE, 415, JSON, CODED("no", "content_type"), true, PUSH_MISCONFIGURED, "update the older"},
    {NATIVE, 400, JSON, CODED("no", "request"), true, PUSH_MISCONFIGURED, "proxies"},
    {NATIVE, 400, JSON, CODED("no", "tls"), true, PUSH_MISCONFIGURED, "write https://"},
    {NATIVE, 400, JSON, CODED("no", "plain"), true, PUSH_MISCONFIGURED, "SYNC_hub_url"},
    {NATIVE, 404, JSON, CODED("no", "path"), true, PUSH_MISCONFIGURED, "SYNC_hub_url"},
    {NATIVE, 405, JSON, CODED("no", "method"), true, PUSH_MISCONFIGURED, "SYNC_hub_url"},
    {NATIVE, 422, JSON, CODED("no", "plugin_name"), true, PUSH_REFUSED, "(no)"},
    {NATIVE, 422, JSON, CODED("no", "altered"), true, PUSH_REFUSED, "(no)"},
    {NATIVE, 422, JSON, CODED("no", "content"), true, PUSH_REFUSED, "(no)"},
    {NATIVE, 413, JSON, CODED("no", "size"), true, PUSH_REFUSED, "(no)"},
    {NATIVE, 503, JSON, CODED("no", "full"), true, PUSH_LATER, "(no)"},
    {NATIVE, 503, JSON, CODED("no", "share"), true, PUSH_LATER, "(no)"},
    {NATIVE, 503, JSON, CODED("no", "names"), true, PUSH_LATER, "(no)"},
    {NATIVE, 503, JSON, CODED("no", "redis"), true, PUSH_LATER, "(no)"},
    {NATIVE, 503, JSON, CODED("no", "memory"), true, PUSH_LATER, "(no)"},
    {NATIVE, 503, JSON, CODED("no", "credentials"), true, PUSH_LATER, "(no)"},
    {NATIVE, 503, JSON, CODED("no", "busy"), true, PUSH_LATER, "(no)"},
    {NATIVE, 503, JSON, CODED("no", "not_ready"), true, PUSH_LATER, "(no)"},
    {NATIVE, 503, JSON, CODED("no", "stopping"), true, PUSH_LATER, "(no)"},
    {NATIVE, 500, JSON, CODED("no", "internal"), true, PUSH_LATER, "(no)"},
    /* The code decides, whatever the message. */
    {NATIVE, 422, JSON, CODED("look at SYNC_encryption_key", "content"), true, PUSH_REFUSED,
     "will not accept"},
    {NATIVE, 422, JSON, CODED("the clock", "key"), true, PUSH_MISCONFIGURED,
     "SYNC_encryption_key of"},
    {NATIVE, 400, JSON, CODED("https", "envelope"), true, PUSH_MISCONFIGURED, "update the older"},
    /* A newer hub's code: by the status, and not by the message. */
    {NATIVE, 422, JSON, CODED("SYNC_encryption_key", "new"), true, PUSH_REFUSED, "will not accept"},
    {NATIVE, 413, JSON, CODED("no", "new"), true, PUSH_REFUSED, "will not accept"},
    {NATIVE, 403, JSON, CODED("no", "new"), true, PUSH_MISCONFIGURED, "SYNC_api_token"},
    {NATIVE, 409, JSON, CODED("no", "new"), true, PUSH_MISCONFIGURED, "SYNC_hub_url"},
    {NATIVE, 429, JSON, CODED("no", "new"), true, PUSH_LATER, "will retry"},
    {NATIVE, 503, JSON, CODED("no", "new"), true, PUSH_LATER, "will retry"},
    /* A status that does not belong to the code. */
    {NATIVE, 503, JSON, CODED("no", "key"), true, PUSH_LATER, "will retry"},
    {NATIVE, 403, JSON, CODED("no", "full"), true, PUSH_MISCONFIGURED, "SYNC_api_token"},
    {NATIVE, 302, JSON, CODED("no", "key"), true, PUSH_FOREIGN, "SYNC_hub_url"},
    /* A code alone does not make an answer the hub's own. */
    {NATIVE, 422, "text/html", CODED("no", "content"), true, PUSH_FOREIGN, "not the hub's own"},
    {NATIVE, 422, JSON, "{\"code\":\"content\"}", true, PUSH_FOREIGN, "not the hub's own"},
};

/* What hubs of 0.1.0 answer, word for word. */
static const verdict_case without_code[] = {
    {NATIVE, 422, JSON,
     UNCODED("The payload does not open with the hub's key: SYNC_encryption_key must be the same "
             "on node and hub"),
     true, PUSH_MISCONFIGURED, "SYNC_encryption_key of this node"},
    {NATIVE, 422, JSON,
     UNCODED("The payload does not open with this node's own key: SYNC_encryption_key must be the "
             "one that came with its token"),
     true, PUSH_MISCONFIGURED, "SYNC_encryption_key of this node"},
    {NATIVE, 422, JSON,
     UNCODED("The envelope's time is 700 s off the hub's clock, 600 s are allowed: set the clocks "
             "(NTP)"),
     true, PUSH_MISCONFIGURED, "set this node's clock"},
    {NATIVE, 422, JSON,
     UNCODED("The node name is easily confused with \\\"A\\\", a node with credentials of its "
             "own: choose another SYNC_node_name"),
     true, PUSH_MISCONFIGURED, "SYNC_node_name of this node"},
    {NATIVE, 422, JSON, UNCODED("it was altered after it was sealed"), true, PUSH_REFUSED,
     "altered"},
    {NATIVE, 413, JSON, UNCODED("the envelope has too many bytes"), true, PUSH_REFUSED, "too many"},
    {NATIVE, 415, JSON, UNCODED("Expected application/json"), true, PUSH_MISCONFIGURED,
     "update the older"},
    {NATIVE, 503, JSON, UNCODED("The hub's queue takes nothing now: try later"), true, PUSH_LATER,
     "try later"},
    /* NetAlertX's format has no codes, also from a hub of today. */
    {NETALERTX, 422, JSON,
     UNCODED(
         "The payload is not a device table or plugin result (of at most 200000 rows) under this "
         "hub's key: SYNC_encryption_key must be the same on node and hub"),
     false, PUSH_MISCONFIGURED, "SYNC_encryption_key of this node"},
};

static push_verdict classify(const verdict_case *c, sh_error *error)
{
    sh_http_answer answer = {
        .status = c->status, .body = SH_BUF_INIT(1000), .server = "nginx/1.22"};
    (void)snprintf(answer.content_type, sizeof answer.content_type, "%s", c->type);
    assert_int_equal(sh_buf_append_text(&answer.body, c->body), SH_OK);
    push_question question = {.protocol = c->protocol,
                              .answer = &answer,
                              .url = URL,
                              .id = item_id,
                              .asked = c->asked,
                              .is_heartbeat = was_heartbeat};
    push_verdict verdict = push_classify(&question, error);
    sh_http_answer_reset(&answer);
    return verdict;
}

static void check_all(const verdict_case all[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const verdict_case *c = &all[i];
        sh_error error = {0};
        push_verdict verdict = classify(c, &error);
        if (verdict != c->expected)
            fail_msg("case %zu: %s, not %s", i, push_verdict_name(verdict),
                     push_verdict_name(c->expected));
        assert_int_equal(push_is_success(verdict), c->message == NULL);
        if (c->message == NULL)
            continue;
        if (strstr(error.message, c->message) == NULL || strstr(error.message, URL) == NULL)
            fail_msg("case %zu: %s", i, error.message);
    }
}

static void every_answer_has_its_meaning_and_its_words(void **state)
{
    (void)state;
    check_all(cases, sizeof cases / sizeof cases[0]);
}

static void the_code_of_an_error_decides_what_becomes_of_the_item(void **state)
{
    (void)state;
    check_all(coded, sizeof coded / sizeof coded[0]);
}

static void an_error_without_a_code_is_judged_by_its_words(void **state)
{
    (void)state;
    check_all(without_code, sizeof without_code / sizeof without_code[0]);
}

static void a_heartbeat_is_answered_by_the_hub_alone(void **state)
{
    static const verdict_case heartbeats[] = {
        {NATIVE, 200, JSON, "{\"status\":\"changed\"}", true, PUSH_UNCHANGED, NULL},
        {NATIVE, 200, JSON, "{\"status\":\"unchanged\"}", true, PUSH_UNCHANGED, NULL},
        {NATIVE, 200, JSON, "{\"status\":\"fine\"}", true, PUSH_FOREIGN, "SYNC_hub_url"},
        {NATIVE, 202, JSON, "{\"status\":\"changed\"}", true, PUSH_FOREIGN, "SYNC_hub_url"},
        {NATIVE, 200, "text/html", "<html>", true, PUSH_FOREIGN, "text/html"},
        /* A hub of 0.1.0, which needs an envelope. */
        {NATIVE, 400, JSON, "{\"error\":\"x\",\"message\":\"0 bytes\",\"success\":false}", true,
         PUSH_REFUSED, "too old to know heartbeats"},
        {NATIVE, 400, "text/html", "<html>", true, PUSH_FOREIGN, "SYNC_hub_url"},
        {NATIVE, 403, JSON,
         "{\"error\":\"x\",\"message\":\"m\",\"success\":false,\"code\":\"token\"}", true,
         PUSH_MISCONFIGURED, "SYNC_api_token"},
        {NATIVE, 503, JSON,
         "{\"error\":\"x\",\"message\":\"m\",\"success\":false,\"code\":\"redis\"}", true,
         PUSH_LATER, "503"},
    };
    (void)state;
    was_heartbeat = true;
    check_all(heartbeats, sizeof heartbeats / sizeof heartbeats[0]);
    was_heartbeat = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_heartbeat_is_answered_by_the_hub_alone),
        cmocka_unit_test(every_answer_has_its_meaning_and_its_words),
        cmocka_unit_test(the_code_of_an_error_decides_what_becomes_of_the_item),
        cmocka_unit_test(an_error_without_a_code_is_judged_by_its_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
