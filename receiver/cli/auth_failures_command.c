/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/auth_failures_command.h"

#include "libcommon/json/json_write.h"
#include "libcommon/queue/queue_reports.h"
#include "libcommon/runtime/service.h"
#include "receiver/cli/pager.h"
#include "receiver/cli/show_output.h"
#include "receiver/operate/database_change.h"
#include "receiver/operate/json_time.h"
#include "receiver/operate/node_json.h"
#include "receiver/store/store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FAILURES_MAX (2 * SH_AUTH_FAILURES_MAX) /* in the database, and in Redis */
#define JSON_FAILURE_MAX (4 * SH_KIB)

static const show_command command = {.name = "auth-failures", .usage = AUTH_FAILURES_USAGE};

typedef struct {
    store_auth_failure *all; /* FAILURES_MAX */
    size_t count;
} failure_list;

/* Adds a failure, or adds it to those of the same address and name. */
static void add(failure_list *list, const store_auth_failure *failure)
{
    for (size_t i = 0; i < list->count; i++) {
        store_auth_failure *known = &list->all[i];
        if (strcmp(known->address, failure->address) != 0 ||
            strcmp(known->node, failure->node) != 0)
            continue;
        known->failures += failure->failures;
        known->last_ms = failure->last_ms;
        memcpy(known->reason, failure->reason, sizeof known->reason);
        return;
    }
    if (list->count < FAILURES_MAX)
        list->all[list->count++] = *failure;
}

static sh_err add_recorded(void *context, const store_auth_failure *failure, sh_error *error)
{
    failure_list *list = context;
    (void)error;
    if (list->count < FAILURES_MAX)
        list->all[list->count++] = *failure;
    return SH_OK;
}

static sh_err add_reported(void *context, sh_slice field, sh_slice value, sh_error *error)
{
    sh_queue_auth_failure f;
    (void)error;
    if (!sh_queue_auth_failure_read(field, value, &f))
        return SH_OK;
    store_auth_failure failure = {
        .first_ms = f.first_ms, .last_ms = f.last_ms, .failures = f.failures};
    memcpy(failure.address, f.address, sizeof failure.address);
    memcpy(failure.node, f.node, sizeof failure.node);
    memcpy(failure.reason, f.reason, sizeof failure.reason);
    add(context, &failure);
    return SH_OK;
}

static int by_time(const void *a, const void *b)
{
    const store_auth_failure *left = a, *right = b;
    return (left->last_ms < right->last_ms) - (left->last_ms > right->last_ms);
}

static sh_err read_all(const sh_settings *settings, sh_queue *queue, failure_list *list,
                       sh_error *error)
{
    store *s = NULL;
    sh_err err = store_open(settings->db, STORE_READ_ONLY, &s, error);
    if (err == SH_OK)
        err = store_auth_failures(s, add_recorded, list, error);
    store_close(s);
    if (err == SH_OK)
        err = sh_queue_reports(queue, SH_REPORTED_AUTH_FAILURES, add_reported, list, error);
    qsort(list->all, list->count, sizeof list->all[0], by_time);
    return err;
}

/* --- Output ---------------------------------------------------------------------------------- */

enum { ADDRESS, NODE, COUNT, FIRST, LAST, REASON, COLUMNS };
static const show_column columns[COLUMNS] = {{"ADDRESS", false}, {"CLAIMED NODE", false},
                                             {"COUNT", true},    {"FIRST", false},
                                             {"LAST", false},    {"REASON", false}};

static void write_cell(void *context, size_t row, size_t column, char ret[static SHOW_CELL_BYTES])
{
    const store_auth_failure *f = &((failure_list *)context)->all[row];
    switch (column) {
    case ADDRESS:
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s", f->address);
        break;
    case NODE:
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s", f->node[0] == '\0' ? "-" : f->node);
        break;
    case COUNT:
        (void)snprintf(ret, SHOW_CELL_BYTES, "%" PRId64, f->failures);
        break;
    case FIRST:
        show_time(f->first_ms, "?", ret);
        break;
    case LAST:
        show_time(f->last_ms, "?", ret);
        break;
    default:
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s", f->reason);
        break;
    }
}

static sh_err append_json(sh_buf *json, const store_auth_failure *f)
{
    sh_err err = sh_buf_append_text(json, "{");
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "address", f->address);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "claimed_node", f->node);
    if (err == SH_OK)
        err = sh_json_write_member_integer(json, "count", f->failures);
    if (err == SH_OK)
        err = json_time_write(json, "first", f->first_ms);
    if (err == SH_OK)
        err = json_time_write(json, "last", f->last_ms);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "reason", f->reason);
    return err == SH_OK ? sh_buf_append_text(json, "}") : err;
}

static sh_err write_json(const failure_list *list, FILE *out, sh_error *error)
{
    sh_buf json = SH_BUF_INIT(JSON_FAILURE_MAX);
    sh_err err = SH_OK;
    (void)fputs("{\"items\":[", out);
    for (size_t i = 0; i < list->count && err == SH_OK; i++) {
        sh_buf_clear(&json);
        err = append_json(&json, &list->all[i]);
        if (err == SH_OK)
            (void)fprintf(out, "%s\n%s", i == 0 ? "" : ",", json.data);
    }
    (void)fputs("],\"next\":null}\n", out);
    sh_buf_reset(&json);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "out of memory");
}

/* --- The subcommand -------------------------------------------------------------------------- */

static sh_err clear_recorded(void *context, store *s, sh_error *error)
{
    (void)context;
    return store_auth_failures_trim(s, 0, error);
}

static sh_err clear_all(const sh_settings *settings, sh_queue *queue, sh_error *error)
{
    sh_err err = sh_queue_auth_failures_clear(queue, error);
    return err == SH_OK ? database_change_run(settings, clear_recorded, NULL, error) : err;
}

static sh_err show_all(const sh_settings *settings, sh_queue *queue, bool json, FILE *out,
                       sh_error *error)
{
    failure_list list = {.all = calloc(FAILURES_MAX, sizeof *list.all)};
    sh_err err = list.all == NULL ? sh_fail(error, SH_E_MEMORY, "out of memory")
                                  : read_all(settings, queue, &list, error);
    if (err == SH_OK && json)
        err = write_json(&list, out, error);
    else if (err == SH_OK && list.count == 0)
        (void)fputs("No request was refused for missing or invalid credentials.\n", out);
    else if (err == SH_OK)
        show_table(out, &(show_cells){columns, COLUMNS, list.count, write_cell, &list});
    free(list.all);
    return err == SH_OK ? show_written(out, true, error) : err;
}

static int run_to(const sh_settings *settings, int argc, char *const argv[], FILE *out,
                  FILE *err_out)
{
    sh_error error = {.code = SH_OK};
    show_options options = {.json = false};
    sh_queue *queue = NULL;
    const sh_queue_options queue_options = sh_queue_options_of(settings);
    bool clears = argc == 1 && strcmp(argv[0], "clear") == 0;
    sh_err err = clears ? SH_OK : show_options_read(&command, argc, argv, &options, &error);
    if (err == SH_OK)
        err = sh_queue_open(&queue_options, &queue, &error);
    if (err == SH_OK)
        err = clears ? clear_all(settings, queue, &error)
                     : show_all(settings, queue, options.json, out, &error);
    sh_queue_free(queue);
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&command, &error, err_out);
}

int auth_failures_command(const sh_settings *settings, int argc, char *const argv[])
{
    return pager_run(run_to, settings, argc, argv);
}
