/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/settings_load.h"
#include "tests/unit/settings_support.h"
#include "tests/unit/unit.h"

/* SYNC_nodes of the documented maximum length. */

#define URL_BYTES 200

/* A list of count URLs, with the given texts before, between and after them. */
static char *list_of(size_t count, const char *before, const char *between, const char *behind)
{
    size_t size = count * (URL_BYTES + 8) + 64, len = 0;
    char *text = malloc(size);
    assert_non_null(text);
    len += (size_t)snprintf(text, size, "%s", before);
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(text + len, size - len, "%shttp://node-%zu.site.example:20212",
                                i == 0 ? "" : between, i);
    (void)snprintf(text + len, size - len, "%s", behind);
    return text;
}

static void load_list(const char *text, sh_settings *ret)
{
    write_text("list", text);
    load(SH_FOR_PULLER, ENV(TOKEN, KEY, naming("SYNC_nodes_FILE", "list")), ret);
}

static void ten_thousand_nodes_fit_in_a_file_of_every_form(void **state)
{
    (void)state;
    static const char *const forms[][3] = {{"['", "','", "']"},
                                           {"[\"", "\",\n\"", "\"]\n"},
                                           {"", ",", "\n"},
                                           {"", "\n", "\n"},
                                           {"", "\r\n", "\r\n"}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        char *text = list_of(SH_LIST_MAX, forms[i][0], forms[i][1], forms[i][2]);
        sh_settings s;
        load_list(text, &s);
        assert_int_equal(s.nodes.count, SH_LIST_MAX);
        assert_string_equal(s.nodes.items[SH_LIST_MAX - 1], "http://node-9999.site.example:20212");
        sh_settings_reset(&s);
        free(text);
    }
}

static void ten_thousand_nodes_fit_in_an_app_conf(void **state)
{
    (void)state;
    char *text = list_of(SH_LIST_MAX, "SYNC_nodes=['", "',\n  '", "']\n");
    write_text("app.conf", text);
    sh_settings s;
    load(SH_FOR_PULLER, ENV(TOKEN, KEY, naming("SYNC_config_file", "app.conf")), &s);
    assert_int_equal(s.nodes.count, SH_LIST_MAX);
    sh_settings_reset(&s);
    free(text);
}

static void the_longest_environment_variable_is_accepted(void **state)
{
    (void)state;
    char *text = list_of(3500, "SYNC_nodes=", ",", ""); /* Linux allows 128 KiB a variable */
    assert_in_range(strlen(text), 120 * SH_KIB, 128 * SH_KIB);
    sh_settings s;
    load(SH_FOR_PULLER, ENV(TOKEN, KEY, text), &s);
    assert_int_equal(s.nodes.count, 3500);
    sh_settings_reset(&s);
    free(text);
}

static void values_over_a_limit_are_rejected(void **state)
{
    (void)state;
    char *text = list_of(SH_LIST_MAX + 1, "", ",", "");
    write_text("list", text);
    check_refused(SH_FOR_PULLER, ENV(TOKEN, KEY, naming("SYNC_nodes_FILE", "list")),
                  "more than 10000 entries");
    free(text);
    text = malloc(SH_SETTING_LIST_MAX + 1);
    assert_non_null(text);
    memset(text, ' ', SH_SETTING_LIST_MAX + 1);
    memcpy(text, "http://a", 8);
    sh_settings s;
    write_file("list", text, SH_SETTING_LIST_MAX);
    load(SH_FOR_PULLER, ENV(TOKEN, KEY, naming("SYNC_nodes_FILE", "list")), &s);
    sh_settings_reset(&s);
    write_file("list", text, SH_SETTING_LIST_MAX + 1);
    check_refused(SH_FOR_PULLER, ENV(TOKEN, KEY, naming("SYNC_nodes_FILE", "list")), "2097152");
    free(text);
}

/* The least CPU of several tries. */
static int64_t cost_of(size_t count)
{
    int64_t best = INT64_MAX;
    char *text = list_of(count, "", ",", "");
    for (int i = 0; i < 5; i++) {
        sh_settings s;
        int64_t begin = test_cpu_us();
        load_list(text, &s);
        int64_t took = test_cpu_us() - begin;
        best = took < best ? took : best;
        sh_settings_reset(&s);
    }
    free(text);
    return best;
}

static void the_cost_grows_linearly_with_the_nodes(void **state)
{
    (void)state;
    int64_t few = cost_of(1250), many = cost_of(10000);
    print_message("1,250 nodes %lld us, 10,000 nodes %lld us\n", (long long)few, (long long)many);
    assert_true(many < 24 * few); /* each pair of them: 64 times */
}

static void a_health_check_reads_only_what_it_needs(void **state)
{
    (void)state;
    sh_settings s;
    sh_error error = {0};
    assert_int_equal(sh_settings_load_probe(SH_FOR_PULLER,
                                            ENV("SYNC_nodes=no list of nodes", "SYNC_RUN=never",
                                                "SYNC_api_token_FILE=/nowhere",
                                                "SYNC_listen=127.0.0.1:5", "SYNC_unknown=1"),
                                            &s, &error),
                     SH_OK);
    assert_string_equal(s.listen, "127.0.0.1:5");
    assert_int_equal(s.nodes.count, 0);
    assert_int_equal(s.warnings.count, 0);
    sh_settings_reset(&s);
    assert_int_equal(sh_settings_load_probe(SH_FOR_PULLER, ENV("SYNC_listen=x"), &s, &error),
                     SH_E_CONFIG);
    sh_settings_reset(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_nodes_fit_in_a_file_of_every_form),
        cmocka_unit_test(ten_thousand_nodes_fit_in_an_app_conf),
        cmocka_unit_test(the_longest_environment_variable_is_accepted),
        cmocka_unit_test(values_over_a_limit_are_rejected),
        cmocka_unit_test(the_cost_grows_linearly_with_the_nodes),
        cmocka_unit_test(a_health_check_reads_only_what_it_needs),
    };
    return cmocka_run_group_tests_name("settings_nodes", tests, make_folder, remove_folder);
}
