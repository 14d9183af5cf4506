/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/settings_diff.h"
#include "libcommon/config/settings_load.h"
#include "libcommon/config/settings_print.h"
#include "tests/unit/settings_support.h"

/* --- Files ----------------------------------------------------------------------------------- */

static void a_value_can_be_in_its_own_file(void **state)
{
    (void)state;
    static const struct {
        const char *content, *token;
    } cases[] = {
        {"a token of the tests", "a token of the tests"},
        {"a token of the tests\n", "a token of the tests"},
        {"a token of the tests\r\n", "a token of the tests"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static const char *const names[] = {"SYNC_api_token_FILE", "sync_API_token_file",
                                            "API_TOKEN_FILE"};
        write_text("token", cases[i].content);
        sh_settings s;
        load(SH_FOR_RECEIVER, ENV(naming(names[i], "token"), KEY), &s);
        assert_string_equal(s.api_token, cases[i].token);
        assert_int_equal(s.warnings.count, 0);
        sh_settings_reset(&s);
    }
}

static void an_unusable_file_is_rejected(void **state)
{
    (void)state;
    const char *token_file = naming("SYNC_api_token_FILE", "token");
    (void)unlink(path_of("token"));
    check_refused(SH_FOR_RECEIVER, ENV(token_file, KEY), "SYNC_api_token_FILE: ");
    check_refused(SH_FOR_RECEIVER, ENV(token_file, KEY), path_of("token"));
    check_refused(SH_FOR_RECEIVER, ENV("SYNC_api_token_FILE=/", KEY), "SYNC_api_token_FILE: ");
    write_text("token", "");
    check_refused(SH_FOR_RECEIVER, ENV(token_file, KEY), "is empty");
    write_text("token", "\r\n");
    check_refused(SH_FOR_RECEIVER, ENV(token_file, KEY), "is empty");
    write_text("token", "two\n\n");
    check_refused(SH_FOR_RECEIVER, ENV(token_file, KEY), "must not contain control characters");
    write_file("token", "a\0b", 3);
    check_refused(SH_FOR_RECEIVER, ENV(token_file, KEY), "NUL");
    write_text("token", "a token of the tests");
    check_refused(SH_FOR_RECEIVER, ENV(token_file, TOKEN, KEY),
                  "SYNC_api_token and SYNC_api_token_FILE are both set");
    check_refused(SH_FOR_RECEIVER, ENV(token_file, "API_TOKEN=x", KEY),
                  "API_TOKEN and SYNC_api_token_FILE are both set");
}

/* --- Credentials and files of a service ------------------------------------------------------ */

static void a_systemd_credential_can_have_the_secret(void **state)
{
    (void)state;
    char directory[160];
    (void)snprintf(directory, sizeof directory, "CREDENTIALS_DIRECTORY=%s", folder);
    write_text("synchub.token", "a token of the tests\n");
    write_text("synchub.db", "postgresql://u:p@h/d");
    sh_settings s;
    load(SH_FOR_RECEIVER, ENV(directory, KEY), &s);
    assert_string_equal(s.api_token, "a token of the tests");
    assert_string_equal(s.db, "postgresql://u:p@h/d");
    sh_settings_reset(&s);
    check_refused(SH_FOR_RECEIVER, ENV(directory, TOKEN, KEY),
                  "SYNC_api_token is set, and there is also the credential synchub.token");
    check_refused(SH_FOR_RECEIVER, ENV(directory, KEY, "SYNC_db=/x"), "the credential synchub.db");
    /* The value that the units set for a missing credential. */
    write_text("synchub.token", "\n");
    check_refused(SH_FOR_RECEIVER, ENV(directory, KEY), "SYNC_api_token is not set");
    write_text("synchub.token", "");
    check_refused(SH_FOR_RECEIVER, ENV(directory, KEY), "SYNC_api_token is not set");
    (void)unlink(path_of("synchub.token"));
    check_refused(SH_FOR_RECEIVER, ENV(directory, KEY), "SYNC_api_token is not set");
    /* A pusher has no database. */
    load(SH_FOR_PUSHER, ENV(directory, PUSHES, "SYNC_log_level=debug"), &s);
    assert_string_equal(s.hub_url, "http://hub:20212");
    sh_settings_reset(&s);
    (void)unlink(path_of("synchub.db"));
}

static void an_empty_environment_uses_the_settings_of_the_service(void **state)
{
    (void)state;
    sh_settings s;
    write_text("receiver.env", "# of the service\nSYNC_encryption_key='a passphrase of the tests'\n"
                               "OTHER=x\nSYNC_db=/from/file.db\n");
    write_text("synchub.token", "a token of the tests");
    sh_settings_set_folders(folder, folder);
    load(SH_FOR_RECEIVER, ENV("PATH=/bin"), &s);
    assert_string_equal(s.db, "/from/file.db");
    assert_string_equal(s.api_token, "a token of the tests");
    sh_settings_reset(&s);
    /* With one variable of ours, only the environment counts. */
    check_refused(SH_FOR_RECEIVER, ENV("SYNC_db=/x", KEY), "SYNC_api_token is not set");
    write_text("receiver.env", "SYNC_db\n");
    check_refused(SH_FOR_RECEIVER, ENV("PATH=/bin"), "receiver.env: line 1 has no '='");
    (void)unlink(path_of("receiver.env"));
    check_refused(SH_FOR_RECEIVER, ENV("PATH=/bin"), "SYNC_api_token is not set");
    sh_settings_set_folders(NULL, NULL);
    (void)unlink(path_of("synchub.token"));
}

static void a_value_file_is_limited(void **state)
{
    (void)state;
    static char content[SH_SETTING_MAX + 2];
    memset(content, 'k', sizeof content);
    content[SH_SETTING_MAX] = '\n';
    write_file("token", content, SH_SETTING_MAX + 1);
    sh_settings s;
    load(SH_FOR_RECEIVER, ENV(TOKEN, naming("SYNC_encryption_key_FILE", "token")), &s);
    assert_int_equal(strlen(s.encryption_key), SH_SETTING_MAX);
    sh_settings_reset(&s);
    content[SH_SETTING_MAX] = 'k';
    write_file("token", content, SH_SETTING_MAX + 1);
    check_refused(SH_FOR_RECEIVER, ENV(TOKEN, naming("SYNC_encryption_key_FILE", "token")),
                  "has more than 65536 bytes");
    write_file("token", content, SH_SETTING_MAX + 2);
    check_refused(SH_FOR_RECEIVER, ENV(TOKEN, naming("SYNC_encryption_key_FILE", "token")),
                  "has more than 65536 bytes");
    static char large[SH_SETTING_MAX + 8];
    memset(large, 'k', sizeof large);
    write_file("token", large, sizeof large);
    check_refused(SH_FOR_RECEIVER, ENV(TOKEN, naming("SYNC_encryption_key_FILE", "token")),
                  "SYNC_encryption_key_FILE: ");
}

static void a_setting_that_ends_in_file_is_not_a_value_file(void **state)
{
    (void)state;
    sh_settings s;
    load(SH_FOR_PUSHER, ENV(PUSHES, "SYNC_DEVICES_FILE=/nowhere/t.json"), &s);
    assert_string_equal(s.devices_file, "/nowhere/t.json");
    assert_true(s.devices);
    sh_settings_reset(&s);
    write_text("other", "/x/t.json\n");
    load(SH_FOR_PUSHER, ENV(PUSHES, naming("SYNC_devices_file_FILE", "other")), &s);
    assert_string_equal(s.devices_file, "/x/t.json");
    sh_settings_reset(&s);
}

static void the_environment_overrides_app_conf(void **state)
{
    (void)state;
    write_text("app.conf", "TIMEZONE='Europe/Berlin'\n"
                           "SYNC_RUN='schedule' # five minutes\n"
                           "SYNC_api_token='of the file, long enough'\n"
                           "SYNC_encryption_key='of the file, long enough'\n"
                           "SYNC_node_name='Node_A'\nSYNC_node_name='Node_B'\n"
                           "SYNC_hub_url='http://hub:20212'\n"
                           "SYNC_devices=True\nSYNC_RUN_TIMEOUT=44\n"
                           "SYNC_plugins=['ARPSCAN',\n 'NMAP']\n"
                           "SYNC_log_level=''\n"
                           "SYNC_CMD='python3'\nSYNC_SET_ALWAYS=['x']\n"
                           "SYNC_devices__metadata='{}'\n");
    sh_settings s;
    load(SH_FOR_PUSHER,
         ENV(naming("SYNC_config_file", "app.conf"), "API_TOKEN=of the environment, long",
             "SYNC_RUN_TIMEOUT=55"),
         &s);
    assert_string_equal(s.api_token, "of the environment, long");
    assert_string_equal(s.encryption_key, "of the file, long enough");
    assert_string_equal(s.node_name, "Node_B");
    assert_true(s.devices);
    assert_int_equal(s.run_timeout_s, 55);
    assert_int_equal(s.plugins.count, 2);
    assert_int_equal(s.log_level, SH_LOG_INFO);
    assert_int_equal(s.warnings.count, 0);
    sh_settings_reset(&s);
}

static void an_invalid_app_conf_is_rejected(void **state)
{
    (void)state;
    check_refused(SH_FOR_RECEIVER, ENV(TOKEN, KEY, "SYNC_config_file=/nowhere/app.conf"),
                  "SYNC_config_file: /nowhere/app.conf");
    static const struct {
        const char *content, *message;
    } cases[] = {
        {"A=1\nSYNC_db=open('x')\n", "line 2: SYNC_db: expected a literal"},
        {"SYNC_db=['/x']\n", "SYNC_db holds a list; use a single value"},
        {"SYNC_listen='x'\n", "SYNC_listen holds 'x'"},
        {"SYNC_db='/x'\nsync_db='/y'\n", "SYNC_db and sync_db are both set, to different values"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_text("app.conf", cases[i].content);
        check_refused(SH_FOR_RECEIVER, ENV(TOKEN, KEY, naming("SYNC_config_file", "app.conf")),
                      cases[i].message);
    }
}

/* A node's app.conf has settings for all programs and for NetAlertX. */
static void an_invalid_literal_matters_only_where_it_is_used(void **state)
{
    (void)state;
    sh_settings s;
    write_text("app.conf", "SYNC_CMD=f'{x}'\nSYNC_nonsense_here=(1)\nSYNC_node_name=open('x')\n"
                           "SYNC_log_level=debug\nSYNC_claim_idle_s=7\n");
    load(SH_FOR_RECEIVER,
         ENV(TOKEN, KEY, "SYNC_log_level=error", naming("SYNC_config_file", "app.conf")), &s);
    assert_int_equal(s.claim_idle_s, 7);
    assert_int_equal(s.log_level, SH_LOG_ERROR);
    assert_int_equal(s.warnings.count, 4);
    assert_true(has_warning(&s, "line 1: SYNC_CMD: bytes literals and f-strings"));
    assert_true(has_warning(&s, "line 2: SYNC_nonsense_here: expected a literal"));
    assert_true(has_warning(&s, "line 3: SYNC_node_name: expected a literal"));
    assert_true(has_warning(&s, "line 4: SYNC_log_level: expected a literal"));
    sh_settings_reset(&s);
    check_refused(SH_FOR_PUSHER, ENV(TOKEN, KEY, naming("SYNC_config_file", "app.conf")),
                  "SYNC_config_file: ");
    write_text("app.conf", "SYNC_node_name=open('x')\n");
    check_refused(SH_FOR_PUSHER, ENV(TOKEN, KEY, naming("SYNC_config_file", "app.conf")),
                  "app.conf, line 1: SYNC_node_name: expected a literal");
    write_text("app.conf", "SYNC_encryption_key=\n"); /* NetAlertX would not start with it */
    check_refused(SH_FOR_RECEIVER, ENV(TOKEN, naming("SYNC_config_file", "app.conf")),
                  "line 1: SYNC_encryption_key: expected a literal");
    write_text("app.conf", "SYNC_CMD='''\nSYNC_claim_idle_s=7\n");
    check_refused(SH_FOR_RECEIVER, ENV(TOKEN, KEY, naming("SYNC_config_file", "app.conf")),
                  "line 1: SYNC_CMD: unterminated string");
}

/* --- Warnings -------------------------------------------------------------------------------- */

static void an_override_has_precedence_over_its_app_conf(void **state)
{
    (void)state;
    sh_settings s;
    write_text("app.conf", "API_TOKEN='a token of the file'\nSYNC_encryption_key='of the file'\n"
                           "SYNC_node_name='File'\nSYNC_hub_url='http://file:1'\n"
                           "SYNC_devices=False\nSYNC_plugins=['A']\nSYNC_RUN_TIMEOUT=5\n");
    write_text("app_conf_override.json",
               "{\"API_TOKEN\": \"a token of the override\", \"SYNC_devices\": true,"
               " \"SYNC_plugins\": \"['B', 'C']\", \"SYNC_RUN_TIMEOUT\": 7, \"TIMEZONE\": {},"
               " \"SYNC_node_name\": \"\\u00dcber\", \"SYNC_odd\": 1}");
    load(SH_FOR_PUSHER, ENV(naming("SYNC_config_file", "app.conf"), "SYNC_RUN_TIMEOUT=9"), &s);
    assert_string_equal(s.api_token, "a token of the override");
    assert_string_equal(s.encryption_key, "of the file");
    assert_string_equal(s.node_name, "\xc3\x9c"
                                     "ber");
    assert_string_equal(s.hub_url, "http://file:1");
    assert_true(s.devices);
    assert_int_equal(s.plugins.count, 2);
    assert_string_equal(s.plugins.items[1], "C");
    assert_int_equal(s.run_timeout_s, 9);
    assert_true(has_warning(&s, "SYNC_odd"));
    assert_true(s.config_stamp.exists && s.override_stamp.exists);
    sh_settings_reset(&s);
    write_text("app_conf_override.json", "{\"SYNC_plugins\": [\"D\"], \"SYNC_node_name\": \"\"}");
    load(SH_FOR_PUSHER, ENV(naming("SYNC_config_file", "app.conf")), &s);
    assert_string_equal(s.plugins.items[0], "D");
    assert_string_equal(s.node_name, "File");
    sh_settings_reset(&s);
    write_text("app_conf_override.json", "{\"SYNC_RUN_TIMEOUT\": \"soon\"}");
    check_refused(SH_FOR_PUSHER, ENV(naming("SYNC_config_file", "app.conf")),
                  "SYNC_RUN_TIMEOUT holds 'soon'");
    (void)unlink(path_of("app_conf_override.json"));
}

/* NetAlertX ignores it, so nodes must not stop because of it. */
static void an_override_that_is_not_an_object_is_ignored_with_a_warning(void **state)
{
    (void)state;
    static const char *const cases[] = {"", "{\"SYNC_node_name\": \"Half\", ", "[]",
                                        "{\"SYNC_node_name\": \"N\\u0000\"}", "nonsense"};
    write_text("app.conf", "SYNC_node_name='File'\n");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_settings s;
        write_text("app_conf_override.json", cases[i]);
        load(SH_FOR_PUSHER,
             ENV(TOKEN, KEY, "SYNC_hub_url=http://hub:1", "SYNC_devices=1",
                 naming("SYNC_config_file", "app.conf")),
             &s);
        assert_string_equal(s.node_name, "File");
        assert_true(has_warning(&s, "app_conf_override.json is ignored"));
        sh_settings_reset(&s);
    }
    (void)unlink(path_of("app_conf_override.json"));
}

static void settings_that_differ_are_named(void **state)
{
    (void)state;
    sh_settings a, b;
    sh_buf names = SH_BUF_INIT(1000);
    load(SH_FOR_PUSHER, ENV(PUSHES), &a);
    load(SH_FOR_PUSHER, ENV(PUSHES), &b);
    assert_int_equal(sh_settings_differ(&a, &b, SH_FOR_PUSHER, &names), SH_OK);
    assert_int_equal(names.len, 0);
    sh_settings_reset(&b);
    load(SH_FOR_PUSHER,
         ENV("SYNC_api_token=another token of the tests", KEY, "SYNC_node_name=B",
             "SYNC_hub_url=http://hub:20212", "SYNC_devices=False", "SYNC_plugins=X",
             "SYNC_RUN_TIMEOUT=1", "SYNC_RUN=once"),
         &b);
    assert_int_equal(sh_settings_differ(&a, &b, SH_FOR_PUSHER, &names), SH_OK);
    assert_string_equal(names.data, "SYNC_RUN, SYNC_api_token, SYNC_node_name, SYNC_devices, "
                                    "SYNC_plugins, SYNC_RUN_TIMEOUT");
    sh_buf_reset(&names);
    sh_settings_reset(&a);
    sh_settings_reset(&b);
}

static void an_unknown_name_causes_a_warning_with_the_nearest_one(void **state)
{
    (void)state;
    sh_settings s;
    write_text("app.conf", "SYNC_nonsense_here=1\n");
    load(SH_FOR_RECEIVER,
         ENV(TOKEN, KEY, "SYNC_REDDIS_URL=x", "SYNC_db_FLIE=/x", "SYNC_node_name_FILE=/nowhere",
             "SYNC_hub_url=not checked here", "SYNC_CMD=x", "SYNC_report_on=x", "API_TOKENS=x",
             "SYNCHUB=x", naming("SYNC_config_file", "app.conf")),
         &s);
    assert_true(has_warning(&s, "SYNC_REDDIS_URL is not a setting and is ignored: did you mean "
                                "SYNC_redis_url?"));
    assert_true(has_warning(&s, "SYNC_db_FLIE is not a setting"));
    assert_true(has_warning(&s, "SYNC_nonsense_here is not a setting and is ignored"));
    assert_int_equal(s.warnings.count, 3);
    sh_settings_reset(&s);
}

static void short_secrets_cause_a_warning(void **state)
{
    (void)state;
    sh_settings s;
    load(SH_FOR_RECEIVER,
         ENV("SYNC_api_token=123456789012345", "SYNC_encryption_key=123456789012345"), &s);
    assert_true(has_warning(&s, "SYNC_api_token has fewer than 16"));
    assert_true(has_warning(&s, "SYNC_encryption_key has fewer than 16"));
    assert_false(has_warning(&s, "1234"));
    sh_settings_reset(&s);
    load(SH_FOR_RECEIVER,
         ENV("SYNC_api_token=1234567890123456", "SYNC_encryption_key= 1234567890123456"), &s);
    assert_int_equal(s.warnings.count, 1);
    assert_true(has_warning(&s, "SYNC_encryption_key begins or ends with white space"));
    sh_settings_reset(&s);
}

static void an_unknown_time_zone_causes_a_warning(void **state)
{
    (void)state;
    static const char *const good[] = {
        "TZ=Europe/Berlin",
        "TZ=:Europe/Berlin",
        "TZ=UTC",
        "TZ=",
        "TZ=CET-1CEST,M3.5.0,M10.5.0/3",
        "TZ=<+03>-3",
        "TZ=/usr/share/zoneinfo/Europe/Berlin",
    };
    static const char *const bad[] = {"TZ=Europe/Berln", "TZ=Berlin", "TZ=/nowhere", "TZ=<+03"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        sh_settings s;
        load(SH_FOR_RECEIVER, ENV(TOKEN, KEY, good[i]), &s);
        if (s.warnings.count != 0)
            fail_msg("%s", s.warnings.items[0]);
        sh_settings_reset(&s);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        sh_settings s;
        load(SH_FOR_RECEIVER, ENV(TOKEN, KEY, bad[i]), &s);
        if (!has_warning(&s, "TZ holds"))
            fail_msg("%s", bad[i]);
        sh_settings_reset(&s);
    }
}

static void a_hub_with_nothing_to_push_causes_a_warning(void **state)
{
    (void)state;
    sh_settings s;
    load(SH_FOR_PUSHER,
         ENV(TOKEN, KEY, "SYNC_node_name=A", "SYNC_hub_url=http://h", "SYNC_listen=0.0.0.0:1"), &s);
    assert_true(has_warning(&s, "nothing will be pushed"));
    sh_settings_reset(&s);
}

/* --- Printing -------------------------------------------------------------------------------- */

static char *print(const sh_settings *settings, int who)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    assert_int_equal(sh_settings_print(settings, who, out), SH_OK);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void settings_are_printed_without_secrets(void **state)
{
    (void)state;
    sh_settings s;
    write_text("app.conf", "SYNC_claim_idle_s=7\n");
    write_text("token", "hush hush hush hush");
    load(SH_FOR_RECEIVER,
         ENV(naming("SYNC_api_token_FILE", "token"), "SYNC_encryption_key=hush hush hush hush",
             "SYNC_redis_url=redis://user:hush@h/1",
             "SYNC_db=postgresql://u:hu@sh@h/d?a=b&password=hush&c=d",
             "SYNC_skip_macs=['a\"b','c']", naming("SYNC_config_file", "app.conf")),
         &s);
    char *text = print(&s, SH_FOR_RECEIVER);
    assert_null(strstr(text, "hush"));
    assert_null(strstr(text, "hu@"));
    static const char *const lines[] = {
        "SYNC_api_token=(hidden) (from file)\n",
        "SYNC_encryption_key=(hidden) (from environment)\n",
        "SYNC_redis_url=redis://user:(hidden)@h/1 (from environment)\n",
        "SYNC_db=postgresql://u:(hidden)@h/d?a=b&password=(hidden)&c=d (from environment)\n",
        "SYNC_claim_idle_s=7 (from file)\n",
        "SYNC_receiver_role=all (from default)\n",
        "SYNC_listen=0.0.0.0:20212 (from default)\n",
        "SYNC_skip_macs=[\"a\\\"b\",\"c\"] (from environment)\n",
        "SYNC_log_level=info (from default)\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (strstr(text, lines[i]) == NULL)
            fail_msg("no %s in %s", lines[i], text);
    }
    assert_null(strstr(text, "SYNC_nodes")); /* the puller's */
    free(text);
    sh_settings_reset(&s);

    load(SH_FOR_PUSHER, ENV("SYNC_RUN=unused", "SYNC_devices=yes"), &s);
    text = print(&s, SH_FOR_PUSHER);
    assert_non_null(strstr(text, "SYNC_api_token=(not set) (from default)\n"));
    assert_non_null(strstr(text, "SYNC_RUN=disabled (from environment)\n"));
    assert_non_null(strstr(text, "SYNC_devices=True (from environment)\n"));
    assert_non_null(strstr(text, "SYNC_listen= (from default)\n"));
    free(text);
    sh_settings_reset(&s);
}

static void a_full_disk_is_reported_when_printing(void **state)
{
    (void)state;
    sh_settings s;
    load(SH_FOR_RECEIVER, ENV(TOKEN, KEY), &s);
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    assert_int_equal(sh_settings_print(&s, SH_FOR_RECEIVER, full), SH_E_IO);
    (void)fclose(full);
    sh_settings_reset(&s);
}

static void help_names_each_setting_of_a_program_with_its_default(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    sh_settings_help(SH_FOR_PULLER, out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "SYNC_api_token or API_TOKEN\n"));
    assert_non_null(strstr(text, "SYNC_nodes (default: [])\n"));
    assert_non_null(strstr(text, "SYNC_RUN_SCHD (default: */5 * * * *)\n"));
    assert_null(strstr(text, "SYNC_db"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_can_be_in_its_own_file),
        cmocka_unit_test(an_unusable_file_is_rejected),
        cmocka_unit_test(a_systemd_credential_can_have_the_secret),
        cmocka_unit_test(an_empty_environment_uses_the_settings_of_the_service),
        cmocka_unit_test(a_value_file_is_limited),
        cmocka_unit_test(a_setting_that_ends_in_file_is_not_a_value_file),
        cmocka_unit_test(the_environment_overrides_app_conf),
        cmocka_unit_test(an_invalid_app_conf_is_rejected),
        cmocka_unit_test(an_invalid_literal_matters_only_where_it_is_used),
        cmocka_unit_test(an_override_has_precedence_over_its_app_conf),
        cmocka_unit_test(an_override_that_is_not_an_object_is_ignored_with_a_warning),
        cmocka_unit_test(settings_that_differ_are_named),
        cmocka_unit_test(an_unknown_name_causes_a_warning_with_the_nearest_one),
        cmocka_unit_test(short_secrets_cause_a_warning),
        cmocka_unit_test(an_unknown_time_zone_causes_a_warning),
        cmocka_unit_test(a_hub_with_nothing_to_push_causes_a_warning),
        cmocka_unit_test(settings_are_printed_without_secrets),
        cmocka_unit_test(a_full_disk_is_reported_when_printing),
        cmocka_unit_test(help_names_each_setting_of_a_program_with_its_default),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
