/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/merge_key_check.h"

#include "receiver/queue/queue_key_check_write.h"

#include <stdio.h>
#include <string.h>

#define META_NAME "key_check"
#define NEWEST_ENTRIES 256

void key_check_init(key_check *k, const hub_secrets *keys)
{
    *k = (key_check){.keys = keys};
    sh_key_check(keys->passphrase_key, k->own);
}

static sh_err fail_other(sh_error *error)
{
    return sh_fail(error, SH_E_CONFIG, KEY_IS_ANOTHER);
}

static sh_err record_key(key_check *k, store *s, sh_queue *queue, bool replace, sh_error *error)
{
    char stored[STORE_META_BYTES]; /* another receiver may have set it first */
    sh_err err = store_meta_set(s, META_NAME, k->own, replace, error);
    if (err == SH_OK)
        err = store_meta_get(s, META_NAME, stored, error);
    return err == SH_OK ? queue_key_set(queue, stored, replace, error) : err;
}

sh_err key_check_verify(key_check *k, store *s, sh_queue *queue, sh_error *error)
{
    char published[SH_KEY_CHECK_HEX_BYTES], stored[STORE_META_BYTES] = "";
    k->confirmed = false;
    sh_err err = sh_queue_key_get(queue, published, error);
    if (err != SH_OK)
        return err;
    if (published[0] == '\0') {
        err = store_meta_get(s, META_NAME, stored, error);
        if (err == SH_OK && stored[0] != '\0')
            err = queue_key_set(queue, stored, false, error);
        if (err != SH_OK || stored[0] == '\0')
            return err;
        (void)snprintf(published, sizeof published, "%.*s", (int)sizeof published - 1, stored);
    }
    k->confirmed = strcmp(published, k->own) == 0;
    return k->confirmed ? SH_OK : fail_other(error);
}

/* --- Proof ----------------------------------------------------------------------------------- */

typedef struct {
    const hub_secrets *keys;
    size_t own, others; /* envelopes sealed with this key, and with another one */
} sealed_with;

static void count_head(void *context, sh_slice head, size_t bytes)
{
    sealed_with *seen = context;
    sh_envelope_header header;
    sh_node_key key;
    if (sh_envelope_peek_head(head, bytes, &header, NULL) != SH_OK)
        return;
    sh_node_key_derive(seen->keys->passphrase_key, sh_slice_of(header.node), &key);
    if (memcmp(key.id, header.key_id, SH_KEY_ID_BYTES) == 0)
        seen->own++;
    else
        seen->others++;
    sh_wipe(&key, sizeof key);
}

sh_err key_check_prove(key_check *k, store *s, sh_queue *queue, const queue_batch *batch,
                       sh_error *error)
{
    sealed_with seen = {.keys = k->keys};
    for (size_t i = 0; i < queue_batch_count(batch); i++) {
        sh_slice envelope = queue_batch_at(batch, i)->envelope;
        count_head(&seen, envelope, envelope.len);
    }
    sh_err err = SH_OK;
    if (seen.own == 0 && seen.others > 0)
        err = queue_newest_heads(queue, NEWEST_ENTRIES, count_head, &seen, error);
    if (err != SH_OK || (seen.own == 0 && seen.others == 0))
        return err; /* there is no valid envelope, so the key is unknown */
    if (seen.own == 0)
        return fail_other(error);
    err = record_key(k, s, queue, false, error);
    return err == SH_OK ? key_check_verify(k, s, queue, error) : err;
}

sh_err key_check_adopt(key_check *k, store *s, sh_queue *queue, sh_error *error)
{
    return record_key(k, s, queue, true, error);
}
