/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/node_edit_command.h"

#include "libcommon/base/duration.h"
#include "libcommon/runtime/service.h"
#include "receiver/cli/show_output.h"
#include "receiver/operate/node_edit.h"
#include "receiver/operate/node_json.h"
#include "receiver/operate/node_labels.h"
#include "receiver/operate/node_overview.h"
#include "receiver/operate/node_state_reason.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- Changes --------------------------------------------------------------------------------- */

typedef struct {
    show_command command;
    bool has_value; /* an argument after the name */
    sh_err (*read)(const char *value, node_edit *ret, sh_error *error);
} record_change;

static int run_change(const record_change *c, const sh_settings *settings, int argc,
                      char *const argv[])
{
    sh_error error = {.code = SH_OK};
    node_edit edit = {.labels_count = 0};
    const char *value = argc > 1 ? argv[1] : NULL;
    sh_err err = SH_OK;
    if (argc != 1 + c->has_value)
        err = sh_fail(&error, SH_E_CONFIG, "usage: %s", c->command.usage);
    if (err == SH_OK)
        err = c->read(value, &edit, &error);
    if (edit.labels_count > 0)
        edit.labels = &value;
    if (err == SH_OK)
        err = node_edit_apply(settings, argv[0], &edit, &error);
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&c->command, &error, stderr);
}

static sh_err read_label(const char *value, node_edit *ret, sh_error *error)
{
    (void)value, (void)error;
    ret->labels_count = 1;
    return SH_OK;
}

static sh_err read_note(const char *value, node_edit *ret, sh_error *error)
{
    (void)error;
    ret->note = value;
    return SH_OK;
}

static sh_err read_expected(const char *value, node_edit *ret, sh_error *error)
{
    (void)value, (void)error;
    ret->expects = true;
    return SH_OK;
}

static sh_err read_silent_after(const char *value, node_edit *ret, sh_error *error)
{
    int64_t ms = 0;
    if (strcmp(value, "default") != 0 &&
        (!sh_duration_read(value, NODE_SILENT_AFTER_MAX_MS / 1000, &ms) || ms == 0))
        return sh_fail(error, SH_E_CONFIG,
                       "'%s' is not a duration of at most 366 days, such as 90s, 15m, 12h or 7d; "
                       "`default` is three intervals, at least SYNC_silent_after",
                       value);
    ret->sets_silent_after = true;
    ret->silent_after_ms = ms;
    return SH_OK;
}

static sh_err read_ephemeral(const char *value, node_edit *ret, sh_error *error)
{
    ret->ephemeral = strcmp(value, "on") == 0;
    if (!ret->ephemeral && strcmp(value, "off") != 0)
        return sh_fail(error, SH_E_CONFIG, "'%s' is neither on nor off", value);
    ret->sets_ephemeral = true;
    return SH_OK;
}

int node_label(const sh_settings *settings, int argc, char *const argv[])
{
    static const record_change c = {
        .command = {.name = "node label", .usage = "node label NAME KEY=VALUE"},
        .has_value = true,
        .read = read_label};
    return run_change(&c, settings, argc, argv);
}

int node_note(const sh_settings *settings, int argc, char *const argv[])
{
    static const record_change c = {
        .command = {.name = "node note", .usage = "node note NAME TEXT"},
        .has_value = true,
        .read = read_note};
    return run_change(&c, settings, argc, argv);
}

int node_expect(const sh_settings *settings, int argc, char *const argv[])
{
    static const record_change c = {.command = {.name = "node expect", .usage = "node expect NAME"},
                                    .read = read_expected};
    return run_change(&c, settings, argc, argv);
}

int node_silent_after(const sh_settings *settings, int argc, char *const argv[])
{
    static const record_change c = {
        .command = {.name = "node silent-after", .usage = "node silent-after NAME DURATION"},
        .has_value = true,
        .read = read_silent_after};
    return run_change(&c, settings, argc, argv);
}

int node_ephemeral(const sh_settings *settings, int argc, char *const argv[])
{
    static const record_change c = {
        .command = {.name = "node ephemeral", .usage = "node ephemeral NAME on|off"},
        .has_value = true,
        .read = read_ephemeral};
    return run_change(&c, settings, argc, argv);
}

int node_forget(const sh_settings *settings, int argc, char *const argv[])
{
    static const show_command command = {.name = "node forget", .usage = "node forget NAME"};
    sh_error error = {.code = SH_OK};
    sh_err err = argc == 1 ? node_edit_forget(settings, argv[0], &error)
                           : sh_fail(&error, SH_E_CONFIG, "usage: %s", command.usage);
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&command, &error, stderr);
}

/* --- Showing --------------------------------------------------------------------------------- */

static void print_line(const char *title, const char *text)
{
    if (text[0] == '\0')
        return;
    show_cell(stdout, sh_slice_of(title), 16, false);
    show_cell(stdout, sh_slice_of(text), 0, false);
    (void)putchar('\n');
}

static void print_time(const char *title, int64_t ms)
{
    char text[SHOW_CELL_BYTES];
    show_time(ms, "never", text);
    print_line(title, text);
}

static void print_duration(const char *title, int64_t ms)
{
    char text[NODE_DURATION_BYTES];
    node_duration_write(ms, text);
    if (ms >= 1000)
        print_line(title, text);
}

static void print_number(const char *title, int64_t number)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRId64, number);
    print_line(title, text);
}

static void print_labels(const char *labels)
{
    sh_slice rest = sh_slice_of(labels), key, value;
    while (node_labels_next(&rest, &key, &value)) {
        char text[SH_NODE_LABELS_BYTES_MAX + 2];
        (void)snprintf(text, sizeof text, "%.*s=%.*s", (int)key.len, key.data, (int)value.len,
                       value.data);
        print_line("label", text);
    }
}

static void print_node(const node_overview *o, const node_row *row)
{
    const node_row_info *info = &row->info;
    const node_facts facts = node_row_facts(o, row);
    node_state state = node_state_of(&facts, o->now_ms);
    char reason[NODE_REASON_BYTES];
    node_reason_write(&facts, o->now_ms, reason);
    print_line("name", info->node);
    print_line("state", node_state_name(state));
    print_line("reason", reason);
    print_line("mode", info->mode);
    print_line("protocol", info->protocol);
    print_line("agent", info->agent);
    print_line("instance", info->instance);
    print_line("credentials", node_credentials_name(row->credentials));
    print_time("first contact", info->first_contact_ms);
    print_time("last contact", info->contact.last_ms);
    print_time("last table", row->merged.merged_ms);
    print_time("last change", row->merged.changed_ms);
    print_duration("interval", info->contact.interval_ms);
    print_duration("silent after", node_silent_after_ms(&info->contact, &o->thresholds));
    print_line("ephemeral", info->ephemeral ? "yes" : "");
    if (info->expected_ms > 0)
        print_time("expected since", info->expected_ms);
    print_labels(info->labels);
    print_line("note", info->note);
    print_number("sent", row->merged.sent);
    print_number("inserted", row->merged.inserted);
    print_number("known", row->merged.known);
    print_number("skipped", row->merged.skipped);
    print_number("rejected", row->merged.set_aside);
    print_line("rejected because", row->merged.reason);
    if (state == NODE_ONLINE)
        print_number("present", row->present);
    print_number("queue", row->queue);
    print_number("dead letters", row->dead);
}

static sh_err print_json(const node_overview *o, const node_row *row, sh_error *error)
{
    sh_buf json = SH_BUF_INIT(NODE_JSON_MAX);
    sh_err err = node_json_append(&json, o, row);
    if (err == SH_OK)
        (void)printf("%s\n", json.data);
    sh_buf_reset(&json);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "out of memory");
}

int node_show(const sh_settings *settings, int argc, char *const argv[])
{
    static const show_command command = {.name = "node show", .usage = "node show NAME [--json]"};
    sh_error error = {.code = SH_OK};
    show_options options = {.json = false};
    node_overview o = {.count = 0};
    node_row *row = NULL;
    sh_err err = argc > 0 ? show_options_read(&command, argc - 1, argv + 1, &options, &error)
                          : sh_fail(&error, SH_E_CONFIG, "usage: %s", command.usage);
    if (err == SH_OK)
        err = node_overview_read(settings, &o, &error);
    if (err == SH_OK && (row = node_overview_find(&o, argv[0])) == NULL)
        err = sh_fail(&error, SH_E_NOT_FOUND, "there is no node '%s'", argv[0]);
    if (err == SH_OK)
        err = node_overview_count_present(&o, &row, 1, &error);
    if (err == SH_OK && options.json)
        err = print_json(&o, row, &error);
    else if (err == SH_OK)
        print_node(&o, row);
    if (err == SH_OK)
        err = show_written(stdout, true, &error);
    if (err == SH_OK && !o.has_redis)
        err = sh_fail(&error, SH_E_NETWORK, "the latest is unknown, as Redis failed: %s",
                      o.away.message);
    node_overview_reset(&o);
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&command, &error, stderr);
}
