/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_decode.h"

#include "tests/unit/unit.h"

#include <string.h>

static void percent_encoding_is_decoded_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *path, *query; /* NULL: refused */
    } cases[] = {
        {"", "", ""},
        {"Berlin", "Berlin", "Berlin"},
        {"a%20b", "a b", "a b"},
        {"a+b%2b", "a+b+", "a b+"},
        {"B%C3%BCro", "B\xc3\xbcro", "B\xc3\xbcro"},
        {"%2Fetc%2f", "/etc/", "/etc/"},
        {"%2525", "%25", "%25"},
        {"%", NULL, NULL},
        {"%4", NULL, NULL},
        {"%4g", NULL, NULL},
        {"a%00b", NULL, NULL},
        {"a%0d%0aSet-Cookie:x", NULL, NULL},
        {"%C3", NULL, NULL},
        {"%C0%AF", NULL, NULL},
        {"%C2%85", NULL, NULL},
        {"12345678", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int query = 0; query < 2; query++) {
            char ret[8];
            const char *want = query ? cases[i].query : cases[i].path;
            bool read = console_decode(sh_slice_of(cases[i].text), query, ret, sizeof ret);
            if (read != (want != NULL) || (read && strcmp(ret, want) != 0))
                fail_msg("%s", cases[i].text);
        }
}

static void a_path_has_at_most_four_parts_after_its_prefix(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        size_t count; /* 0: refused */
        const char *last;
    } cases[] = {
        {"/api/v1/nodes", 1, "nodes"},  {"/api/v1/nodes/B%C3%BCro/note", 3, "note"},
        {"/api/v1/a/b/c/d", 4, "d"},    {"/api/v1/a%2Fb", 1, "a/b"},
        {"/api/v1/a/b/c/d/e", 0, NULL}, {"/api/v1/", 0, NULL},
        {"/api/v1", 0, NULL},           {"/api/v1/nodes/", 0, NULL},
        {"/api/v1//nodes", 0, NULL},    {"/api/v2/nodes", 0, NULL},
        {"api/v1/nodes", 0, NULL},      {"", 0, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[CONSOLE_PATH_BYTES];
        const char *parts[CONSOLE_PARTS_MAX];
        size_t count = 0;
        bool read = console_decode_path(cases[i].path, text, parts, &count);
        if (read != (cases[i].count > 0))
            fail_msg("%s", cases[i].path);
        if (read && (count != cases[i].count || strcmp(parts[count - 1], cases[i].last) != 0))
            fail_msg("%s has %zu parts", cases[i].path, count);
    }
}

static void a_cookie_is_found_by_its_whole_name(void **state)
{
    (void)state;
    static const struct {
        const char *header, *value;
    } cases[] = {
        {"synchub_session=abc", "abc"},
        {"a=1; synchub_session=abc; b=2", "abc"},
        {"a=1;synchub_session=abc", "abc"},
        {"xsynchub_session=1; synchub_session=abc", "abc"},
        {"synchub_session2=1", ""},
        {"synchub_session", ""},
        {"synchub_session=", ""},
        {"a=synchub_session=abc", ""},
        {";;; ;", ""},
        {"", ""},
        {NULL, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_slice value = console_decode_cookie(cases[i].header, "synchub_session=");
        if (!sh_slice_equals(value, sh_slice_of(cases[i].value)))
            fail_msg("%s", cases[i].header);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percent_encoding_is_decoded_or_refused),
        cmocka_unit_test(a_path_has_at_most_four_parts_after_its_prefix),
        cmocka_unit_test(a_cookie_is_found_by_its_whole_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
