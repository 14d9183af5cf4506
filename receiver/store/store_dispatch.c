/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/store.h"

#include "receiver/store/store_backend.h"
#include "receiver/store/store_node_infos.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

static bool begins_with(const char *text, const char *prefix)
{
    return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

bool store_is_postgres(const char *db)
{
    return begins_with(db, "postgresql://") || begins_with(db, "postgres://");
}

sh_err store_prepare(const char *db, sh_error *error)
{
    return store_is_postgres(db) ? SH_OK : store_sqlite_prepare(db, error);
}

sh_err store_open(const char *db, store_access access, store **ret, sh_error *error)
{
    if (store_is_postgres(db))
        return store_postgres_open(db, access, ret, error);
    return store_sqlite_open(db, access, ret, error);
}

void store_close(store *s)
{
    if (s != NULL)
        s->ops->close(s);
}

sh_err store_check(store *s, sh_error *error)
{
    return s->ops->check(s, error);
}

sh_err store_rules_note(store *s, const uint8_t rules[static SH_DIGEST_BYTES], sh_error *error)
{
    return s->ops->rules_note(s, rules, error);
}

sh_err store_meta_get(store *s, const char *name, char ret[static STORE_META_BYTES],
                      sh_error *error)
{
    return s->ops->meta_get(s, name, ret, error);
}

sh_err store_meta_set(store *s, const char *name, const char *value, bool replace, sh_error *error)
{
    return s->ops->meta_set(s, name, value, replace, error);
}

sh_err store_clock(store *s, int64_t *ret, sh_error *error)
{
    *ret = 0;
    return s->ops->clock == NULL ? SH_OK : s->ops->clock(s, ret, error);
}

const sh_column *store_columns(const store *s, size_t *count)
{
    return s->ops->columns(s, count);
}

void store_advice(const store *s, char ret[static STORE_ADVICE_BYTES])
{
    ret[0] = '\0';
    if (s->ops->advice != NULL)
        s->ops->advice(s, ret);
}

store_pace store_pace_of(const store *s)
{
    return s->ops->pace(s);
}

sh_err store_begin(store *s, sh_error *error)
{
    return s->ops->begin(s, error);
}

sh_err store_commit(store *s, sh_error *error)
{
    return s->ops->commit(s, error);
}

void store_rollback(store *s)
{
    s->ops->rollback(s);
}

sh_err store_rest(store *s, sh_error *error)
{
    return s->ops->rest == NULL ? SH_OK : s->ops->rest(s, error);
}

sh_err store_savepoint(store *s, sh_error *error)
{
    return s->ops->savepoint(s, error);
}

sh_err store_undo_to_mark(store *s, sh_error *error)
{
    return s->ops->undo_to_mark(s, error);
}

sh_err store_item_note(store *s, const store_item *item, bool *seen, sh_error *error)
{
    return s->ops->item_note(s, item, seen, error);
}

sh_err store_item_unnote(store *s, const uint8_t id[static SH_ID_BYTES], sh_error *error)
{
    return s->ops->item_unnote(s, id, error);
}

sh_err store_prune(store *s, const store_limits *limits, bool *more, sh_error *error)
{
    return s->ops->tidy(s, limits, more, error);
}

sh_err store_find_known(store *s, const sh_mac *const macs[], size_t count, bool known[],
                        sh_error *error)
{
    return s->ops->find_known(s, macs, count, known, error);
}

sh_err store_insert_devices(store *s, store_insert inserts[], size_t count, const char *now,
                            sh_error *error)
{
    return s->ops->insert_devices(s, inserts, count, now, error);
}

sh_err store_put_plugin_lines(store *s, const store_plugin_lines *lines, int64_t *changed,
                              sh_error *error)
{
    return s->ops->put_plugin_lines(s, lines, changed, error);
}

sh_err store_node_record(store *s, const store_node *node, sh_error *error)
{
    return s->ops->node_record(s, node, error);
}

sh_err store_node_add(store *s, const store_node *node, sh_error *error)
{
    return s->ops->node_add(s, node, error);
}

sh_err store_node_lock(store *s, const char *node, bool create, store_node *ret, sh_error *error)
{
    return s->ops->node_lock(s, node, create, ret, error);
}

sh_err store_node_info_get(store *s, const char *node, store_node_info *ret, bool *found,
                           sh_error *error)
{
    return s->ops->node_info_get(s, node, ret, found, error);
}

sh_err store_node_info_put(store *s, const store_node_info *info, sh_error *error)
{
    return s->ops->node_info_put(s, info, error);
}

sh_err store_node_infos_get(store *s, const char *const nodes[], size_t count,
                            store_node_info ret[], bool found[], sh_error *error)
{
    assert(count <= STORE_NODE_INFOS_AT_ONCE);
    return s->ops->node_infos_get(s, nodes, count, ret, found, error);
}

sh_err store_node_infos_put(store *s, const store_node_info *const infos[], size_t count,
                            sh_error *error)
{
    assert(count <= STORE_NODE_INFOS_AT_ONCE);
    return s->ops->node_infos_put(s, infos, count, error);
}

sh_err store_node_forget(store *s, const char *node, bool *found, sh_error *error)
{
    return s->ops->node_forget(s, node, found, error);
}

sh_err store_node_strangers_trim(store *s, int64_t max, sh_error *error)
{
    return s->ops->node_strangers_trim(s, max, error);
}

sh_err store_node_infos(store *s, store_node_info_each each, void *context, sh_error *error)
{
    return s->ops->node_infos(s, each, context, error);
}

sh_err store_node_summaries(store *s, int64_t count_max, store_node_summary_each each,
                            void *context, sh_error *error)
{
    return s->ops->node_summaries(s, count_max, each, context, error);
}

sh_err store_present_counts(store *s, const char *const nodes[], size_t count, int64_t ret[],
                            sh_error *error)
{
    assert(count <= STORE_PRESENT_AT_ONCE);
    for (size_t i = 0; i < count; i++)
        ret[i] = 0;
    return store_has_presence(s) && count > 0 ? s->ops->present_counts(s, nodes, count, ret, error)
                                              : SH_OK;
}

sh_err store_auth_failure_add(store *s, const store_auth_failure *failure, sh_error *error)
{
    return s->ops->auth_failure_add(s, failure, error);
}

sh_err store_auth_failures_trim(store *s, int64_t max, sh_error *error)
{
    return s->ops->auth_failures_trim(s, max, error);
}

sh_err store_auth_failure_end(store *s, const store_auth_failure *accepted, sh_error *error)
{
    return s->ops->auth_failure_end(s, accepted, error);
}

sh_err store_auth_failures(store *s, store_auth_failure_each each, void *context, sh_error *error)
{
    return s->ops->auth_failures(s, each, context, error);
}

sh_err store_part_record(store *s, const store_part *part, bool *whole, sh_error *error)
{
    return s->ops->part_record(s, part, whole, error);
}

sh_err store_part_keys(store *s, const store_part *part, store_keys_each each, void *context,
                       bool *complete, sh_error *error)
{
    return s->ops->part_keys(s, part, each, context, complete, error);
}

sh_err store_parts_end(store *s, const store_part *part, sh_error *error)
{
    return s->ops->parts_end(s, part, error);
}

bool store_is_concurrent(const store *s)
{
    return s->ops->is_concurrent;
}

bool store_has_presence(const store *s)
{
    return s->ops->has_presence(s);
}

sh_err store_presence_read(store *s, const char *node, store_presence_each each, void *context,
                           sh_error *error)
{
    return s->ops->presence_read(s, node, each, context, error);
}

sh_err store_presence_put(store *s, const char *node, const store_presence rows[], size_t count,
                          sh_error *error)
{
    return count == 0 ? SH_OK : s->ops->presence_put(s, node, rows, count, error);
}

sh_err store_presence_trim(store *s, const char *node, int64_t count, sh_error *error)
{
    return s->ops->presence_trim(s, node, count, error);
}

sh_err store_nodes(store *s, store_node_each each, void *context, sh_error *error)
{
    return s->ops->nodes(s, each, context, error);
}

sh_err store_devices(store *s, const store_device_query *query, store_device_each each,
                     void *context, sh_error *error)
{
    return s->ops->devices(s, query, each, context, error);
}
