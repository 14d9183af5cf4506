/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/devices_command.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/runtime/service.h"
#include "receiver/cli/pager.h"
#include "receiver/cli/show_output.h"
#include "receiver/cli/table_stream.h"
#include "receiver/operate/device_csv.h"
#include "receiver/operate/device_json.h"
#include "receiver/operate/devices_options.h"
#include "receiver/store/store_common.h"

#include <inttypes.h>
#include <string.h>

static const show_command command = {.name = "devices", .usage = DEVICES_USAGE};

/* The columns of the text table. */
enum { MAC, NAME, IP, VENDOR, PRESENT, SINCE, FIRST_SEEN, NODES, SHOWN };
static const show_column shown[SHOWN] = {
    [MAC] = {"MAC", false},
    [NAME] = {"NAME", false},
    [IP] = {"IP", false},
    [VENDOR] = {"VENDOR", false},
    [PRESENT] = {"PRESENT", false},
    [SINCE] = {"SINCE", false},
    [FIRST_SEEN] = {"FIRST SEEN", false},
    [NODES] = {"NODES", false},
};
static const char *const sources[SHOWN] = {
    [MAC] = "devMac",       [NAME] = "devName",         [IP] = "devLastIP",
    [VENDOR] = "devVendor", [NODES] = "devSyncHubNode",
};
static const size_t usual_widths[SHOWN] = {
    [MAC] = 17, [NAME] = 24, [IP] = 15, [VENDOR] = 30, [SINCE] = 20, [FIRST_SEEN] = 20,
};
static const size_t least_widths[SHOWN] = {
    [MAC] = 17,    [NAME] = 10, [IP] = 9,         [VENDOR] = 5,
    [PRESENT] = 7, [SINCE] = 6, [FIRST_SEEN] = 6, [NODES] = 6,
};
#define NODES_MAX 20 /* names in a line */

typedef struct {
    FILE *out;
    store *store;
    const device_options *options;
    bool has_presence, node_known;
    int64_t rows, last; /* last: rowid */
    bool begun;         /* a list in JSON or CSV: its head is written */
    int64_t next;       /* after which device the next page begins; 0: there is none */
    table_stream *table;
    sh_buf json, csv, nodes;
    sh_buf rows_json; /* all rows of a short list in JSON */
    bool is_long;     /* they are more */
    char times[2][SHOW_CELL_BYTES];
} listing;

/* --- As text --------------------------------------------------------------------------------- */

/* The names of the nodes that see a device; if none does, the node that sent it. */
static sh_err write_nodes(listing *l, sh_slice nodes, sh_slice *ret)
{
    store_node_view view;
    sh_err err = SH_OK;
    sh_buf_clear(&l->nodes);
    for (int i = 0; err == SH_OK && store_node_view_next(&nodes, &view); i++) {
        if (i == NODES_MAX) {
            err = sh_buf_append_text(&l->nodes, ", ...");
            break;
        }
        err = sh_buf_append_text(&l->nodes, i == 0 ? "" : ", ");
        if (err == SH_OK)
            err = sh_buf_append(&l->nodes, view.node.data, view.node.len);
    }
    if (l->nodes.len > 0)
        *ret = (sh_slice){l->nodes.data, l->nodes.len};
    return err;
}

static sh_err fill_cells(listing *l, const store_device *device, sh_slice cells[SHOWN],
                         sh_error *error)
{
    for (size_t i = 0; i < SHOWN; i++) {
        size_t index = 0;
        cells[i] = SH_SLICE("");
        if (sources[i] != NULL &&
            store_column_index(device->columns, device->count, sources[i], &index) &&
            device->values[index].kind != SH_VALUE_NULL)
            cells[i] = device->values[index].text;
    }
    show_time(device->since_ms, "-", l->times[0]);
    show_time(device->first_seen_ms, "-", l->times[1]);
    cells[PRESENT] = device->present;
    cells[SINCE] = sh_slice_of(l->times[0]);
    cells[FIRST_SEEN] = sh_slice_of(l->times[1]);
    if (write_nodes(l, device->nodes, &cells[NODES]) != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    return SH_OK;
}

static sh_err write_text_row(void *context, const store_device *device, sh_error *error)
{
    listing *l = context;
    sh_slice cells[SHOWN];
    sh_err err = fill_cells(l, device, cells, error);
    l->rows++;
    if (err == SH_OK)
        err = table_stream_add(l->table, cells, error);
    if (err == SH_OK && pager_has_quit())
        return SH_E_STOPPED;
    return err;
}

/* The list ends where the user ends the pager. */
static sh_err list_text(listing *l, sh_error *error)
{
    static const show_layout layout = {shown, least_widths, SHOWN};
    /* The first rows of all devices are found at once. */
    const store_device_query *query = &l->options->query;
    bool searches = l->options->filters || query->sort != STORE_SORT_NONE;
    sh_err err =
        table_stream_new(l->out, &layout, searches ? usual_widths : NULL, &l->table, error);
    if (err == SH_OK)
        err = store_devices(l->store, &l->options->query, write_text_row, l, error);
    if (err == SH_OK)
        err = table_stream_end(l->table, error);
    table_stream_free(l->table);
    l->table = NULL;
    return err == SH_E_STOPPED && error->code == SH_OK ? SH_OK : err;
}

static sh_err compare_node(void *context, const store_node *node, sh_error *error)
{
    (void)error;
    listing *l = context;
    l->node_known = l->node_known || strcmp(node->node, l->options->query.node) == 0;
    return SH_OK;
}

/* Distinguishes a node without devices from a mistyped name. */
static sh_err check_node(listing *l, sh_error *error)
{
    if (l->options->query.node == NULL || l->rows > 0)
        return SH_OK;
    sh_err err = store_nodes(l->store, compare_node, l, error);
    if (err == SH_OK && !l->node_known)
        return sh_fail(error, SH_E_NOT_FOUND,
                       "nothing was ever merged from a node '%s': `synchub-receiver nodes` lists "
                       "the known ones",
                       l->options->query.node);
    return err;
}

/* --- For programs ---------------------------------------------------------------------------- */

#define KEPT_JSON_MAX SH_MIB

static sh_err begin_list(listing *l, sh_error *error)
{
    size_t count = 0;
    const sh_column *columns = store_columns(l->store, &count);
    if (l->begun)
        return SH_OK;
    l->begun = true;
    if (l->options->format == DEVICES_JSON) {
        (void)fputs("{\"items\": [", l->out);
        return SH_OK;
    }
    sh_buf_clear(&l->csv);
    sh_err err = device_csv_titles(&l->csv, columns, count);
    if (err != SH_OK)
        return sh_fail(error, err, "out of memory");
    (void)fwrite(l->csv.data, 1, l->csv.len, l->out);
    return SH_OK;
}

/*
 * The head is written before the first device is found, which takes seconds with some orders. Those
 * of a node are found at once; its head follows when it is known that there is such a node.
 */
static sh_err begin_early(listing *l, sh_error *error)
{
    if (l->options->query.node != NULL)
        return SH_OK;
    sh_err err = begin_list(l, error);
    return err == SH_OK ? show_written(l->out, true, error) : err;
}

static sh_err write_json_row(void *context, const store_device *device, sh_error *error)
{
    listing *l = context;
    if (l->options->query.limit > 0 && l->rows == l->options->query.limit) {
        l->next = l->last; /* there is one more */
        return SH_OK;
    }
    sh_buf_clear(&l->json);
    sh_err err = sh_buf_append_text(&l->json, l->rows > 0 ? ",\n" : "\n");
    l->rows++;
    if (err == SH_OK)
        err = device_json_write(&l->json, device, l->has_presence);
    if (err != SH_OK)
        return sh_fail(error, err, "the device of row %lld is too large to be written",
                       (long long)device->rowid);
    l->last = device->rowid;
    err = begin_list(l, error);
    if (err != SH_OK)
        return err;
    l->is_long = l->is_long || sh_buf_append(&l->rows_json, l->json.data, l->json.len) != SH_OK;
    (void)fwrite(l->json.data, 1, l->json.len, l->out);
    return show_written(l->out, false, error);
}

/*
 * `data`, a device table, is the name of 0.2.0, for one release. A short list is read once: it may
 * have been searched for in many devices.
 */
static sh_err list_json(listing *l, sh_error *error)
{
    store_device_query query = l->options->query;
    query.limit += query.limit > 0;
    sh_err err = begin_early(l, error);
    if (err == SH_OK)
        err = store_devices(l->store, &query, write_json_row, l, error);
    if (err == SH_OK)
        err = check_node(l, error);
    if (err == SH_OK)
        err = begin_list(l, error);
    if (err == SH_OK && l->next > 0)
        (void)fprintf(l->out, "],\n\"next\": \"%" PRId64 "\",\n\"data\": [", l->next);
    else if (err == SH_OK)
        (void)fputs("],\n\"next\": null,\n\"data\": [", l->out);
    l->rows = 0;
    if (err == SH_OK && l->is_long)
        err = store_devices(l->store, &query, write_json_row, l, error);
    else if (err == SH_OK && l->rows_json.len > 0)
        (void)fwrite(l->rows_json.data, 1, l->rows_json.len, l->out);
    if (err == SH_OK)
        (void)fputs("]}\n", l->out);
    return err;
}

static sh_err write_csv_row(void *context, const store_device *device, sh_error *error)
{
    listing *l = context;
    sh_err err = begin_list(l, error);
    if (err != SH_OK)
        return err;
    l->rows++;
    sh_buf_clear(&l->csv);
    err = device_csv_write(&l->csv, device, l->has_presence);
    if (err != SH_OK)
        return sh_fail(error, err, "the device of row %lld is too large to be written",
                       (long long)device->rowid);
    (void)fwrite(l->csv.data, 1, l->csv.len, l->out);
    return show_written(l->out, false, error);
}

static sh_err list_csv(listing *l, sh_error *error)
{
    sh_err err = begin_early(l, error);
    if (err == SH_OK)
        err = store_devices(l->store, &l->options->query, write_csv_row, l, error);
    if (err == SH_OK)
        err = check_node(l, error);
    return err == SH_OK ? begin_list(l, error) : err;
}

/* --- All of it ------------------------------------------------------------------------------- */

static sh_err list(listing *l, sh_error *error)
{
    sh_err err = SH_OK;
    l->has_presence = store_has_presence(l->store);
    switch (l->options->format) {
    case DEVICES_TEXT:
        err = list_text(l, error);
        if (err == SH_OK)
            err = check_node(l, error);
        break;
    case DEVICES_JSON:
        err = list_json(l, error);
        break;
    case DEVICES_CSV:
        err = list_csv(l, error);
        break;
    }
    if (err != SH_OK)
        return err;
    if (l->options->format == DEVICES_TEXT && l->rows == 0)
        (void)fputs(l->options->filters ? "No device matches.\n"
                                        : "No device has been merged yet.\n",
                    l->out);
    return show_written(l->out, true, error);
}

int devices_command_to(const sh_settings *settings, int argc, char *const argv[], FILE *out,
                       FILE *err)
{
    sh_error error = {.code = SH_OK};
    device_options options;
    store *s = NULL;
    sh_err code = device_options_read(argc, argv, sh_clock_unix_ms(), &options, &error);
    options.query.patient = true;
    if (code == SH_OK)
        code = store_open(settings->db, STORE_READ_ONLY, &s, &error);
    if (code == SH_OK) {
        listing l = {.out = out,
                     .store = s,
                     .options = &options,
                     .json = SH_BUF_INIT(DEVICE_JSON_MAX),
                     .csv = SH_BUF_INIT(DEVICE_CSV_MAX),
                     .nodes = SH_BUF_INIT(DEVICE_JSON_MAX),
                     .rows_json = SH_BUF_INIT(KEPT_JSON_MAX)};
        code = list(&l, &error);
        sh_buf_reset(&l.rows_json);
        sh_buf_reset(&l.json);
        sh_buf_reset(&l.csv);
        sh_buf_reset(&l.nodes);
    }
    store_close(s);
    return code == SH_OK ? SH_EXIT_DONE : show_failure(&command, &error, err);
}

int devices_command(const sh_settings *settings, int argc, char *const argv[])
{
    return pager_run(devices_command_to, settings, argc, argv);
}
