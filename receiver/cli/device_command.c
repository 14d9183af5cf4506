/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/device_command.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/runtime/service.h"
#include "receiver/cli/show_output.h"
#include "receiver/operate/device_json.h"

#include <stdlib.h>
#include <string.h>

static const show_command command = {.name = "device show", .usage = "device show MAC [--json]"};

#define NAME_WIDTH 20

typedef struct {
    FILE *out;
    bool json, has_presence, found;
} showing;

/* --- As text --------------------------------------------------------------------------------- */

typedef struct {
    store_node_view *views;
    size_t count;
} node_views;

static void free_views(node_views *v)
{
    free(v->views);
}

static sh_err read_views(sh_slice nodes, node_views *ret, sh_error *error)
{
    store_node_view view;
    while (store_node_view_next(&nodes, &view)) {
        store_node_view *views = reallocarray(ret->views, ret->count + 1, sizeof *views);
        if (views == NULL)
            return sh_fail(error, SH_E_MEMORY, "out of memory");
        ret->views = views;
        ret->views[ret->count++] = view;
    }
    return SH_OK;
}

static void node_cell(void *context, size_t row, size_t column, char ret[static SHOW_CELL_BYTES])
{
    const store_node_view *view = &((const node_views *)context)->views[row];
    const sh_slice texts[] = {view->node, view->present, view->ip};
    if (column == 3)
        show_time(view->since_ms, "-", ret);
    else
        (void)snprintf(ret, SHOW_CELL_BYTES, "%.*s", (int)texts[column].len, texts[column].data);
}

static void write_value(FILE *out, const char *name, sh_slice value)
{
    show_cell(out, sh_slice_of(name), NAME_WIDTH, false);
    (void)fputs("  ", out);
    show_cell(out, value, 0, false);
    (void)fputc('\n', out);
}

static void write_time(FILE *out, const char *name, int64_t ms)
{
    char text[SHOW_CELL_BYTES];
    show_time(ms, "-", text);
    write_value(out, name, sh_slice_of(text));
}

static sh_err write_text(const showing *show, const store_device *device, sh_error *error)
{
    static const show_column columns[] = {
        {"NODE", false}, {"PRESENT", false}, {"IP", false}, {"SINCE", false}};
    SH_CLEANUP(free_views) node_views views = {.views = NULL};
    sh_err err = read_views(device->nodes, &views, error);
    if (err != SH_OK)
        return err;
    for (size_t i = 0; i < device->count; i++) {
        char room[24];
        sh_value value = device->values[i];
        if (show->has_presence)
            (void)device_value_now(device, device->columns[i].name, room, &value);
        if (value.kind != SH_VALUE_NULL && value.text.len > 0)
            write_value(show->out, device->columns[i].name, value.text);
    }
    (void)fputc('\n', show->out);
    write_value(show->out, "present", device->present);
    write_time(show->out, "since", device->since_ms);
    write_time(show->out, "first seen", device->first_seen_ms);
    if (views.count > 0) {
        (void)fputc('\n', show->out);
        const show_cells cells = {.columns = columns,
                                  .column_count = sizeof columns / sizeof columns[0],
                                  .rows = views.count,
                                  .cell_of = node_cell,
                                  .context = &views};
        show_table(show->out, &cells);
    }
    return SH_OK;
}

/* --- All of it ------------------------------------------------------------------------------- */

static sh_err write_device(void *context, const store_device *device, sh_error *error)
{
    showing *show = context;
    show->found = true;
    if (!show->json)
        return write_text(show, device, error);
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(DEVICE_JSON_MAX);
    sh_err err = device_json_write(&json, device, show->has_presence);
    if (err != SH_OK)
        return sh_fail(error, err, "the device is too large to be written");
    (void)fprintf(show->out, "%s\n", json.data);
    return SH_OK;
}

static sh_err read_arguments(int argc, char *const argv[], bool *json, sh_mac *ret, sh_error *error)
{
    const char *text = NULL;
    sh_error reason = {.code = SH_OK};
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            *json = true;
        else if (text == NULL && argv[i][0] != '-')
            text = argv[i];
        else
            return sh_fail(error, SH_E_CONFIG, "unknown argument '%s'; usage: %s", argv[i],
                           command.usage);
    }
    if (text == NULL)
        return sh_fail(error, SH_E_CONFIG, "the MAC of the device is missing; usage: %s",
                       command.usage);
    if (sh_mac_read(sh_slice_of(text), ret, &reason) != SH_OK)
        return sh_fail(error, SH_E_CONFIG, "'%s' is not a MAC: %s", text, reason.message);
    return SH_OK;
}

int device_show_to(const sh_settings *settings, int argc, char *const argv[], FILE *out, FILE *err)
{
    sh_error error = {.code = SH_OK};
    showing show = {.out = out};
    sh_mac mac;
    store *s = NULL;
    sh_err code = read_arguments(argc, argv, &show.json, &mac, &error);
    if (code == SH_OK)
        code = store_open(settings->db, STORE_READ_ONLY, &s, &error);
    if (code == SH_OK) {
        const store_device_query query = {.mac = &mac};
        show.has_presence = store_has_presence(s);
        code = store_devices(s, &query, write_device, &show, &error);
    }
    if (code == SH_OK && !show.found)
        code = sh_fail(&error, SH_E_NOT_FOUND,
                       "no device has the MAC %s: `synchub-receiver devices --search` finds parts "
                       "of names and addresses",
                       mac.text);
    if (code == SH_OK)
        code = show_written(out, true, &error);
    store_close(s);
    return code == SH_OK ? SH_EXIT_DONE : show_failure(&command, &error, err);
}

int device_command(const sh_settings *settings, int argc, char *const argv[])
{
    return device_show_to(settings, argc, argv, stdout, stderr);
}
