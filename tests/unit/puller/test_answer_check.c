/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/limits.h"
#include "libcommon/netalertx/netalertx_format.h"
#include "puller/answer_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS 1800000000000
#define TABLE "{\"data\": [{\"devMac\": \"00:11:22:33:44:55\"}, {\"devMac\": \"x\"}]}"

static const uint8_t passphrase_key[SH_KEY_BYTES] = {1, 2, 3};
static const uint8_t other_key[SH_KEY_BYTES] = {9};

static puller_expected expect(const char *name)
{
    return (puller_expected){.credentials = {.passphrase_key = passphrase_key, .now_ms = NOW_MS},
                             .name = name};
}

/* A pusher's answer; header may contain deviations. */
static sh_http_answer seal(const uint8_t *key, sh_envelope_header header, const char *text)
{
    sh_node_key node_key;
    sh_http_answer answer = {.status = 200, .body = SH_BUF_INIT(SH_ENVELOPE_MAX)};
    (void)snprintf(answer.content_type, sizeof answer.content_type, "%s", SH_ENVELOPE_TYPE);
    sh_node_key_derive(key, sh_slice_of(header.node), &node_key);
    if (header.digest[0] == 0)
        sh_digest(&node_key, sh_slice_of(text), header.digest);
    assert_int_equal(sh_envelope_seal(&header, &node_key, sh_slice_of(text), &answer.body, NULL),
                     SH_OK);
    return answer;
}

static sh_envelope_header header_of(const char *node)
{
    sh_envelope_header header = {.kind = SH_KIND_DEVICES, .time_ms = NOW_MS, .parts = 1};
    (void)snprintf(header.node, sizeof header.node, "%s", node);
    return header;
}

static void a_good_envelope_is_taken_as_it_is(void **state)
{
    (void)state;
    static const char *const expected_names[] = {"", "Node_A"};
    for (size_t i = 0; i < 2; i++) {
        sh_http_answer answer = seal(passphrase_key, header_of("Node_A"), TABLE);
        puller_expected expected = expect(expected_names[i]);
        puller_table table;
        assert_int_equal(puller_native_read(&answer, &expected, &table, NULL), SH_OK);
        assert_string_equal(table.header.node, "Node_A");
        assert_int_equal(table.rows, 2);
        assert_ptr_equal(table.envelope.data, answer.body.data);
        assert_int_equal(table.envelope.len, answer.body.len);
        puller_table_reset(&table);
        sh_http_answer_reset(&answer);
    }
}

static void an_envelope_that_does_not_fit_is_refused_with_the_reason(void **state)
{
    (void)state;
    sh_envelope_header good = header_of("Node_A");
    sh_envelope_header early = good, late = good, at_limit = good, plugin = good, parts = good,
                       digest = good;
    early.time_ms += SH_CLOCK_SKEW_MAX_S * 1000 + 1;
    late.time_ms -= SH_CLOCK_SKEW_MAX_S * 1000 + 1;
    at_limit.time_ms -= SH_CLOCK_SKEW_MAX_S * 1000;
    plugin.kind = SH_KIND_PLUGIN;
    (void)snprintf(plugin.plugin, sizeof plugin.plugin, "NMAP");
    parts.parts = 2;
    digest.digest[0] = 1;
    const struct {
        const uint8_t *key;
        const sh_envelope_header *header;
        const char *text, *name, *type;
        sh_err expected;
        const char *message;
    } cases[] = {
        {passphrase_key, &at_limit, TABLE, "", SH_ENVELOPE_TYPE, SH_OK, ""},
        {passphrase_key, &good, "{\"data\": []}", "", SH_ENVELOPE_TYPE, SH_OK, ""},
        {other_key, &good, TABLE, "", SH_ENVELOPE_TYPE, SH_E_CRYPTO, "SYNC_encryption_key"},
        {passphrase_key, &good, TABLE, "Node_B", SH_ENVELOPE_TYPE, SH_E_REFUSED, "Node_B"},
        {passphrase_key, &early, TABLE, "", SH_ENVELOPE_TYPE, SH_E_REFUSED, "600 s ahead of"},
        {passphrase_key, &late, TABLE, "", SH_ENVELOPE_TYPE, SH_E_REFUSED, "600 s behind"},
        {passphrase_key, &plugin, "a|b", "", SH_ENVELOPE_TYPE, SH_E_UNSUPPORTED, "device table"},
        {passphrase_key, &parts, TABLE, "", SH_ENVELOPE_TYPE, SH_E_UNSUPPORTED, "device table"},
        {passphrase_key, &digest, TABLE, "", SH_ENVELOPE_TYPE, SH_E_FORMAT, "digest"},
        {passphrase_key, &good, "{\"data\": [", "", SH_ENVELOPE_TYPE, SH_E_FORMAT, ""},
        {passphrase_key, &good, "[]", "", SH_ENVELOPE_TYPE, SH_E_FORMAT, ""},
        {passphrase_key, &good, TABLE, "", "application/json", SH_E_UNSUPPORTED,
         "SYNC_protocol=netalertx"},
        {passphrase_key, &good, TABLE, "", "text/html", SH_E_REFUSED, "text/html"},
        {passphrase_key, &good, TABLE, "", "", SH_E_REFUSED, "SYNC_nodes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_http_answer answer = seal(cases[i].key, *cases[i].header, cases[i].text);
        (void)snprintf(answer.content_type, sizeof answer.content_type, "%s", cases[i].type);
        puller_expected expected = expect(cases[i].name);
        puller_table table;
        sh_error error = {.code = SH_OK};
        assert_int_equal(puller_native_read(&answer, &expected, &table, &error), cases[i].expected);
        assert_non_null(strstr(error.message, cases[i].message));
        puller_table_reset(&table);
        sh_http_answer_reset(&answer);
    }
}

static void no_byte_of_an_envelope_can_be_altered(void **state)
{
    (void)state;
    sh_http_answer answer = seal(passphrase_key, header_of("Node_A"), TABLE);
    puller_expected expected = expect("Node_A");
    for (size_t i = 0; i < answer.body.len; i++) {
        puller_table table;
        answer.body.data[i] ^= 1;
        assert_int_not_equal(puller_native_read(&answer, &expected, &table, NULL), SH_OK);
        puller_table_reset(&table);
        answer.body.data[i] ^= 1;
    }
    sh_http_answer_reset(&answer);
}

static void a_netalertx_answer_is_read_and_its_cut_table_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *table, *answered, *name; /* table NULL: no answer of NetAlertX's */
        sh_err expected;
        bool cut;
        const char *node; /* or a part of the error */
    } cases[] = {
        {TABLE, "Node_A", "", SH_OK, false, "Node_A"},
        {TABLE, "Node_A", "mine", SH_OK, false, "mine"},
        {TABLE, "", "mine", SH_OK, false, "mine"},
        {TABLE, "", "", SH_E_FORMAT, false, "name=URL"},
        {TABLE, "a/b", "", SH_E_FORMAT, false, "name=URL"},
        {"{\"data\": [{\"devMac\":", "Node_A", "", SH_E_FORMAT, true, ""},
        {"", "Node_A", "", SH_E_FORMAT, true, ""},
        {NULL, "", "", SH_E_FORMAT, false, "JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_http_answer answer = {
            .status = 200, .body = SH_BUF_INIT(4096), .content_type = "application/json"};
        if (cases[i].table != NULL)
            assert_int_equal(sh_netalertx_pull_write(sh_slice_of(cases[i].table), cases[i].answered,
                                                     "2026-08-22 02:53:00", &answer.body),
                             SH_OK);
        puller_expected expected = expect(cases[i].name);
        puller_table table;
        bool cut;
        sh_error error = {.code = SH_OK};
        assert_int_equal(puller_netalertx_read(&answer, &expected, &table, &cut, &error),
                         cases[i].expected);
        assert_int_equal(cut, cases[i].cut);
        if (cases[i].expected == SH_OK) {
            assert_string_equal(table.header.node, cases[i].node);
            assert_string_equal(table.text.data, TABLE);
            assert_int_equal(table.rows, 2);
        } else {
            assert_non_null(strstr(error.message, cases[i].node));
        }
        puller_table_reset(&table);
        sh_http_answer_reset(&answer);
    }
}

static void statuses_tell_what_to_look_at_and_whether_to_try_again(void **state)
{
    (void)state;
    static const char etag[] = "\"0123\"";
    static const struct {
        int status;
        const char *body, *etag, *asked;
        bool unchanged;
        sh_err expected;
        const char *message;
    } cases[] = {
        {200, "", "", NULL, false, SH_OK, ""},
        {304, "", etag, etag, true, SH_OK, ""},
        {304, "", "\"4567\"", etag, false, SH_E_REFUSED, "304"},
        {304, "", "", etag, false, SH_E_REFUSED, "304"},
        {304, "", etag, NULL, false, SH_E_REFUSED, "304"},
        {401, "{\"error\":\"x\"}", "", NULL, false, SH_E_REFUSED, "SYNC_api_token"},
        {401, "", "", NULL, false, SH_E_REFUSED, "not the node's own answer"},
        {403, "{\"error\":\"Forbidden\",\"message\":\"ERROR: Not authorized\"}", "", NULL, false,
         SH_E_REFUSED, "(ERROR: Not authorized)"},
        {403, "<html>", "", NULL, false, SH_E_REFUSED, "login page"},
        {404, "{\"error\":\"x\"}", "", NULL, false, SH_E_REFUSED, "SYNC_nodes"},
        {404, "<html>", "", NULL, false, SH_E_REFUSED, "another server"},
        {405, "{\"error\":\"x\"}", "", NULL, false, SH_E_REFUSED, "v25.10"},
        {302, "", "", NULL, false, SH_E_REFUSED, "redirect"},
        {204, "", "", NULL, false, SH_E_REFUSED, "204"},
        {418, "<html>", "", NULL, false, SH_E_REFUSED, "418"},
        {429, "", "", NULL, false, SH_E_BUSY, "429"},
        {500, "{\"error\":\"Data file Not Found\"}", "", NULL, false, SH_E_BUSY, "no device table"},
        {500, "{\"error\":\"boom\"}", "", NULL, false, SH_E_BUSY, "500 (boom)"},
        {502, "<html>not found", "", NULL, false, SH_E_BUSY, "cannot reach it"},
        {503, "", "", NULL, false, SH_E_BUSY, "503"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_http_answer answer = {
            .status = cases[i].status, .body = SH_BUF_INIT(4096), .retry_after_s = -1};
        assert_int_equal(sh_buf_append_text(&answer.body, cases[i].body), SH_OK);
        if (cases[i].body[0] == '{')
            (void)snprintf(answer.content_type, sizeof answer.content_type, "application/json");
        (void)snprintf(answer.etag, sizeof answer.etag, "%s", cases[i].etag);
        puller_expected expected = expect("");
        expected.etag = cases[i].asked;
        bool unchanged;
        sh_error error = {.code = SH_OK};
        assert_int_equal(puller_status_check(&answer, &expected, &unchanged, &error),
                         cases[i].expected);
        assert_int_equal(unchanged, cases[i].unchanged);
        if (strstr(error.message, cases[i].message) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", error.message, cases[i].message);
        sh_http_answer_reset(&answer);
    }
}

static int start_crypto(void **state)
{
    (void)state;
    return sh_crypto_init(NULL) == SH_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_envelope_is_taken_as_it_is),
        cmocka_unit_test(an_envelope_that_does_not_fit_is_refused_with_the_reason),
        cmocka_unit_test(no_byte_of_an_envelope_can_be_altered),
        cmocka_unit_test(a_netalertx_answer_is_read_and_its_cut_table_told_apart),
        cmocka_unit_test(statuses_tell_what_to_look_at_and_whether_to_try_again),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
