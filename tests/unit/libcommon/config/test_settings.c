/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/settings_load.h"
#include "tests/unit/settings_support.h"

static void defaults_are_set(void **state)
{
    (void)state;
    sh_settings s;
    load(SH_FOR_RECEIVER, ENV(TOKEN, KEY), &s);
    assert_string_equal(s.redis_url, "redis://127.0.0.1:6379/0");
    assert_string_equal(s.redis_prefix, "synchub");
    assert_string_equal(s.db, "/data/synchub.db");
    assert_int_equal(s.claim_idle_s, 60);
    assert_int_equal(s.role, SH_ROLE_ALL);
    assert_string_equal(s.listen, "0.0.0.0:20212");
    assert_int_equal(s.skip_macs.count, 1);
    assert_string_equal(s.skip_macs.items[0], "internet");
    assert_string_equal(s.plugins_out, "");
    assert_int_equal(s.log_level, SH_LOG_INFO);
    assert_int_equal(s.log_format, SH_LOG_TEXT);
    assert_int_not_equal(s.run, SH_RUN_ONCE); /* SYNC_RUN is not the receiver's */
    assert_int_equal(s.warnings.count, 0);
    sh_settings_reset(&s);

    load(SH_FOR_PUSHER, ENV(PUSHES), &s);
    assert_int_equal(s.run, SH_RUN_SCHEDULE);
    assert_string_equal(s.run_schedule, "*/5 * * * *");
    assert_true(s.cron.any_day_of_week);
    assert_int_equal(s.plugins.count, 0);
    assert_string_equal(s.devices_file, "/tmp/api/table_devices.json");
    assert_string_equal(s.plugins_dir, "/tmp/log/plugins");
    assert_string_equal(s.spool_dir, "/var/lib/synchub");
    assert_int_equal(s.protocol, SH_PROTOCOL_NATIVE);
    assert_int_equal(s.run_timeout_s, 30);
    assert_string_equal(s.listen, "");
    sh_settings_reset(&s);
}

static void every_setting_is_read(void **state)
{
    (void)state;
    sh_settings s;
    write_text("other", "certificates");
    load(SH_FOR_PUSHER,
         ENV(PUSHES, "SYNC_RUN=always_after_scan", "SYNC_RUN_SCHD=1 2 3 4 5",
             "SYNC_plugins=['ARPSCAN','NMAP']", "SYNC_devices_file=/x/t.json",
             "SYNC_plugins_dir=/x/p", "SYNC_spool_dir=/x/s", "SYNC_protocol=netalertx",
             "SYNC_RUN_TIMEOUT=3600", naming("SYNC_tls_ca", "other")),
         &s);
    assert_int_equal(s.run, SH_RUN_ALWAYS_AFTER_SCAN);
    assert_int_equal(s.cron.hours, 1 << 2);
    assert_string_equal(s.api_token, "a token of the tests");
    assert_string_equal(s.encryption_key, "a passphrase of the tests");
    assert_string_equal(s.node_name, "A");
    assert_string_equal(s.hub_url, "http://hub:20212");
    assert_true(s.devices);
    assert_string_equal(s.plugins.items[1], "NMAP");
    assert_string_equal(s.devices_file, "/x/t.json");
    assert_string_equal(s.plugins_dir, "/x/p");
    assert_string_equal(s.spool_dir, "/x/s");
    assert_int_equal(s.protocol, SH_PROTOCOL_NETALERTX);
    assert_int_equal(s.run_timeout_s, 3600);
    assert_string_equal(s.tls_ca, path_of("other"));
    sh_settings_reset(&s);

    load(SH_FOR_RECEIVER,
         ENV(TOKEN, KEY, "SYNC_redis_url=unix:/run/r", "SYNC_redis_prefix=a.b:c-d_1",
             "SYNC_db=postgresql://u:p@h/d", "SYNC_claim_idle_s=86400", "SYNC_receiver_role=merge",
             "SYNC_listen=[::1]:0", "SYNC_skip_macs=Internet, 00-E0-12-34-56-78",
             "SYNC_plugins_out=/x/o", "SYNC_log_level=debug", "SYNC_log_format=json"),
         &s);
    assert_string_equal(s.redis_url, "unix:/run/r");
    assert_string_equal(s.redis_prefix, "a.b:c-d_1");
    assert_string_equal(s.db, "postgresql://u:p@h/d");
    assert_int_equal(s.claim_idle_s, 86400);
    assert_int_equal(s.role, SH_ROLE_MERGE);
    assert_string_equal(s.listen, "[::1]:0");
    assert_string_equal(s.skip_macs.items[0], "Internet");
    assert_string_equal(s.skip_macs.items[1], "00:e0:12:34:56:78");
    assert_string_equal(s.plugins_out, "/x/o");
    assert_int_equal(s.log_level, SH_LOG_DEBUG);
    assert_int_equal(s.log_format, SH_LOG_JSON);
    sh_settings_reset(&s);
}

static void urls_are_normalized(void **state)
{
    (void)state;
    sh_settings s;
    load(SH_FOR_PUSHER,
         ENV(TOKEN, KEY, "SYNC_node_name=A", "SYNC_hub_url=https://hub/prefix//", "SYNC_devices=1"),
         &s);
    assert_string_equal(s.hub_url, "https://hub/prefix");
    sh_settings_reset(&s);
    load(SH_FOR_PULLER, ENV(TOKEN, KEY, "SYNC_nodes=['http://a/', ' B = http://b:1/ ']"), &s);
    assert_string_equal(s.nodes.items[0], "http://a");
    assert_string_equal(s.nodes.items[1], "B=http://b:1");
    sh_settings_reset(&s);
}

static void booleans_are_read_in_every_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool value;
    } cases[] = {
        {"SYNC_devices=True", true}, {"SYNC_devices=false", false}, {"SYNC_devices=1", true},
        {"SYNC_devices=0", false},   {"SYNC_devices=YES", true},    {"SYNC_devices=No", false},
        {"SYNC_devices=on", true},   {"SYNC_devices=OFF", false},   {"SYNC_devices= true ", true},
        {"SYNC_devices=", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_settings s;
        load(SH_FOR_PUSHER,
             ENV(TOKEN, KEY, "SYNC_node_name=A", "SYNC_listen=0.0.0.0:1", cases[i].text), &s);
        assert_int_equal(s.devices, cases[i].value);
        sh_settings_reset(&s);
    }
}

static void on_notification_is_after_each_scan(void **state)
{
    (void)state;
    sh_settings s;
    load(SH_FOR_PUSHER, ENV(PUSHES, "SYNC_RUN=on_notification"), &s);
    assert_int_equal(s.run, SH_RUN_ALWAYS_AFTER_SCAN);
    sh_settings_reset(&s);
}

/* NetAlertX's page lets its users choose any plugin, and any of them twice. */
static void sync_among_the_plugins_and_repetitions_are_passed_over(void **state)
{
    (void)state;
    sh_settings s;
    load(SH_FOR_PUSHER, ENV(PUSHES, "SYNC_plugins=['SYNC','A','B','A','sync','B']"), &s);
    assert_int_equal(s.plugins.count, 2);
    assert_string_equal(s.plugins.items[0], "A");
    assert_string_equal(s.plugins.items[1], "B");
    assert_true(has_warning(&s, "SYNC_devices=True"));
    sh_settings_reset(&s);
    load(SH_FOR_PUSHER, ENV(PUSHES, "SYNC_plugins=['SYNC']"), &s);
    assert_int_equal(s.plugins.count, 0);
    sh_settings_reset(&s);
}

static void unused_means_disabled(void **state)
{
    (void)state;
    sh_settings s;
    load(SH_FOR_PUSHER, ENV("SYNC_RUN=unused"), &s);
    assert_int_equal(s.run, SH_RUN_DISABLED);
    sh_settings_reset(&s);
}

static void names_are_case_insensitive(void **state)
{
    (void)state;
    sh_settings s;
    load(SH_FOR_RECEIVER,
         ENV("SYNC_API_TOKEN=a token of the tests", KEY, "sync_DB=/x", "SYNC_db=/x"), &s);
    assert_string_equal(s.api_token, "a token of the tests");
    assert_string_equal(s.db, "/x");
    assert_int_equal(s.warnings.count, 0);
    sh_settings_reset(&s);
    check_refused(SH_FOR_RECEIVER, ENV(TOKEN, KEY, "SYNC_DB=/y", "SYNC_db=/x"),
                  "SYNC_DB and SYNC_db are both set, to different values");
}

static void api_token_is_an_alias_of_the_token(void **state)
{
    (void)state;
    sh_settings s;
    load(SH_FOR_RECEIVER, ENV("API_TOKEN=a token of the tests", KEY), &s);
    assert_string_equal(s.api_token, "a token of the tests");
    assert_int_equal(s.warnings.count, 0);
    sh_settings_reset(&s);
    load(SH_FOR_RECEIVER, ENV("API_TOKEN=a token of the tests", TOKEN, KEY), &s);
    sh_settings_reset(&s);
    check_refused(SH_FOR_RECEIVER, ENV("API_TOKEN=another", TOKEN, KEY),
                  "SYNC_api_token and API_TOKEN are both set, to different values");
}

static void an_empty_value_counts_as_unset(void **state)
{
    (void)state;
    sh_settings s;
    load(SH_FOR_RECEIVER, ENV(TOKEN, KEY, "SYNC_db=", "SYNC_DB=/x", "SYNC_listen="), &s);
    assert_string_equal(s.db, "/x");
    assert_string_equal(s.listen, "0.0.0.0:20212");
    sh_settings_reset(&s);
}

/* --- Bad values ------------------------------------------------------------------------------ */

typedef struct {
    int who;
    const char *setting;
    const char *message;
} bad_case;

enum { PUSHER = SH_FOR_PUSHER, PULLER = SH_FOR_PULLER, RECEIVER = SH_FOR_RECEIVER };

static const bad_case bad_cases[] = {
    {PUSHER, "SYNC_RUN=sometimes",
     "SYNC_RUN holds 'sometimes': use disabled, unused, once, schedule, always_after_scan, "
     "on_notification or on_new_device"},
    {PULLER, "SYNC_RUN=on_new_device",
     "SYNC_RUN holds 'on_new_device': use disabled, unused, once or schedule"},
    {PULLER, "SYNC_RUN=always_after_scan", "use disabled, unused, once or schedule"},
    {PUSHER, "SYNC_RUN_SCHD=0 0 31 2 *", "SYNC_RUN_SCHD holds '0 0 31 2 *': this schedule never"},
    {PULLER, "SYNC_RUN_SCHD=5 minutes", "five fields"},
    {PUSHER, "SYNC_RUN_TIMEOUT=0", "SYNC_RUN_TIMEOUT holds '0': use a whole number from 1 to 3600"},
    {PUSHER, "SYNC_RUN_TIMEOUT=3601", "from 1 to 3600"},
    {PULLER, "SYNC_RUN_TIMEOUT=30s", "from 1 to 3600"},
    {PULLER, "SYNC_RUN_TIMEOUT=-1", "from 1 to 3600"},
    {RECEIVER, "SYNC_claim_idle_s=0",
     "SYNC_claim_idle_s holds '0': use a whole number from 1 to 86400"},
    {RECEIVER, "SYNC_claim_idle_s=86401", "from 1 to 86400"},
    {RECEIVER, "SYNC_claim_idle_s=99999999999999999999", "from 1 to 86400"},
    {PUSHER, "SYNC_devices=maybe", "SYNC_devices holds 'maybe': use True or False"},
    {PUSHER, "SYNC_node_name=a/b", "SYNC_node_name holds 'a/b'"},
    {PUSHER, "SYNC_node_name=..", "SYNC_node_name holds '..'"},
    {PUSHER, "SYNC_node_name=a\tb", "SYNC_node_name"},
    {PUSHER, "SYNC_node_name=\xff", "SYNC_node_name"},
    {PUSHER, "SYNC_hub_url=hub:20212", "SYNC_hub_url holds 'hub:20212'"},
    {PUSHER, "SYNC_hub_url=ftp://hub", "neither with http:// nor with https://"},
    {PUSHER, "SYNC_hub_url=http://hub/sync", "omit /sync"},
    {PUSHER, "SYNC_hub_url=http://hub/SYNC/", "omit /sync"},
    {PUSHER, "SYNC_hub_url=http://hub?x", "query"},
    {PUSHER, "SYNC_plugins=['A-B']", "SYNC_plugins holds '['A-B']': entry 1"},
    {PUSHER, "SYNC_plugins=['A'", "no closing"},
    {PUSHER, "SYNC_protocol=http", "SYNC_protocol holds 'http': use native or netalertx"},
    {PULLER, "SYNC_nodes=node-a", "SYNC_nodes holds 'node-a': entry 1"},
    {PULLER, "SYNC_nodes=http://a,http://a/", "duplicate URL http://a"},
    {PULLER, "SYNC_nodes=http://a,HTTP://A:80", "duplicate URL"},
    {PULLER, "SYNC_nodes=x=https://a,y=https://a:443", "duplicate URL"},
    {PULLER, "SYNC_nodes=x=http://a,x=http://b", "duplicate name 'x'"},
    {PULLER, "SYNC_nodes=http://a,http://b/sync", "entry 2: omit /sync"},
    {PULLER, "SYNC_nodes=a/b=http://a", "entry 1"},
    {RECEIVER, "SYNC_redis_url=http://h", "SYNC_redis_url holds 'http://h': unknown scheme"},
    {RECEIVER, "SYNC_redis_url=redis://h/x", "must be a database number"},
    {RECEIVER, "SYNC_redis_url=unix:/", "path is missing"},
    {RECEIVER, "SYNC_redis_url=redis:/x", "host is missing"},
    {PULLER, "SYNC_redis_url=h:6379", "use redis://"},
    {RECEIVER, "SYNC_redis_prefix=a b", "SYNC_redis_prefix holds 'a b': use 1 to 64"},
    {RECEIVER, "SYNC_db=mysql://h/d", "SYNC_db holds 'mysql://h/d': use the path"},
    {RECEIVER, "SYNC_db=host=h password=hush",
     "SYNC_db holds a bad value (not shown): a path with '='"},
    {RECEIVER, "SYNC_db=dbname=x", "connection string"},
    {RECEIVER, "SYNC_db=sqlite:///data/x", "use the path"},
    {RECEIVER, "SYNC_db=:memory:", "memory is not persistent"},
    {RECEIVER, "SYNC_db=/data/", "this is a folder"},
    {RECEIVER, "SYNC_db=file:/data/x", "use the path"},
    {RECEIVER, "SYNC_receiver_role=both", "use all, ingest, merge or console"},
    {RECEIVER, "SYNC_listen=20212", "SYNC_listen holds '20212'"},
    {PUSHER, "SYNC_listen=localhost:1", "SYNC_listen holds 'localhost:1'"},
    {RECEIVER, "SYNC_skip_macs=['a\\tb']", "SYNC_skip_macs"},
    {RECEIVER, "SYNC_tls_ca=/nowhere/ca.pem",
     "SYNC_tls_ca holds '/nowhere/ca.pem': cannot open the file"},
    {RECEIVER, "SYNC_tls_ca=/", "use a file with certificates"},
    {RECEIVER, "SYNC_log_level=loud", "use error, warning, info or debug"},
    {PUSHER, "SYNC_log_format=xml", "use text or json"},
};

static void an_invalid_value_is_rejected_with_the_remedy(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_cases / sizeof bad_cases[0]; i++) {
        /*
         * Complete except for this setting, and disabled if possible: a bad value is an error all
         * the same.
         */
        check_refused(bad_cases[i].who, ENV(bad_cases[i].setting, TOKEN, KEY),
                      bad_cases[i].message);
        if (strncmp(bad_cases[i].setting, "SYNC_RUN=", 9) != 0 &&
            bad_cases[i].who != SH_FOR_RECEIVER)
            check_refused(bad_cases[i].who, ENV(bad_cases[i].setting, "SYNC_RUN=disabled"),
                          bad_cases[i].message);
    }
}

static void the_redis_prefix_is_limited(void **state)
{
    (void)state;
    char text[128] = "SYNC_redis_prefix=";
    size_t head = strlen(text);
    memset(text + head, 'p', 64);
    sh_settings s;
    load(SH_FOR_RECEIVER, ENV(TOKEN, KEY, text), &s);
    sh_settings_reset(&s);
    text[head + 64] = 'p';
    check_refused(SH_FOR_RECEIVER, ENV(TOKEN, KEY, text), "use 1 to 64");
}

static void an_error_never_repeats_a_secret(void **state)
{
    (void)state;
    static const char *const settings[] = {
        "SYNC_api_token=hush\n",
        "SYNC_api_token= hush",
        "SYNC_redis_url=redis://u:hush@h/x",
        "SYNC_redis_url=redis://u:hu/sh@h",
        "SYNC_redis_url=h:hush@h",
        "SYNC_db=mysql://u:hush@h/d",
        "SYNC_db=mysql://h/d?password=hush",
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        sh_settings s;
        sh_error error = {0};
        assert_int_equal(sh_settings_load(SH_FOR_RECEIVER, ENV(KEY, settings[i]), &s, &error),
                         SH_E_CONFIG);
        if (strstr(error.message, "hu") != NULL)
            fail_msg("%s", error.message);
        assert_non_null(strstr(error.message, "(not shown)"));
        sh_settings_reset(&s);
    }
    sh_settings s;
    sh_error error = {0};
    assert_int_equal(
        sh_settings_load(SH_FOR_PUSHER, ENV("SYNC_hub_url=http://u:hush@h"), &s, &error),
        SH_E_CONFIG);
    assert_null(strstr(error.message, "hush"));
    sh_settings_reset(&s);
}

static void a_long_value_is_rejected(void **state)
{
    (void)state;
    static char text[SH_SETTING_MAX + 32] = "SYNC_db=/";
    size_t head = strlen(text);
    memset(text + head, 'd', SH_SETTING_MAX - 1);
    sh_settings s;
    load(SH_FOR_RECEIVER, ENV(TOKEN, KEY, text), &s);
    assert_int_equal(strlen(s.db), SH_SETTING_MAX);
    sh_settings_reset(&s);
    text[head + SH_SETTING_MAX - 1] = 'd';
    check_refused(SH_FOR_RECEIVER, ENV(TOKEN, KEY, text), "SYNC_db is longer than 65536 bytes");
}

/* --- What a program needs -------------------------------------------------------------------- */

static void a_missing_setting_is_named(void **state)
{
    (void)state;
    check_refused(SH_FOR_RECEIVER, ENV(KEY), "SYNC_api_token is not set (no token)");
    check_refused(SH_FOR_RECEIVER, ENV(TOKEN),
                  "SYNC_encryption_key is not set (no key): set it to the same long random "
                  "passphrase on every node and on the hub");
    check_refused(SH_FOR_PUSHER, ENV(TOKEN, KEY, "SYNC_devices=1", "SYNC_node_name=A"),
                  "SYNC_hub_url is not set");
    check_refused(SH_FOR_PUSHER, ENV(TOKEN, KEY, "SYNC_hub_url=http://h", "SYNC_node_name=A"),
                  "there is nothing to push: set SYNC_devices=True");
    check_refused(SH_FOR_PUSHER, ENV(TOKEN, KEY, "SYNC_hub_url=http://h", "SYNC_devices=1"),
                  "SYNC_node_name is not set");
    check_refused(SH_FOR_PUSHER, ENV(TOKEN, KEY, "SYNC_listen=0.0.0.0:1"),
                  "SYNC_node_name is not set");
}

static void a_disabled_program_needs_nothing(void **state)
{
    (void)state;
    sh_settings s;
    load(SH_FOR_PUSHER, ENV("SYNC_RUN=disabled"), &s);
    sh_settings_reset(&s);
    load(SH_FOR_PULLER, ENV("SYNC_RUN=disabled"), &s);
    sh_settings_reset(&s);
    check_refused(SH_FOR_RECEIVER, ENV("SYNC_RUN=disabled"), "SYNC_api_token is not set");
}

static void a_partial_load_neither_needs_nor_reads_secrets(void **state)
{
    (void)state;
    sh_settings s;
    sh_error error = {0};
    assert_int_equal(
        sh_settings_load_part(SH_FOR_RECEIVER,
                              ENV(TOKEN, KEY, "SYNC_db=/x", "SYNC_encryption_key_FILE=/nowhere"),
                              &s, &error),
        SH_OK);
    assert_string_equal(s.api_token, "");
    assert_string_equal(s.encryption_key, "");
    assert_string_equal(s.db, "/x");
    sh_settings_reset(&s);
    assert_int_equal(sh_settings_load_part(SH_FOR_RECEIVER, ENV("SYNC_db=/x/"), &s, &error),
                     SH_E_CONFIG);
    sh_settings_reset(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_set),
        cmocka_unit_test(every_setting_is_read),
        cmocka_unit_test(urls_are_normalized),
        cmocka_unit_test(booleans_are_read_in_every_spelling),
        cmocka_unit_test(on_notification_is_after_each_scan),
        cmocka_unit_test(sync_among_the_plugins_and_repetitions_are_passed_over),
        cmocka_unit_test(unused_means_disabled),
        cmocka_unit_test(names_are_case_insensitive),
        cmocka_unit_test(api_token_is_an_alias_of_the_token),
        cmocka_unit_test(an_empty_value_counts_as_unset),
        cmocka_unit_test(an_invalid_value_is_rejected_with_the_remedy),
        cmocka_unit_test(the_redis_prefix_is_limited),
        cmocka_unit_test(an_error_never_repeats_a_secret),
        cmocka_unit_test(a_long_value_is_rejected),
        cmocka_unit_test(a_missing_setting_is_named),
        cmocka_unit_test(a_disabled_program_needs_nothing),
        cmocka_unit_test(a_partial_load_neither_needs_nor_reads_secrets),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
