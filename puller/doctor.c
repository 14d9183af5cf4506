/* SPDX-License-Identifier: Apache-2.0 */
#include "puller/doctor.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/config/settings_http.h"
#include "libcommon/config/settings_load.h"
#include "libcommon/crypto/encryption_key.h"
#include "libcommon/http/http_client.h"
#include "libcommon/native/node_problem_header.h"
#include "libcommon/queue/queue.h"
#include "libcommon/queue/queue_settings.h"
#include "libcommon/runtime/doctor_files.h"
#include "libcommon/runtime/doctor_network.h"
#include "libcommon/runtime/service.h"
#include "puller/answer_check.h"
#include "puller/nodes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PARALLEL 32

typedef struct {
    const char *headers[2];
    char token[SH_SECRET_TEXT_BYTES]; /* the node's own, or "" for the shared one */
    size_t token_number;              /* see puller_token_of() */
    bool is_due;                      /* not asked yet with this token */
} node_request;

typedef struct {
    sh_doctor_report *report;
    const sh_settings *settings;
    sh_queue *queue;
    puller_nodes nodes;
    uint8_t passphrase_key[SH_KEY_BYTES], credential_key[SH_KEY_BYTES];
    sh_credentials *credentials; /* empty until they are read; NULL: they cannot be */
    node_request *own;
    sh_http_request *requests;
    size_t *asked; /* the node of each request */
} doctor;

static void check_settings(doctor *d)
{
    const sh_settings *settings = d->settings;
    for (size_t i = 0; i < settings->warnings.count; i++)
        sh_doctor_add(d->report, SH_CHECK_WARNING, "settings", settings->warnings.items[i],
                      "correct or remove it");
    if (settings->run == SH_RUN_DISABLED)
        sh_doctor_add(d->report, SH_CHECK_WARNING, "settings",
                      "SYNC_RUN is disabled: nothing is pulled", "set SYNC_RUN=schedule");
    else if (d->nodes.count == 0)
        sh_doctor_add(d->report, SH_CHECK_WARNING, "settings",
                      "SYNC_nodes is empty: nothing is pulled",
                      "name the nodes there, or on the hub: synchub-receiver settings set "
                      "SYNC_nodes=http://node-a:20212");
    else
        sh_doctor_add_format(d->report, SH_CHECK_OK, "settings", NULL, "%zu nodes, at '%s'",
                             d->nodes.count, settings->run_schedule);
}

/* The hub's programs must have the same key. */
static void check_key(doctor *d)
{
    char reported[SH_KEY_CHECK_HEX_BYTES], own[SH_KEY_CHECK_HEX_BYTES];
    sh_error error = {.code = SH_OK};
    sh_key_check(d->passphrase_key, own);
    if (sh_queue_key_get(d->queue, reported, &error) != SH_OK)
        sh_doctor_add(d->report, SH_CHECK_FAILED, "key", error.message, "check SYNC_redis_url");
    else if (reported[0] == '\0')
        sh_doctor_add(d->report, SH_CHECK_SKIPPED, "key", "no receiver has used this Redis yet",
                      NULL);
    else if (strcmp(reported, own) != 0)
        sh_doctor_add(d->report, SH_CHECK_FAILED, "key",
                      "SYNC_encryption_key is not the one of this hub's receivers",
                      "set theirs here");
    else
        sh_doctor_add(d->report, SH_CHECK_OK, "key", "it is that of the hub's receivers", NULL);
}

static void check_redis(doctor *d)
{
    sh_error error = {.code = SH_OK};
    const char *message = "";
    char version[SH_NODES_VERSION_BYTES];
    if (sh_queue_check(d->queue, &error) != SH_OK) {
        sh_doctor_add(d->report, SH_CHECK_FAILED, "Redis", error.message,
                      "correct SYNC_redis_url, or what Redis lacks");
        return;
    }
    const sh_queue_server *server = sh_queue_server_of(d->queue);
    sh_queue_keeps keeps = sh_queue_keeps_of(d->queue, &message);
    if (message[0] != '\0')
        sh_doctor_add(d->report, keeps == SH_KEEPS_NOT ? SH_CHECK_FAILED : SH_CHECK_WARNING,
                      "Redis", message, "docs/settings.md has the settings that Redis needs");
    else
        sh_doctor_add_format(d->report, SH_CHECK_OK, "Redis", NULL,
                             "%s accepts tables, and keeps them; role %s, %" PRId64 " of %" PRId64
                             " replicas in step",
                             server->place, server->role, server->in_step, server->replicas);
    check_key(d);
    sh_credentials_free(d->credentials);
    d->credentials = NULL;
    if (sh_queue_nodes_load(d->queue, &d->credentials, version, &error) != SH_OK)
        sh_doctor_add(d->report, SH_CHECK_FAILED, "credentials", error.message,
                      "a receiver that merges must run: it publishes them");
}

/* --- Nodes ----------------------------------------------------------------------------------- */

static puller_credentials credentials_of(const doctor *d)
{
    return (puller_credentials){.passphrase_key = d->passphrase_key,
                                .credential_key = d->credential_key,
                                .all = d->credentials,
                                .now_ms = sh_clock_unix_ms()};
}

/*
 * As a run does: a node's own token only for a node that SYNC_nodes names, the newest first, and
 * the shared one last if that is valid, too. False: there is no other.
 */
static bool choose_token(const doctor *d, size_t index)
{
    const puller_node *node = &d->nodes.items[index];
    node_request *own = &d->own[index];
    const puller_credentials c = credentials_of(d);
    const sh_node_record *record = NULL;
    own->token[0] = '\0';
    if (node->name[0] == '\0' || puller_record_of(&c, node->name, &record, NULL) != SH_OK ||
        record == NULL)
        return own->token_number == 0;
    if (puller_token_of(&c, record, own->token_number, own->token, NULL) == SH_OK)
        return true;
    return own->token_number == 0 || sh_node_record_takes_shared(record, c.now_ms);
}

static void make_request(const doctor *d, size_t index, size_t number)
{
    const puller_node *node = &d->nodes.items[index];
    node_request *own = &d->own[index];
    bool native = d->settings->protocol != SH_PROTOCOL_NETALERTX;
    d->asked[number] = index;
    own->is_due = false;
    own->headers[0] = native ? "Accept: " SH_ENVELOPE_TYPE : NULL;
    d->requests[number] = (sh_http_request){
        .method = "GET",
        .url = node->sync_url,
        .token = own->token[0] != '\0' ? own->token : d->settings->api_token,
        .headers = own->headers,
        .wants_certificate = true,
        .answer_max = native ? SH_ENVELOPE_MAX : SH_NETALERTX_BODY_MAX,
        .timeout_ms = d->settings->run_timeout_s * 1000,
        .silence_ms = SH_PULL_SILENCE_MS,
    };
}

static sh_err check_answer(const doctor *d, const puller_node *node, const sh_http_answer *answer,
                           char name[static SH_NODE_NAME_MAX + 1], sh_error *error)
{
    puller_table table = {.rows = 0};
    bool unchanged = false, cut = false;
    const puller_expected expected = {.credentials = credentials_of(d), .name = node->name};
    sh_err err = puller_status_check(answer, &expected, &unchanged, error);
    if (err == SH_OK)
        err = d->settings->protocol == SH_PROTOCOL_NETALERTX
                  ? puller_netalertx_read(answer, &expected, &table, &cut, error)
                  : puller_native_read(answer, &expected, &table, error);
    memcpy(name, table.header.node, sizeof table.header.node);
    puller_table_reset(&table);
    return err;
}

/* Whether the node refused this token, and there is another to ask it with. */
static bool has_next_token(const doctor *d, size_t index, const sh_http_answer *answer)
{
    node_request *own = &d->own[index];
    if ((answer->status != 401 && answer->status != 403) || own->token[0] == '\0')
        return false;
    own->token_number++;
    own->is_due = choose_token(d, index);
    return own->is_due;
}

/* sh_http_done: the result of a node. */
static void node_done(void *context, size_t number, sh_err err, const sh_http_answer *answer,
                      const sh_error *failure)
{
    const doctor *d = context;
    size_t index = d->asked[number];
    const puller_node *node = &d->nodes.items[index];
    const sh_doctor_peer peer = {.peer = "node", .url = node->url, .setting = "SYNC_nodes"};
    sh_error error = {.code = SH_OK};
    sh_node_problem problem;
    char name[SH_NODE_NAME_MAX + 1] = "", label[SH_NODE_NAME_MAX + 32];
    if (err == SH_OK && has_next_token(d, index, answer))
        return;
    if (err == SH_OK)
        err = check_answer(d, node, answer, name, &error);
    else
        (void)sh_fail(&error, err, "%s", failure->message);
    (void)snprintf(label, sizeof label, "node %s", node->name[0] != '\0' ? node->name : node->url);
    if (err != SH_OK) {
        sh_doctor_add(d->report, SH_CHECK_FAILED, label, error.message,
                      "correct it on the node, or its entry in SYNC_nodes");
        return;
    }
    if (sh_node_problem_read(answer->problem, &problem))
        sh_doctor_add_format(
            d->report, SH_CHECK_WARNING, label, "`synchub-pusher doctor` on the node checks it",
            "%s at %s answers, but reports a problem: %s", name, node->url, problem.text);
    else if (node->in_clear)
        sh_doctor_add_format(d->report, SH_CHECK_WARNING, label, "write https:// in SYNC_nodes",
                             "%s at %s answers, but the token is sent to it unencrypted", name,
                             node->url);
    else
        sh_doctor_add_format(d->report, SH_CHECK_OK, label, NULL, "%s at %s answers with its table",
                             name, node->url);
    sh_doctor_check_certificate(d->report, &peer, answer->certificate_end_s, sh_clock_unix_ms());
}

/* The requests that are due; how many. */
static size_t make_requests(const doctor *d)
{
    size_t count = 0;
    for (size_t i = 0; i < d->nodes.count; i++)
        if (d->own[i].is_due)
            make_request(d, i, count++);
    return count;
}

static void check_nodes(doctor *d)
{
    if (d->credentials == NULL) {
        sh_doctor_add(d->report, SH_CHECK_SKIPPED, "nodes", "their credentials are not known",
                      NULL);
        return;
    }
    const sh_http_client_options options = {.user_agent = "synchub-puller/" SYNCHUB_VERSION,
                                            .names = sh_settings_client_names("SYNC_nodes"),
                                            .ca_file = d->settings->tls_ca,
                                            .stop_fd = -1,
                                            .parallel_max = PARALLEL};
    const sh_http_calls calls = {.done = node_done, .context = d};
    sh_error error = {.code = SH_OK};
    sh_http_client *client = NULL;
    if (sh_http_client_new(&options, &client, &error) != SH_OK) {
        sh_doctor_add(d->report, SH_CHECK_FAILED, "nodes", error.message, "correct the setting");
        return;
    }
    for (size_t i = 0; i < d->nodes.count; i++)
        d->own[i].is_due = choose_token(d, i);
    for (size_t count; (count = make_requests(d)) > 0;)
        sh_http_send_all(client, d->requests, count, &calls);
    sh_http_client_free(client);
}

/* --- The subcommand -------------------------------------------------------------------------- */

static sh_err open_all(doctor *d, sh_error *error)
{
    const sh_queue_options queue = sh_queue_options_of(d->settings);
    sh_err err = sh_doctor_report_new(&d->report, error);
    if (err == SH_OK)
        err = puller_nodes_read(&d->settings->nodes, &d->nodes, error);
    if (err == SH_OK)
        err = sh_encryption_key_derive(sh_slice_of(d->settings->encryption_key), d->passphrase_key,
                                       error);
    if (err == SH_OK)
        err = sh_queue_open(&queue, &d->queue, error);
    if (err != SH_OK)
        return err;
    sh_credential_key_derive(d->passphrase_key, d->credential_key);
    err = sh_credentials_new(&d->credentials, error); /* none, until they are read */
    if (err == SH_OK)
        err = sh_credentials_index(d->credentials, error);
    if (err != SH_OK)
        return err;
    d->own = calloc(d->nodes.count + 1, sizeof *d->own);
    d->requests = calloc(d->nodes.count + 1, sizeof *d->requests);
    d->asked = calloc(d->nodes.count + 1, sizeof *d->asked);
    return d->own != NULL && d->requests != NULL && d->asked != NULL
               ? SH_OK
               : sh_fail(error, SH_E_MEMORY, "out of memory");
}

static void close_all(doctor *d)
{
    for (size_t i = 0; d->own != NULL && i < d->nodes.count; i++)
        sh_wipe(d->own[i].token, sizeof d->own[i].token);
    sh_wipe(d->passphrase_key, sizeof d->passphrase_key);
    sh_wipe(d->credential_key, sizeof d->credential_key);
    sh_credentials_free(d->credentials);
    sh_queue_free(d->queue);
    puller_nodes_reset(&d->nodes);
    free(d->own);
    free(d->requests);
    free(d->asked);
    sh_doctor_report_free(d->report);
}

/* The settings with what was made on the hub; *ret is released by the caller. */
static sh_err load_with_hub(const sh_settings *settings, sh_settings *ret, sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(SH_HUB_SETTINGS_MAX);
    SH_CLEANUP(sh_source_reset) sh_source source = {0};
    char version[SH_SETTINGS_VERSION_BYTES];
    sh_queue *queue = NULL;
    const sh_queue_options options = sh_queue_options_of(settings);
    sh_err err = sh_queue_open(&options, &queue, NULL);
    if (err == SH_OK) /* otherwise a check says why Redis does not answer */
        err = sh_queue_settings_load(queue, version, &text, NULL);
    sh_queue_free(queue);
    if (err == SH_OK && text.len > 0)
        (void)sh_source_from_json((sh_slice){text.data, text.len}, &source, NULL);
    return sh_settings_load_with_hub(SH_FOR_PULLER, environ, &source, ret, error);
}

int doctor_command(const sh_settings *settings, int argc, char *const argv[])
{
    SH_CLEANUP(sh_settings_reset) sh_settings own = {0};
    doctor d = {.settings = &own};
    sh_error error = {.code = SH_OK};
    bool json = argc == 1 && strcmp(argv[0], "--json") == 0;
    if (argc > 1 || (argc == 1 && !json)) {
        (void)fprintf(stderr, "synchub-puller doctor: usage: doctor [--json]\n");
        return SH_EXIT_CONFIG;
    }
    int code = SH_EXIT_FAILED;
    if (load_with_hub(settings, &own, &error) == SH_OK && open_all(&d, &error) == SH_OK) {
        check_settings(&d);
        sh_doctor_check_modes(d.report, &own);
        check_redis(&d);
        check_nodes(&d);
        code = sh_doctor_finish(d.report, "synchub-puller", json);
    } else {
        (void)fprintf(stderr, "synchub-puller doctor: %s\n", error.message);
    }
    close_all(&d);
    return code;
}
