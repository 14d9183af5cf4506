/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/node_change.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/node_name.h"
#include "libcommon/runtime/log.h"
#include "receiver/store/store_state.h"

#include <stdlib.h>
#include <string.h>

sh_err node_changes_init(node_changes *changes, size_t count, sh_error *error)
{
    changes->items = calloc(count, sizeof *changes->items);
    if (changes->items == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for %zu nodes", count);
    changes->count = count;
    return SH_OK;
}

void node_changes_reset(node_changes *changes)
{
    if (changes->items != NULL)
        sh_wipe(changes->items, changes->count * sizeof *changes->items);
    free(changes->items);
    changes->items = NULL;
    changes->count = 0;
}

/* The record of a node, which is empty except for its name if the node has none. */
static sh_err read_record(store *s, const char *node, sh_node_record *ret, bool *known,
                          sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(SH_NODE_RECORD_MAX);
    sh_error unknown = {.code = SH_OK};
    sh_err err = store_state_get(s, STORE_CREDENTIALS, node, &text, &unknown);
    if (err != SH_OK && err != SH_E_NOT_FOUND)
        return sh_fail(error, err, "%s", unknown.message);
    *known = err == SH_OK;
    sh_node_record_read(sh_slice_of(node), (sh_slice){text.data, text.len}, ret);
    ret->unreadable = ret->unreadable && *known;
    return SH_OK;
}

/* A pusher before 0.2.0, which knows no random keys, is added like a NetAlertX. */
static sh_err choose_key_kind(const node_changes *changes, store *s, const char *node,
                              sh_key_kind *ret, sh_error *error)
{
    sh_node_record record = {.netalertx = changes->options.netalertx};
    bool known;
    sh_err err = changes->adds ? SH_OK : read_record(s, node, &record, &known, error);
    *ret = record.netalertx ? SH_MAKE_PASSPHRASE : SH_MAKE_RANDOM_KEY;
    return err;
}

sh_err node_changes_issue(node_changes *changes, const hub_secrets *keys, store *s, sh_error *error)
{
    const node_change_options *options = &changes->options;
    sh_err err = SH_OK;
    for (size_t i = 0; i < changes->count && err == SH_OK; i++) {
        node_change *change = &changes->items[i];
        sh_key_kind kind;
        err = choose_key_kind(changes, s, change->node, &kind, error);
        if (err == SH_OK)
            err = sh_credential_make(keys->credential_key, change->node, kind, options->now_ms,
                                     &change->issued, error);
        sh_credential_make_shared(keys->credential_key, change->node, options->now_ms,
                                  options->now_ms + options->old_ms, &change->shared);
    }
    return err;
}

/* --- Names ----------------------------------------------------------------------------------- */

static sh_err add_entry(void *context, const store_state_entry *entry, sh_error *error)
{
    return sh_credentials_add(context, entry->key, entry->value, error);
}

/* Indexes the records of the database, if any, and the names that are added. */
static sh_err index_all(const node_changes *changes, store *s, sh_credentials *all, sh_error *error)
{
    const store_state_reader reader = {.each = add_entry, .context = all};
    sh_err err = s == NULL ? SH_OK : store_state_entries(s, STORE_CREDENTIALS, &reader, error);
    if (err == SH_OK)
        err = sh_credentials_index(all, error);
    size_t known = sh_credentials_count(all);
    for (size_t i = 0; i < changes->count && err == SH_OK; i++) {
        const char *node = changes->items[i].node;
        if (known == 0 || sh_credentials_find_node(all, node, NULL) == NULL)
            err = sh_credentials_add(all, sh_slice_of(node), SH_SLICE(""), error);
    }
    return err == SH_OK ? sh_credentials_index(all, error) : err;
}

/* The name of an added node must not resemble that of another with credentials of its own. */
static sh_err check_names(const node_changes *changes, store *s, sh_error *error)
{
    sh_credentials *all = NULL;
    sh_err err = sh_credentials_new(&all, error);
    if (err == SH_OK)
        err = index_all(changes, s, all, error);
    for (size_t i = 0; i < changes->count && err == SH_OK; i++) {
        const char *node = changes->items[i].node;
        const sh_node_record *like = sh_credentials_find_lookalike(all, node);
        if (like != NULL)
            err = sh_fail(error, SH_E_REFUSED,
                          "the name %s is easily confused with that of node %s, which has "
                          "credentials of its own: choose another",
                          node, like->node);
    }
    sh_credentials_free(all);
    return err;
}

static sh_err warn_of_alike(void *context, sh_slice name, sh_slice mode, int64_t ms,
                            sh_error *error)
{
    const sh_credentials *added = context;
    char node[SH_NODE_NAME_MAX + 1];
    (void)mode, (void)ms, (void)error;
    if (sh_node_name_check(name, NULL) != SH_OK)
        return SH_OK;
    memcpy(node, name.data, name.len);
    node[name.len] = '\0';
    const sh_node_record *like = sh_credentials_find_lookalike(added, node);
    if (like != NULL && sh_credentials_find_node(added, node, NULL) == NULL)
        sh_log_warning("node=%s: its name is easily confused with that of node \"%s\", so it is "
                       "refused from now on: choose another SYNC_node_name there",
                       node, like->node);
    return SH_OK;
}

sh_err node_changes_warn(const node_changes *changes, sh_queue *queue, sh_error *error)
{
    sh_credentials *added = NULL;
    sh_err err = sh_credentials_new(&added, error);
    if (err == SH_OK)
        err = index_all(changes, NULL, added, error);
    if (err == SH_OK)
        err = sh_queue_contacts(queue, warn_of_alike, added, error);
    sh_credentials_free(added);
    return err;
}

/* --- Records --------------------------------------------------------------------------------- */

static sh_err apply_one(const node_changes *changes, const node_change *change, store *s,
                        sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(SH_NODE_RECORD_MAX);
    sh_node_record record = {.count = 0};
    bool known = false;
    sh_err err = read_record(s, change->node, &record, &known, error);
    if (err == SH_OK)
        err = changes->each(&record, known, change, &changes->options, error);
    if (err != SH_OK)
        return err;
    if (sh_node_record_write(&record, &text) != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    const store_state_entry entry = {.key = sh_slice_of(change->node),
                                     .value = {text.data, text.len},
                                     .changed_ms = changes->options.now_ms};
    return store_state_put(s, STORE_CREDENTIALS, &entry, error);
}

static sh_err set_ephemeral(const char *node, store *s, sh_error *error)
{
    store_node_info info;
    bool found = false;
    sh_err err = store_node_info_get(s, node, &info, &found, error);
    if (err != SH_OK)
        return err;
    (void)snprintf(info.node, sizeof info.node, "%s", node);
    info.ephemeral = 1;
    return store_node_info_put(s, &info, error);
}

static sh_err apply_all(const node_changes *changes, store *s, sh_error *error)
{
    int64_t count = 0;
    sh_err err = changes->adds ? check_names(changes, s, error) : SH_OK;
    for (size_t i = 0; i < changes->count && err == SH_OK; i++)
        err = apply_one(changes, &changes->items[i], s, error);
    for (size_t i = 0; i < changes->count && changes->options.ephemeral && err == SH_OK; i++)
        err = set_ephemeral(changes->items[i].node, s, error);
    if (err == SH_OK && changes->adds)
        err = store_state_count(s, STORE_CREDENTIALS, &count, error);
    if (err == SH_OK && count > SH_NODES_MAX)
        err = sh_fail(error, SH_E_LIMIT, "at most %d nodes may have credentials of their own",
                      SH_NODES_MAX);
    return err;
}

sh_err node_changes_apply(const node_changes *changes, store *s, sh_error *error)
{
    char version[STORE_VERSION_BYTES];
    sh_err err = store_state_begin(s, STORE_CREDENTIALS, version, error);
    if (err != SH_OK)
        return err;
    err = apply_all(changes, s, error);
    if (err == SH_OK)
        err = store_state_commit(s, STORE_CREDENTIALS, error);
    if (err != SH_OK)
        store_rollback(s);
    return err;
}
