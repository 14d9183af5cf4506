/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/buffer.h"
#include "libcommon/base/limits.h"
#include "libcommon/netalertx/app_conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * Appends an assignment as `line:name=value;`, with a `*` before the value of a list, or `!reason;`
 * for an invalid one.
 */
static sh_err append_item(void *context, const sh_app_conf_item *item, sh_error *error)
{
    if (item->invalid != NULL) {
        assert_int_equal(item->value.len, 0);
        return sh_buf_append_format(context, "!%s;", item->invalid);
    }
    sh_err err = sh_buf_append_format(context, "%zu:%.*s=%s%.*s;", item->line, (int)item->name.len,
                                      item->name.data, item->is_list ? "*" : "",
                                      (int)item->value.len, item->value.data);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "buffer");
}

typedef struct {
    const char *text;
    const char *read;
} good_case;

static void check_good(const good_case cases[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sh_buf out = SH_BUF_INIT(SH_MIB);
        sh_error error = {0};
        size_t len = strlen(cases[i].text);
        char *exact = malloc(len + (len == 0));
        assert_non_null(exact);
        memcpy(exact, cases[i].text, len);
        if (sh_app_conf_read(exact, len, append_item, &out, &error) != SH_OK)
            fail_msg("%s: %s", cases[i].text, error.message);
        const char *read = out.data == NULL ? "" : out.data;
        if (strcmp(read, cases[i].read) != 0)
            fail_msg("%s: read as %s", cases[i].text, read);
        sh_buf_reset(&out);
        free(exact);
    }
}

static void settings_are_read(void **state)
{
    (void)state;
    static const good_case cases[] = {
        {"SYNC_node_name='A'\n", "1:SYNC_node_name=A;"},
        {"SYNC_node_name = \"A\"", "1:SYNC_node_name=A;"},
        {"API_TOKEN='t'", "1:API_TOKEN=t;"},
        {"SYNC_x=''", "1:SYNC_x=;"},
        {"SYNC_x=None", "1:SYNC_x=;"},
        {"SYNC_devices=True\nSYNC_y=False", "1:SYNC_devices=True;2:SYNC_y=False;"},
        {"SYNC_RUN_TIMEOUT=30\r\nSYNC_x=-1.5e3", "1:SYNC_RUN_TIMEOUT=30;2:SYNC_x=-1.5e3;"},
        {"SYNC_plugins=['A','B']", "1:SYNC_plugins=*['A','B'];"},
        {"SYNC_plugins=['A',\n  'B' # ]\n]\nSYNC_x=1",
         "1:SYNC_plugins=*['A',\n  'B' # ]\n];4:SYNC_x=1;"},
        {"SYNC_plugins=[]  # none", "1:SYNC_plugins=*[];"},
        {"SYNC_x='a#b' # c", "1:SYNC_x=a#b;"},
        {"SYNC_x='a' 'b' \"c\"", "1:SYNC_x=abc;"},
        {"SYNC_x='''a\nb'''\nSYNC_y='c'", "1:SYNC_x=a\nb;3:SYNC_y=c;"},
        {"SYNC_x='it\\'s \\\\ \\n \\x41 \\101 \\q \\/'", "1:SYNC_x=it's \\ \n A A \\q \\/;"},
        {"SYNC_x=r'a\\nb'", "1:SYNC_x=a\\nb;"},
        {"SYNC_x=R\"a\\\"b\"", "1:SYNC_x=a\\\"b;"},
        {"SYNC_x='a\\\nb'\nSYNC_y=1", "1:SYNC_x=ab;3:SYNC_y=1;"},
        {"SYNC_x='1'\nSYNC_x='2'", "1:SYNC_x=1;2:SYNC_x=2;"},
        {"sync_hub_url='u'\napi_token='t'", "1:sync_hub_url=u;2:api_token=t;"},
        {"\xEF\xBB\xBFSYNC_x='a'", "1:SYNC_x=a;"},
        {"SYNC_x='é'", "1:SYNC_x=é;"},
    };
    check_good(cases, sizeof cases / sizeof cases[0]);
}

static void other_text_is_skipped(void **state)
{
    (void)state;
    static const good_case cases[] = {
        {"", ""},
        {"\n\n", ""},
        {"# SYNC_x='a'\n", ""},
        {"SYNC_x__metadata='{\"a\":1}'\n", ""},
        {"SYNC_nodes__metadata=open('x')\nSYNC_y=1", "2:SYNC_y=1;"},
        {"OTHER='SYNC_x=1'\nSYNC_y=1", "2:SYNC_y=1;"},
        {"OTHER='''\nSYNC_x='inside'\n'''\nSYNC_y=1", "4:SYNC_y=1;"},
        {"OTHER=\"\"\"\nSYNC_x=1 \\\"\"\"\nSYNC_z=1\n\"\"\"\nSYNC_y=1", "5:SYNC_y=1;"},
        {"OTHER=[\n'a', # it's ]\nSYNC_x=1\n]\nSYNC_y=1", "5:SYNC_y=1;"},
        {"OTHER={'a': (\n'}',\n)}\nSYNC_y=1", "4:SYNC_y=1;"},
        {"OTHER='a' + \\\nSYNC_x\nSYNC_y=1", "3:SYNC_y=1;"},
        {"OTHER='a' + \\\r\nSYNC_x=1\r\nSYNC_y=1\r\n", "3:SYNC_y=1;"},
        {"OTHER='a\\'\nSYNC_x=1", "2:SYNC_x=1;"}, /* unterminated: ends with its line */
        {"don't care\nSYNC_y=1", "2:SYNC_y=1;"},
        {"OTHER=r'''\\'''\nSYNC_x=1''' \nSYNC_y=1", "3:SYNC_y=1;"},
        {")]}\nSYNC_y=1", "2:SYNC_y=1;"},
        {"import os\nos.getpid()\nSYNC_y=1", "3:SYNC_y=1;"},
        {"if True:\n    SYNC_x=1\n", ""},
        {"SYNC_x == 1\nSYNC_x += 1\nSYNC_x\n", ""},
        {"MY_SYNC_x=1\nSYNC_=1\nAPI_TOKENS=1\nSYNC_x.y=1", ""},
    };
    check_good(cases, sizeof cases / sizeof cases[0]);
}

typedef struct {
    const char *text;
    const char *message;
} bad_case;

static void an_invalid_literal_is_reported_with_its_line(void **state)
{
    (void)state;
    static const bad_case cases[] = {
        {"\nSYNC_x='a", "line 2: SYNC_x: unterminated string"},
        {"SYNC_x=", "line 1: SYNC_x: expected a literal"},
        {"SYNC_x=\nSYNC_y=1", "line 1: SYNC_x: expected a literal"},
        {"SYNC_x=os.environ['A']", "line 1: SYNC_x: expected a literal"},
        {"SYNC_x=true", "expected a literal"},
        {"SYNC_x={'a':1}", "expected a literal"},
        {"SYNC_x=('a')", "expected a literal"},
        {"SYNC_x='a' + 'b'", "unexpected text after the literal"},
        {"SYNC_x='a'; SYNC_y='b'", "unexpected text after the literal"},
        {"SYNC_x=['a'] + ['b']", "unexpected text after the literal"},
        {"SYNC_x=5 5", "unexpected text after the literal"},
        {"SYNC_x=f'{y}'", "f-strings are not supported"},
        {"SYNC_x='\\x4'", "hexadecimal"},
        {"SYNC_x='a\\0b'", "NUL"},
        {"\nSYNC_x='caf\\N{LATIN SMALL LETTER E WITH ACUTE}'",
         "line 2: SYNC_x: \\N, which names a character in Python, is not supported: write the "
         "character itself or \\u and its four hexadecimal digits"},
        {"SYNC_x='pass\\Nord'", "or \\\\N for a backslash and an N"},
        {"SYNC_x=['a',\n  # b\n 'c\\N{DASH}']", "line 3: SYNC_x: \\N"},
        {"SYNC_x=['a',\n'\\x4']", "line 2: SYNC_x: invalid hexadecimal"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_buf out = SH_BUF_INIT(SH_MIB);
        sh_error error = {0};
        sh_err err =
            sh_app_conf_read(cases[i].text, strlen(cases[i].text), append_item, &out, &error);
        const char *read = out.data == NULL ? "" : out.data;
        if (err != SH_OK || read[0] != '!' || strstr(read, cases[i].message) == NULL)
            fail_msg("%s was read as %s: %s", cases[i].text, read, error.message);
        sh_buf_reset(&out);
    }
}

/* Settings may be lost in what is not closed, whoever they are for. */
static void an_unclosed_text_is_an_error(void **state)
{
    (void)state;
    static const bad_case cases[] = {
        {"SYNC_x='''a\n\n", "line 1: SYNC_x: unterminated string"},
        {"SYNC_x=['a',\n'b'\n", "line 1: SYNC_x: the list has no closing"},
        {"A=1\nOTHER=[1,\nSYNC_x=1\n", "line 2: unclosed bracket"},
        {"A=1\nOTHER='''\nSYNC_x=1\n", "line 2: unterminated string"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_buf out = SH_BUF_INIT(SH_MIB);
        sh_error error = {0};
        assert_int_equal(
            sh_app_conf_read(cases[i].text, strlen(cases[i].text), append_item, &out, &error),
            SH_E_FORMAT);
        assert_non_null(strstr(error.message, cases[i].message));
        assert_null(out.data);
        sh_buf_reset(&out);
    }
}

static void what_follows_an_invalid_literal_is_read(void **state)
{
    (void)state;
    static const good_case cases[] = {
        {"SYNC_x=f'{y}'\nSYNC_y=1",
         "!line 1: SYNC_x: bytes literals and f-strings are not supported;2:SYNC_y=1;"},
        {"SYNC_x='a\nSYNC_y=1", "!line 1: SYNC_x: unterminated string;2:SYNC_y=1;"},
        {"SYNC_x=['\\x4',\n'b']\nSYNC_y=1",
         "!line 1: SYNC_x: invalid hexadecimal digits in an escape;3:SYNC_y=1;"},
        {"SYNC_x=(1,\n2)\nSYNC_y=1",
         "!line 1: SYNC_x: expected a literal: 'text' in quotes, True, False, a number or a list;"
         "3:SYNC_y=1;"},
        {"SYNC_x=\nSYNC_x=1",
         "!line 1: SYNC_x: expected a literal: 'text' in quotes, True, False, a number or a list;"
         "2:SYNC_x=1;"},
    };
    check_good(cases, sizeof cases / sizeof cases[0]);
}

static void an_error_never_repeats_a_value(void **state)
{
    (void)state;
    static const char text[] = "SYNC_encryption_key='hush-hush' + 'x'";
    sh_error error = {0};
    sh_buf out = SH_BUF_INIT(SH_MIB);
    assert_int_equal(sh_app_conf_read(text, sizeof text - 1, append_item, &out, &error), SH_OK);
    assert_int_equal(out.data[0], '!');
    assert_null(strstr(out.data, "hush"));
    sh_buf_reset(&out);
}

/* Whether a text of this length is valid. */
static bool is_valid_text(size_t len)
{
    static const char head[] = "SYNC_x='";
    size_t total = sizeof head - 1 + len + 1;
    char *text = malloc(total);
    assert_non_null(text);
    memset(text, 'a', total);
    memcpy(text, head, sizeof head - 1);
    text[total - 1] = '\'';
    sh_buf out = SH_BUF_INIT(SH_MIB);
    assert_int_equal(sh_app_conf_read(text, total, append_item, &out, NULL), SH_OK);
    bool valid = out.data[0] != '!';
    sh_buf_reset(&out);
    free(text);
    return valid;
}

static void a_value_ends_at_its_limit(void **state)
{
    (void)state;
    assert_true(is_valid_text(SH_SETTING_MAX));
    assert_false(is_valid_text(SH_SETTING_MAX + 1));
}

static sh_err refuse(void *context, const sh_app_conf_item *item, sh_error *error)
{
    (*(size_t *)context)++;
    return sh_fail(error, SH_E_CONFIG, "line %zu refused", item->line);
}

static void an_error_of_the_callback_ends_the_parsing(void **state)
{
    (void)state;
    static const char text[] = "A=1\nSYNC_x=1\nSYNC_y=2\n";
    size_t calls = 0;
    sh_error error = {0};
    assert_int_equal(sh_app_conf_read(text, sizeof text - 1, refuse, &calls, &error), SH_E_CONFIG);
    assert_int_equal(calls, 1);
    assert_string_equal(error.message, "line 2 refused");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_read),
        cmocka_unit_test(other_text_is_skipped),
        cmocka_unit_test(an_invalid_literal_is_reported_with_its_line),
        cmocka_unit_test(an_unclosed_text_is_an_error),
        cmocka_unit_test(what_follows_an_invalid_literal_is_read),
        cmocka_unit_test(an_error_never_repeats_a_value),
        cmocka_unit_test(a_value_ends_at_its_limit),
        cmocka_unit_test(an_error_of_the_callback_ends_the_parsing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
