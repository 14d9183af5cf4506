/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/limits.h"
#include "libcommon/json/json_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Appends each member as `key=type:value;`. */
static sh_err append_member(void *context, const sh_json_scan_member *member, sh_error *error)
{
    (void)error;
    static const char types[] = "nbisao";
    return sh_buf_append_format(context, "%.*s=%c:%.*s;", (int)member->key.len, member->key.data,
                                types[member->type], (int)member->value.len, member->value.data);
}

static sh_err count(void *context, const sh_json_scan_member *member, sh_error *error)
{
    (void)member;
    (void)error;
    ++*(size_t *)context;
    return SH_OK;
}

static sh_err note_loose(void *context, const sh_json_scan_member *member, sh_error *error)
{
    if (member->type == SH_JSON_SCAN_NOT_FINITE || member->not_utf8)
        return sh_buf_append_format(context, "%.*s!", (int)member->key.len, member->key.data);
    return append_member(context, member, error);
}

static void loose_texts_are_read_as_python_reads_them(void **state)
{
    (void)state;
    static const struct {
        const char *text, *members; /* members NULL: refused */
    } cases[] = {
        {"{\"a\":NaN,\"b\":Infinity , \"c\":-Infinity,\"d\":1}", "a!b!c!d=i:1;"},
        {"{\"a\":[NaN,{\"x\":-Infinity}]}", "a=a:[NaN,{\"x\":-Infinity}];"},
        {"{\"a\":\"\xff\",\"b\":\"x\"}", "a!b=s:x;"},
        {"{\"\xff\":1}", "\xff=i:1;"},
        {"{\"a\":nan}", NULL},
        {"{\"a\":+Infinity}", NULL},
        {"{\"a\":-NaN}", NULL},
        {"{\"a\":Infinity5}", NULL},
        {"{\"a\":Infin", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_buf out = SH_BUF_INIT(200);
        size_t members = 0;
        sh_slice text = sh_slice_of(cases[i].text);
        bool good = cases[i].members != NULL;
        assert_int_equal(sh_json_scan_lenient(text, note_loose, &out, NULL),
                         good ? SH_OK : SH_E_FORMAT);
        if (good)
            assert_string_equal(out.data, cases[i].members);
        assert_int_equal(sh_json_check_lenient(text, NULL), good ? SH_OK : SH_E_FORMAT);
        assert_int_equal(sh_json_scan(text, note_loose, &members, NULL), SH_E_FORMAT);
        assert_int_equal(sh_json_check(text, NULL), SH_E_FORMAT);
        sh_buf_reset(&out);
    }
}

static void members_are_reported_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *text, *members;
    } cases[] = {
        {"{}", ""},
        {" \t\r\n{ } ", ""},
        {"{\"a\":null}", "a=n:null;"},
        {"{\"a\":true,\"b\":false}", "a=b:true;b=b:false;"},
        {"{ \"a\" : -0.5e+10 , \"b\" : 0 }", "a=i:-0.5e+10;b=i:0;"},
        {"{\"a\":\"x\\\"y\\\\\"}", "a=s:x\\\"y\\\\;"},
        {"{\"a\":\"\\u0041\\/\\b\\f\\n\\r\\t\"}", "a=s:\\u0041\\/\\b\\f\\n\\r\\t;"},
        {"{\"a\":[],\"b\":{}}", "a=a:[];b=o:{};"},
        {"{\"a\":[1,[2,{\"b\":[]}],\"]\"],\"c\":{\"d\":{\"e\":\"}\"}}}",
         "a=a:[1,[2,{\"b\":[]}],\"]\"];c=o:{\"d\":{\"e\":\"}\"}};"},
        {"{\"a\": [ ] , \"b\": { } }", "a=a:[ ];b=o:{ };"},
        {"{\"\":\"\"}", "=s:;"},
        {"{\"\xc3\xa4\":\"\xf0\x9f\x98\x80\"}", "\xc3\xa4=s:\xf0\x9f\x98\x80;"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_buf out = SH_BUF_INIT(1024);
        sh_error error = {.code = SH_OK};
        assert_int_equal(sh_json_scan(sh_slice_of(cases[i].text), append_member, &out, &error),
                         SH_OK);
        assert_string_equal(out.data == NULL ? "" : out.data, cases[i].members);
        sh_buf_reset(&out);
    }
}

static void text_that_is_not_a_json_object_is_rejected(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        " ",
        "[]",
        "null",
        "\"a\"",
        "{",
        "}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1",
        "{\"a\":1,}",
        "{,}",
        "{\"a\":1}x",
        "{\"a\":1}{}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":-}",
        "{\"a\":1e}",
        "{\"a\":NaN}",
        "{\"a\":tru}",
        "{\"a\":nullx}",
        "{\"a\":True}",
        "{\"a\":\"x}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\x01\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\xc3\"}",
        "{\"\xff\":1}",
        "{\"a\":[1,]}",
        "{\"a\":[,]}",
        "{\"a\":[1 2]}",
        "{\"a\":[1}",
        "{\"a\":{\"b\":1]}",
        "{\"a\":{1:2}}",
        "{\"a\":{\"b\" 2}}",
        "{\"a\":[}]",
        "{\"a\"\f:1}",
        "\xef\xbb\xbf{}",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t members = 0;
        sh_error error = {.code = SH_OK};
        assert_int_equal(sh_json_scan(sh_slice_of(cases[i]), count, &members, &error), SH_E_FORMAT);
        assert_string_not_equal(error.message, "");
    }
}

/* Strings are scanned in blocks: try each special character at each offset in a block. */
static void special_characters_are_found_at_any_offset(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        bool good;
    } cases[] = {{"", true},      {"\x7f", true},         {"\xc3\xa9", true}, {"\\n", true},
                 {"\\\"", true},  {"\\\\", true},         {"\x1f", false},    {"\x01", false},
                 {"\xff", false}, {"\xc3x", false},       {"\"", false},      {"\\q", false},
                 {" !#[]", true}, {"\xc3\xa9\x1f", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int before = 0; before < 20; before++) {
            for (int after = 0; after < 10; after++) {
                char text[128];
                char expected[128];
                (void)snprintf(text, sizeof text, "{\"k\":\"%.*s%s%.*s\",\"n\":1}", before,
                               "aZ 09~}aZ 09~}aZ 09~}", cases[i].bytes, after, "zzzzzzzzzz");
                (void)snprintf(expected, sizeof expected, "k=s:%.*s%s%.*s;n=i:1;", before,
                               "aZ 09~}aZ 09~}aZ 09~}", cases[i].bytes, after, "zzzzzzzzzz");
                sh_buf out = SH_BUF_INIT(256);
                sh_err err = sh_json_scan(sh_slice_of(text), append_member, &out, NULL);
                assert_int_equal(err, cases[i].good ? SH_OK : SH_E_FORMAT);
                if (cases[i].good)
                    assert_string_equal(out.data, expected);
                sh_buf_reset(&out);
            }
        }
    }
}

static void every_truncation_of_an_object_is_rejected(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\":\"x\\u0041y\",\"b\":[1,{\"c\":null}],\"d\":-1.5e3,\"e\":{\"f\":[]}}";
    for (size_t len = 0; len < sizeof text - 1; len++) {
        char *copy = malloc(len + 1); /* allocated exactly, so that ASan detects reads past it */
        assert_non_null(copy);
        memcpy(copy, text, len);
        char *exact = realloc(copy, len == 0 ? 1 : len);
        size_t members = 0;
        assert_int_equal(sh_json_scan((sh_slice){exact, len}, count, &members, NULL), SH_E_FORMAT);
        free(exact);
    }
}

/* Appends an object nested `levels` deep. */
static void nest(sh_buf *out, size_t levels)
{
    assert_int_equal(sh_buf_append_text(out, "{\"a\":"), SH_OK);
    for (size_t i = 1; i < levels; i++)
        assert_int_equal(sh_buf_append_text(out, i % 2 == 0 ? "{\"b\":" : "["), SH_OK);
    assert_int_equal(sh_buf_append_text(out, "1"), SH_OK);
    for (size_t i = levels - 1; i >= 1; i--)
        assert_int_equal(sh_buf_append_text(out, i % 2 == 0 ? "}" : "]"), SH_OK);
    assert_int_equal(sh_buf_append_text(out, "}"), SH_OK);
}

static void nesting_is_limited_to_the_maximum_depth(void **state)
{
    (void)state;
    for (size_t over = 0; over <= 1; over++) {
        sh_buf text = SH_BUF_INIT(4096);
        size_t members = 0;
        nest(&text, SH_JSON_DEPTH_MAX + over);
        assert_int_equal(sh_json_scan((sh_slice){text.data, text.len}, count, &members, NULL),
                         over == 0 ? SH_OK : SH_E_LIMIT);
        sh_buf_reset(&text);
    }
}

static sh_err refuse(void *context, const sh_json_scan_member *member, sh_error *error)
{
    ++*(size_t *)context;
    return sh_fail(error, SH_E_REFUSED, "enough of %.*s", (int)member->key.len, member->key.data);
}

static void an_error_of_the_callback_ends_the_scan(void **state)
{
    (void)state;
    size_t members = 0;
    sh_error error = {.code = SH_OK};
    assert_int_equal(sh_json_scan(SH_SLICE("{\"a\":1,\"b\":2}"), refuse, &members, &error),
                     SH_E_REFUSED);
    assert_int_equal(members, 1);
    assert_string_equal(error.message, "enough of a");
}

static void keys_are_compared_with_their_escapes_resolved(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        bool expected;
    } cases[] = {
        {"data", true},         {"d\\u0061ta", true}, {"\\u0064\\u0061\\u0074\\u0061", true},
        {"Data", false},        {"dat", false},       {"data2", false},
        {"d\\u0061ta2", false}, {"", false},          {"d\\u0000ta", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_json_scan_member member = {.key = sh_slice_of(cases[i].key),
                                      .key_escaped = strchr(cases[i].key, '\\') != NULL};
        assert_int_equal(sh_json_scan_key_is(&member, "data"), cases[i].expected);
    }
}

static void escapes_become_their_characters(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *text; /* NULL: refused */
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"a\\/b\\\\c\\\"d", "a/b\\c\"d"},
        {"\\b\\f\\n\\r\\t", "\b\f\n\r\t"},
        {"\\u0041\\u00e4\\u20ac", "A\xc3\xa4\xe2\x82\xac"},
        {"\\ud83d\\ude00!", "\xf0\x9f\x98\x80!"},
        {"\\u0000", NULL},
        {"\\ud83d", NULL},
        {"\\ud83dx", NULL},
        {"\\ud83d\\u0041", NULL},
        {"\\ude00", NULL},
        {"\\", NULL}, /* not validated by a scan */
        {"\\x", NULL},
        {"\\u", NULL},
        {"\\u123", NULL},
        {"\\u12g4", NULL},
        {"\\ud83d\\u12", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_buf out = SH_BUF_INIT(64);
        sh_err err = sh_json_unescape(sh_slice_of(cases[i].raw), &out);
        assert_int_equal(err, cases[i].text == NULL ? SH_E_FORMAT : SH_OK);
        if (err == SH_OK)
            assert_string_equal(out.data == NULL ? "" : out.data, cases[i].text);
        sh_buf_reset(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loose_texts_are_read_as_python_reads_them),
        cmocka_unit_test(members_are_reported_in_order),
        cmocka_unit_test(text_that_is_not_a_json_object_is_rejected),
        cmocka_unit_test(special_characters_are_found_at_any_offset),
        cmocka_unit_test(every_truncation_of_an_object_is_rejected),
        cmocka_unit_test(nesting_is_limited_to_the_maximum_depth),
        cmocka_unit_test(an_error_of_the_callback_ends_the_scan),
        cmocka_unit_test(keys_are_compared_with_their_escapes_resolved),
        cmocka_unit_test(escapes_become_their_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
