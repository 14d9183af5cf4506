/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/auth_failures_command.h"

#include "libcommon/runtime/service.h"
#include "receiver/cli/pager.h"
#include "receiver/cli/show_output.h"
#include "receiver/operate/auth_failures.h"

#include <inttypes.h>
#include <string.h>

static const show_command command = {.name = "auth-failures", .usage = AUTH_FAILURES_USAGE};

/* --- Output ---------------------------------------------------------------------------------- */

enum { ADDRESS, NODE, COUNT, FIRST, LAST, REASON, COLUMNS };
static const show_column columns[COLUMNS] = {{"ADDRESS", false}, {"CLAIMED NODE", false},
                                             {"COUNT", true},    {"FIRST", false},
                                             {"LAST", false},    {"REASON", false}};

static void write_cell(void *context, size_t row, size_t column, char ret[static SHOW_CELL_BYTES])
{
    const store_auth_failure *f = &((auth_failures *)context)->all[row];
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

static sh_err write_json(const auth_failures *list, FILE *out, sh_error *error)
{
    sh_buf json = SH_BUF_INIT(AUTH_FAILURE_JSON_MAX);
    sh_err err = SH_OK;
    (void)fputs("{\"items\":[", out);
    for (size_t i = 0; i < list->count && err == SH_OK; i++) {
        sh_buf_clear(&json);
        err = auth_failure_write(&json, &list->all[i]);
        if (err == SH_OK)
            (void)fprintf(out, "%s\n%s", i == 0 ? "" : ",", json.data);
    }
    (void)fputs("],\"next\":null}\n", out);
    sh_buf_reset(&json);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "out of memory");
}

/* --- The subcommand -------------------------------------------------------------------------- */

static sh_err show_all(const sh_settings *settings, bool json, FILE *out, sh_error *error)
{
    auth_failures list;
    sh_err err = auth_failures_read(settings, &list, error);
    if (err == SH_OK && json)
        err = write_json(&list, out, error);
    else if (err == SH_OK && list.count == 0)
        (void)fputs("No request was refused for missing or invalid credentials.\n", out);
    else if (err == SH_OK)
        show_table(out, &(show_cells){columns, COLUMNS, list.count, write_cell, &list});
    auth_failures_reset(&list);
    return err == SH_OK ? show_written(out, true, error) : err;
}

static int run_to(const sh_settings *settings, int argc, char *const argv[], FILE *out,
                  FILE *err_out)
{
    sh_error error = {.code = SH_OK};
    show_options options = {.json = false};
    bool clears = argc == 1 && strcmp(argv[0], "clear") == 0;
    sh_err err = clears ? auth_failures_clear(settings, &error)
                        : show_options_read(&command, argc, argv, &options, &error);
    if (err == SH_OK && !clears)
        err = show_all(settings, options.json, out, &error);
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&command, &error, err_out);
}

int auth_failures_command(const sh_settings *settings, int argc, char *const argv[])
{
    return pager_run(run_to, settings, argc, argv);
}
