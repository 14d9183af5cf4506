/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/devices_options.h"

#include "libcommon/base/duration.h"

#include <string.h>

#define SINCE_MAX_S (100 * 366 * INT64_C(86400))
#define LIMIT_MAX INT64_C(1000000000)

#define SORT_KEYS "mac, name, ip, vendor, node, present, since, first-seen, last-seen"

static const struct {
    const char *name;
    store_sort sort;
} sort_keys[] = {
    {"mac", STORE_SORT_MAC},
    {"name", STORE_SORT_NAME},
    {"ip", STORE_SORT_IP},
    {"vendor", STORE_SORT_VENDOR},
    {"node", STORE_SORT_NODE},
    {"present", STORE_SORT_PRESENT},
    {"since", STORE_SORT_SINCE},
    {"first-seen", STORE_SORT_FIRST_SEEN},
    {"last-seen", STORE_SORT_LAST_SEEN},
};

/* A minus before the key reverses the order. */
static sh_err read_sort(const char *text, store_device_query *query, sh_error *error)
{
    query->descending = text[0] == '-';
    for (size_t i = 0; i < sizeof sort_keys / sizeof sort_keys[0]; i++)
        if (strcmp(text + query->descending, sort_keys[i].name) == 0) {
            query->sort = sort_keys[i].sort;
            return SH_OK;
        }
    return sh_fail(error, SH_E_CONFIG,
                   "--sort needs one of " SORT_KEYS
                   ", such as --sort name, or --sort -since for the latest first");
}

static sh_err read_value(const char *option, const char *text, int64_t now_ms, device_options *ret,
                         sh_error *error)
{
    uint64_t number = 0;
    int64_t ms = 0;
    ret->filters = ret->filters || strcmp(option, "--sort") != 0;
    if (strcmp(option, "--node") == 0) {
        ret->query.node = text;
        return SH_OK;
    }
    if (strcmp(option, "--search") == 0) {
        ret->query.search = text;
        return text[0] != '\0' ? SH_OK : sh_fail(error, SH_E_CONFIG, "--search needs a text");
    }
    if (strcmp(option, "--sort") == 0)
        return read_sort(text, &ret->query, error);
    if (strcmp(option, "--limit") == 0) {
        if (!sh_text_to_u64(sh_slice_of(text), LIMIT_MAX, &number) || number == 0)
            return sh_fail(error, SH_E_CONFIG, "--limit needs a number from 1, such as 100");
        ret->query.limit = (int64_t)number;
        return SH_OK;
    }
    if (strcmp(option, "--after") == 0) {
        if (!sh_text_to_u64(sh_slice_of(text), INT64_MAX, &number) || number == 0)
            return sh_fail(error, SH_E_CONFIG, "--after needs the `next` of a list in JSON");
        ret->query.after = (int64_t)number;
        return SH_OK;
    }
    if (!sh_duration_read(text, SINCE_MAX_S, &ms))
        return sh_fail(error, SH_E_CONFIG, "--since needs a duration such as 7d, 12h or 30m");
    ret->query.first_seen_ms = now_ms > ms ? now_ms - ms : 1;
    return SH_OK;
}

/* The option that takes a value, or NULL; *value is the text after `=`, or NULL. */
static const char *valued_option(const char *argument, const char **value)
{
    static const char *const options[] = {"--node",  "--search", "--sort",
                                          "--limit", "--since",  "--after"};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        size_t len = strlen(options[i]);
        if (strncmp(argument, options[i], len) != 0 ||
            (argument[len] != '\0' && argument[len] != '='))
            continue;
        *value = argument[len] == '=' ? argument + len + 1 : NULL;
        return options[i];
    }
    return NULL;
}

static sh_err read_flag(const char *argument, device_options *ret, sh_error *error)
{
    static const struct {
        const char *flag, *present;
        devices_format format;
    } flags[] = {{"--present", "yes", DEVICES_TEXT},
                 {"--absent", "no", DEVICES_TEXT},
                 {"--unknown", "unknown", DEVICES_TEXT},
                 {"--json", NULL, DEVICES_JSON},
                 {"--csv", NULL, DEVICES_CSV}};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (strcmp(argument, flags[i].flag) != 0)
            continue;
        if (flags[i].present != NULL) {
            if (ret->query.present != NULL && strcmp(ret->query.present, flags[i].present) != 0)
                return sh_fail(error, SH_E_CONFIG,
                               "only one of --present, --absent and --unknown is possible");
            ret->query.present = flags[i].present;
            ret->filters = true;
            return SH_OK;
        }
        if (ret->format != DEVICES_TEXT && ret->format != flags[i].format)
            return sh_fail(error, SH_E_CONFIG, "only one of --json and --csv is possible");
        ret->format = flags[i].format;
        return SH_OK;
    }
    return sh_fail(error, SH_E_CONFIG, "unknown argument '%s'; usage: %s", argument, DEVICES_USAGE);
}

sh_err device_options_read(int argc, char *const argv[], int64_t now_ms, device_options *ret,
                           sh_error *error)
{
    *ret = (device_options){.format = DEVICES_TEXT};
    sh_err err = SH_OK;
    for (int i = 0; i < argc && err == SH_OK; i++) {
        const char *value = NULL;
        const char *option = valued_option(argv[i], &value);
        if (option == NULL) {
            err = read_flag(argv[i], ret, error);
            continue;
        }
        if (value == NULL && i + 1 == argc)
            return sh_fail(error, SH_E_CONFIG, "%s needs a value; usage: %s", option,
                           DEVICES_USAGE);
        err = read_value(option, value != NULL ? value : argv[++i], now_ms, ret, error);
    }
    return err;
}
