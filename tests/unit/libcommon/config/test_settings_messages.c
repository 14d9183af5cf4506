/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/settings_load.h"
#include "tests/unit/settings_support.h"

#define PUSHER SH_FOR_PUSHER
#define PULLER SH_FOR_PULLER
#define RECEIVER SH_FOR_RECEIVER

/* Common mistakes, each with the remedy that the message must contain. */

static const struct {
    int who;
    const char *setting, *message;
} mistakes[] = {
    /* From an env-file, which keeps everything after the '='. */
    {PUSHER, "SYNC_devices=\"True\"", "quotes, which an env-file keeps: remove them"},
    {PUSHER, "SYNC_RUN='schedule'", "remove them"},
    {PUSHER, "SYNC_RUN=\u201cschedule\u201d", "remove them"},
    {PUSHER, "SYNC_hub_url=\"http://hub:20212\"", "remove them"},
    {PUSHER, "SYNC_hub_url='http://hub:20212'", "remove them"},
    {PUSHER, "SYNC_RUN_SCHD=\"*/5 * * * *\"", "remove them"},
    {PULLER, "SYNC_nodes=\"http://a\"", "remove them"},
    {PULLER, "SYNC_nodes=\"['http://a']\"", "remove them"},
    {RECEIVER, "SYNC_redis_url=\"redis://h\"", "remove them"},
    {PUSHER, "SYNC_RUN_TIMEOUT=30 # seconds", "keeps a comment after a value"},
    {PUSHER, "SYNC_devices=True # all", "keeps a comment after a value"},
    {PUSHER, "SYNC_hub_url=http://hub:20212 # the hub", "keeps a comment after a value"},
    /* From an editor, a chat or a web page. */
    {PUSHER, "SYNC_devices=\u00a0True", "a no-break space (U+00A0): retype it"},
    {PUSHER, "SYNC_hub_url=http://hub:20212\u200b", "an invisible character (U+200B)"},
    {PUSHER, "SYNC_RUN_SCHD=*/5\u00a0* * * *", "a no-break space"},
    {PUSHER, "SYNC_RUN=\ufeffonce", "a byte order mark"},
    {PUSHER, "SYNC_node_name=N\u200bode", "contains an invisible character (U+200B)"},
    {PUSHER, "SYNC_node_name=Node ", "ends with white space (U+0020)"},
    /* Addresses. */
    {PUSHER, "SYNC_hub_url=hub", "scheme and ://"},
    {PUSHER, "SYNC_hub_url=hub:20212", "scheme and ://"},
    {PUSHER, "SYNC_hub_url=192.168.1.5:20212", "scheme and ://"},
    {PUSHER, "SYNC_hub_url= http://hub", "begins with a space"},
    {PUSHER, "SYNC_hub_url=http://hub ", "ends with a space"},
    {PUSHER, "SYNC_hub_url=http://hub:99999", "not a number from 1 to 65535; use"},
    {PUSHER, "SYNC_hub_url=http://user:password@hub", "user or password"},
    {PUSHER, "SYNC_hub_url=http://b\u00fcro.example:20212", "xn--bro-hoa.example"},
    {PULLER, "SYNC_nodes=http://a,http://b\u00fcro.example/x", "xn--bro-hoa.example"},
    {PUSHER, "SYNC_hub_url=http://hub/\u00fc", "percent-encoded"},
    {PUSHER, "SYNC_hub_url=http://[fe80::1%eth0]:20212", "not link-local"},
    {PUSHER, "SYNC_hub_url=http://[fe80::1%25eth0]:20212", "not link-local"},
    {PUSHER, "SYNC_hub_url=http://[fe80::1]:20212", "not link-local"},
    {PUSHER, "SYNC_hub_url=http://fd00::1:20212", "write an IPv6 address in brackets"},
    {RECEIVER, "SYNC_listen=[fe80::1%eth0]:20212", "[::]:20212"},
    {RECEIVER, "SYNC_listen=fe80::1%eth0", "[::]:20212"},
    {RECEIVER, "SYNC_listen=::1:20212", "put brackets"},
    {RECEIVER, "SYNC_listen=http://0.0.0.0:20212", "omit the scheme"},
    {RECEIVER, "SYNC_listen=:20212", "0.0.0.0:20212"},
    {RECEIVER, "SYNC_listen=\"0.0.0.0:20212\"", "remove them"},
    /* Schedules of other crons. */
    {PUSHER, "SYNC_RUN_SCHD=@hourly", "write @hourly as '0 * * * *'"},
    {PUSHER, "SYNC_RUN_SCHD=@Daily", "'0 0 * * *'"},
    {PUSHER, "SYNC_RUN_SCHD=@midnight", "'0 0 * * *'"},
    {PUSHER, "SYNC_RUN_SCHD=@weekly", "'0 0 * * 0'"},
    {PUSHER, "SYNC_RUN_SCHD=@monthly", "'0 0 1 * *'"},
    {PULLER, "SYNC_RUN_SCHD=@yearly", "'0 0 1 1 *'"},
    {PULLER, "SYNC_RUN_SCHD=@annually", "'0 0 1 1 *'"},
    {PUSHER, "SYNC_RUN_SCHD=@reboot", "SYNC_RUN=once"},
    {PUSHER, "SYNC_RUN_SCHD=@every 5m", "every 5 minutes"},
    {PUSHER, "SYNC_RUN_SCHD=0 */5 * * * *", "has 6: omit the seconds"},
    {PUSHER, "SYNC_RUN_SCHD=*/5", "has 1"},
    {PUSHER, "SYNC_RUN_SCHD=0 0 31 2 *", "never occurs"},
};

static void a_mistake_is_reported_with_its_remedy(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++)
        check_refused(mistakes[i].who, ENV(mistakes[i].setting, TOKEN, KEY), mistakes[i].message);
}

static void valid_but_suspicious_values_cause_a_warning(void **state)
{
    (void)state;
    static const struct {
        const char *setting, *message;
    } cases[] = {
        {"SYNC_api_token=\"a token of the tests\"", "SYNC_api_token is used as written, but it "
                                                    "is in quotes"},
        {"SYNC_api_token=a token of # the tests", "SYNC_api_token is used as written"},
        {"SYNC_api_token=a token\u00a0of the tests", "a no-break space"},
        {"SYNC_encryption_key='a passphrase of the tests'",
         "SYNC_encryption_key is used as written"},
        {"SYNC_encryption_key=\u201ca passphrase of the tests\u201d", "in quotes"},
        {"SYNC_encryption_key=a passphrase\xff of the tests", "not UTF-8"},
        {"SYNC_node_name=\"Node\"", "SYNC_node_name is used as written"},
        {"SYNC_devices_file='/tmp/x'", "SYNC_devices_file is used as written"},
        {"SYNC_hub_url=http://hub:20212/devices", "has a path, /devices, so the program requests "
                                                  "/devices/sync"},
        {"SYNC_encryption_key=a passphrase of the tests\r",
         "SYNC_encryption_key ends with a carriage "
         "return"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_settings s;
        bool is_token = strncmp(cases[i].setting, "SYNC_api_token", 14) == 0;
        bool is_key = strncmp(cases[i].setting, "SYNC_encryption_key", 19) == 0;
        load(PUSHER,
             ENV(cases[i].setting, is_token ? "X=" : TOKEN, is_key ? "Y=" : KEY,
                 i == 6 ? "Z=" : "SYNC_node_name=A", i == 8 ? "W=" : "SYNC_hub_url=http://hub",
                 "SYNC_devices=True"),
             &s);
        if (!has_warning(&s, cases[i].message))
            fail_msg("no warning of: %s", cases[i].setting);
        assert_int_equal(s.warnings.count, 1);
        sh_settings_reset(&s);
    }
}

static void windows_line_endings_are_removed(void **state)
{
    (void)state;
    sh_settings s;
    load(PUSHER,
         ENV("SYNC_api_token=a token of the tests\r",
             "SYNC_encryption_key=a passphrase of the tests\r", "SYNC_node_name=A\r",
             "SYNC_hub_url=http://hub:20212\r", "SYNC_devices=True\r",
             "SYNC_RUN_SCHD=*/5 * * * *\r", "SYNC_plugins=['A']\r", "SYNC_RUN_TIMEOUT=30\r"),
         &s);
    assert_string_equal(s.api_token, "a token of the tests");
    assert_string_equal(s.encryption_key, "a passphrase of the tests");
    assert_string_equal(s.node_name, "A");
    assert_string_equal(s.hub_url, "http://hub:20212");
    assert_true(s.devices);
    assert_int_equal(s.warnings.count, 8);
    sh_settings_reset(&s);
}

static void a_value_file_can_have_a_byte_order_mark_and_a_line_end(void **state)
{
    (void)state;
    static const char *const contents[] = {"\ufeffthe secret of a file",
                                           "\ufeffthe secret of a file\n",
                                           "the secret of a file\r\n", "the secret of a file"};
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        sh_settings s;
        write_text("token", contents[i]);
        load(RECEIVER, ENV(KEY, naming("SYNC_api_token_FILE", "token")), &s);
        assert_string_equal(s.api_token, "the secret of a file");
        assert_int_equal(s.warnings.count, 0);
        sh_settings_reset(&s);
    }
    sh_settings s;
    write_text("token", "\"the secret of a file\"\n");
    load(RECEIVER, ENV(KEY, naming("SYNC_api_token_FILE", "token")), &s);
    assert_true(has_warning(&s, "SYNC_api_token is used as written, but it is in quotes"));
    sh_settings_reset(&s);
    write_file("token", "\xff\xfes\0e\0c\0", 8);
    check_refused(RECEIVER, ENV(KEY, naming("SYNC_api_token_FILE", "token")), "UTF-16");
    write_text("token", "\ufeff");
    check_refused(RECEIVER, ENV(KEY, naming("SYNC_api_token_FILE", "token")), "is empty");
}

static void an_env_file_can_have_a_byte_order_mark(void **state)
{
    (void)state;
    sh_settings s;
    load(RECEIVER, ENV("\ufeffSYNC_api_token=a token of the tests", KEY), &s);
    assert_string_equal(s.api_token, "a token of the tests");
    sh_settings_reset(&s);
    write_text("app.conf", "\ufeffSYNC_api_token='a token of the tests'\r\nSYNC_RUN_TIMEOUT=5\r\n");
    load(RECEIVER, ENV(KEY, naming("SYNC_config_file", "app.conf")), &s);
    assert_string_equal(s.api_token, "a token of the tests");
    assert_int_equal(s.warnings.count, 0);
    sh_settings_reset(&s);
}

static void usual_values_cause_no_warning(void **state)
{
    (void)state;
    sh_settings s;
    load(PUSHER,
         ENV("SYNC_api_token=it's \"a\" token#1 of M\u00fcller", KEY,
             "SYNC_node_name=B\u00fcro#1's", "SYNC_hub_url=https://hub:20212/", "SYNC_devices=on",
             "SYNC_plugins=A, B"),
         &s);
    if (s.warnings.count > 0)
        fail_msg("%s", s.warnings.items[0]);
    sh_settings_reset(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mistake_is_reported_with_its_remedy),
        cmocka_unit_test(valid_but_suspicious_values_cause_a_warning),
        cmocka_unit_test(windows_line_endings_are_removed),
        cmocka_unit_test(a_value_file_can_have_a_byte_order_mark_and_a_line_end),
        cmocka_unit_test(an_env_file_can_have_a_byte_order_mark),
        cmocka_unit_test(usual_values_cause_no_warning),
    };
    return cmocka_run_group_tests_name("settings_messages", tests, make_folder, remove_folder);
}
