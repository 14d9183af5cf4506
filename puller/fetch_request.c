/* SPDX-License-Identifier: Apache-2.0 */
#include "puller/fetch_request.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/hex.h"
#include "puller/own_credentials.h"

#include <stdio.h>

/* Adds If-None-Match with the hub's last table, so that the node need not send it again. */
static sh_err make_conditional(pull_run *r, node_fetch *f, sh_error *error)
{
    sh_error unknown = {.code = SH_OK};
    if (f->name[0] == '\0') {
        sh_err err =
            pull_run_note(r, leases_name_get(r->p->queue, f->node->url, f->name, &unknown));
        if (err != SH_OK) {
            f->name[0] = '\0';
            return err == SH_E_NOT_FOUND ? SH_OK : sh_fail(error, err, "%s", unknown.message);
        }
    }
    uint8_t digest[SH_DIGEST_BYTES];
    sh_err err = pull_run_recent_digest(r, f->name, digest, &unknown);
    if (err == SH_E_NOT_FOUND)
        return SH_OK;
    if (err != SH_OK)
        return sh_fail(error, err, "%s", unknown.message);
    char hex[SH_DIGEST_HEX_BYTES];
    sh_hex_encode(digest, sizeof digest, hex);
    (void)snprintf(f->if_none_match, sizeof f->if_none_match, "If-None-Match: \"%s\"", hex);
    return SH_OK;
}

puller_credentials pull_request_credentials(const pull_run *r)
{
    return (puller_credentials){.passphrase_key = r->p->passphrase_key,
                                .credential_key = r->p->credential_key,
                                .all = r->batch.credentials,
                                .now_ms = sh_clock_unix_ms()};
}

/*
 * Sends a node's own token only to a URL that SYNC_nodes names: otherwise any address could obtain
 * another node's token by answering with its name.
 */
static sh_err choose_token(const pull_run *r, node_fetch *f, sh_error *error)
{
    puller_credentials c = pull_request_credentials(r);
    const sh_node_record *own = NULL;
    if (f->node->name[0] == '\0')
        return SH_OK;
    sh_err err = puller_record_of(&c, f->node->name, &own, error);
    if (err != SH_OK || own == NULL)
        return err;
    bool shared = sh_node_record_takes_shared(own, c.now_ms);
    f->token[0] = '\0';
    if (pull_run_speaks_netalertx(r) && !own->netalertx)
        return shared
                   ? SH_OK
                   : sh_fail(
                         error, SH_E_REFUSED,
                         "not fetched: the node's own credentials allow only the native protocol: "
                         "set SYNC_protocol=native here, or create others with `synchub-receiver "
                         "node "
                         "add --netalertx`");
    err = puller_token_of(&c, own, f->token_number, f->token, error);
    return err == SH_E_NOT_FOUND && shared ? SH_OK : err; /* the shared one after its own */
}

bool pull_request_next_token(const pull_run *r, node_fetch *f)
{
    sh_error error = {.code = SH_OK};
    if (f->token[0] == '\0')
        return false;
    f->token_number++;
    return choose_token(r, f, &error) == SH_OK;
}

sh_err pull_request_prepare(pull_run *r, node_fetch *f, sh_error *error)
{
    if (r->redis_away)
        return sh_fail(error, SH_E_NETWORK, "not fetched: Redis (SYNC_redis_url) is down");
    sh_err err = choose_token(r, f, error);
    /* NetAlertX has no conditional requests; its table is compared after the answer. */
    return err == SH_OK && !pull_run_speaks_netalertx(r) ? make_conditional(r, f, error) : err;
}

void pull_request_add(pull_run *r, node_fetch *f)
{
    size_t headers = 0;
    if (!pull_run_speaks_netalertx(r)) {
        f->headers[headers++] = "Accept: " SH_ENVELOPE_TYPE;
        if (f->if_none_match[0] != '\0')
            f->headers[headers++] = f->if_none_match;
    }
    f->headers[headers] = NULL;
    pull_run_advance(r, f, PULL_LEASED);
    r->asked[r->asked_count] = f;
    r->requests[r->asked_count++] = (sh_http_request){
        .method = "GET",
        .url = f->node->sync_url,
        .token = f->token[0] != '\0' ? f->token : r->p->settings->api_token,
        .headers = f->headers,
        .answer_max = pull_run_speaks_netalertx(r) ? SH_NETALERTX_BODY_MAX : SH_ENVELOPE_MAX,
        .timeout_ms = r->p->settings->run_timeout_s * 1000,
        .silence_ms = SH_PULL_SILENCE_MS,
    };
}
