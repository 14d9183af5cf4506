/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/pull_server.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/hex.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/json/json_write.h"
#include "libcommon/native/error_code.h"
#include "libcommon/native/node_problem_header.h"
#include "libcommon/netalertx/netalertx_format.h"
#include "libcommon/runtime/listener.h"
#include "libcommon/runtime/log.h"
#include "libcommon/runtime/stop.h"
#include "pusher/heartbeat.h"
#include "pusher/pusher_metrics.h"
#include "pusher/settings_check.h"
#include "pusher/source.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STOP_GRACE_MS 3000
#define ETAG_BYTES (SH_DIGEST_HEX_BYTES + 2)

/*
 * Maximum age of a sealed table that is sent again: its time must be within SH_CLOCK_SKEW_MAX_S of
 * the hub's clock, and hubs that pull at the same time get the same item.
 */
#define SEALED_AGE_MAX_MS ((int64_t)SH_CLOCK_SKEW_MAX_S * 1000 / 4)

struct serve {
    const sh_settings *settings;
    const sh_node_key *key;
    source source;
    sh_listener *listener;
    pthread_mutex_t lock; /* for all below and for reading: one table at a time in memory */
    bool known;           /* stamp and digest are valid */
    sh_file_stamp stamp;
    uint8_t digest[SH_DIGEST_BYTES];
    char etag[ETAG_BYTES];
    uint8_t id[SH_ID_BYTES];
    int64_t sealed_ms;      /* monotonic */
    int64_t sealed_unix_ms; /* the time in the envelope */
    sh_buf sealed;          /* empty: not sealed since the last change */
    heartbeat heartbeat;    /* what is wrong here, for the hub */
};

static bool is_authorized(const serve *s, const sh_http_exchange *exchange)
{
    sh_slice token = sh_slice_of(s->settings->api_token);
    return token.len > 0 && sh_secret_equals(sh_http_bearer(exchange), token);
}

/* Answers for a table that could not be read. */
static void reply_unread(sh_http_exchange *exchange, bool native, const sh_error *error)
{
    sh_metric_add(&metric_pulled_failed, 1);
    sh_log_event(SH_LOG_ERROR,
                 SH_LOG_FIELDS(SH_LOG_PEER(sh_http_peer(exchange)), SH_LOG_REASON(error->message)),
                 "a pull failed");
    unsigned status =
        error->code == SH_E_BUSY || error->code == SH_E_STOPPED || error->code == SH_E_MEMORY ? 503
                                                                                              : 500;
    sh_error_code code = error->code == SH_E_NOT_FOUND ? SH_CODE_NO_TABLE
                         : error->code == SH_E_BUSY    ? SH_CODE_BUSY
                         : error->code == SH_E_STOPPED ? SH_CODE_STOPPING
                         : error->code == SH_E_MEMORY  ? SH_CODE_MEMORY
                                                       : SH_CODE_TABLE;
    const char *title = error->code == SH_E_NOT_FOUND ? "Data file not found"
                        : status == 503               ? "Data file not ready"
                                                      : "Data file not readable";
    if (native || status == 503) {
        sh_http_reply_error(exchange, status, native ? sh_error_code_text(code) : NULL, title,
                            error->message);
        return;
    }
    /* NetAlertX uses one member. */
    SH_CLEANUP(sh_buf_reset) sh_buf body = SH_BUF_INIT(4 * SH_KIB);
    char text[SH_ERROR_MESSAGE_BYTES + 64];
    (void)snprintf(text, sizeof text, "%s: %s", title, error->message);
    if (sh_buf_append_text(&body, "{") != SH_OK ||
        sh_json_write_member_text(&body, "error", text) != SH_OK ||
        sh_buf_append_text(&body, "}") != SH_OK)
        sh_http_reply_error(exchange, 503, NULL, "Out of memory", "no memory for the answer");
    else
        sh_http_reply(exchange, status, "application/json", (sh_slice){body.data, body.len});
}

static void log_put_off(const serve *s, const sh_http_exchange *exchange)
{
    sh_log_event(SH_LOG_WARNING,
                 SH_LOG_FIELDS(SH_LOG_NODE(s->settings->node_name),
                               SH_LOG_PEER(sh_http_peer(exchange)),
                               SH_LOG_REASON("other answers have not been read yet")),
                 "answered a pull with 503");
}

/*
 * Call with the lock held. *rows and *bytes are what was sent; false if the memory for answers is
 * used up.
 */
static bool send_netalertx(serve *s, sh_http_exchange *exchange, size_t *rows, size_t *bytes,
                           sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf body = SH_BUF_INIT(SH_NETALERTX_BODY_MAX);
    source_text text = SOURCE_TEXT_INIT;
    sh_err err = source_read(&s->source, sh_stop_wait, &text, error);
    if (err == SH_OK) {
        char now[SH_DATETIME_BYTES];
        sh_clock_datetime(sh_clock_unix_ms(), now);
        err = sh_netalertx_pull_write((sh_slice){text.text.data, text.text.len},
                                      s->settings->node_name, now, &body);
        if (err != SH_OK)
            (void)sh_fail(error, err, "the answer is too large, or memory ran out");
    }
    *rows = text.rows;
    *bytes = body.len;
    source_text_reset(&text);
    return err == SH_OK &&
           sh_http_reply(exchange, 200, "application/json", (sh_slice){body.data, body.len});
}

static void reply_netalertx(serve *s, sh_http_exchange *exchange)
{
    sh_error error = {0};
    size_t rows = 0, bytes = 0;
    (void)pthread_mutex_lock(&s->lock);
    bool sent = send_netalertx(s, exchange, &rows, &bytes, &error);
    (void)pthread_mutex_unlock(&s->lock);
    if (error.code != SH_OK) {
        reply_unread(exchange, false, &error);
    } else if (!sent) {
        log_put_off(s, exchange);
    } else {
        sh_metric_add(&metric_pulled_netalertx, 1);
        sh_log_event(SH_LOG_INFO,
                     SH_LOG_FIELDS(SH_LOG_NODE(s->settings->node_name),
                                   SH_LOG_PEER(sh_http_peer(exchange)), SH_LOG_ROWS(rows),
                                   SH_LOG_BYTES(bytes), SH_LOG_TEXT_FIELD("format", "netalertx")),
                     "device table pulled");
    }
}

/* Records a table that was just read; discards the sealed copy of another one. */
static void note_table(serve *s, const source_text *text)
{
    uint8_t digest[SH_DIGEST_BYTES];
    sh_digest(s->key, (sh_slice){text->text.data, text->text.len}, digest);
    if (!s->known || memcmp(digest, s->digest, SH_DIGEST_BYTES) != 0)
        sh_buf_reset(&s->sealed);
    memcpy(s->digest, digest, SH_DIGEST_BYTES);
    char hex[SH_DIGEST_HEX_BYTES];
    sh_hex_encode(digest, SH_DIGEST_BYTES, hex);
    (void)snprintf(s->etag, sizeof s->etag, "\"%s\"", hex);
    s->stamp = text->stamp;
    s->known = true;
}

static bool sealed_is_young(const serve *s)
{
    /* Age by both clocks: if the wall clock was set, a hub would refuse the old time. */
    int64_t age_ms = sh_clock_unix_ms() - s->sealed_unix_ms;
    return s->sealed.len > 0 && age_ms >= 0 && age_ms < SEALED_AGE_MAX_MS &&
           sh_clock_monotonic_ms() - s->sealed_ms < SEALED_AGE_MAX_MS;
}

static sh_err seal_table(serve *s, const source_text *text, sh_error *error)
{
    sh_envelope_header header = {
        .kind = SH_KIND_DEVICES,
        .time_ms = sh_clock_unix_ms(),
        .part = 0,
        .parts = 1,
    };
    sh_random(s->id, sizeof s->id);
    memcpy(header.id, s->id, SH_ID_BYTES);
    memcpy(header.digest, s->digest, SH_DIGEST_BYTES);
    (void)snprintf(header.node, sizeof header.node, "%s", s->settings->node_name);
    sh_buf_reset(&s->sealed);
    s->sealed_ms = sh_clock_monotonic_ms();
    s->sealed_unix_ms = header.time_ms;
    sh_err err = sh_envelope_seal(&header, s->key, (sh_slice){text->text.data, text->text.len},
                                  &s->sealed, error);
    if (err != SH_OK)
        sh_buf_reset(&s->sealed);
    return err;
}

/* Whether the hub has merged this table already (If-None-Match). */
static bool is_known_to_hub(const serve *s, const sh_http_exchange *exchange)
{
    const char *header = sh_http_header(exchange, "If-None-Match");
    return header != NULL && strstr(header, s->etag) != NULL;
}

/* Call with the lock held: seals the table again if necessary, unless the hub has it already. */
static sh_err refresh(serve *s, const sh_http_exchange *exchange, bool *unchanged, sh_error *error)
{
    sh_file_stamp now;
    bool same = s->known && sh_file_stamp_get(s->source.path, &now, NULL) == SH_OK &&
                sh_file_stamp_equals(&now, &s->stamp);
    *unchanged = same && is_known_to_hub(s, exchange);
    if (*unchanged || (same && sealed_is_young(s)))
        return SH_OK;
    SH_CLEANUP(source_text_reset) source_text text = SOURCE_TEXT_INIT;
    sh_err err = source_read(&s->source, sh_stop_wait, &text, error);
    if (err != SH_OK)
        return err;
    note_table(s, &text);
    *unchanged = is_known_to_hub(s, exchange);
    if (*unchanged || sealed_is_young(s))
        return SH_OK;
    return seal_table(s, &text, error);
}

/*
 * Call with the lock held, after a table was read. A node that is only pulled reports in its
 * answers what others report in their requests. A table that cannot be read is the answer itself.
 */
static void reply_problem(serve *s, sh_http_exchange *exchange)
{
    SH_CLEANUP(sh_buf_reset) sh_buf value = SH_BUF_INIT(SH_NODE_PROBLEM_VALUE_MAX);
    heartbeat_table_age(&s->heartbeat, s->source.path, &s->stamp, s->settings->table_max_age_s,
                        sh_clock_unix_ms());
    const heartbeat_problem problem = heartbeat_problem_current(&s->heartbeat);
    if (problem.kind[0] != '\0' &&
        sh_node_problem_write(problem.kind, problem.text, &value) == SH_OK)
        sh_http_reply_header(exchange, "Sync-Hub-Problem", value.data);
}

static void reply_native(serve *s, sh_http_exchange *exchange)
{
    sh_error error = {0};
    bool unchanged = false;
    bool sent = true;
    (void)pthread_mutex_lock(&s->lock);
    sh_err err = refresh(s, exchange, &unchanged, &error);
    if (err == SH_OK) {
        sh_http_reply_header(exchange, "ETag", s->etag);
        reply_problem(s, exchange);
    }
    if (err == SH_OK && unchanged)
        (void)sh_http_reply(exchange, 304, SH_ENVELOPE_TYPE, (sh_slice){"", 0});
    else if (err == SH_OK)
        sent = sh_http_reply(exchange, 200, SH_ENVELOPE_TYPE,
                             (sh_slice){s->sealed.data, s->sealed.len});
    size_t bytes = s->sealed.len;
    char id[SH_ID_HEX_BYTES];
    sh_hex_encode(s->id, SH_ID_BYTES, id);
    (void)pthread_mutex_unlock(&s->lock);
    if (err != SH_OK) {
        reply_unread(exchange, true, &error);
    } else if (!sent) {
        log_put_off(s, exchange);
    } else if (unchanged) {
        sh_metric_add(&metric_pulled_unchanged, 1);
        sh_log_event(
            SH_LOG_INFO,
            SH_LOG_FIELDS(SH_LOG_NODE(s->settings->node_name), SH_LOG_PEER(sh_http_peer(exchange))),
            "device table pulled: unchanged");
    } else {
        sh_metric_add(&metric_pulled_envelope, 1);
        sh_log_event(SH_LOG_INFO,
                     SH_LOG_FIELDS(SH_LOG_NODE(s->settings->node_name),
                                   SH_LOG_PEER(sh_http_peer(exchange)), SH_LOG_BYTES(bytes),
                                   SH_LOG_ENTRY(id)),
                     "device table pulled");
    }
}

static void handle_sync(void *context, sh_http_exchange *exchange)
{
    serve *s = context;
    const char *accept = sh_http_header(exchange, "Accept");
    bool native = accept != NULL && strcasestr(accept, SH_ENVELOPE_TYPE) != NULL;
    sh_http_reply_header(exchange, "Server", "synchub-pusher/" SYNCHUB_VERSION);
    if (!is_authorized(s, exchange)) {
        sh_metric_add(&metric_pulled_denied, 1);
        sh_log_event(SH_LOG_WARNING,
                     SH_LOG_FIELDS(SH_LOG_PEER(sh_http_peer(exchange)),
                                   SH_LOG_REASON("the token is not this node's SYNC_api_token")),
                     "refused a pull with 403");
        sh_http_reply_error(exchange, 403, native ? sh_error_code_text(SH_CODE_TOKEN) : NULL,
                            "Forbidden", "ERROR: Not authorized");
        return;
    }
    if (native)
        reply_native(s, exchange);
    else
        reply_netalertx(s, exchange);
}

static bool is_ready(void *context, sh_buf *reason)
{
    const serve *s = context;
    sh_file_stamp stamp;
    sh_error error = {0};
    if (sh_stop_requested()) {
        (void)sh_buf_append_text(reason, "stopping");
        return false;
    }
    /* A node that is pulled or pushes its devices is not ready without its table. */
    bool needs_table = s->settings->devices || !pusher_is_active(s->settings);
    if (!needs_table)
        return true;
    if (sh_file_stamp_get(s->source.path, &stamp, &error) == SH_OK && !stamp.exists)
        (void)sh_fail(&error, SH_E_NOT_FOUND, "%s not found (SYNC_devices_file)", s->source.path);
    if (error.code != SH_OK)
        (void)sh_buf_append_text(reason, error.message);
    return error.code == SH_OK;
}

static sh_err write_metrics(void *context, sh_buf *ret)
{
    (void)context;
    return counters_write(ret);
}

static const sh_http_route routes[] = {
    {.method = "GET", .path = "/sync", .handle = handle_sync, .class = SH_HTTP_EXCLUSIVE},
    {.method = NULL},
};

static sh_err listen_on(serve *s, sh_error *error)
{
    const sh_listener_options options = {
        .routes = routes,
        .context = s,
        .probes = {.context = s, .is_ready = is_ready, .write_metrics = write_metrics}};
    sh_err err = sh_listener_start(s->settings, &options, &s->listener, error);
    if (err != SH_OK)
        return err;
    sh_log_info("listening on %s", sh_listener_address(s->listener));
    if (sh_listener_is_in_clear(s->listener))
        sh_log_info("tokens are received over plain HTTP, and NetAlertX hubs get the table "
                    "unencrypted: put TLS in front, or set SYNC_tls_cert and SYNC_tls_key");
    return SH_OK;
}

sh_err serve_start(const sh_settings *settings, const sh_node_key *key, serve **ret,
                   sh_error *error)
{
    *ret = NULL;
    serve *s = calloc(1, sizeof *s);
    if (s == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to serve");
    s->settings = settings;
    s->key = key;
    s->sealed = SH_BUF_INIT(SH_ENVELOPE_MAX);
    heartbeat_init(&s->heartbeat, NULL);
    (void)pthread_mutex_init(&s->lock, NULL);
    sh_err err = source_init_devices(&s->source, settings->devices_file, error);
    if (err == SH_OK)
        err = listen_on(s, error);
    if (err != SH_OK) {
        serve_stop(s);
        return err;
    }
    *ret = s;
    return SH_OK;
}

void serve_stop(serve *s)
{
    if (s == NULL)
        return;
    sh_listener_stop(s->listener, STOP_GRACE_MS);
    source_reset(&s->source);
    sh_buf_reset(&s->sealed);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}
