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
    const char *words; /* of the message; NULL for a success */
} judge_case;

static const judge_case cases[] = {
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
    {NATIVE, 422, "text/html", "<html>", true, PUSH_FOREIGN, "nothing is dropped"},
    {NATIVE, 422, "", "", true, PUSH_FOREIGN, "422"},
    {NATIVE, 425, "", "", true, PUSH_LATER, "425"},
    {NATIVE, 429, "", "", true, PUSH_LATER, "429"},
    {NATIVE, 451, "", "", true, PUSH_FOREIGN, "firewall"},
    {NATIVE, 500, "", "", true, PUSH_LATER, "500"},
    {NATIVE, 502, "text/html", "<html>", true, PUSH_LATER, "does not reach it"},
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

static push_verdict judge(const judge_case *c, sh_error *error)
{
    sh_http_answer answer = {
        .status = c->status, .body = SH_BUF_INIT(1000), .server = "nginx/1.22"};
    (void)snprintf(answer.content_type, sizeof answer.content_type, "%s", c->type);
    assert_int_equal(sh_buf_append_text(&answer.body, c->body), SH_OK);
    push_question question = {
        .protocol = c->protocol, .answer = &answer, .url = URL, .id = item_id, .asked = c->asked};
    push_verdict verdict = push_judge(&question, error);
    sh_http_answer_reset(&answer);
    return verdict;
}

static void every_answer_has_its_meaning_and_its_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const judge_case *c = &cases[i];
        sh_error error = {0};
        push_verdict verdict = judge(c, &error);
        if (verdict != c->expected)
            fail_msg("case %zu: %s, not %s", i, push_verdict_name(verdict),
                     push_verdict_name(c->expected));
        assert_int_equal(push_is_success(verdict), c->words == NULL);
        if (c->words == NULL)
            continue;
        if (strstr(error.message, c->words) == NULL || strstr(error.message, URL) == NULL)
            fail_msg("case %zu: %s", i, error.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_has_its_meaning_and_its_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
