/* SPDX-License-Identifier: Apache-2.0 */
#include "puller/own_credentials.h"

#include <string.h>

sh_err puller_record_of(const puller_credentials *c, const char *node, const sh_node_record **ret,
                        sh_error *error)
{
    *ret = c->all == NULL ? NULL : sh_credentials_find_node(c->all, node, NULL);
    if (*ret == NULL) {
        const sh_node_record *like =
            c->all == NULL ? NULL : sh_credentials_find_lookalike(c->all, node);
        if (like == NULL)
            return SH_OK;
        return sh_fail(error, SH_E_REFUSED,
                       "the name \"%s\" is easily confused with \"%s\", a node with credentials of "
                       "its own: choose another",
                       node, like->node);
    }
    for (size_t i = 0; (*ret)->revoked_ms == 0 && i < (*ret)->count; i++)
        if (sh_credential_is_valid(&(*ret)->items[i], c->now_ms))
            return SH_OK;
    return sh_fail(error, SH_E_REFUSED,
                   "the credentials of node \"%s\" are revoked: create new ones with "
                   "`synchub-receiver node add`, or remove it from SYNC_nodes",
                   node);
}

sh_err puller_token_of(const puller_credentials *c, const sh_node_record *record, size_t number,
                       char ret[static SH_SECRET_TEXT_BYTES], sh_error *error)
{
    for (size_t i = 0; i < record->count; i++) {
        sh_node_secrets secrets;
        if (!sh_credential_is_valid(&record->items[i], c->now_ms) || number-- > 0)
            continue;
        sh_err err =
            sh_credential_open(c->credential_key, record->node, &record->items[i], &secrets, error);
        if (err != SH_OK)
            return err;
        memcpy(ret, secrets.token, SH_SECRET_TEXT_BYTES);
        sh_wipe(&secrets, sizeof secrets);
        return SH_OK;
    }
    return SH_E_NOT_FOUND;
}

sh_err puller_key_of(const puller_credentials *c, const sh_node_record *record,
                     const sh_envelope_header *header, sh_node_key *ret, sh_error *error)
{
    sh_node_key_derive(c->passphrase_key, sh_slice_of(header->node), ret);
    bool shared = record == NULL || sh_node_record_takes_shared(record, c->now_ms);
    if (shared && memcmp(ret->id, header->key_id, SH_KEY_ID_BYTES) == 0)
        return SH_OK;
    if (record == NULL)
        return sh_fail(error, SH_E_CRYPTO,
                       "the table is sealed with another key: SYNC_encryption_key must be the same "
                       "here and on the node");
    sh_err err =
        sh_node_record_find_key(record, c->credential_key, header->key_id, c->now_ms, ret, error);
    if (err != SH_E_NOT_FOUND)
        return err;
    return sh_fail(error, SH_E_CRYPTO,
                   "the table is sealed with another key: this node has credentials of its own, "
                   "and SYNC_encryption_key there must be the one that came with its token");
}
