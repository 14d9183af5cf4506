/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/blocklist_command.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/runtime/service.h"
#include "receiver/cli/pager.h"
#include "receiver/cli/show_output.h"
#include "receiver/operate/blocklist_edit.h"

#include <stdlib.h>
#include <string.h>

/* --- Changes --------------------------------------------------------------------------------- */

typedef struct {
    show_command command;
    bool adds;
} changing;

/* Reads `[--note TEXT] MAC…`; *macs has room for argc of them, borrowed from argv. */
static sh_err read_arguments(const changing *how, int argc, char *const argv[], const char **macs,
                             blocklist_edit *ret, sh_error *error)
{
    for (int i = 0; i < argc; i++) {
        if (how->adds && strcmp(argv[i], "--note") == 0 && i + 1 < argc)
            ret->note = argv[++i];
        else if (how->adds && strcmp(argv[i], "--note") == 0)
            return sh_fail(error, SH_E_CONFIG, "--note needs a text; usage: %s",
                           how->command.usage);
        else if (argv[i][0] == '-')
            return sh_fail(error, SH_E_CONFIG, "unknown argument '%s'; usage: %s", argv[i],
                           how->command.usage);
        else
            macs[ret->count++] = argv[i];
    }
    if (ret->count == 0)
        return sh_fail(error, SH_E_CONFIG, "the MAC is missing; usage: %s", how->command.usage);
    return SH_OK;
}

static int run_change(const changing *how, const sh_settings *settings, int argc,
                      char *const argv[])
{
    SH_CLEANUP(sh_free_cleanup) const char **macs = calloc((size_t)argc + 1, sizeof *macs);
    blocklist_edit edit = {.adds = how->adds, .macs = macs, .note = ""};
    sh_error error = {.code = SH_OK};
    size_t changed = 0;
    sh_err err = macs == NULL ? sh_fail(&error, SH_E_MEMORY, "out of memory")
                              : read_arguments(how, argc, argv, macs, &edit, &error);
    if (err == SH_OK)
        err = blocklist_edit_apply(settings, &edit, &changed, &error);
    if (err == SH_OK) {
        (void)printf("%s %zu\n", how->adds ? "added" : "removed", changed);
        err = show_written(stdout, true, &error);
    }
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&how->command, &error, stderr);
}

int blocklist_add(const sh_settings *settings, int argc, char *const argv[])
{
    static const changing how = {.command = {.name = "blocklist add", .usage = BLOCKLIST_ADD_USAGE},
                                 .adds = true};
    return run_change(&how, settings, argc, argv);
}

int blocklist_remove(const sh_settings *settings, int argc, char *const argv[])
{
    static const changing how = {
        .command = {.name = "blocklist remove", .usage = BLOCKLIST_REMOVE_USAGE}};
    return run_change(&how, settings, argc, argv);
}

/* --- The list -------------------------------------------------------------------------------- */

enum { MAC, SOURCE, ADDED, NOTE, COLUMNS };

static const show_column columns[COLUMNS] = {
    {"MAC", false}, {"SOURCE", false}, {"ADDED", false}, {"NOTE", false}};

static void cell_of(void *context, size_t row, size_t column, char ret[static SHOW_CELL_BYTES])
{
    const blocked_devices *l = context;
    const blocked_device *one = &l->items[row];
    switch (column) {
    case MAC:
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s", one->mac);
        break;
    case SOURCE:
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s", blocked_device_source(one));
        break;
    case ADDED:
        show_time(one->added_ms, "-", ret);
        break;
    default:
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s", one->note == NULL ? "" : one->note);
        break;
    }
}

static sh_err write_json(const blocked_devices *l, FILE *out, sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(BLOCKED_DEVICE_JSON_MAX);
    sh_err err = SH_OK;
    (void)fputs("{\"items\":[", out);
    for (size_t i = 0; i < l->count && err == SH_OK; i++) {
        sh_buf_clear(&json);
        err = blocked_device_write(&json, &l->items[i]);
        if (err == SH_OK)
            (void)fprintf(out, "%s\n%s", i == 0 ? "" : ",", json.data);
    }
    (void)fputs("],\"next\":null}\n", out);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "out of memory");
}

static int list_to(const sh_settings *settings, int argc, char *const argv[], FILE *out,
                   FILE *err_out)
{
    static const show_command command = {.name = "blocklist list", .usage = BLOCKLIST_LIST_USAGE};
    sh_error error = {.code = SH_OK};
    show_options options;
    blocked_devices l = {.count = 0};
    sh_err err = show_options_read(&command, argc, argv, &options, &error);
    if (err == SH_OK)
        err = blocked_devices_read(settings, &l, &error);
    if (err == SH_OK && options.json)
        err = write_json(&l, out, &error);
    else if (err == SH_OK && l.count == 0)
        (void)fputs("No device is blocked.\n", out);
    else if (err == SH_OK)
        show_table(out, &(show_cells){columns, COLUMNS, l.count, cell_of, &l});
    if (err == SH_OK)
        err = show_written(out, true, &error);
    blocked_devices_reset(&l);
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&command, &error, err_out);
}

int blocklist_list(const sh_settings *settings, int argc, char *const argv[])
{
    return pager_run(list_to, settings, argc, argv);
}
