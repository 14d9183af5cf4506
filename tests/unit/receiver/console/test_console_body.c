/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "libcommon/base/limits.h"
#include "receiver/console/console_body.h"
#include "receiver/console/console_node_body.h"

#include <stdlib.h>
#include <string.h>

static sh_json *parse(const char *text)
{
    sh_json *body = NULL;
    assert_int_equal(sh_json_parse(text, strlen(text), &body, NULL), SH_OK);
    return body;
}

/* --- Members --------------------------------------------------------------------------------- */

typedef struct {
    const char *name;
    bool flag;
    int64_t number;
    const sh_json *list, *any;
} read_body;

static sh_err read_members(const sh_json *body, read_body *ret, sh_error *error)
{
    const console_body_field fields[] = {
        {"name", CONSOLE_BODY_TEXT, &ret->name, .required = true},
        {"flag", CONSOLE_BODY_FLAG, &ret->flag, .required = false},
        {"number", CONSOLE_BODY_INTEGER, &ret->number, .least = 1, .largest = 9},
        {"list", CONSOLE_BODY_ARRAY, &ret->list, .required = false},
        {"any", CONSOLE_BODY_ANY, &ret->any, .required = false},
    };
    return console_body_read(body, fields, sizeof fields / sizeof fields[0], error);
}

static void members_are_read_by_kind(void **state)
{
    (void)state;
    sh_json *body =
        parse("{\"name\":\"x\",\"flag\":true,\"number\":9,\"list\":[1,2],\"any\":null}");
    read_body ret = {.number = 5};
    assert_int_equal(read_members(body, &ret, NULL), SH_OK);
    assert_string_equal(ret.name, "x");
    assert_true(ret.flag);
    assert_int_equal(ret.number, 9);
    assert_int_equal(sh_json_count(ret.list), 2);
    assert_int_equal(sh_json_kind_of(ret.any), SH_JSON_NULL);
    sh_json_free(body);
}

static void absent_and_null_members_keep_what_was_there(void **state)
{
    (void)state;
    sh_json *body = parse("{\"name\":\"x\",\"flag\":null,\"number\":null,\"list\":null}");
    read_body ret = {.flag = true, .number = 5};
    assert_int_equal(read_members(body, &ret, NULL), SH_OK);
    assert_true(ret.flag);
    assert_int_equal(ret.number, 5);
    assert_null(ret.list);
    assert_null(ret.any);
    sh_json_free(body);
}

static void other_bodies_are_refused_with_the_member(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"{}", "`name` is missing"},
        {"{\"name\":null}", "`name` is missing"},
        {"{\"name\":5}", "`name` must be a text"},
        {"{\"name\":\"x\",\"flag\":\"true\"}", "`flag` must be true or false"},
        {"{\"name\":\"x\",\"number\":1.5}", "`number` must be an integer"},
        {"{\"name\":\"x\",\"number\":0}", "`number` takes 1 to 9"},
        {"{\"name\":\"x\",\"number\":10}", "`number` takes 1 to 9"},
        {"{\"name\":\"x\",\"list\":{}}", "`list` must be an array"},
        {"{\"name\":\"x\",\"Name\":\"y\"}", "no member `Name`"},
        {"{\"name\":\"x\",\"\":1}", "no member ``"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_json *body = parse(cases[i].text);
        read_body ret = {.number = 5};
        sh_error error = {.code = SH_OK};
        assert_int_equal(read_members(body, &ret, &error), SH_E_FORMAT);
        assert_non_null(strstr(error.message, cases[i].part));
        sh_json_free(body);
    }
}

static void no_body_has_no_members(void **state)
{
    (void)state;
    bool flag = true;
    const console_body_field field = {"flag", CONSOLE_BODY_FLAG, &flag, .required = false};
    assert_int_equal(console_body_read(NULL, &field, 1, NULL), SH_OK);
    assert_true(flag);
    const console_body_field needed = {"flag", CONSOLE_BODY_FLAG, &flag, .required = true};
    assert_int_equal(console_body_read(NULL, &needed, 1, NULL), SH_E_FORMAT);
}

/* --- A change of a node ---------------------------------------------------------------------- */

static void a_change_has_what_the_body_has(void **state)
{
    (void)state;
    sh_json *body = parse("{\"labels\":{\"site\":\"B=1\",\"old\":null,\"empty\":\"\"},"
                          "\"note\":\"a note\",\"silent_after_s\":90,\"ephemeral\":false}");
    console_node_body ret;
    assert_int_equal(console_node_body_read(body, &ret, NULL), SH_OK);
    assert_int_equal(ret.edit.labels_count, 3);
    assert_string_equal(ret.edit.labels[0], "site=B=1");
    assert_string_equal(ret.edit.labels[1], "old=");
    assert_string_equal(ret.edit.labels[2], "empty=");
    assert_string_equal(ret.edit.note, "a note");
    assert_true(ret.edit.sets_silent_after);
    assert_int_equal(ret.edit.silent_after_ms, 90000);
    assert_true(ret.edit.sets_ephemeral);
    assert_false(ret.edit.ephemeral);
    assert_false(ret.edit.expects);
    console_node_body_reset(&ret);
    sh_json_free(body);
}

static void what_is_left_out_stays(void **state)
{
    (void)state;
    static const char *const texts[] = {"{}", "{\"labels\":null,\"note\":null,\"ephemeral\":null}",
                                        "{\"labels\":{}}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        sh_json *body = parse(texts[i]);
        console_node_body ret;
        assert_int_equal(console_node_body_read(body, &ret, NULL), SH_OK);
        assert_int_equal(ret.edit.labels_count, 0);
        assert_null(ret.edit.note);
        assert_false(ret.edit.sets_silent_after || ret.edit.sets_ephemeral);
        console_node_body_reset(&ret);
        sh_json_free(body);
    }
}

static void null_is_the_default_of_silent_after(void **state)
{
    (void)state;
    sh_json *body = parse("{\"silent_after_s\":null}");
    console_node_body ret;
    assert_int_equal(console_node_body_read(body, &ret, NULL), SH_OK);
    assert_true(ret.edit.sets_silent_after);
    assert_int_equal(ret.edit.silent_after_ms, 0);
    console_node_body_reset(&ret);
    sh_json_free(body);
}

static void invalid_changes_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"labels\":[]}",
        "{\"labels\":\"a=b\"}",
        "{\"labels\":{\"a\":1}}",
        "{\"labels\":{\"a\":{}}}",
        "{\"labels\":{\"a=b\":\"c\"}}",
        "{\"note\":1}",
        "{\"silent_after_s\":0}",
        "{\"silent_after_s\":-1}",
        "{\"silent_after_s\":1.5}",
        "{\"silent_after_s\":\"90s\"}",
        "{\"silent_after_s\":31622401}",
        "{\"ephemeral\":\"on\"}",
        "{\"silent_after_s\":9223372036854775807}",
        "{\"name\":\"x\"}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        sh_json *body = parse(texts[i]);
        console_node_body ret;
        sh_error error = {.code = SH_OK};
        assert_int_equal(console_node_body_read(body, &ret, &error), SH_E_FORMAT);
        assert_int_not_equal(strlen(error.message), 0);
        console_node_body_reset(&ret);
        sh_json_free(body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_read_by_kind),
        cmocka_unit_test(absent_and_null_members_keep_what_was_there),
        cmocka_unit_test(other_bodies_are_refused_with_the_member),
        cmocka_unit_test(no_body_has_no_members),
        cmocka_unit_test(a_change_has_what_the_body_has),
        cmocka_unit_test(what_is_left_out_stays),
        cmocka_unit_test(null_is_the_default_of_silent_after),
        cmocka_unit_test(invalid_changes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
