/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/percent.h"
#include "libcommon/base/utf8.h"
#include "libcommon/native/node_name.h"
#include "tests/unit/unit.h"

#include "libcommon/base/limits.h"
#include "libcommon/base/metrics.h"
#include "libcommon/base/text.h"
#include "libcommon/json/json_write.h"
#include "libcommon/netalertx/mac.h"

#include <stdlib.h>
#include <string.h>

static void utf8_validation_follows_rfc_3629(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"", true},
        {"plain ascii text", true},
        {"\xc3\xa9", true},
        {"\xe2\x82\xac", true},
        {"\xf0\x9f\x98\x80", true},
        {"12345678\xc3\xa9", true},
        {"\x80", false},
        {"\xc3", false},
        {"\xc0\x80", false},         /* overlong */
        {"\xe0\x80\x80", false},     /* overlong */
        {"\xed\xa0\x80", false},     /* surrogate */
        {"\xf4\x90\x80\x80", false}, /* over U+10FFFF */
        {"\xf8\x88\x80\x80\x80", false},
        {"12345678\xc3", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = strlen(cases[i].text);
        char *copy = malloc(len + 1);
        assert_non_null(copy);
        memcpy(copy, cases[i].text, len);
        assert_int_equal(sh_utf8_is_valid(copy, len), cases[i].valid);
        free(copy);
    }
    assert_int_equal(sh_utf8_count("a\xc3\xa9\xe2\x82\xac", 6), 3);
    assert_true(sh_utf8_has_control("a\x1f", 2));
    assert_true(sh_utf8_has_control("a\x7f", 2));
    assert_true(sh_utf8_has_control("\xc2\x85", 2));
    assert_false(sh_utf8_has_control("\xc2\xa0\xc3\x85", 4));
}

static void partial_numbers_are_rejected(void **state)
{
    (void)state;
    uint64_t n = 7;
    assert_true(sh_text_to_u64(SH_SLICE("0"), 10, &n));
    assert_int_equal(n, 0);
    assert_true(sh_text_to_u64(SH_SLICE("18446744073709551615"), UINT64_MAX, &n));
    assert_true(n == UINT64_MAX);
    static const char *const bad[] = {"",  "-1", "+1", " 1", "1 ", "1x", "18446744073709551616",
                                      "11"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(sh_text_to_u64(sh_slice_of(bad[i]), i == 7 ? 10 : UINT64_MAX, &n));
}

static void node_names_obey_their_rules(void **state)
{
    (void)state;
    static const char *const good[] = {
        "a", "Node_A",     "B\xc3\xbcro 1", "...",          "a.b",
        "-", "\U0001f600", "\u2600\ufe0f",  "\u5317\u4eac", "Bu\u0308ro"};
    static const char *const bad[] = {
        "",           ".",
        "..",         "a/b",
        "a\\b",       "a\nb",
        "\x7f",       "\xff",
        "a\xc2\x80", /* control */
        "a\u200b",    "a\u200d\u200c",
        "\u202ea",    "\u2066a\u2069",
        "\ufeffa",    "a\u00ad", /* format */
        "\ue000",     "\U000f0000",
        "\U0010ffff", "\uffff",
        "\U000e0041", /* private, none, tags */
        " a",         "a ",
        "\ta",        "a\u00a0",
        "\u3000a",    "a\u2003",
        "\u2028",     "a\u2029b",
        "\u2800",     " ",
        "\u3164",     "a\u115f",
        "a\u034f",    "\ufe0f", /* drawn as nothing */
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(sh_node_name_check(sh_slice_of(good[i]), NULL), SH_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (sh_node_name_check(sh_slice_of(bad[i]), NULL) != SH_E_FORMAT)
            fail_msg("name %zu is taken", i);
    assert_int_equal(sh_node_name_check((sh_slice){"a\0b", 3}, NULL), SH_E_FORMAT);
}

static void a_node_name_has_at_most_50_characters(void **state)
{
    (void)state;
    for (size_t bytes = 1; bytes <= 4; bytes++) {
        static const char *const letters[] = {"", "a", "\u00e9", "\u5317", "\U0001f600"};
        char name[51 * 4 + 1] = "";
        for (size_t i = 0; i < 51; i++)
            memcpy(name + i * bytes, letters[bytes], bytes);
        assert_int_equal(sh_node_name_check((sh_slice){name, 50 * bytes}, NULL), SH_OK);
        assert_int_equal(sh_node_name_check((sh_slice){name, 51 * bytes}, NULL), SH_E_FORMAT);
    }
}

static void plugin_names_obey_their_rules(void **state)
{
    (void)state;
    char longest[SH_PLUGIN_NAME_MAX + 1];
    memset(longest, 'P', sizeof longest);
    static const char *const bad[] = {"",         "a-b",  "a.b",  "../x", "a b",
                                      "\xc3\xa9", "SYNC", "sync", "Sync"};
    assert_int_equal(sh_plugin_name_check(SH_SLICE("ARPSCAN_2"), NULL), SH_OK);
    assert_int_equal(sh_plugin_name_check(SH_SLICE("SYNC2"), NULL), SH_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(sh_plugin_name_check(sh_slice_of(bad[i]), NULL), SH_E_FORMAT);
    assert_int_equal(sh_plugin_name_check((sh_slice){longest, SH_PLUGIN_NAME_MAX}, NULL), SH_OK);
    assert_int_equal(sh_plugin_name_check((sh_slice){longest, SH_PLUGIN_NAME_MAX + 1}, NULL),
                     SH_E_FORMAT);
}

static void macs_are_normalised(void **state)
{
    (void)state;
    static const struct {
        const char *text, *key; /* key NULL: refused */
    } cases[] = {
        {"AA:bb:CC:dd:EE:ff", "aa:bb:cc:dd:ee:ff"},
        {"AA-BB-CC-DD-EE-FF", "aa:bb:cc:dd:ee:ff"},
        {"aabbccddeeff", "aa:bb:cc:dd:ee:ff"},
        {"001122334455", "00:11:22:33:44:55"},
        {"  00:11:22:33:44:55\n", "00:11:22:33:44:55"},
        {"aabb.cc00.000f", "aa:bb:cc:00:00:0f"},
        {"AABB-CC00-000F", "aa:bb:cc:00:00:0f"},
        {"aabb:cc00:000f", "aa:bb:cc:00:00:0f"},
        {"aabbcc-00000f", "aa:bb:cc:00:00:0f"},
        {"aabbcc:00000f", "aa:bb:cc:00:00:0f"},
        {"AA.BB.CC.00.00.0F", "aa:bb:cc:00:00:0f"},
        {"aa:bb:cc:0:0:f", "aa:bb:cc:00:00:0f"},
        {"0:C:29:1:2:3", "00:0c:29:01:02:03"},
        {"0-c-29-01-2-3", "00:0c:29:01:02:03"},
        {"a:b:c:d:e:f", "0a:0b:0c:0d:0e:0f"},
        {"0:c:29:1:2", "0:c:29:1:2"},         /* five octets, */
        {"0:c:29:1:2:", "0:c:29:1:2:"},       /* an empty one, */
        {":c:29:1:2:3", ":c:29:1:2:3"},       /* … */
        {"0:c:029:1:2:3", "0:c:029:1:2:3"},   /* three digits, */
        {"0:c:29:1:2:3:4", "0:c:29:1:2:3:4"}, /* seven octets, */
        {"0:c-29:1:2:3", "0:c-29:1:2:3"},     /* two separators, */
        {"1.3.6.1.2.1", "1.3.6.1.2.1"},       /* an OID, */
        {"aabb.cc00-000f", "aabb.cc00-000f"},
        {"aabbc.c00000f", "aabbc.c00000f"},
        {"aabb.cc000.00f", "aabb.cc000.00f"}, /* and other groups: some other key */
        {"aabb.cc00.000g", "aabb.cc00.000g"},
        {"aabb cc00 000f", "aabb cc00 000f"},
        {"aa:bb-cc:dd:ee:ff", "aa:bb-cc:dd:ee:ff"}, /* mixed separators: some other key */
        {"aa:bb:cc:dd:ee:fg", "aa:bb:cc:dd:ee:fg"},
        {"Internet", "Internet"},
        {"0", "0"},
        {"fake_mac_12", "fake_mac_12"},
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"", NULL},
        {" \t", NULL},
        {"a\x01z", NULL},
        {"\xff", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_mac mac;
        sh_error error = {0};
        sh_err err = sh_mac_read(sh_slice_of(cases[i].text), &mac, &error);
        if (cases[i].key == NULL) {
            assert_int_equal(err, SH_E_FORMAT);
            continue;
        }
        assert_int_equal(err, SH_OK);
        assert_string_equal(mac.text, cases[i].key);
        assert_int_equal(mac.len, strlen(mac.text));
    }
    char longest[4 * (SH_MAC_MAX + 1)];
    for (size_t i = 0; i < SH_MAC_MAX + 1; i++)
        memcpy(longest + 4 * i, "\xf0\x9f\x98\x80", 4);
    sh_mac mac;
    assert_int_equal(sh_mac_read((sh_slice){longest, 4 * SH_MAC_MAX}, &mac, NULL), SH_OK);
    assert_int_equal(sh_mac_read((sh_slice){longest, sizeof longest}, &mac, NULL), SH_E_FORMAT);
}

static void percent_encoding_goes_both_ways(void **state)
{
    (void)state;
    sh_buf text = SH_BUF_INIT(64);
    assert_int_equal(sh_percent_encode("B\xc3\xbcro 1~", &text), SH_OK);
    assert_string_equal(text.data, "B%C3%BCro%201~");
    sh_buf back = SH_BUF_INIT(64);
    assert_int_equal(sh_percent_decode((sh_slice){text.data, text.len}, &back), SH_OK);
    assert_string_equal(back.data, "B\xc3\xbcro 1~");
    static const char *const broken[] = {"%", "%4", "%zz", "a%"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        assert_int_equal(sh_percent_decode(sh_slice_of(broken[i]), &back), SH_E_FORMAT);
    sh_buf small = SH_BUF_INIT(2);
    assert_int_equal(sh_percent_decode(SH_SLICE("abc"), &small), SH_E_LIMIT);
    sh_buf_reset(&small);
    sh_buf_reset(&text);
    sh_buf_reset(&back);
}

static void json_strings_are_escaped(void **state)
{
    (void)state;
    sh_buf out = SH_BUF_INIT(256);
    assert_int_equal(sh_json_write_string(&out, SH_SLICE("a\"b\\c\n\r\t\x01\x7f \xc3\xa9 \xff!")),
                     SH_OK);
    assert_string_equal(out.data, "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u007f \xc3\xa9 \\ufffd!\"");
    sh_buf_clear(&out);
    assert_int_equal(sh_buf_append_text(&out, "{"), SH_OK);
    assert_int_equal(sh_json_write_member_text(&out, "k", "v"), SH_OK);
    assert_int_equal(sh_json_write_member_integer(&out, "n", -5), SH_OK);
    assert_string_equal(out.data, "{\"k\":\"v\",\"n\":-5");
    sh_buf_reset(&out);
}

static void a_buffer_keeps_its_limit_and_its_content(void **state)
{
    (void)state;
    sh_buf buf = SH_BUF_INIT(4);
    assert_int_equal(sh_buf_append(&buf, "abcd", 4), SH_OK);
    assert_int_equal(sh_buf_append(&buf, "e", 1), SH_E_LIMIT);
    assert_int_equal(sh_buf_append_format(&buf, "%d", 5), SH_E_LIMIT);
    assert_string_equal(buf.data, "abcd");
    char *text = sh_buf_steal(&buf);
    assert_string_equal(text, "abcd");
    free(text);
    assert_null(buf.data);
}

static void metrics_are_written_in_prometheus_text_format(void **state)
{
    (void)state;
    static sh_metric a = {
        .name = "x_total", .labels = "r=\"a\"", .help = "Things.", .type = "counter"};
    static sh_metric b = {.name = "x_total", .labels = "r=\"b\"", .type = "counter"};
    static sh_metric c = {.name = "y", .help = "Level.", .type = "gauge"};
    static sh_metric d = {.name = "z_seconds", .help = "Time.", .type = "gauge", .divisor = 1000};
    sh_metric *const all[] = {&a, &b, &c, &d};
    sh_metric_add(&a, 2);
    sh_metric_add(&a, 3);
    sh_metric_set(&c, -1);
    sh_metric_set(&d, 1250);
    sh_buf out = SH_BUF_INIT(1024);
    assert_int_equal(sh_metrics_write(all, 4, &out), SH_OK);
    assert_string_equal(out.data,
                        "# HELP x_total Things.\n# TYPE x_total counter\n"
                        "x_total{r=\"a\"} 5\nx_total{r=\"b\"} 0\n"
                        "# HELP y Level.\n# TYPE y gauge\ny -1\n"
                        "# HELP z_seconds Time.\n# TYPE z_seconds gauge\nz_seconds 1.250\n");
    sh_metric_clear(&c);
    sh_buf_clear(&out);
    assert_int_equal(sh_metrics_write(all, 4, &out), SH_OK);
    assert_null(strstr(out.data, "y -1"));
    sh_metric_set(&c, 7);
    sh_buf_clear(&out);
    assert_int_equal(sh_metrics_write(all, 4, &out), SH_OK);
    assert_non_null(strstr(out.data, "\ny 7\n"));
    sh_buf_reset(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_validation_follows_rfc_3629),
        cmocka_unit_test(partial_numbers_are_rejected),
        cmocka_unit_test(node_names_obey_their_rules),
        cmocka_unit_test(a_node_name_has_at_most_50_characters),
        cmocka_unit_test(plugin_names_obey_their_rules),
        cmocka_unit_test(macs_are_normalised),
        cmocka_unit_test(percent_encoding_goes_both_ways),
        cmocka_unit_test(json_strings_are_escaped),
        cmocka_unit_test(a_buffer_keeps_its_limit_and_its_content),
        cmocka_unit_test(metrics_are_written_in_prometheus_text_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
