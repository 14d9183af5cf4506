/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/settings_command.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/runtime/service.h"
#include "receiver/cli/pager.h"
#include "receiver/cli/show_output.h"
#include "receiver/operate/setting_change.h"
#include "receiver/operate/setting_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- The list -------------------------------------------------------------------------------- */

enum { NAME, VALUE, FROM, USED_BY, CHANGEABLE, COLUMNS };

static const show_column columns[COLUMNS] = {{"SETTING", false},
                                             {"VALUE", false},
                                             {"FROM", false},
                                             {"USED BY", false},
                                             {"CHANGE HERE", false}};

typedef struct {
    setting_list list;
    const sh_setting *rows[SETTING_ROWS_MAX];
    size_t count;
} shown_settings;

static void write_value(const setting_item *item, char ret[static SHOW_CELL_BYTES])
{
    const char *value = item->value;
    if (item->row->kind == SH_SETTING_SECRET)
        value = item->is_set ? "(hidden)" : "(not set)";
    else if (value == NULL)
        value = strcmp(item->origin, "node") == 0 ? "" : "(long)";
    (void)snprintf(ret, SHOW_CELL_BYTES, "%.*s", SHOW_CELL_BYTES - 1, value);
}

static void cell_of(void *context, size_t row, size_t column, char ret[static SHOW_CELL_BYTES])
{
    const shown_settings *s = context;
    setting_item item;
    setting_item_of(&s->list, s->rows[row], &item);
    ret[0] = '\0';
    switch (column) {
    case NAME:
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s", item.row->name);
        break;
    case VALUE:
        write_value(&item, ret);
        break;
    case FROM:
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s", item.origin);
        break;
    case USED_BY:
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s%s%s",
                       (item.users & SH_FOR_RECEIVER) != 0 ? "receiver " : "",
                       (item.users & SH_FOR_PULLER) != 0 ? "puller " : "",
                       (item.users & SH_FOR_PUSHER) != 0 ? "pusher" : "");
        break;
    default:
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s", item.changeable ? "yes" : "no");
        break;
    }
}

static sh_err write_json(const shown_settings *s, FILE *out, sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(SETTING_JSON_MAX);
    sh_err err = SH_OK;
    (void)fputs("{\"items\":[", out);
    for (size_t i = 0; i < s->count && err == SH_OK; i++) {
        sh_buf_clear(&json);
        err = setting_json_append(&json, &s->list, s->rows[i]);
        if (err == SH_OK)
            (void)fprintf(out, "%s\n%s", i == 0 ? "" : ",", json.data);
    }
    (void)fputs("],\"next\":null}\n", out);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "out of memory");
}

static int list_to(const sh_settings *settings, int argc, char *const argv[], FILE *out,
                   FILE *err_out)
{
    static const show_command command = {.name = "settings list", .usage = SETTINGS_LIST_USAGE};
    sh_error error = {.code = SH_OK};
    show_options options;
    shown_settings s = {.count = 0};
    hub_connections hub = {.store = NULL};
    sh_err err = show_options_read(&command, argc, argv, &options, &error);
    if (err == SH_OK)
        err = hub_connections_open_to_read(settings, &hub, &error);
    if (err == SH_OK)
        err = setting_list_read(settings, &hub, &s.list, &error);
    hub_connections_close(&hub);
    s.count = setting_rows(s.rows);
    if (err == SH_OK && options.json)
        err = write_json(&s, out, &error);
    else if (err == SH_OK)
        show_table(out, &(show_cells){columns, COLUMNS, s.count, cell_of, &s});
    if (err == SH_OK && !options.json && !s.list.has_redis)
        (void)fputs("\nRedis does not answer, so what other programs have in their environment is "
                    "not known.\n",
                    out);
    if (err == SH_OK)
        err = show_written(out, true, &error);
    setting_list_reset(&s.list);
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&command, &error, err_out);
}

int settings_list(const sh_settings *settings, int argc, char *const argv[])
{
    return pager_run(list_to, settings, argc, argv);
}

/* --- Changes --------------------------------------------------------------------------------- */

typedef struct {
    show_command command;
    bool sets;
} changing;

/* Separates the argument that is not --json into name and value. */
static sh_err read_arguments(const changing *how, int argc, char *const argv[], char **name,
                             bool *json, sh_error *error)
{
    const char *given = NULL;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            *json = true;
        else if (argv[i][0] == '-' || given != NULL)
            return sh_fail(error, SH_E_CONFIG, "unexpected argument '%.100s'; usage: %s", argv[i],
                           how->command.usage);
        else
            given = argv[i];
    }
    if (given == NULL || (how->sets && strchr(given, '=') == NULL))
        return sh_fail(error, SH_E_CONFIG, "name the setting%s; usage: %s",
                       how->sets ? " and its value" : "", how->command.usage);
    *name = strdup(given);
    return *name == NULL ? sh_fail(error, SH_E_MEMORY, "out of memory") : SH_OK;
}

/* Prints the setting as it is now. */
static sh_err print_setting(const sh_settings *settings, const hub_connections *hub,
                            const sh_setting *row, bool json, sh_error *error)
{
    SH_CLEANUP(setting_list_reset) setting_list list = {.programs_count = 0};
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(SETTING_JSON_MAX);
    setting_item item;
    sh_err err = setting_list_read(settings, hub, &list, error);
    if (err != SH_OK)
        return err;
    setting_item_of(&list, row, &item);
    if (json) {
        err = setting_json_append(&text, &list, row);
        if (err != SH_OK)
            return sh_fail(error, err, "out of memory");
        (void)printf("%s\n", text.data);
    } else {
        (void)printf("%s=%s (from %s), in use within 5 s\n", row->name,
                     item.value == NULL ? "" : item.value, item.origin);
    }
    return show_written(stdout, true, error);
}

static int run_change(const changing *how, const sh_settings *settings, int argc,
                      char *const argv[])
{
    SH_CLEANUP(sh_free_cleanup) char *name = NULL;
    sh_error error = {.code = SH_OK};
    hub_connections hub = {.store = NULL};
    const sh_setting *row = NULL;
    const char *value = NULL;
    bool json = false;
    sh_err err = read_arguments(how, argc, argv, &name, &json, &error);
    if (err == SH_OK && how->sets) {
        char *equals = strchr(name, '=');
        *equals = '\0';
        value = equals + 1;
    }
    if (err == SH_OK)
        err = setting_find(name, &row, &error);
    if (err == SH_OK)
        err = hub_connections_open(settings, &hub, &error);
    if (err == SH_OK)
        err = setting_change(settings, &hub, row, value, &error);
    if (err == SH_OK)
        err = print_setting(settings, &hub, row, json, &error);
    hub_connections_close(&hub);
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&how->command, &error, stderr);
}

int settings_set(const sh_settings *settings, int argc, char *const argv[])
{
    static const changing how = {.command = {.name = "settings set", .usage = SETTINGS_SET_USAGE},
                                 .sets = true};
    return run_change(&how, settings, argc, argv);
}

int settings_unset(const sh_settings *settings, int argc, char *const argv[])
{
    static const changing how = {
        .command = {.name = "settings unset", .usage = SETTINGS_UNSET_USAGE}};
    return run_change(&how, settings, argc, argv);
}
