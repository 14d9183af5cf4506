/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/settings_made_on_hub.h"

#include "tests/unit/settings_support.h"

/* Reads a JSON object as it is published. */
static void read_hub(const char *json, sh_source *ret)
{
    sh_error error = {0};
    *ret = (sh_source){0};
    if (sh_source_from_json(sh_slice_of(json), ret, &error) != SH_OK)
        fail_msg("%s", error.message);
}

static void load_with(const char *json, int who, environment env, sh_settings *ret)
{
    sh_source hub;
    sh_error error = {0};
    read_hub(json, &hub);
    if (sh_settings_load_with_hub(who, env, &hub, ret, &error) != SH_OK)
        fail_msg("%s", error.message);
    sh_source_reset(&hub);
}

static int origin_of(const sh_settings *settings, const char *name, int who)
{
    return settings->origins[sh_setting_find(name, who) - sh_setting_table];
}

static void the_hub_is_between_environment_and_default(void **state)
{
    (void)state;
    sh_settings settings;
    load_with("{\"SYNC_RUN_TIMEOUT\":\"7\",\"SYNC_nodes\":\"[\\\"http://a:1\\\"]\"}", SH_FOR_PULLER,
              ENV(TOKEN, KEY, "SYNC_RUN_TIMEOUT=5"), &settings);
    assert_int_equal(settings.run_timeout_s, 5);
    assert_int_equal(origin_of(&settings, "SYNC_RUN_TIMEOUT", SH_FOR_PULLER),
                     SH_ORIGIN_ENVIRONMENT);
    assert_int_equal(settings.nodes.count, 1);
    assert_int_equal(origin_of(&settings, "SYNC_nodes", SH_FOR_PULLER), SH_ORIGIN_HUB);
    assert_string_equal(settings.run_schedule, "*/5 * * * *");
    assert_int_equal(origin_of(&settings, "SYNC_RUN_SCHD", SH_FOR_PULLER), SH_ORIGIN_DEFAULT);
    sh_settings_reset(&settings);
}

static void an_app_conf_has_precedence_over_the_hub(void **state)
{
    (void)state;
    sh_settings settings;
    write_text("app.conf", "SYNC_RUN_TIMEOUT=6\n");
    load_with("{\"SYNC_RUN_TIMEOUT\":\"7\"}", SH_FOR_PULLER,
              ENV(TOKEN, KEY, naming("SYNC_config_file", "app.conf")), &settings);
    assert_int_equal(settings.run_timeout_s, 6);
    sh_settings_reset(&settings);
}

static void what_a_program_cannot_use_keeps_its_default(void **state)
{
    (void)state;
    sh_settings settings;
    load_with("{\"SYNC_RUN\":\"on_full_moon\",\"SYNC_listen\":\"0.0.0.0:1\",\"SYNC_new\":\"x\"}",
              SH_FOR_PULLER, ENV(TOKEN, KEY), &settings);
    assert_int_equal(settings.run, SH_RUN_SCHEDULE);
    assert_string_equal(settings.listen, "");
    assert_true(has_warning(&settings, "the hub's setting is ignored here: SYNC_RUN holds "
                                       "'on_full_moon'"));
    sh_settings_reset(&settings);
}

static void a_node_takes_nothing_from_the_hub(void **state)
{
    (void)state;
    sh_settings settings;
    load_with("{\"SYNC_RUN_TIMEOUT\":\"7\",\"SYNC_log_level\":\"debug\"}", SH_FOR_PUSHER,
              ENV(PUSHES), &settings);
    assert_int_equal(settings.run_timeout_s, 30);
    assert_int_equal(settings.log_level, SH_LOG_INFO);
    sh_settings_reset(&settings);
}

static void values_are_stored_in_their_normal_form(void **state)
{
    (void)state;
    static const char *const values[][3] = {
        {"SYNC_nodes", "http://a:1/, b = http://B:2", "[\"http://a:1\",\"b=http://B:2\"]"},
        {"sync_skip_macs", "['AA-BB-CC-DD-EE-FF']", "[\"aa:bb:cc:dd:ee:ff\"]"},
        {"SYNC_skip_macs", "[]", "[]"},
        {"SYNC_log_level", " DEBUG ", "debug"},
        {"SYNC_RUN", "unused", "disabled"},
        {"SYNC_RUN_TIMEOUT", " 7 ", "7"},
        {"SYNC_RUN_SCHD", "0 4 * * *", "0 4 * * *"},
        {"SYNC_silent_after", " 90m ", "90m"},
        {"sync_late_after", "3600s", "1h"},
        {"SYNC_never_after", "366d", "366d"},
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        sh_buf normal = SH_BUF_INIT(4096), again = SH_BUF_INIT(4096);
        const sh_setting *row = sh_setting_find_hub(values[i][0]);
        sh_error error = {0};
        if (sh_setting_normalize(row, values[i][1], &normal, &error) != SH_OK)
            fail_msg("%s", error.message);
        assert_string_equal(normal.data, values[i][2]);
        assert_int_equal(sh_setting_normalize(row, normal.data, &again, &error), SH_OK);
        assert_string_equal(again.data, normal.data);
        sh_buf_reset(&normal);
        sh_buf_reset(&again);
    }
}

static void bad_values_are_refused_in_the_words_of_a_start(void **state)
{
    (void)state;
    static const char *const values[][2] = {
        {"SYNC_RUN_TIMEOUT", "0"},       {"SYNC_RUN", "sometimes"},    {"SYNC_nodes", "ftp://a"},
        {"SYNC_RUN_SCHD", "0 0 31 2 *"}, {"SYNC_log_level", "chatty"}, {"SYNC_skip_macs", "a\tb"},
        {"SYNC_silent_after", "59s"},    {"SYNC_late_after", "367d"},  {"SYNC_never_after", "7"},
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char text[128];
        sh_buf normal = SH_BUF_INIT(4096);
        sh_error error = {0};
        const sh_setting *row = sh_setting_find_hub(values[i][0]);
        assert_int_equal(sh_setting_normalize(row, values[i][1], &normal, &error), SH_E_CONFIG);
        (void)snprintf(text, sizeof text, "%s=%s", values[i][0], values[i][1]);
        check_refused(row->programs & SH_FOR_PULLER ? SH_FOR_PULLER : SH_FOR_RECEIVER,
                      ENV(TOKEN, KEY, text), error.message);
        sh_buf_reset(&normal);
    }
}

static void empty_and_long_values_and_other_encodings_are_refused(void **state)
{
    (void)state;
    sh_buf normal = SH_BUF_INIT(4096);
    sh_error error = {0};
    const sh_setting *row = sh_setting_find_hub("SYNC_nodes");
    assert_int_equal(sh_setting_normalize(row, "", &normal, &error), SH_E_CONFIG);
    assert_non_null(strstr(error.message, "an empty list is []"));
    sh_error_clear(&error);
    assert_int_equal(sh_setting_normalize(row, "\xff", &normal, &error), SH_E_CONFIG);
    row = sh_setting_find_hub("SYNC_RUN_SCHD");
    char *long_text = malloc(SH_SETTING_MAX + 2);
    assert_non_null(long_text);
    memset(long_text, '1', SH_SETTING_MAX + 1);
    long_text[SH_SETTING_MAX + 1] = '\0';
    sh_error_clear(&error);
    assert_int_equal(sh_setting_normalize(row, long_text, &normal, &error), SH_E_CONFIG);
    assert_non_null(strstr(error.message, "is longer than"));
    free(long_text);
}

static void no_secret_and_no_listener_can_be_made_on_the_hub(void **state)
{
    (void)state;
    static const char *const names[] = {
        "SYNC_api_token", "SYNC_encryption_key",   "SYNC_redis_url", "SYNC_db",
        "SYNC_listen",    "SYNC_console_password", "SYNC_tls_cert",  "SYNC_node_name"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_null(sh_setting_find_hub(names[i]));
        assert_non_null(sh_setting_find_shown(names[i]));
    }
    assert_null(sh_setting_find_shown("SYNC_nothing"));
    for (size_t i = 0; i < sh_setting_count; i++)
        if (sh_setting_table[i].hub != 0)
            assert_int_not_equal(sh_setting_table[i].kind, SH_SETTING_SECRET);
}

static void a_report_has_values_and_origins_and_no_secret(void **state)
{
    (void)state;
    sh_settings settings, live;
    sh_buf report = SH_BUF_INIT(SH_PROGRAM_REPORT_MAX);
    load_with("{}", SH_FOR_RECEIVER,
              ENV(TOKEN, KEY, "SYNC_redis_url=redis://u:pass@h:1", "SYNC_claim_idle_s=50"),
              &settings);
    load_with("{\"SYNC_log_level\":\"debug\"}", SH_FOR_RECEIVER,
              ENV(TOKEN, KEY, "SYNC_claim_idle_s=70"), &live);
    assert_int_equal(sh_settings_report(&settings, &live, SH_FOR_RECEIVER, &report), SH_OK);
    assert_non_null(strstr(report.data, "{\"name\":\"SYNC_claim_idle_s\",\"value\":\"50\","
                                        "\"origin\":\"environment\"}"));
    assert_non_null(strstr(report.data, "{\"name\":\"SYNC_log_level\",\"value\":\"debug\","
                                        "\"origin\":\"hub\"}"));
    assert_null(strstr(report.data, "pass@"));
    assert_null(strstr(report.data, "of the tests"));
    sh_buf_reset(&report);
    sh_settings_reset(&settings);
    sh_settings_reset(&live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hub_is_between_environment_and_default),
        cmocka_unit_test(an_app_conf_has_precedence_over_the_hub),
        cmocka_unit_test(what_a_program_cannot_use_keeps_its_default),
        cmocka_unit_test(a_node_takes_nothing_from_the_hub),
        cmocka_unit_test(values_are_stored_in_their_normal_form),
        cmocka_unit_test(bad_values_are_refused_in_the_words_of_a_start),
        cmocka_unit_test(empty_and_long_values_and_other_encodings_are_refused),
        cmocka_unit_test(no_secret_and_no_listener_can_be_made_on_the_hub),
        cmocka_unit_test(a_report_has_values_and_origins_and_no_secret),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
