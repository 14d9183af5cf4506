/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/redis_address.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

/* The parts of an address in one line: hosts, login, database, TLS, master, sentinels' login. */
static void print(const sh_redis_address *a, char *ret, size_t ret_bytes)
{
    size_t len = (size_t)snprintf(ret, ret_bytes, "%s", a->socket);
    for (size_t i = 0; i < a->host_count; i++)
        len += (size_t)snprintf(ret + len, ret_bytes - len, "%s%s:%u", i == 0 ? "" : ",",
                                a->hosts[i].host, a->hosts[i].port);
    (void)snprintf(ret + len, ret_bytes - len, " %s/%s %s%s %s %s/%s%s", a->login.user,
                   a->login.password, a->database, a->tls ? " tls" : "", a->master,
                   a->sentinel_login.user, a->sentinel_login.password,
                   a->sentinel_tls ? " tls" : "");
}

static void valid_addresses_are_split(void **state)
{
    static const struct {
        const char *url, *parts;
    } cases[] = {
        {"redis://h", "h:6379 / 0  /"},
        {"REDIS://h:1/5", "h:1 / 5  /"},
        {"rediss://u:p%40w@h/", "h:6379 u/p@w 0 tls  / tls"},
        {"redis://:pw@h/2", "h:6379 /pw 2  /"},
        {"redis://u:p,w@a:1,b,[::1]:3/0", "a:1,b:6379,::1:3 u/p,w 0  /"},
        {"unix:/run/r.sock", "/run/r.sock / 0  /"},
        {"unix:///run/r.sock", "/run/r.sock / 0  /"},
        {"redis+sentinel://s/main", "s:26379 / 0 main /"},
        {"redis+sentinel://:pw@s1,s2:5,[fd00::1]/my%20main/3",
         "s1:26379,s2:5,fd00::1:26379 /pw 3 my main /"},
        {"rediss+sentinel://s/m", "s:26379 / 0 tls m / tls"},
        {"rediss+sentinel://u:p@s/m?sentinel_tls=no&sentinel_password=a%26b",
         "s:26379 u/p 0 tls m /a&b"},
        {"redis+sentinel://s/m/1?sentinel_user=f&sentinel_password=x&sentinel_tls=yes",
         "s:26379 / 1 m f/x tls"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_redis_address address;
        sh_error error = {0};
        char parts[1024];
        if (sh_redis_address_read(cases[i].url, &address, &error) != SH_OK)
            fail_msg("%s: %s", cases[i].url, error.message);
        print(&address, parts, sizeof parts);
        assert_string_equal(parts, cases[i].parts);
    }
}

static void others_are_refused_with_the_reason(void **state)
{
    static const struct {
        const char *url, *reason;
    } cases[] = {
        {"", "empty"},
        {"h:6379", "use redis://"},
        {"http://h", "unknown scheme"},
        {"redis+cluster://h", "unknown scheme"},
        {"redis:/x", "host is missing"},
        {"redis://", "names no host"},
        {"redis://a,,b", "names no host"},
        {"redis://a,b,", "names no host"},
        {"redis://a:0", "port"},
        {"redis://a:1,b:99999", "port"},
        {"redis://u:p@a,u:q@b", "use redis://"},
        {"redis://h/main", "must be a database number"},
        {"redis://h/1?sentinel_tls=yes", "must be a database number"},
        {"redis://h/-1", "must be a database number"},
        {"unix:/", "path is missing"},
        {"redis+sentinel://s", "name of the master is missing"},
        {"redis+sentinel://s/", "name of the master is missing"},
        {"redis+sentinel://s//1", "name of the master is missing"},
        {"redis+sentinel://s/m/x", "must be a database number"},
        {"redis+sentinel://s/m%00", "not percent-encoded correctly"},
        {"redis+sentinel://s/m%4", "percent-encoded"},
        {"redis+sentinel://s/m?password=x", "only sentinel_user"},
        {"redis+sentinel://s/m?sentinel_tls=maybe", "only sentinel_user"},
        {"redis+sentinel://s/m?sentinel_password=", "empty"},
        {"redis+sentinel://s/m?sentinel_user=u", "needs a sentinel_password"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_redis_address address;
        sh_error error = {0};
        assert_int_equal(sh_redis_address_read(cases[i].url, &address, &error), SH_E_CONFIG);
        if (strstr(error.message, cases[i].reason) == NULL)
            fail_msg("%s: %s", cases[i].url, error.message);
    }
}

/* Fills ret with `redis://` and count hosts. */
static void list_hosts(char *ret, size_t ret_bytes, int count)
{
    size_t len = (size_t)snprintf(ret, ret_bytes, "redis://");
    for (int i = 0; i < count; i++)
        len += (size_t)snprintf(ret + len, ret_bytes - len, "%sh%d", i == 0 ? "" : ",", i);
}

static void sizes_are_limited(void **state)
{
    sh_redis_address address;
    sh_error error = {0};
    char text[512];
    (void)state;
    list_hosts(text, sizeof text, SH_REDIS_HOSTS_MAX);
    assert_int_equal(sh_redis_address_read(text, &address, &error), SH_OK);
    assert_int_equal(address.host_count, SH_REDIS_HOSTS_MAX);
    list_hosts(text, sizeof text, SH_REDIS_HOSTS_MAX + 1);
    assert_int_equal(sh_redis_address_read(text, &address, &error), SH_E_CONFIG);
    assert_non_null(strstr(error.message, "more than 16 hosts"));
    sh_error_clear(&error);
    (void)snprintf(text, sizeof text, "redis+sentinel://s/%064d", 0);
    assert_int_equal(sh_redis_address_read(text, &address, &error), SH_OK);
    (void)snprintf(text, sizeof text, "redis+sentinel://s/%065d", 0);
    assert_int_equal(sh_redis_address_read(text, &address, &error), SH_E_CONFIG);
    assert_non_null(strstr(error.message, "longer than 64 bytes"));
    sh_error_clear(&error);
    (void)snprintf(text, sizeof text, "unix:/%0106d", 0);
    assert_int_equal(sh_redis_address_read(text, &address, &error), SH_OK);
    (void)snprintf(text, sizeof text, "unix:/%0107d", 0);
    assert_int_equal(sh_redis_address_read(text, &address, &error), SH_E_CONFIG);
    assert_non_null(strstr(error.message, "longer than 107 bytes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_addresses_are_split),
        cmocka_unit_test(others_are_refused_with_the_reason),
        cmocka_unit_test(sizes_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
