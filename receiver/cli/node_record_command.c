/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/node_record_command.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/utf8.h"
#include "libcommon/native/credentials.h"
#include "libcommon/native/node_name.h"
#include "libcommon/queue/queue_reports.h"
#include "libcommon/runtime/service.h"
#include "receiver/cli/show_output.h"
#include "receiver/operate/database_change.h"
#include "receiver/operate/duration.h"
#include "receiver/operate/node_json.h"
#include "receiver/operate/node_labels.h"
#include "receiver/operate/node_overview.h"
#include "receiver/store/node_state_reason.h"
#include "receiver/store/store_state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SILENT_AFTER_MAX_S (366 * 86400)

/* --- Changing a record ----------------------------------------------------------------------- */

typedef struct {
    show_command command;
    int values; /* arguments after the name */
    bool creates;
    sh_err (*change)(store_node_info *info, const char *value, sh_error *error);
} note_change;

static sh_err check_name(const char *name, bool creates, sh_error *error)
{
    sh_error reason = {.code = SH_OK};
    if (!creates || sh_node_name_check(sh_slice_of(name), &reason) == SH_OK)
        return SH_OK;
    return sh_fail(error, SH_E_CONFIG, "%s", reason.message);
}

/* Whether Redis knows the node, though nothing is recorded of it yet. */
static sh_err is_in_contact(const sh_settings *settings, const char *node, bool *ret,
                            sh_error *error)
{
    node_overview o = {.count = 0};
    sh_err err = node_overview_read(settings, &o, error);
    *ret = err == SH_OK && node_overview_find(&o, node) != NULL;
    node_overview_reset(&o);
    return err;
}

/* A change of one node's record. */
typedef struct {
    const note_change *change;
    char *const *argv; /* the name, and the value unless it has none */
    bool known;        /* Redis knows the node */
} record_change;

static sh_err change_record(void *context, store *s, sh_error *error)
{
    const record_change *r = context;
    const char *node = r->argv[0];
    store_node_info info;
    bool found = false;
    sh_err err = store_node_info_get(s, node, &info, &found, error);
    if (err == SH_OK && !found && !r->known && !r->change->creates)
        return sh_fail(error, SH_E_NOT_FOUND,
                       "there is no node '%s'; `node expect` adds one that has not been seen yet",
                       node);
    (void)snprintf(info.node, sizeof info.node, "%s", node);
    if (err == SH_OK)
        err = r->change->change(&info, r->argv[1], error);
    if (err == SH_OK)
        node_contact_set_silent_after(&info.contact);
    return err == SH_OK ? store_node_info_put(s, &info, error) : err;
}

static sh_err change_node(const sh_settings *settings, const note_change *c, char *const argv[],
                          sh_error *error)
{
    record_change change = {.change = c, .argv = argv};
    sh_err err = store_prepare(settings->db, error);
    if (err == SH_OK && !c->creates)
        err = is_in_contact(settings, argv[0], &change.known, error);
    return err == SH_OK ? database_change_run(settings, change_record, &change, error) : err;
}

static int run_change(const note_change *c, const sh_settings *settings, int argc,
                      char *const argv[])
{
    sh_error error = {.code = SH_OK};
    sh_err err = SH_OK;
    char *const arguments[] = {argc > 0 ? argv[0] : NULL, argc > 1 ? argv[1] : NULL};
    if (argc != 1 + c->values)
        err = sh_fail(&error, SH_E_CONFIG, "usage: %s", c->command.usage);
    if (err == SH_OK)
        err = check_name(argv[0], c->creates, &error);
    if (err == SH_OK)
        err = change_node(settings, c, arguments, &error);
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&c->command, &error, stderr);
}

static sh_err set_label(store_node_info *info, const char *value, sh_error *error)
{
    return node_labels_set(info->labels, value, error);
}

static sh_err set_note(store_node_info *info, const char *value, sh_error *error)
{
    size_t len = strlen(value);
    if (len > SH_NODE_NOTE_MAX)
        return sh_fail(error, SH_E_CONFIG, "a note has at most %d bytes", SH_NODE_NOTE_MAX);
    if (!sh_utf8_is_valid(value, len) || sh_utf8_has_control(value, len))
        return sh_fail(error, SH_E_CONFIG, "a note is one line of text in UTF-8");
    memcpy(info->note, value, len + 1);
    return SH_OK;
}

static sh_err set_expected(store_node_info *info, const char *value, sh_error *error)
{
    (void)value, (void)error;
    if (info->expected_ms == 0)
        info->expected_ms = sh_clock_unix_ms();
    return SH_OK;
}

static sh_err set_silent_after(store_node_info *info, const char *value, sh_error *error)
{
    int64_t ms = 0;
    if (strcmp(value, "default") != 0 &&
        (!duration_read(value, SILENT_AFTER_MAX_S, &ms) || ms == 0))
        return sh_fail(error, SH_E_CONFIG,
                       "'%s' is not a duration of at most 366 days, such as 90s, 15m, 12h or 7d; "
                       "`default` is three intervals",
                       value);
    info->contact.set_ms = ms;
    return SH_OK;
}

static sh_err set_ephemeral(store_node_info *info, const char *value, sh_error *error)
{
    bool on = strcmp(value, "on") == 0;
    if (!on && strcmp(value, "off") != 0)
        return sh_fail(error, SH_E_CONFIG, "'%s' is neither on nor off", value);
    info->ephemeral = on;
    return SH_OK;
}

int node_label(const sh_settings *settings, int argc, char *const argv[])
{
    static const note_change c = {
        .command = {.name = "node label", .usage = "node label NAME KEY=VALUE"},
        .values = 1,
        .change = set_label};
    return run_change(&c, settings, argc, argv);
}

int node_note(const sh_settings *settings, int argc, char *const argv[])
{
    static const note_change c = {.command = {.name = "node note", .usage = "node note NAME TEXT"},
                                  .values = 1,
                                  .change = set_note};
    return run_change(&c, settings, argc, argv);
}

int node_expect(const sh_settings *settings, int argc, char *const argv[])
{
    static const note_change c = {.command = {.name = "node expect", .usage = "node expect NAME"},
                                  .creates = true,
                                  .change = set_expected};
    return run_change(&c, settings, argc, argv);
}

int node_silent_after(const sh_settings *settings, int argc, char *const argv[])
{
    static const note_change c = {
        .command = {.name = "node silent-after", .usage = "node silent-after NAME DURATION"},
        .values = 1,
        .change = set_silent_after};
    return run_change(&c, settings, argc, argv);
}

int node_ephemeral(const sh_settings *settings, int argc, char *const argv[])
{
    static const note_change c = {
        .command = {.name = "node ephemeral", .usage = "node ephemeral NAME on|off"},
        .values = 1,
        .change = set_ephemeral};
    return run_change(&c, settings, argc, argv);
}

/* --- Forgetting ------------------------------------------------------------------------------ */

/* *revoked: it has credentials, which are all revoked, and stay so. */
static sh_err check_credentials(store *s, const char *node, bool *revoked, sh_error *error)
{
    sh_buf text = SH_BUF_INIT(SH_NODE_RECORD_MAX);
    sh_error unknown = {.code = SH_OK};
    sh_node_record record = {.count = 0};
    sh_err err = store_state_get(s, STORE_CREDENTIALS, node, &text, &unknown);
    if (err == SH_OK)
        sh_node_record_read(sh_slice_of(node), (sh_slice){text.data, text.len}, &record);
    sh_buf_reset(&text);
    if (err != SH_OK)
        return err == SH_E_NOT_FOUND ? SH_OK : sh_fail(error, err, "%s", unknown.message);
    *revoked = record.revoked_ms > 0;
    if (*revoked)
        return SH_OK;
    return sh_fail(error, SH_E_REFUSED,
                   "node %s has credentials of its own: `node revoke` them first, so that it "
                   "cannot come back",
                   node);
}

typedef struct {
    sh_queue *queue;
    const char *node;
    bool found;
} node_removal;

/* Redis first: merge would record from there what is forgotten in the database. */
static sh_err forget_record(void *context, store *s, sh_error *error)
{
    node_removal *r = context;
    char version[STORE_VERSION_BYTES];
    bool recorded = false, revoked = false;
    sh_err err = store_state_hold(s, STORE_CREDENTIALS, version, error);
    if (err == SH_OK)
        err = check_credentials(s, r->node, &revoked, error);
    if (err == SH_OK)
        err = sh_queue_node_forget(r->queue, r->node, error);
    if (err == SH_OK)
        err = store_node_forget(s, r->node, &recorded, error);
    /* A revoked node that was never seen is not listed, but it is one that the operator knows. */
    r->found = r->found || recorded || revoked;
    return err;
}

static sh_err forget(const sh_settings *settings, const char *node, bool *found, sh_error *error)
{
    const sh_queue_options options = sh_queue_options_of(settings);
    node_removal removal = {.node = node};
    sh_err err = is_in_contact(settings, node, &removal.found, error);
    if (err == SH_OK)
        err = sh_queue_open(&options, &removal.queue, error);
    if (err == SH_OK)
        err = database_change_run(settings, forget_record, &removal, error);
    sh_queue_free(removal.queue);
    *found = removal.found;
    return err;
}

int node_forget(const sh_settings *settings, int argc, char *const argv[])
{
    static const show_command command = {.name = "node forget", .usage = "node forget NAME"};
    sh_error error = {.code = SH_OK};
    bool found = false;
    sh_err err = argc == 1 ? SH_OK : sh_fail(&error, SH_E_CONFIG, "usage: %s", command.usage);
    if (err == SH_OK)
        err = forget(settings, argv[0], &found, &error);
    if (err == SH_OK && !found)
        err = sh_fail(&error, SH_E_NOT_FOUND, "there is no node '%s'", argv[0]);
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
    const node_facts facts = node_row_facts(row);
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
    print_duration("silent after", info->contact.silent_after_ms);
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
