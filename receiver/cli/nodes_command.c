/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/nodes_command.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/runtime/service.h"
#include "receiver/cli/pager.h"
#include "receiver/cli/show_output.h"
#include "receiver/cli/table_stream.h"
#include "receiver/operate/node_json.h"
#include "receiver/operate/node_labels.h"
#include "receiver/operate/node_overview.h"
#include "receiver/operate/node_selection.h"
#include "receiver/operate/node_state_reason.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const show_command command = {.name = "nodes", .usage = NODES_USAGE};

/* --- Arguments ------------------------------------------------------------------------------- */

typedef struct {
    bool json;
    node_selection selection;
} nodes_options;

static sh_err read_sort(const char *value, nodes_options *ret, sh_error *error)
{
    if (node_selection_read_sort(value, &ret->selection))
        return SH_OK;
    return sh_fail(error, SH_E_CONFIG,
                   "--sort takes name, state, contact, table, inserted or queue, not '%s'", value);
}

/* The value of `--name=value` or `--name value`; NULL: it is another argument. */
static const char *value_of(const char *name, int argc, char *const argv[], int *at)
{
    size_t len = strlen(name);
    if (strncmp(argv[*at], name, len) != 0)
        return NULL;
    if (argv[*at][len] == '=')
        return argv[*at] + len + 1;
    if (argv[*at][len] != '\0' || *at + 1 >= argc)
        return NULL;
    *at += 1;
    assert(argv[*at] != NULL);
    return argv[*at];
}

static sh_err read_options(int argc, char *const argv[], nodes_options *ret, sh_error *error)
{
    *ret = (nodes_options){.selection = {.state = NODE_STATES}};
    for (int i = 0; i < argc; i++) {
        const char *value;
        sh_err err = SH_OK;
        if (strcmp(argv[i], "--json") == 0) {
            ret->json = true;
        } else if (strcmp(argv[i], "--problems") == 0) {
            ret->selection.problems = true;
        } else if ((value = value_of("--label", argc, argv, &i)) != NULL) {
            ret->selection.label = value;
        } else if ((value = value_of("--sort", argc, argv, &i)) != NULL) {
            err = read_sort(value, ret, error);
        } else if ((value = value_of("--state", argc, argv, &i)) != NULL) {
            ret->selection.state = node_state_of_name(value);
            if (ret->selection.state == NODE_STATES)
                err = sh_fail(error, SH_E_CONFIG,
                              "--state takes revoked, failing, silent, late, never, gone or "
                              "online, not '%s'",
                              value);
        } else {
            err = sh_fail(error, SH_E_CONFIG, "unknown argument '%s'; usage: %s", argv[i],
                          command.usage);
        }
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}

/* --- As text --------------------------------------------------------------------------------- */

enum {
    NODE,
    STATE,
    MODE,
    LAST_CONTACT,
    LAST_MERGE,
    SENT,
    INSERTED,
    KNOWN,
    SKIPPED,
    REJECTED,
    QUEUE,
    DEAD,
    REASON,
    COLUMNS
};

static const show_column columns[COLUMNS] = {
    {"NODE", false},       {"STATE", false},   {"MODE", false},    {"LAST CONTACT", false},
    {"LAST TABLE", false}, {"SENT", true},     {"INSERTED", true}, {"KNOWN", true},
    {"SKIPPED", true},     {"REJECTED", true}, {"QUEUE", true},    {"DEAD", true},
    {"REASON", false},
};

static int64_t number_of(const node_row *row, size_t column)
{
    switch (column) {
    case SENT:
        return row->merged.sent;
    case INSERTED:
        return row->merged.inserted;
    case KNOWN:
        return row->merged.known;
    case SKIPPED:
        return row->merged.skipped;
    case REJECTED:
        return row->merged.set_aside;
    case DEAD:
        return row->dead;
    default:
        return row->queue;
    }
}

static void write_cell(const node_list *list, size_t row, size_t column,
                       char ret[static SHOW_CELL_BYTES])
{
    const listed_node *node = &list->nodes[row];
    const node_row_info *info = &node->row->info;
    const node_facts facts = node_row_facts(list->overview, node->row);
    static_assert(NODE_REASON_BYTES <= SHOW_CELL_BYTES, "a reason fits into a cell");
    switch (column) {
    case NODE:
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s", info->node);
        break;
    case STATE:
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s", node_state_name(node->state));
        break;
    case MODE:
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s", info->mode[0] == '\0' ? "-" : info->mode);
        break;
    case LAST_CONTACT:
        show_time(info->contact.last_ms, "never", ret);
        break;
    case LAST_MERGE:
        show_time(node->row->merged.merged_ms, "never", ret);
        break;
    case REASON:
        node_reason_write(&facts, list->overview->now_ms, ret);
        break;
    default:
        if ((column == QUEUE || column == DEAD) && !list->overview->has_redis)
            (void)snprintf(ret, SHOW_CELL_BYTES, "?");
        else
            (void)snprintf(ret, SHOW_CELL_BYTES, "%" PRId64, number_of(node->row, column));
        break;
    }
}

/* The columns of a table, in order; how wide each is at least. */
typedef struct {
    size_t count;
    size_t numbers[COLUMNS];
    show_column columns[COLUMNS];
    size_t least_widths[COLUMNS];
} shown_columns;

/* On a terminal, only those for which it has room; `node show` has them all. */
static void choose_columns(FILE *out, shown_columns *ret)
{
    static const size_t least_widths[COLUMNS] = {
        [NODE] = 16, [STATE] = 7,    [MODE] = 4,    [LAST_CONTACT] = 20, [LAST_MERGE] = 20,
        [SENT] = 5,  [INSERTED] = 8, [KNOWN] = 5,   [SKIPPED] = 7,       [REJECTED] = 8,
        [QUEUE] = 5, [DEAD] = 4,     [REASON] = 24,
    };
    /* In this order they are left out. */
    static const size_t dispensable[] = {SKIPPED, KNOWN,    SENT, INSERTED, LAST_MERGE,
                                         MODE,    REJECTED, DEAD, QUEUE};
    bool left_out[COLUMNS] = {false};
    size_t limit = show_line_width(out), width = 2 * (COLUMNS - 1);
    for (size_t i = 0; i < COLUMNS; i++)
        width += least_widths[i];
    for (size_t i = 0; i < sizeof dispensable / sizeof dispensable[0] && width > limit; i++) {
        left_out[dispensable[i]] = true;
        width -= least_widths[dispensable[i]] + 2;
    }
    ret->count = 0;
    for (size_t i = 0; i < COLUMNS; i++) {
        if (left_out[i])
            continue;
        ret->numbers[ret->count] = i;
        ret->columns[ret->count] = columns[i];
        ret->least_widths[ret->count++] = least_widths[i];
    }
}

static sh_err write_table(node_list *list, FILE *out, sh_error *error)
{
    shown_columns shown;
    choose_columns(out, &shown);
    const show_layout layout = {shown.columns, shown.least_widths, shown.count};
    char texts[COLUMNS][SHOW_CELL_BYTES];
    sh_slice cells[COLUMNS];
    table_stream *table = NULL;
    sh_err err = table_stream_new(out, &layout, NULL, &table, error);
    for (size_t row = 0; row < list->count && err == SH_OK && !pager_has_quit(); row++) {
        for (size_t i = 0; i < shown.count; i++) {
            write_cell(list, row, shown.numbers[i], texts[i]);
            cells[i] = sh_slice_of(texts[i]);
        }
        err = table_stream_add(table, cells, error);
    }
    if (err == SH_OK)
        err = table_stream_end(table, error);
    table_stream_free(table);
    return err;
}

static sh_err write_text(node_list *list, bool filtered, FILE *out, sh_error *error)
{
    sh_err err = SH_OK;
    const node_overview *o = list->overview;
    if (o->count == 0)
        (void)fputs("No node has been in contact yet.\n", out);
    else if (list->count == 0)
        (void)fputs(filtered ? "No node matches.\n" : "No problems.\n", out);
    else
        err = write_table(list, out, error);
    if (o->has_redis)
        (void)fprintf(out, "Queue: %" PRId64 " waiting, %" PRId64 " in dead letters.\n",
                      o->depth.entries, o->depth.dead);
    return err;
}

/* --- As JSON --------------------------------------------------------------------------------- */

/* Counts the devices of the next nodes from i on. */
static sh_err count_present(const node_list *list, size_t i, sh_error *error)
{
    node_row *rows[STORE_PRESENT_AT_ONCE];
    size_t count = 0;
    for (; count < STORE_PRESENT_AT_ONCE && i + count < list->count; count++)
        rows[count] = list->nodes[i + count].row;
    return node_overview_count_present(list->overview, rows, count, error);
}

static sh_err write_items(const node_list *list, bool count, FILE *out, sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(NODE_JSON_MAX);
    sh_err err = SH_OK;
    for (size_t i = 0; i < list->count && err == SH_OK; i++) {
        if (count && i % STORE_PRESENT_AT_ONCE == 0)
            err = count_present(list, i, error);
        if (err != SH_OK)
            return err;
        sh_buf_clear(&json);
        if (node_json_append(&json, list->overview, list->nodes[i].row) != SH_OK)
            return sh_fail(error, SH_E_MEMORY, "out of memory");
        (void)fprintf(out, "%s\n%s", i == 0 ? "" : ",", json.data);
        err = show_written(out, false, error);
    }
    return err;
}

/* `nodes` is the name of 0.2.0, for one release. */
static sh_err write_json(const node_list *list, FILE *out, sh_error *error)
{
    const node_overview *o = list->overview;
    (void)fputs("{\"items\":[", out);
    sh_err err = write_items(list, true, out, error);
    if (err == SH_OK && o->has_redis)
        (void)fprintf(out,
                      "],\"next\":null,\"queue\":{\"entries\":%" PRId64 ",\"bytes\":%" PRId64
                      ",\"pending\":%" PRId64 ",\"dead\":%" PRId64 "},\"nodes\":[",
                      o->depth.entries, o->depth.bytes, o->depth.pending, o->depth.dead);
    else if (err == SH_OK)
        (void)fputs("],\"next\":null,\"queue\":null,\"nodes\":[", out);
    if (err == SH_OK)
        err = write_items(list, false, out, error);
    if (err == SH_OK)
        (void)fputs("]}\n", out);
    return err;
}

/* --- The subcommand -------------------------------------------------------------------------- */

static int exit_code(const nodes_options *options, const node_overview *o, size_t listed, FILE *err)
{
    if (!o->has_redis) {
        (void)fprintf(err,
                      "synchub-receiver nodes: the latest contacts and problems, credentials and "
                      "the queue are unknown, as Redis failed: %s\n",
                      o->away.message);
        return SH_EXIT_FAILED;
    }
    return options->selection.problems && listed > 0 ? SH_EXIT_PROBLEMS : SH_EXIT_DONE;
}

int nodes_command_to(const sh_settings *settings, int argc, char *const argv[], FILE *out,
                     FILE *err)
{
    sh_error error = {.code = SH_OK};
    nodes_options options;
    node_overview o = {.count = 0};
    node_list list = {.count = 0};
    sh_err code = read_options(argc, argv, &options, &error);
    if (code == SH_OK)
        code = node_overview_read(settings, &o, &error);
    if (code == SH_OK)
        code = node_list_select(&o, &options.selection, &list, &error);
    if (code == SH_OK && options.json)
        code = write_json(&list, out, &error);
    else if (code == SH_OK)
        code = write_text(&list,
                          options.selection.state != NODE_STATES || options.selection.label != NULL,
                          out, &error);
    if (code == SH_OK)
        code = show_written(out, true, &error);
    int ret = code == SH_OK ? exit_code(&options, &o, list.count, err)
                            : show_failure(&command, &error, err);
    node_list_reset(&list);
    node_overview_reset(&o);
    return ret;
}

int nodes_command(const sh_settings *settings, int argc, char *const argv[])
{
    return pager_run(nodes_command_to, settings, argc, argv);
}
