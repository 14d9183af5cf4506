/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    const char *text;
    const char *scheme, *user, *password, *host;
    int port;
    const char *path;
} good_case;

static void the_parts_are_told_apart(void **state)
{
    (void)state;
    static const good_case cases[] = {
        {"http://hub", "http", "", "", "hub", 0, ""},
        {"HTTPS://Hub.example:443/", "https", "", "", "Hub.example", 443, "/"},
        {"http://10.0.0.1:20212/a/b?c=d", "http", "", "", "10.0.0.1", 20212, "/a/b?c=d"},
        {"http://hub?c", "http", "", "", "hub", 0, "/?c"},
        {"http://[::1]:65535", "http", "", "", "::1", 65535, ""},
        {"http://[fd00::1]", "http", "", "", "fd00::1", 0, ""},
        {"http://[0:0::0:1]:1", "http", "", "", "::1", 1, ""}, /* written as libcurl uses it */
        {"http://127.1/", "http", "", "", "127.0.0.1", 0, "/"},
        {"redis://u:p%40%3a%2F@h:1/2", "redis", "u", "p@:/", "h", 1, "/2"},
        {"redis://:p@h", "redis", "", "p", "h", 0, ""},
        {"redis://u@h", "redis", "u", "", "h", 0, ""},
        {"redis://u:a:b@h", "redis", "u", "a:b", "h", 0, ""},
        {"unix:/run/redis.sock", "unix", "", "", "", 0, "/run/redis.sock"},
        {"unix:///run/redis.sock", "unix", "", "", "", 0, "/run/redis.sock"},
        {"postgresql://db_1/x", "postgresql", "", "", "db_1", 0, "/x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_url url;
        sh_error error = {0};
        const good_case *c = &cases[i];
        if (sh_url_read(sh_slice_of(c->text), &url, &error) != SH_OK)
            fail_msg("%s: %s", c->text, error.message);
        assert_string_equal(url.scheme, c->scheme);
        assert_string_equal(url.user, c->user);
        assert_string_equal(url.password, c->password);
        assert_string_equal(url.host, c->host);
        assert_int_equal(url.port, c->port);
        assert_string_equal(url.path, c->path);
    }
}

static void what_is_no_url_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "hub",
        "hub:20212",
        "//hub",
        "://hub",
        "1http://hub",
        "averyveryverylongscheme://hub",
        "http:hub",
        "http:",
        "http://",
        "http:///path",
        "http://:80",
        "http://hub:",
        "http://hub:0",
        "http://hub:65536",
        "http://hub:-1",
        "http://hub:8a",
        "http://hub:80:80",
        "http://hu b",
        "http://hub\n",
        "http://hub/\x7f",
        "http://hub/\xc3\xa9",
        "http://h%41b",
        "http://[::1",
        "http://[]",
        "http://[::1%25eth0]",
        "http://[fe80::1]",
        "hub:20212",
        "http://[::g]",
        "http://[::1]x",
        "http://::1",
        "redis://u:p@q@h",
        "redis://u:p/q@h",
        "redis://u:p#q@h",
        "redis://u:p?q@h",
        "redis://u:%4@h",
        "redis://u:%zz@h",
        "redis://u:%0a@h",
        "redis://u:%00@h",
        "unix:run/x",
        "unix://host/x",
        "http://hub/<>",
        "http://hub\\x",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_url url = {.host = "as it was"};
        sh_error error = {0};
        if (sh_url_read(sh_slice_of(cases[i]), &url, &error) != SH_E_FORMAT)
            fail_msg("%s was read", cases[i]);
        assert_true(error.message[0] != '\0');
        assert_string_equal(url.host, "as it was");
    }
}

static void an_error_says_what_is_wrong(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"http:///path", "names no host"},
        {"http://:80", "names no host"},
        {"http://u:p@", "names no host"},
        {"http://hub:", "port is not a number from 1 to 65535"},
        {"http://hub:0", "port is not a number from 1 to 65535"},
        {"http://u:p@hub:x", "65535 (in a user or password, '/', '?', '#', '@' and ':' must be"},
        {"http://h%41b", "character that is not allowed in host names"},
        {"http://h,b", "character that is not allowed in host names"},
        {"redis://u:p@q@h", "character that is not allowed in host names"},
        {"http://[::1%25eth0]", "with a zone"},
        {"http://[fe80::1]", "link-local"},
        {"http://[::g]", "no valid IPv6 address between [ and ]"},
        {"http://[::1", "no valid IPv6 address between [ and ]"},
        {"http://::1", "write an IPv6 address in brackets"},
        {"http://fd00::1:80", "write an IPv6 address in brackets"},
        {"redis://u:%zz@h", "broken percent-escape"},
        {"redis://u:%0a@h", "control character"},
        {"unix://host/x", "contains only a path"},
        {"http:hub", "neither // and a host nor a path"},
        {"http://b\u00fcro.example/x", "xn--bro-hoa.example"},
        {"http://hub/\u00fc", "character 12 of the URL is not ASCII"},
        {"http://\xff", "character 8 of the URL"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_url url;
        sh_error error = {0};
        assert_int_equal(sh_url_read(sh_slice_of(cases[i][0]), &url, &error), SH_E_FORMAT);
        if (strstr(error.message, cases[i][1]) == NULL)
            fail_msg("%s: %s", cases[i][0], error.message);
    }
}

static void an_error_never_repeats_a_password(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "redis://u:hush/x@h", "redis://u:hush@h:bad",    "redis://u:hush@",   "redis://u:hu%zzsh@h",
        "redis://u:hush@x@h", "redis://u:hush @h:10000", "redis:/u:hush@h:x", "redis://hush:hush",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_url url;
        sh_error error = {0};
        if (sh_url_read(sh_slice_of(cases[i]), &url, &error) == SH_OK)
            continue; /* `redis:/…` is a path */
        if (strstr(error.message, "hu") != NULL)
            fail_msg("%s: %s", cases[i], error.message);
    }
}

/* A URL of len bytes: `http://h/aaa…`, or with a user, password or host of the length given. */
static sh_err read_long(const char *head, size_t len, const char *tail)
{
    size_t total = strlen(head) + len + strlen(tail);
    char *text = malloc(total);
    assert_non_null(text);
    memcpy(text, head, strlen(head));
    memset(text + strlen(head), 'a', len);
    memcpy(text + strlen(head) + len, tail, strlen(tail));
    sh_url url;
    sh_err err = sh_url_read((sh_slice){.data = text, .len = total}, &url, NULL);
    free(text);
    return err;
}

static void every_part_ends_at_its_limit(void **state)
{
    (void)state;
    size_t head = strlen("http://h/");
    assert_int_equal(read_long("http://h/", SH_URL_MAX - head, ""), SH_OK);
    assert_int_equal(read_long("http://h/", SH_URL_MAX - head + 1, ""), SH_E_LIMIT);
    assert_int_equal(read_long("http://", 255, "/"), SH_OK);
    assert_int_equal(read_long("http://", 256, "/"), SH_E_LIMIT);
    assert_int_equal(read_long("redis://", 255, "@h"), SH_OK);
    assert_int_equal(read_long("redis://", 256, "@h"), SH_E_LIMIT);
    assert_int_equal(read_long("redis://u:", 255, "@h"), SH_OK);
    assert_int_equal(read_long("redis://u:", 256, "@h"), SH_E_LIMIT);
}

static void an_http_address_has_no_user_query_or_fragment(void **state)
{
    (void)state;
    static const char *const good[] = {"http://h", "https://h:1/", "HTTP://h/prefix"};
    static const char *const bad[] = {
        "ftp://h",   "redis://h",  "unix:/x",   "http:/x",     "http://u@h", "http://u:p@h",
        "http://@h", "http://:@h", "http://h?", "http://h/?a", "http://h#a", "http://h/#",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(sh_url_check_http(sh_slice_of(good[i]), NULL), SH_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        sh_error error = {0};
        if (sh_url_check_http(sh_slice_of(bad[i]), &error) != SH_E_FORMAT)
            fail_msg("%s passes", bad[i]);
    }
}

static void the_loopback_is_known_by_name_and_address(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool loopback;
    } cases[] = {
        {"http://localhost", true},    {"http://LOCALHOST:1", true},
        {"http://127.0.0.1", true},    {"http://127.9.9.9/x", true},
        {"http://[::1]", true},        {"http://[0:0:0:0:0:0:0:1]", true},
        {"http://127.1", true},        {"http://0x7f000001", true},
        {"http://128.0.0.1", false},   {"http://10.0.0.1", false},
        {"http://[::2]", false},       {"http://localhost.example", false},
        {"http://127.0.0.1.x", false}, {"unix:/run/x", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_url url;
        assert_int_equal(sh_url_read(sh_slice_of(cases[i].text), &url, NULL), SH_OK);
        if (sh_url_is_loopback(&url) != cases[i].loopback)
            fail_msg("%s", cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_are_told_apart),
        cmocka_unit_test(what_is_no_url_is_refused),
        cmocka_unit_test(an_error_says_what_is_wrong),
        cmocka_unit_test(an_error_never_repeats_a_password),
        cmocka_unit_test(every_part_ends_at_its_limit),
        cmocka_unit_test(an_http_address_has_no_user_query_or_fragment),
        cmocka_unit_test(the_loopback_is_known_by_name_and_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
