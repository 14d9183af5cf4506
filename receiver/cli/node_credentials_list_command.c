/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/node_credentials_list_command.h"

#include "libcommon/base/clock.h"
#include "libcommon/runtime/service.h"
#include "receiver/cli/pager.h"
#include "receiver/cli/show_output.h"
#include "receiver/operate/credential_state.h"
#include "receiver/operate/hub_connections.h"

#include <stdlib.h>

typedef struct {
    sh_credentials *all;
    int64_t *used_ms; /* of each */
    int64_t now_ms;
} listing;

enum { NODE, STATE, PROTOCOL, CREATED, LAST_USED, ROTATES_UNTIL, REVOKED, SHARED_UNTIL, COLUMNS };

static const show_column columns[COLUMNS] = {
    {"NODE", false},      {"STATE", false},         {"PROTOCOL", false}, {"CREATED", false},
    {"LAST USED", false}, {"ROTATES UNTIL", false}, {"REVOKED", false},  {"SHARED UNTIL", false},
};

static void node_cell(void *context, size_t row, size_t column, char ret[static SHOW_CELL_BYTES])
{
    const listing *l = context;
    const sh_node_record *record = sh_credentials_at(l->all, row);
    const credential_state state = credential_state_of(record, l->now_ms);
    switch (column) {
    case NODE:
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s", record->node);
        break;
    case STATE:
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s", state.state);
        break;
    case PROTOCOL:
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s", state.protocol);
        break;
    case CREATED:
        show_time(record->created_ms, "?", ret);
        break;
    case LAST_USED:
        show_time(l->used_ms[row], "never", ret);
        break;
    case ROTATES_UNTIL:
        show_time(state.rotates_until_ms, "-", ret);
        break;
    case REVOKED:
        show_time(record->revoked_ms, "-", ret);
        break;
    default:
        show_time(state.shared_until_ms, "-", ret);
        break;
    }
}

static sh_err write_items(const listing *l, sh_buf *json, FILE *out)
{
    sh_err err = SH_OK;
    for (size_t i = 0; i < sh_credentials_count(l->all) && err == SH_OK; i++) {
        sh_buf_clear(json);
        err = credential_state_write(json, sh_credentials_at(l->all, i), l->used_ms[i], l->now_ms);
        if (err == SH_OK)
            (void)fprintf(out, "%s\n%s", i == 0 ? "" : ",", json->data);
    }
    return err;
}

/* `nodes` is the name of 0.2.0, for one release. */
static sh_err write_nodes_json(const listing *l, FILE *out, sh_error *error)
{
    sh_buf json = SH_BUF_INIT(CREDENTIAL_JSON_MAX);
    (void)fputs("{\"items\":[", out);
    sh_err err = write_items(l, &json, out);
    (void)fputs("],\"next\":null,\"nodes\":[", out);
    if (err == SH_OK)
        err = write_items(l, &json, out);
    (void)fputs("]}\n", out);
    sh_buf_reset(&json);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "out of memory");
}

static sh_err read_listing(const hub_connections *hub, listing *l, sh_error *error)
{
    sh_err err = credential_states_read(hub->store, &l->all, error);
    if (err != SH_OK)
        return err;
    l->now_ms = sh_clock_unix_ms();
    l->used_ms = calloc(sh_credentials_count(l->all) + 1, sizeof *l->used_ms);
    if (l->used_ms == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    for (size_t i = 0; i < sh_credentials_count(l->all) && err == SH_OK; i++)
        err = sh_queue_node_used_get(hub->queue, sh_credentials_at(l->all, i)->node, &l->used_ms[i],
                                     error);
    return err;
}

static int list_to(const sh_settings *settings, int argc, char *const argv[], FILE *out,
                   FILE *err_out)
{
    static const show_command command = {.name = "node list", .usage = NODE_LIST_USAGE};
    sh_error error = {.code = SH_OK};
    show_options options;
    listing l = {.all = NULL};
    hub_connections hub = {.store = NULL};
    sh_err err = show_options_read(&command, argc, argv, &options, &error);
    if (err == SH_OK)
        err = hub_connections_open_to_read(settings, &hub, &error);
    if (err == SH_OK)
        err = read_listing(&hub, &l, &error);
    if (err == SH_OK && options.json)
        err = write_nodes_json(&l, out, &error);
    else if (err == SH_OK && sh_credentials_count(l.all) == 0)
        (void)fputs("No node has credentials of its own.\n", out);
    else if (err == SH_OK)
        show_table(out,
                   &(show_cells){columns, COLUMNS, sh_credentials_count(l.all), node_cell, &l});
    if (err == SH_OK)
        err = show_written(out, true, &error);
    hub_connections_close(&hub);
    sh_credentials_free(l.all);
    free(l.used_ms);
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&command, &error, err_out);
}

int node_list(const sh_settings *settings, int argc, char *const argv[])
{
    return pager_run(list_to, settings, argc, argv);
}
