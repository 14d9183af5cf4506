/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/node_credentials_command.h"

#include "libcommon/runtime/service.h"
#include "receiver/cli/node_arguments.h"
#include "receiver/cli/show_output.h"
#include "receiver/merge/merge_key_check.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    show_command command;
    node_change_each change;
    node_arguments_kind arguments;
    bool makes; /* creates credentials, which are printed */
    bool adds;  /* adds nodes */
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
    for (size_t i = 0; i < changes->count && c->makes; i++) {
        if (i > 0)
            (void)puts("");
        print_setting("SYNC_node_name", changes->items[i].node);
        print_setting("SYNC_api_token", changes->items[i].issued.secrets.token);
        print_setting("SYNC_encryption_key", changes->items[i].issued.secrets.passphrase);
    }
    if (!c->makes)
        (void)puts("revoked");
    return show_written(stdout, true, error);
}

/* Credentials that are sealed with another key than the hub's could not be opened. */
static sh_err issue(node_changes *changes, const hub_secrets *keys, const hub_connections *hub,
                    sh_error *error)
{
    key_check check;
    key_check_init(&check, keys);
    sh_err err = key_check_verify(&check, hub->store, hub->queue, error);
    return err == SH_OK ? node_changes_issue(changes, keys, error) : err;
}

/* The credentials are printed once they are stored, even if they could not be published. */
static sh_err change_nodes(const changing *c, const hub_connections *hub, const hub_secrets *keys,
                           node_changes *changes, sh_error *error)
{
    sh_err err = c->makes ? issue(changes, keys, hub, error) : SH_OK;
    if (err == SH_OK)
        err = node_changes_apply(changes, hub->store, error);
    if (err != SH_OK)
        return err;
    sh_err published = hub_connections_publish_credentials(hub, error);
    err = print_result(c, changes, error);
    if (published == SH_OK && err == SH_OK && c->adds)
        err = node_changes_warn(changes, hub->queue, error);
    return published == SH_OK ? err : published;
}

static sh_err run_all(const changing *c, const sh_settings *settings, const node_arguments *a,
                      node_changes *changes, sh_error *error)
{
    hub_connections hub = {.store = NULL};
    hub_secrets keys = {.token = {"", 0}};
    changes->options = a->options;
    sh_err err = node_changes_init(changes, a->count, error);
    for (size_t i = 0; i < a->count && err == SH_OK; i++)
        changes->items[i].node = a->names[i];
    if (err == SH_OK && c->makes)
        err = hub_secrets_init(settings, &keys, error);
    if (err == SH_OK)
        err = hub_connections_open(settings, &hub, error);
    if (err == SH_OK)
        err = change_nodes(c, &hub, &keys, changes, error);
    hub_connections_close(&hub);
    hub_secrets_reset(&keys);
    return err;
}

static int run_change(const changing *c, const sh_settings *settings, int argc, char *const argv[])
{
    sh_error error = {.code = SH_OK};
    node_changes changes = {.each = c->change, .adds = c->adds};
    node_arguments arguments;
    sh_err err = node_arguments_read(&c->arguments, argc, argv, &arguments, &error);
    if (err == SH_OK)
        err = run_all(c, settings, &arguments, &changes, &error);
    node_changes_reset(&changes);
    node_arguments_reset(&arguments);
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&c->command, &error, stderr);
}

/* --- The changes ----------------------------------------------------------------------------- */

static sh_err add_credentials(sh_node_record *record, bool known, const node_change *change,
                              const node_change_options *options, sh_error *error)
{
    if (known && !record->unreadable && record->revoked_ms == 0)
        return sh_fail(error, SH_E_REFUSED,
                       "node %s already has credentials of its own: `node rotate` creates new "
                       "ones, `node revoke` ends them",
                       record->node);
    if (known && options->old_ms > 0)
        return sh_fail(error, SH_E_REFUSED,
                       "the shared credentials do not work for node %s now, as its own are %s: "
                       "leave out --grace",
                       record->node, record->unreadable ? "unreadable" : "revoked");
    record->unreadable = false;
    record->netalertx = options->netalertx;
    record->created_ms = options->now_ms;
    record->revoked_ms = 0;
    record->count = 0;
    record->shared = options->old_ms > 0 ? change->shared : (sh_credential){.until_ms = 0};
    return sh_node_record_add(record, &change->issued.credential, options->now_ms, error);
}

static sh_err check_active(bool known, const sh_node_record *record, sh_error *error)
{
    if (!known)
        return sh_fail(error, SH_E_NOT_FOUND,
                       "node %s has no credentials of its own: `node add` creates them",
                       record->node);
    if (record->unreadable || record->revoked_ms > 0)
        return sh_fail(error, SH_E_REFUSED,
                       "the credentials of node %s are %s: `node add` creates new ones",
                       record->node, record->unreadable ? "unreadable" : "revoked");
    return SH_OK;
}

static sh_err rotate_credentials(sh_node_record *record, bool known, const node_change *change,
                                 const node_change_options *options, sh_error *error)
{
    int64_t until_ms = options->now_ms + options->old_ms;
    sh_err err = check_active(known, record, error);
    if (err != SH_OK)
        return err;
    /* Never later than an earlier rotation set. */
    for (size_t i = 0; i < record->count; i++)
        if (record->items[i].until_ms == 0 || record->items[i].until_ms > until_ms)
            record->items[i].until_ms = until_ms;
    if (record->shared.until_ms > until_ms)
        record->shared.until_ms = until_ms;
    return sh_node_record_add(record, &change->issued.credential, options->now_ms, error);
}

/* Keeps an empty record, so that the shared token may not use the name. */
static sh_err revoke_credentials(sh_node_record *record, bool known, const node_change *change,
                                 const node_change_options *options, sh_error *error)
{
    (void)change;
    if (!known)
        return check_active(false, record, error);
    record->unreadable = false;
    if (record->revoked_ms == 0)
        record->revoked_ms = options->now_ms;
    memset(record->items, 0, sizeof record->items);
    record->count = 0;
    record->shared = (sh_credential){.until_ms = 0};
    return SH_OK;
}

int node_add(const sh_settings *settings, int argc, char *const argv[])
{
    static const changing c = {.command = {.name = "node add", .usage = NODE_ADD_USAGE},
                               .change = add_credentials,
                               .arguments = {.usage = NODE_ADD_USAGE, .adds = true},
                               .makes = true,
                               .adds = true};
    return run_change(&c, settings, argc, argv);
}

int node_rotate(const sh_settings *settings, int argc, char *const argv[])
{
    static const changing c = {.command = {.name = "node rotate", .usage = NODE_ROTATE_USAGE},
                               .change = rotate_credentials,
                               .arguments = {.usage = NODE_ROTATE_USAGE,
                                             .rotates = true,
                                             .old_ms = SH_NODE_ROTATE_OVERLAP_S * 1000LL},
                               .makes = true};
    return run_change(&c, settings, argc, argv);
}

int node_revoke(const sh_settings *settings, int argc, char *const argv[])
{
    static const changing c = {.command = {.name = "node revoke", .usage = NODE_REVOKE_USAGE},
                               .change = revoke_credentials,
                               .arguments = {.usage = NODE_REVOKE_USAGE}};
    return run_change(&c, settings, argc, argv);
}
