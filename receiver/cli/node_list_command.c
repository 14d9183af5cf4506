/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/node_list_command.h"

#include "libcommon/base/clock.h"
#include "libcommon/json/json_write.h"
#include "libcommon/native/credentials.h"
#include "libcommon/runtime/service.h"
#include "receiver/cli/pager.h"
#include "receiver/cli/show_output.h"
#include "receiver/operate/hub_connections.h"
#include "receiver/operate/json_time.h"
#include "receiver/operate/node_json.h"
#include "receiver/store/store_state.h"

#include <stdlib.h>

#define JSON_NODE_MAX (4 * SH_KIB)

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

/* Until when the shared credentials work, too; 0: they do not. */
static int64_t shared_until(const sh_node_record *record, int64_t now_ms)
{
    return sh_node_record_takes_shared(record, now_ms) ? record->shared.until_ms : 0;
}

/* Until when the last of the older credentials is valid; 0: there are none. */
static int64_t rotates_until(const sh_node_record *record, int64_t now_ms)
{
    int64_t last = 0;
    for (size_t i = 1; record->revoked_ms == 0 && i < record->count; i++)
        if (sh_credential_is_valid(&record->items[i], now_ms) && record->items[i].until_ms > last)
            last = record->items[i].until_ms;
    return last;
}

static const char *state_of(const sh_node_record *record, int64_t now_ms)
{
    if (record->unreadable)
        return "unreadable";
    if (record->revoked_ms > 0)
        return "revoked";
    if (shared_until(record, now_ms) > 0)
        return "grace";
    return rotates_until(record, now_ms) > 0 ? "rotating" : "active";
}

static const char *protocol_of(const sh_node_record *record)
{
    return record->netalertx ? "any" : "native";
}

static void node_cell(void *context, size_t row, size_t column, char ret[static SHOW_CELL_BYTES])
{
    const listing *l = context;
    const sh_node_record *record = sh_credentials_at(l->all, row);
    switch (column) {
    case NODE:
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s", record->node);
        break;
    case STATE:
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s", state_of(record, l->now_ms));
        break;
    case PROTOCOL:
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s", protocol_of(record));
        break;
    case CREATED:
        show_time(record->created_ms, "?", ret);
        break;
    case LAST_USED:
        show_time(l->used_ms[row], "never", ret);
        break;
    case ROTATES_UNTIL:
        show_time(rotates_until(record, l->now_ms), "-", ret);
        break;
    case REVOKED:
        show_time(record->revoked_ms, "-", ret);
        break;
    default:
        show_time(shared_until(record, l->now_ms), "-", ret);
        break;
    }
}

typedef struct {
    const char *key, *key_of_0_2; /* for one release, in Unix ms */
    int64_t ms;
} listed_time;

/* `node` and the times in Unix ms are names of 0.2.0, for one release. */
static sh_err append_node_json(sh_buf *json, const listing *l, size_t row)
{
    const sh_node_record *record = sh_credentials_at(l->all, row);
    const listed_time times[] = {
        {"created", "created_ms", record->created_ms},
        {"last_used", "last_used_ms", l->used_ms[row]},
        {"rotates_until", "rotates_until_ms", rotates_until(record, l->now_ms)},
        {"shared_until", NULL, shared_until(record, l->now_ms)},
        {"revoked", "revoked_ms", record->revoked_ms},
    };
    sh_err err = sh_buf_append_text(json, "{");
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "name", record->node);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "node", record->node);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "state", state_of(record, l->now_ms));
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "protocol", protocol_of(record));
    for (size_t i = 0; i < sizeof times / sizeof times[0] && err == SH_OK; i++) {
        err = json_time_write(json, times[i].key, times[i].ms);
        if (err == SH_OK && times[i].key_of_0_2 != NULL)
            err = json_time_write_ms(json, times[i].key_of_0_2, times[i].ms);
    }
    return err == SH_OK ? sh_buf_append_text(json, "}") : err;
}

static sh_err write_items(const listing *l, sh_buf *json, FILE *out)
{
    sh_err err = SH_OK;
    for (size_t i = 0; i < sh_credentials_count(l->all) && err == SH_OK; i++) {
        sh_buf_clear(json);
        err = append_node_json(json, l, i);
        if (err == SH_OK)
            (void)fprintf(out, "%s\n%s", i == 0 ? "" : ",", json->data);
    }
    return err;
}

/* `nodes` is the name of 0.2.0, for one release. */
static sh_err write_nodes_json(const listing *l, FILE *out, sh_error *error)
{
    sh_buf json = SH_BUF_INIT(JSON_NODE_MAX);
    (void)fputs("{\"items\":[", out);
    sh_err err = write_items(l, &json, out);
    (void)fputs("],\"next\":null,\"nodes\":[", out);
    if (err == SH_OK)
        err = write_items(l, &json, out);
    (void)fputs("]}\n", out);
    sh_buf_reset(&json);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "out of memory");
}

static sh_err add_entry(void *context, const store_state_entry *entry, sh_error *error)
{
    return sh_credentials_add(context, entry->key, entry->value, error);
}

static sh_err read_listing(const hub_connections *hub, listing *l, sh_error *error)
{
    char version[STORE_VERSION_BYTES];
    sh_err err = sh_credentials_new(&l->all, error);
    if (err != SH_OK)
        return err;
    const store_state_reader reader = {.each = add_entry, .context = l->all};
    err = store_state_read(hub->store, STORE_CREDENTIALS, &reader, version, error);
    if (err == SH_OK)
        err = sh_credentials_index(l->all, error);
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
