/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/node_command.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/native/credentials.h"
#include "libcommon/native/name_lookalike.h"
#include "libcommon/native/node_name.h"
#include "libcommon/queue/queue.h"
#include "libcommon/runtime/log.h"
#include "libcommon/runtime/service.h"
#include "receiver/cli/duration.h"
#include "receiver/cli/show_output.h"
#include "receiver/hub/hub_keys.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_MAX (4 * SH_KIB)

static sh_err open_queue(const sh_settings *settings, sh_queue **ret, sh_error *error)
{
    const sh_queue_options options = sh_queue_options_of(settings);
    return sh_queue_open(&options, ret, error);
}

/* --- Changing a node's record ---------------------------------------------------------------- */

/* The parsed command line. */
typedef struct {
    const char *node;
    int64_t old_ms; /* how long the old credentials stay valid */
    bool netalertx;
} change_options;

/* A change of a node's record, which is empty if the node has none. */
typedef struct {
    const hub_keys *keys;
    const change_options *options;
    bool known; /* the node has a record */
    sh_node_record record;
    sh_node_secrets secrets; /* the new ones */
} node_change;

typedef struct {
    show_command command;
    sh_err (*change)(node_change *c, sh_error *error);
    bool makes; /* creates credentials, which are printed */
    bool takes_duration;
    bool adds; /* adds a node; accepts --netalertx */
} changing;

static sh_err read_arguments(const changing *c, int argc, char *const argv[], change_options *ret,
                             sh_error *error)
{
    *ret = (change_options){.old_ms = SH_NODE_ROTATE_OVERLAP_S * 1000LL};
    for (int i = 0; i < argc; i++) {
        if (c->takes_duration && strcmp(argv[i], "--for") == 0) {
            if (i + 1 == argc ||
                !duration_read(argv[i + 1], SH_NODE_ROTATE_OVERLAP_MAX_S, &ret->old_ms))
                return sh_fail(
                    error, SH_E_CONFIG,
                    "--for needs a duration of at most %ld days, such as 7d, 12h, 30m or 0s",
                    SH_NODE_ROTATE_OVERLAP_MAX_S / 86400);
            i++;
        } else if (c->adds && strcmp(argv[i], "--netalertx") == 0) {
            ret->netalertx = true;
        } else if (ret->node == NULL && argv[i][0] != '-') {
            ret->node = argv[i];
        } else {
            return sh_fail(error, SH_E_CONFIG, "unknown argument '%s'; usage: %s", argv[i],
                           c->command.usage);
        }
    }
    sh_error reason = {.code = SH_OK};
    if (ret->node == NULL)
        return sh_fail(error, SH_E_CONFIG, "the name of the node is missing; usage: %s",
                       c->command.usage);
    if (sh_node_name_check(sh_slice_of(ret->node), &reason) != SH_OK)
        return sh_fail(error, SH_E_CONFIG, "%s", reason.message);
    return SH_OK;
}

/* Reads, changes and writes the record, unless somebody else changed it meanwhile. */
static sh_err change_record(const changing *how, sh_queue *queue, node_change *c, sh_error *error)
{
    const char *node = c->options->node;
    SH_CLEANUP(sh_buf_reset) sh_buf before = SH_BUF_INIT(RECORD_MAX);
    SH_CLEANUP(sh_buf_reset) sh_buf after = SH_BUF_INIT(RECORD_MAX);
    sh_error unknown = {.code = SH_OK};
    sh_err err = sh_queue_node_get(queue, node, &before, &unknown);
    c->known = err == SH_OK;
    c->record = (sh_node_record){.count = 0};
    if (err != SH_OK && err != SH_E_NOT_FOUND)
        return sh_fail(error, err, "%s", unknown.message);
    sh_slice old = {before.data == NULL ? "" : before.data, before.len};
    if (c->known)
        sh_node_record_read(sh_slice_of(node), old, &c->record);
    else
        (void)snprintf(c->record.node, sizeof c->record.node, "%s", node);
    err = how->change(c, error);
    if (err != SH_OK)
        return err;
    if (sh_node_record_write(&c->record, &after) != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    return sh_queue_node_set(queue, node, old, (sh_slice){after.data, after.len}, error);
}

/* Warns about a node that will be refused from now on, because its name resembles the new one. */
static sh_err warn_of_alike(void *context, sh_slice name, sh_slice mode, int64_t ms,
                            sh_error *error)
{
    const char *node = *(const char **)context;
    (void)mode, (void)ms, (void)error;
    if (sh_slice_equals(name, sh_slice_of(node)) || sh_node_name_check(name, NULL) != SH_OK)
        return SH_OK;
    sh_name_keys a = sh_name_keys_of(name), b = sh_name_keys_of(sh_slice_of(node));
    if (sh_name_keys_match(&a, &b))
        sh_log_warning("node=%.*s: its name is easily confused with that of node \"%s\", so it is "
                       "refused from now on: choose another SYNC_node_name there",
                       (int)name.len, name.data, node);
    return SH_OK;
}

/* A new node's name must not resemble that of another node with credentials of its own. */
static sh_err check_new(sh_queue *queue, const char *node, sh_error *error)
{
    sh_credentials *all = NULL;
    char version[SH_NODES_VERSION_BYTES];
    sh_err err = sh_queue_nodes_load(queue, &all, version, error);
    if (err != SH_OK)
        return err;
    const sh_node_record *like = NULL;
    if (sh_credentials_find_node(all, node, NULL) == NULL)
        like = sh_credentials_find_lookalike(all, node);
    if (like != NULL)
        err = sh_fail(
            error, SH_E_REFUSED,
            "the name is easily confused with that of node %s, which has credentials of its "
            "own: choose another",
            like->node);
    sh_credentials_free(all);
    return err == SH_OK ? sh_queue_contacts(queue, warn_of_alike, &node, error) : err;
}

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

static int run_change(const changing *c, const sh_settings *settings, int argc, char *const argv[])
{
    sh_error error = {.code = SH_OK};
    change_options options;
    sh_queue *queue = NULL;
    hub_keys keys = {.token = {"", 0}};
    node_change change = {.keys = &keys, .options = &options};
    sh_err err = read_arguments(c, argc, argv, &options, &error);
    if (err == SH_OK && c->makes)
        err = keys_init(settings, &keys, &error);
    if (err == SH_OK)
        err = open_queue(settings, &queue, &error);
    if (err == SH_OK && c->adds)
        err = check_new(queue, options.node, &error);
    if (err == SH_OK)
        err = change_record(c, queue, &change, &error);
    if (err == SH_OK && c->makes) {
        print_setting("SYNC_node_name", options.node);
        print_setting("SYNC_api_token", change.secrets.token);
        print_setting("SYNC_encryption_key", change.secrets.passphrase);
        err = show_written(stdout, true, &error);
    } else if (err == SH_OK) {
        (void)puts("revoked");
        err = show_written(stdout, true, &error);
    }
    sh_queue_free(queue);
    keys_reset(&keys);
    sh_wipe(&change.secrets, sizeof change.secrets);
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&c->command, &error, stderr);
}

/* --- The changes ----------------------------------------------------------------------------- */

/* Gives the node credentials. */
static sh_err issue(node_change *c, int64_t now_ms, sh_error *error)
{
    sh_issued_credential issued;
    sh_err err =
        sh_credential_make(c->keys->credential_key, c->record.node, now_ms, &issued, error);
    if (err != SH_OK)
        return err;
    c->secrets = issued.secrets;
    sh_wipe(&issued.secrets, sizeof issued.secrets);
    return sh_node_record_add(&c->record, &issued.credential, now_ms, error);
}

static sh_err add_credentials(node_change *c, sh_error *error)
{
    sh_node_record *record = &c->record;
    int64_t now_ms = sh_clock_unix_ms();
    if (c->known && !record->unreadable && record->revoked_ms == 0)
        return sh_fail(error, SH_E_REFUSED,
                       "node %s already has credentials of its own: `node rotate` creates new "
                       "ones, `node revoke` ends them",
                       record->node);
    record->unreadable = false;
    record->netalertx = c->options->netalertx;
    record->created_ms = now_ms;
    record->revoked_ms = 0;
    record->count = 0;
    return issue(c, now_ms, error);
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

static sh_err rotate_credentials(node_change *c, sh_error *error)
{
    sh_node_record *record = &c->record;
    int64_t now_ms = sh_clock_unix_ms();
    int64_t until_ms = now_ms + c->options->old_ms;
    sh_err err = check_active(c->known, record, error);
    if (err != SH_OK)
        return err;
    /* Never later than an earlier rotation set. */
    for (size_t i = 0; i < record->count; i++)
        if (record->items[i].until_ms == 0 || record->items[i].until_ms > until_ms)
            record->items[i].until_ms = until_ms;
    return issue(c, now_ms, error);
}

/* Keeps an empty record, so that the shared token may not use the name. */
static sh_err revoke_credentials(node_change *c, sh_error *error)
{
    sh_node_record *record = &c->record;
    if (!c->known)
        return check_active(false, record, error);
    record->unreadable = false;
    if (record->revoked_ms == 0)
        record->revoked_ms = sh_clock_unix_ms();
    memset(record->items, 0, sizeof record->items);
    record->count = 0;
    return SH_OK;
}

int node_add(const sh_settings *settings, int argc, char *const argv[])
{
    static const changing c = {
        .command = {.name = "node add", .usage = "node add NAME [--netalertx]"},
        .change = add_credentials,
        .makes = true,
        .adds = true};
    return run_change(&c, settings, argc, argv);
}

int node_rotate(const sh_settings *settings, int argc, char *const argv[])
{
    static const changing c = {
        .command = {.name = "node rotate", .usage = "node rotate NAME [--for DURATION]"},
        .change = rotate_credentials,
        .makes = true,
        .takes_duration = true};
    return run_change(&c, settings, argc, argv);
}

int node_revoke(const sh_settings *settings, int argc, char *const argv[])
{
    static const changing c = {.command = {.name = "node revoke", .usage = "node revoke NAME"},
                               .change = revoke_credentials};
    return run_change(&c, settings, argc, argv);
}
