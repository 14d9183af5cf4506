/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/node_credentials.h"

#include "receiver/merge/merge_key_check.h"

#include <string.h>

/* --- The records ----------------------------------------------------------------------------- */

static sh_err add_credentials(sh_node_record *record, bool known, const node_change *change,
                              const node_change_options *options, sh_error *error)
{
    if (known && !record->unreadable && record->revoked_ms == 0)
        return sh_fail(error, SH_E_REFUSED,
                       "node %s already has credentials of its own: rotate them for new ones "
                       "(`node rotate`), or revoke them (`node revoke`)",
                       record->node);
    if (known && options->old_ms > 0)
        return sh_fail(error, SH_E_REFUSED,
                       "the shared credentials do not work for node %s now, as its own are %s: "
                       "leave out the grace period (--grace)",
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
                       "node %s has no credentials of its own: add some (`node add`)",
                       record->node);
    if (record->unreadable || record->revoked_ms > 0)
        return sh_fail(error, SH_E_REFUSED,
                       "the credentials of node %s are %s: add new ones (`node add`)", record->node,
                       record->unreadable ? "unreadable" : "revoked");
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

/* --- The changes ----------------------------------------------------------------------------- */

typedef struct {
    node_change_each each;
    bool makes; /* creates credentials */
    bool adds;  /* adds nodes */
} action_kind;

static const action_kind kinds[] = {
    [CREDENTIALS_ADD] = {add_credentials, .makes = true, .adds = true},
    [CREDENTIALS_ROTATE] = {rotate_credentials, .makes = true},
    [CREDENTIALS_REVOKE] = {revoke_credentials, .makes = false},
};

/* Credentials that are sealed with another key than the hub's could not be opened. */
static sh_err issue(node_changes *changes, const hub_secrets *keys, const hub_connections *hub,
                    sh_error *error)
{
    key_check check;
    key_check_init(&check, keys);
    sh_err err = key_check_verify(&check, hub->store, hub->queue, error);
    return err == SH_OK ? node_changes_issue(changes, keys, hub->store, error) : err;
}

static sh_err change_nodes(const action_kind *kind, const hub_connections *hub,
                           const hub_secrets *keys, node_changes *changes, sh_error *error)
{
    changes->each = kind->each;
    changes->adds = kind->adds;
    sh_err err = kind->makes ? issue(changes, keys, hub, error) : SH_OK;
    return err == SH_OK ? node_changes_apply(changes, hub->store, error) : err;
}

sh_err node_credentials_change(const sh_settings *settings, credentials_action action,
                               node_changes *changes, bool *stored, sh_error *error)
{
    const action_kind *kind = &kinds[action];
    hub_connections hub = {.store = NULL};
    hub_secrets keys = {.token = {"", 0}};
    *stored = false;
    sh_err err = kind->makes ? hub_secrets_init(settings, &keys, error) : SH_OK;
    if (err == SH_OK)
        err = hub_connections_open(settings, &hub, error);
    if (err == SH_OK)
        err = change_nodes(kind, &hub, &keys, changes, error);
    *stored = err == SH_OK;
    if (err == SH_OK)
        err = hub_connections_publish_credentials(&hub, error);
    if (err == SH_OK && kind->adds)
        err = node_changes_warn(changes, hub.queue, error);
    hub_connections_close(&hub);
    hub_secrets_reset(&keys);
    return err;
}
