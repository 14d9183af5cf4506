/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/push.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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
    {NATIVE, 202, JSON, "{\"status\":\"queued\",\"id\":\"x\"}", true, PUSH_QUEUED, NULL},
    {NATIVE, 200, JSON, "{\"status\":\"duplicate\",\"id\":\"x\"}", true, PUSH_DUPLICATE, NULL},
    {NATIVE, 200, JSON, "{\"status\":\"unchanged\"}", true, PUSH_UNCHANGED, NULL},
    /* Nobody asked, so nothing is known to be unchanged. */
    {NATIVE, 200, JSON, "{\"status\":\"unchanged\"}", false, PUSH_MISCONFIGURED, "SYNC_hub_url"},
    {NATIVE, 200, JSON, "{\"status\":\"fine\"}", true, PUSH_MISCONFIGURED, "SYNC_hub_url"},
    {NATIVE, 200, JSON, "{\"status\":5}", true, PUSH_MISCONFIGURED, "SYNC_hub_url"},
    {NATIVE, 200, JSON, "[]", true, PUSH_MISCONFIGURED, "SYNC_hub_url"},
    {NATIVE, 202, "text/html", "<html>", true, PUSH_MISCONFIGURED, "SYNC_protocol=netalertx"},
    {NATIVE, 200, "", "", true, PUSH_MISCONFIGURED, "SYNC_hub_url"},
    {NATIVE, 201, JSON, "{\"status\":\"queued\"}", true, PUSH_MISCONFIGURED, "SYNC_hub_url"},
    {NATIVE, 302, "", "", true, PUSH_MISCONFIGURED, "redirects"},
    {NATIVE, 400, JSON, "{\"message\":\"no envelope\"}", true, PUSH_MISCONFIGURED, "no envelope"},
    {NATIVE, 401, "", "", true, PUSH_MISCONFIGURED, "SYNC_api_token"},
    {NATIVE, 403, JSON, "{}", true, PUSH_MISCONFIGURED, "SYNC_api_token"},
    {NATIVE, 404, "", "", true, PUSH_MISCONFIGURED, "SYNC_hub_url"},
    {NATIVE, 405, "", "", true, PUSH_MISCONFIGURED, "SYNC_hub_url"},
    {NATIVE, 408, "", "", true, PUSH_LATER, "408"},
    {NATIVE, 410, "", "", true, PUSH_MISCONFIGURED, "SYNC_hub_url"},
    {NATIVE, 413, JSON, "{\"message\":\"too large\"}", true, PUSH_REFUSED, "too large"},
    {NATIVE, 415, "", "", true, PUSH_MISCONFIGURED, "SYNC_protocol=netalertx"},
    {NATIVE, 422, JSON, "{\"message\":\"look at SYNC_encryption_key\"}", true, PUSH_MISCONFIGURED,
     "SYNC_encryption_key of this node"},
    {NATIVE, 422, JSON, "{\"message\":\"the node's clock is off\"}", true, PUSH_MISCONFIGURED,
     "set this node's clock"},
    {NATIVE, 422, JSON, "{\"message\":\"no table\"}", true, PUSH_REFUSED, "no table"},
    {NATIVE, 422, "", "", true, PUSH_REFUSED, "422"},
    {NATIVE, 425, "", "", true, PUSH_LATER, "425"},
    {NATIVE, 429, "", "", true, PUSH_LATER, "429"},
    {NATIVE, 500, "", "", true, PUSH_LATER, "500"},
    {NATIVE, 503, JSON, "{\"message\":\"queue full\"}", true, PUSH_LATER, "queue full"},
    {NATIVE, 599, "", "", true, PUSH_LATER, "599"},
    {NETALERTX, 200, JSON, "{\"message\":\"Data received and stored successfully\"}", false,
     PUSH_QUEUED, NULL},
    {NETALERTX, 200, "", "", false, PUSH_QUEUED, NULL},
    {NETALERTX, 200, "text/html", "<html>", false, PUSH_MISCONFIGURED, "20212"},
    {NETALERTX, 201, JSON, "{}", false, PUSH_MISCONFIGURED, "201"},
    {NETALERTX, 202, JSON, "{\"status\":\"queued\"}", false, PUSH_MISCONFIGURED, "202"},
    {NETALERTX, 403, JSON, "{\"message\":\"ERROR: Not authorized\"}", false, PUSH_MISCONFIGURED,
     "SYNC_api_token"},
    {NETALERTX, 415, JSON, "{\"error\":\"Invalid Content-Type\"}", false, PUSH_MISCONFIGURED,
     "v26.6.3"},
    {NETALERTX, 422, JSON, "{\"error\":\"Missing required 'data'\"}", false, PUSH_REFUSED,
     "Missing required"},
    {NETALERTX, 500, JSON, "{}", false, PUSH_LATER, "500"},
};

static void every_answer_has_its_meaning_and_its_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const judge_case *c = &cases[i];
        sh_error error = {0};
        push_verdict verdict = push_judge(c->protocol, c->status, c->type, sh_slice_of(c->body),
                                          URL, c->asked, &error);
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
