/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/queue/queue.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/hex.h"
#include "libcommon/queue/queue_handle.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const sh_redis_texts redis_texts = {
    .url_setting = "SYNC_redis_url",
    .ca_setting = "SYNC_tls_ca",
    .advice = {
        [SH_REDIS_ADVICE_LOGIN] = "Redis refuses the login or its rights (SYNC_redis_url)",
        [SH_REDIS_ADVICE_SENTINEL_LOGIN] =
            "Sentinel refuses the login or its rights (sentinel_user and sentinel_password in "
            "SYNC_redis_url)",
        [SH_REDIS_ADVICE_CROSS_SLOT] = "the keys lie in several slots of a Redis Cluster: "
                                       "SYNC_redis_prefix must be in braces, "
                                       "as in {synchub}",
        [SH_REDIS_ADVICE_WRONG_TYPE] =
            "a key under SYNC_redis_prefix belongs to another program: use another prefix, or "
            "delete the key",
    }};

static void name_key(char ret[static SH_QUEUE_KEY_BYTES], const char *prefix, const char *what)
{
    int len = snprintf(ret, SH_QUEUE_KEY_BYTES, "%s:%s", prefix, what);
    assert(len > 0 && len < SH_QUEUE_KEY_BYTES);
}

sh_queue_options sh_queue_options_of(const sh_settings *settings)
{
    return (sh_queue_options){.redis_url = settings->redis_url,
                              .prefix = settings->redis_prefix,
                              .tls_ca = settings->tls_ca,
                              .must_keep = settings->redis_durable,
                              .names_max = settings->max_nodes,
                              .replicas = settings->redis_replicas};
}

sh_err sh_queue_new(const char *redis_url, const char *prefix, sh_queue **ret, sh_error *error)
{
    return sh_queue_open(&(sh_queue_options){.redis_url = redis_url, .prefix = prefix}, ret, error);
}

sh_err sh_queue_open(const sh_queue_options *options, sh_queue **ret, sh_error *error)
{
    const char *prefix = options->prefix;
    if (strlen(prefix) > SH_QUEUE_PREFIX_MAX)
        return sh_fail(error, SH_E_CONFIG, "SYNC_redis_prefix is longer than %d bytes",
                       SH_QUEUE_PREFIX_MAX);
    sh_queue *q = calloc(1, sizeof *q);
    if (q == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the queue");
    name_key(q->nodes_version, prefix, "nodes:version");
    const sh_redis_options redis = {.url = options->redis_url,
                                    .ca_file = options->tls_ca,
                                    .key = q->nodes_version,
                                    .texts = &redis_texts};
    sh_err err = sh_redis_new(&redis, &q->redis, error);
    if (err != SH_OK) {
        sh_queue_free(q);
        return err;
    }
    q->must_keep = options->must_keep;
    q->replicas_needed = options->replicas;
    q->names_max = options->names_max > 0 ? options->names_max : SH_NAMES_MAX;
    (void)snprintf(q->prefix, sizeof q->prefix, "%s", prefix);
    name_key(q->stream, prefix, "ingest");
    name_key(q->dead, prefix, "dead");
    name_key(q->dead_bytes, prefix, "dead:bytes");
    name_key(q->dead_shares, prefix, "dead:held");
    name_key(q->dead_jobs, prefix, "dead:jobs");
    name_key(q->bytes, prefix, "bytes");
    name_key(q->ids, prefix, "ids");
    name_key(q->ids_old, prefix, "ids:old");
    name_key(q->ids_nodes, prefix, "ids:nodes");
    name_key(q->shares, prefix, "held");
    name_key(q->digests, prefix, "digests");
    name_key(q->contacts, prefix, "contacts");
    name_key(q->agents, prefix, "agents");
    name_key(q->problems, prefix, "problems");
    name_key(q->conflicts, prefix, "conflicts");
    name_key(q->instances, prefix, "instances");
    name_key(q->auth_failures, prefix, "auth:failures");
    name_key(q->failures, prefix, "failures");
    name_key(q->pull_names, prefix, "pull:names");
    name_key(q->nodes, prefix, "nodes");
    name_key(q->nodes_staging, prefix, "nodes:new");
    name_key(q->nodes_used, prefix, "nodes:used");
    name_key(q->settings, prefix, "settings");
    name_key(q->settings_version, prefix, "settings:version");
    name_key(q->programs, prefix, "programs");
    name_key(q->key, prefix, "key");
    name_key(q->database, prefix, "database");
    name_key(q->merging, prefix, "merging");
    name_key(q->metrics_lease, prefix, "metrics:lease");
    name_key(q->fence, prefix, "fence");
    uint8_t holder[SH_ID_BYTES];
    sh_random(holder, sizeof holder);
    sh_hex_encode(holder, sizeof holder, q->holder);
    *ret = q;
    return SH_OK;
}

void sh_queue_free(sh_queue *queue)
{
    if (queue == NULL)
        return;
    sh_redis_free(queue->redis);
    free(queue);
}

sh_err sh_queue_do(sh_queue *queue, size_t argc, const sh_slice argv[], sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    return sh_redis_call(queue->redis, argc, argv, &reply, error);
}

sh_err sh_queue_do_script(sh_queue *queue, const sh_redis_script *script,
                          sh_redis_arguments arguments, sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    return sh_redis_script_run(queue->redis, script, arguments, &reply, error);
}
