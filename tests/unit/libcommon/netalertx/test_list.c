/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/limits.h"
#include "libcommon/netalertx/list.h"

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

static void every_form_gives_its_entries(void **state)
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
    const char *words; /* part of the error */
} bad_case;

static void a_list_of_another_shape_is_refused_with_the_place(void **state)
{
    (void)state;
    static const bad_case cases[] = {
        {"[", "not closed by ']'"},
        {"['a'", "not closed by ']'"},
        {"['a',", "not closed by ']'"},
        {"['a", "character 2 of the list: a text in quotes is not closed"},
        {"['a' 'b']", "character 6 of the list: a comma or ']'"},
        {"[,'a']", "character 2 of the list: an entry is missing"},
        {"['a',,'b']", "character 6 of the list: an entry is missing"},
        {"[a,b]", "character 2 of the list: an entry in quotes"},
        {"[1]", "an entry in quotes"},
        {"[['a']]", "character 2 of the list: an entry in quotes"},
        {"['a'] x", "character 7: something follows the list"},
        {"['a'], ['b']", "something follows"},
        {"'a','b'", "entries in quotes must stand in [ ]"},
        {"a, [b]", "must stand in [ ]"},
        {"['a\\x0']", "hexadecimal"},
        {"['\\u12']", "hexadecimal"},
        {"['\\ud83d']", "no Unicode character"},
        {"['\\ude00']", "no Unicode character"},
        {"['\\U00110000']", "no Unicode character"},
        {"['\\x00']", "NUL"},
        {"['\\0']", "NUL"},
        {"['\\N{DASH}']", "\\N"},
        {"[b'a']", "bytes or f-string"},
        {"[f'{x}']", "bytes or f-string"},
        {"[open('/etc/passwd')]", "an entry in quotes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_list list = {0};
        sh_error error = {0};
        if (sh_list_read(sh_slice_of(cases[i].text), &list, &error) != SH_E_FORMAT)
            fail_msg("%s was read", cases[i].text);
        if (strstr(error.message, cases[i].words) == NULL)
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

static void bytes_behind_the_text_are_not_read(void **state)
{
    (void)state;
    static const char whole[] = "['a\\u00e9', r\"b\"]";
    for (size_t len = 1; len < sizeof whole - 1; len++) {
        char *cut = malloc(len); /* a sanitizer sees each byte too far */
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
        cmocka_unit_test(every_form_gives_its_entries),
        cmocka_unit_test(a_list_of_another_shape_is_refused_with_the_place),
        cmocka_unit_test(a_failed_read_leaves_the_list_as_it_was),
        cmocka_unit_test(a_list_ends_at_its_limit),
        cmocka_unit_test(bytes_behind_the_text_are_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
