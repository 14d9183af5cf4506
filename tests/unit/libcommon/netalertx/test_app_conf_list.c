/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/limits.h"
#include "libcommon/netalertx/app_conf_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ENTRIES_MAX 4

typedef struct {
    const char *text;
    const char *entries[ENTRIES_MAX]; /* up to the first NULL */
} good_case;

static void every_form_is_parsed(void **state)
{
    (void)state;
    static const good_case cases[] = {
        {"", {NULL}},
        {"  \t ", {NULL}},
        {"[]", {NULL}},
        {" [ ] ", {NULL}},
        {"a", {"a"}},
        {"a,b", {"a", "b"}},
        {" a , b ,", {"a", "b"}},
        {",,a", {"a"}},
        {"name=http://h:1/x", {"name=http://h:1/x"}},
        {"['a','b']", {"a", "b"}},
        {"[ 'a' , \"b\" , ]", {"a", "b"}},
        {"[\"a\", \"b\"]", {"a", "b"}},
        {"['', 'a', \"\"]", {"a"}},
        {"['a # b', 'c']", {"a # b", "c"}},
        {"[ # first\n 'a', # second ]\r\n\t'b',\n]", {"a", "b"}},
        {"['it\\'s', \"say \\\"x\\\"\"]", {"it's", "say \"x\""}},
        {"[\"http:\\/\\/h\"]", {"http://h"}},
        {"[\"\\u00e9\", '\\xe9', '\\351']", {"é", "é", "é"}},
        {"[\"\\ud83d\\ude00\", '\\U0001F600']", {"😀", "😀"}},
        {"[r'a\\b', '''c''', \"\"\"d\"e\"\"\"]", {"a\\b", "c", "d\"e"}},
        {"[' a ']", {" a "}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_list list = {0};
        sh_error error = {0};
        sh_err err = sh_list_read(sh_slice_of(cases[i].text), &list, &error);
        if (err != SH_OK)
            fail_msg("%s: %s", cases[i].text, error.message);
        size_t count = 0;
        while (count < ENTRIES_MAX && cases[i].entries[count] != NULL)
            count++;
        if (list.count != count)
            fail_msg("%s: %zu entries", cases[i].text, list.count);
        for (size_t j = 0; j < count; j++)
            assert_string_equal(list.items[j], cases[i].entries[j]);
        sh_list_reset(&list);
    }
}

typedef struct {
    const char *text;
    const char *message; /* part of the error */
} bad_case;

static void an_invalid_list_is_rejected_with_its_position(void **state)
{
    (void)state;
    static const bad_case cases[] = {
        {"[", "no closing ']'"},
        {"['a'", "no closing ']'"},
        {"['a',", "no closing ']'"},
        {"['a", "character 2 of the list: unterminated string"},
        {"['a' 'b']", "character 6 of the list: expected a comma or"},
        {"[,'a']", "character 2 of the list: expected an entry"},
        {"['a',,'b']", "character 6 of the list: expected an entry"},
        {"[a,b]", "character 2 of the list: expected a quoted entry"},
        {"[1]", "expected a quoted entry"},
        {"[['a']]", "character 2 of the list: expected a quoted entry"},
        {"['a'] x", "character 7: unexpected text after the list"},
        {"['a'], ['b']", "unexpected text"},
        {"'a','b'", "quoted entries must be inside"},
        {"a, [b]", "must be inside"},
        {"['a\\x0']", "hexadecimal"},
        {"['\\u12']", "hexadecimal"},
        {"['\\ud83d']", "invalid Unicode"},
        {"['\\ude00']", "invalid Unicode"},
        {"['\\U00110000']", "invalid Unicode"},
        {"['\\x00']", "NUL"},
        {"['\\0']", "NUL"},
        {"['\\N{DASH}']", "\\N"},
        {"[b'a']", "f-strings are not supported"},
        {"[f'{x}']", "f-strings are not supported"},
        {"[open('/etc/passwd')]", "expected a quoted entry"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_list list = {0};
        sh_error error = {0};
        if (sh_list_read(sh_slice_of(cases[i].text), &list, &error) != SH_E_FORMAT)
            fail_msg("%s was read", cases[i].text);
        if (strstr(error.message, cases[i].message) == NULL)
            fail_msg("%s: %s", cases[i].text, error.message);
        assert_null(list.items);
    }
}

static void a_failed_read_leaves_the_list_as_it_was(void **state)
{
    (void)state;
    sh_list list = {0};
    assert_int_equal(sh_list_add(&list, SH_SLICE("kept")), SH_OK);
    assert_int_equal(sh_list_read(SH_SLICE("['a', b"), &list, NULL), SH_E_FORMAT);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0], "kept");
    sh_list_reset(&list);
    assert_int_equal(list.count, 0);
    sh_list_reset(NULL);
}

static sh_err read_many(size_t count)
{
    char *text = malloc(2 * count + 1);
    assert_non_null(text);
    for (size_t i = 0; i < count; i++) {
        text[2 * i] = 'a';
        text[2 * i + 1] = ',';
    }
    sh_list list = {0};
    sh_err err = sh_list_read((sh_slice){.data = text, .len = 2 * count}, &list, NULL);
    if (err == SH_OK)
        assert_int_equal(list.count, count);
    sh_list_reset(&list);
    free(text);
    return err;
}

static void a_list_ends_at_its_limit(void **state)
{
    (void)state;
    assert_int_equal(read_many(SH_LIST_MAX), SH_OK);
    assert_int_equal(read_many(SH_LIST_MAX + 1), SH_E_LIMIT);
}

static void bytes_after_the_text_are_not_read(void **state)
{
    (void)state;
    static const char whole[] = "['a\\u00e9', r\"b\"]";
    for (size_t len = 1; len < sizeof whole - 1; len++) {
        char *cut = malloc(len); /* allocated exactly, so that ASan detects reads past the end */
        assert_non_null(cut);
        memcpy(cut, whole, len);
        sh_list list = {0};
        assert_int_equal(sh_list_read((sh_slice){.data = cut, .len = len}, &list, NULL),
                         SH_E_FORMAT);
        free(cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_parsed),
        cmocka_unit_test(an_invalid_list_is_rejected_with_its_position),
        cmocka_unit_test(a_failed_read_leaves_the_list_as_it_was),
        cmocka_unit_test(a_list_ends_at_its_limit),
        cmocka_unit_test(bytes_after_the_text_are_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
