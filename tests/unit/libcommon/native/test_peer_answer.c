/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "libcommon/base/limits.h"
#include "libcommon/http/http_error.h"
#include "libcommon/native/peer_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON "application/json"

static void read_error(const char *type, const char *body, sh_peer_error *ret)
{
    sh_http_answer answer = {.status = 422, .body = SH_BUF_INIT(SH_MIB)};
    (void)snprintf(answer.content_type, sizeof answer.content_type, "%s", type);
    assert_int_equal(sh_buf_append_text(&answer.body, body), SH_OK);
    sh_peer_error_read(&answer, ret);
    sh_http_answer_reset(&answer);
}

static void errors_are_written_with_and_without_a_code(void **state)
{
    (void)state;
    sh_buf body = SH_BUF_INIT(4096);
    assert_int_equal(sh_http_error_write(NULL, "Forbidden", "ERROR: Not authorized", &body), SH_OK);
    assert_string_equal(
        body.data,
        "{\"error\":\"Forbidden\",\"message\":\"ERROR: Not authorized\",\"success\":false}");
    sh_buf_clear(&body);
    assert_int_equal(sh_http_error_write("key", "Wrong key", "say \"no\"", &body), SH_OK);
    assert_string_equal(body.data, "{\"error\":\"Wrong key\",\"message\":\"say \\\"no\\\"\","
                                   "\"success\":false,\"code\":\"key\"}");
    sh_buf_reset(&body);
    sh_buf small = SH_BUF_INIT(40);
    assert_int_equal(sh_http_error_write("key", "Wrong key", "too long for it", &small),
                     SH_E_LIMIT);
    sh_buf_reset(&small);
}

static void every_code_is_read_as_it_was_written(void **state)
{
    (void)state;
    for (sh_error_code code = SH_CODE_OTHER + 1; code < SH_CODES; code++) {
        sh_buf body = SH_BUF_INIT(4096);
        sh_peer_error peer_error;
        assert_non_null(sh_error_code_text(code));
        assert_int_equal(sh_http_error_write(sh_error_code_text(code), "No", "no", &body), SH_OK);
        read_error(JSON, body.data, &peer_error);
        assert_int_equal(peer_error.code, code);
        assert_true(peer_error.is_own);
        assert_string_equal(peer_error.message, "no");
        sh_buf_reset(&body);
    }
    assert_null(sh_error_code_text(SH_CODE_NONE));
    assert_null(sh_error_code_text(SH_CODE_OTHER));
}

/* PROTOCOL.md lists each code in a table, as `code`, in its section about errors. */
static void every_code_is_in_the_protocol(void **state)
{
    (void)state;
    sh_buf text = SH_BUF_INIT(SH_MIB);
    char bytes[4096];
    size_t len;
    FILE *file = fopen(TESTS_DIR "/../PROTOCOL.md", "r");
    assert_non_null(file);
    while ((len = fread(bytes, 1, sizeof bytes, file)) > 0)
        assert_int_equal(sh_buf_append(&text, bytes, len), SH_OK);
    (void)fclose(file);
    for (sh_error_code code = SH_CODE_OTHER + 1; code < SH_CODES; code++) {
        char quoted[32];
        (void)snprintf(quoted, sizeof quoted, "`%s`", sh_error_code_text(code));
        if (strstr(text.data, quoted) == NULL)
            fail_msg("PROTOCOL.md lacks %s", quoted);
    }
    sh_buf_reset(&text);
}

static void an_error_is_own_by_its_members_alone(void **state)
{
    (void)state;
    static const struct {
        const char *type, *body;
        bool own, likely_own;
        sh_error_code code;
    } cases[] = {
        {JSON, "{\"error\":\"x\",\"success\":false,\"code\":\"key\"}", true, true, SH_CODE_KEY},
        {JSON, "{\"error\":\"x\",\"success\":false}", true, true, SH_CODE_NONE},
        {JSON, "{\"error\":\"x\",\"success\":false,\"code\":\"of_a_newer_hub\"}", true, true,
         SH_CODE_OTHER},
        {JSON, "{\"error\":\"x\",\"success\":false,\"code\":\"\"}", true, true, SH_CODE_OTHER},
        {JSON, "{\"error\":\"x\",\"success\":false,\"code\":\"KEY\"}", true, true, SH_CODE_OTHER},
        {JSON, "{\"error\":\"x\",\"success\":false,\"code\":5}", true, true, SH_CODE_NONE},
        {JSON, "{\"error\":\"x\",\"success\":false,\"code\":null}", true, true, SH_CODE_NONE},
        {JSON, "{\"error\":\"x\",\"code\":\"key\"}", false, true, SH_CODE_KEY},
        {JSON, "{\"error\":\"x\",\"success\":true}", false, true, SH_CODE_NONE},
        {JSON, "{\"success\":false,\"code\":\"key\"}", false, false, SH_CODE_NONE},
        {JSON, "{\"error\":5,\"success\":false,\"code\":\"key\"}", false, false, SH_CODE_NONE},
        {JSON, "[{\"error\":\"x\",\"success\":false}]", false, false, SH_CODE_NONE},
        {JSON, "{\"error\":\"cut", false, false, SH_CODE_NONE},
        {JSON, "", false, false, SH_CODE_NONE},
        {"text/html", "{\"error\":\"x\",\"success\":false,\"code\":\"key\"}", false, false,
         SH_CODE_NONE},
        {"", "{\"error\":\"x\",\"success\":false}", false, false, SH_CODE_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_peer_error peer_error;
        read_error(cases[i].type, cases[i].body, &peer_error);
        if (peer_error.is_own != cases[i].own || peer_error.is_likely_own != cases[i].likely_own ||
            peer_error.code != cases[i].code)
            fail_msg("case %zu: %d %d %d", i, peer_error.is_own, peer_error.is_likely_own,
                     (int)peer_error.code);
    }
}

static void a_body_over_the_limit_is_nobody_s(void **state)
{
    (void)state;
    sh_peer_error peer_error;
    char *body = malloc(SH_HTTP_ERROR_BODY_MAX + 1000);
    assert_non_null(body);
    int len = snprintf(body, 100, "{\"error\":\"x\",\"success\":false,\"fill\":\"");
    memset(body + len, 'x', SH_HTTP_ERROR_BODY_MAX);
    (void)snprintf(body + len + SH_HTTP_ERROR_BODY_MAX, 10, "\"}");
    read_error(JSON, body, &peer_error);
    assert_false(peer_error.is_own);
    assert_string_equal(peer_error.message, "");
    free(body);
}

static void the_words_of_an_error_are_short_and_printable(void **state)
{
    (void)state;
    static const struct {
        const char *members, *message;
    } cases[] = {
        {"\"error\":\"Forbidden\",\"message\":\"no\"", "no"},
        {"\"error\":\"Forbidden\"", "Forbidden"},
        {"\"error\":\"Forbidden\",\"message\":\"\"", "Forbidden"},
        {"\"error\":\"Forbidden\",\"message\":null", "Forbidden"},
        {"\"error\":\"x\",\"message\":\"a\\nb\\u001b[1m\"", "a?b?[1m"},
        {"\"message\":\"no error\"", ""},
    };
    sh_peer_error peer_error;
    char body[2 * SH_PEER_ERROR_MESSAGE_BYTES];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)snprintf(body, sizeof body, "{%s}", cases[i].members);
        read_error(JSON, body, &peer_error);
        assert_string_equal(peer_error.message, cases[i].message);
    }
    /* A character is not cut in two. */
    for (int before = 0; before < 3; before++) {
        (void)snprintf(body, sizeof body, "{\"error\":\"%*s\\u20ac\"}",
                       SH_PEER_ERROR_MESSAGE_BYTES - 3 + before, "");
        read_error(JSON, body, &peer_error);
        assert_int_equal(strlen(peer_error.message), SH_PEER_ERROR_MESSAGE_BYTES - 3 + before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_written_with_and_without_a_code),
        cmocka_unit_test(every_code_is_read_as_it_was_written),
        cmocka_unit_test(every_code_is_in_the_protocol),
        cmocka_unit_test(an_error_is_own_by_its_members_alone),
        cmocka_unit_test(a_body_over_the_limit_is_nobody_s),
        cmocka_unit_test(the_words_of_an_error_are_short_and_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
