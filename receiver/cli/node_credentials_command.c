/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/node_credentials_command.h"

#include "libcommon/runtime/service.h"
#include "receiver/cli/node_arguments.h"
#include "receiver/cli/show_output.h"
#include "receiver/operate/node_credentials.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    show_command command;
    credentials_action action;
    node_arguments_kind arguments;
} changing;

/* Prints a line of an env file, quoted if a shell would interpret it. */
static void print_setting(const char *name, const char *value)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
    if (strspn(value, plain) == strlen(value)) {
        (void)printf("%s=%s\n", name, value);
        return;
    }
    (void)printf("%s='", name);
    for (const char *c = value; *c != '\0'; c++)
        (void)fputs(*c == '\'' ? "'\\''" : (char[]){*c, '\0'}, stdout);
    (void)puts("'");
}

static sh_err print_result(const changing *c, const node_changes *changes, sh_error *error)
{
    bool makes = c->action != CREDENTIALS_REVOKE;
    for (size_t i = 0; i < changes->count && makes; i++) {
        if (i > 0)
            (void)puts("");
        print_setting("SYNC_node_name", changes->items[i].node);
        print_setting("SYNC_api_token", changes->items[i].issued.secrets.token);
        print_setting("SYNC_encryption_key", changes->items[i].issued.secrets.encryption_key);
    }
    if (!makes)
        (void)puts("revoked");
    return show_written(stdout, true, error);
}

/* The credentials are printed once they are stored, even if they could not be published. */
static sh_err change_nodes(const changing *c, const sh_settings *settings, const node_arguments *a,
                           node_changes *changes, sh_error *error)
{
    sh_error unwritten = {.code = SH_OK};
    bool stored = false;
    changes->options = a->options;
    sh_err err = node_changes_init(changes, a->count, error);
    for (size_t i = 0; i < a->count && err == SH_OK; i++)
        changes->items[i].node = a->names[i];
    if (err == SH_OK)
        err = node_credentials_change(settings, c->action, changes, &stored, error);
    if (stored && print_result(c, changes, &unwritten) != SH_OK && err == SH_OK)
        err = sh_fail(error, unwritten.code, "%s", unwritten.message);
    return err;
}

static int run_change(const changing *c, const sh_settings *settings, int argc, char *const argv[])
{
    sh_error error = {.code = SH_OK};
    node_changes changes = {.count = 0};
    node_arguments arguments;
    sh_err err = node_arguments_read(&c->arguments, argc, argv, &arguments, &error);
    if (err == SH_OK)
        err = change_nodes(c, settings, &arguments, &changes, &error);
    node_changes_reset(&changes);
    node_arguments_reset(&arguments);
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&c->command, &error, stderr);
}

int node_add(const sh_settings *settings, int argc, char *const argv[])
{
    static const changing c = {.command = {.name = "node add", .usage = NODE_ADD_USAGE},
                               .action = CREDENTIALS_ADD,
                               .arguments = {.usage = NODE_ADD_USAGE, .adds = true}};
    return run_change(&c, settings, argc, argv);
}

int node_rotate(const sh_settings *settings, int argc, char *const argv[])
{
    static const changing c = {.command = {.name = "node rotate", .usage = NODE_ROTATE_USAGE},
                               .action = CREDENTIALS_ROTATE,
                               .arguments = {.usage = NODE_ROTATE_USAGE,
                                             .rotates = true,
                                             .old_ms = SH_NODE_ROTATE_OVERLAP_S * 1000LL}};
    return run_change(&c, settings, argc, argv);
}

int node_revoke(const sh_settings *settings, int argc, char *const argv[])
{
    static const changing c = {.command = {.name = "node revoke", .usage = NODE_REVOKE_USAGE},
                               .action = CREDENTIALS_REVOKE,
                               .arguments = {.usage = NODE_REVOKE_USAGE}};
    return run_change(&c, settings, argc, argv);
}
