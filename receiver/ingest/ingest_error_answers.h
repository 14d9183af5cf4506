/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_INGEST_ERROR_ANSWERS_H
#define RECEIVER_INGEST_ERROR_ANSWERS_H

#include "libcommon/base/error.h"
#include "libcommon/base/metrics.h"
#include "libcommon/http/http_server.h"
#include "libcommon/native/error_code.h"

/*
 * Every answer of POST /sync but success: status, code, title, metric and log line of each reason.
 * The sentence comes from the caller, who knows what is wrong: ingest_native.c, ingest_netalertx.c,
 * ingest_authentication.c, ingest_flush.c.
 */

/* What is wrong with a push. Sent again unchanged, it is refused again. */
typedef enum {
    REFUSED_HEADER,   /* Sync-Hub-Node or Sync-Hub-Digest cannot be read */
    REFUSED_ENVELOPE, /* no envelope, or one of an unknown version */
    REFUSED_TYPE,     /* of neither protocol */
    REFUSED_PROTOCOL, /* this hub or node must not use this one */
    REFUSED_SIZE,
    REFUSED_NODE_NAME,
    REFUSED_LOOKALIKE, /* a node name that is easily confused with another one */
    REFUSED_PLUGIN_NAME,
    REFUSED_CLOCK,
    REFUSED_KEY,
    REFUSED_ALTERED,
    REFUSED_CONTENT, /* merge found that the same text is not a device table */
    REFUSED_JSON,    /* only for NetAlertX's format, as the next two */
    REFUSED_FIELD,
    REFUSED_PAYLOAD,
    REFUSED_KINDS
} refused_kind;

/* Whether a push comes in NetAlertX's format. */
bool ingest_is_netalertx(const sh_http_exchange *exchange);

/*
 * Counts, logs and answers. node is NULL if it is unknown. In NetAlertX's format the answer has no
 * code, and "error" contains the message unless NetAlertX has a text of its own. So the message
 * must be a sentence that includes the remedy.
 */
void ingest_refuse(sh_http_exchange *exchange, refused_kind kind, const char *node,
                   const char *message);

/*
 * The same for an authorised node, whose record then has this problem until its next good contact.
 */
void ingest_refuse_node(sh_http_exchange *exchange, refused_kind kind, const char *node,
                        const char *message);

/* REFUSED_NODE_NAME; rule is the rule that the name violates. */
void ingest_refuse_node_name(sh_http_exchange *exchange, const char *rule);

/* REFUSED_PLUGIN_NAME; rule is the rule that the name violates. */
void ingest_refuse_plugin_name(sh_http_exchange *exchange, const char *rule);

/* Advice for a NetAlertX node whose table or result is too large. */
#define INGEST_SIZE_REMEDY                                                                         \
    "a device table of this size can be pushed by a synchub-pusher, which sends it in parts; a "   \
    "plugin with a result of this size must be taken out of SYNC_plugins on the node"

/* REFUSED_SIZE of a push in NetAlertX's format: limit says which limit it is over. */
void ingest_refuse_size(sh_http_exchange *exchange, const char *node, const char *limit);

/* Answers 403, identical for all reasons; the reason is only counted. */
void ingest_forbid(sh_http_exchange *exchange, sh_metric *reason);

/*
 * The same for a known token that may not send as this node. reason is for the log.
 */
void ingest_forbid_node(sh_http_exchange *exchange, sh_metric *reason, const char *node,
                        const char *text);

/* Why a push that may be valid cannot be accepted now. */
typedef enum {
    UNAVAILABLE_BUSY,        /* memory for bodies is used up */
    UNAVAILABLE_CREDENTIALS, /* a node's record is unreadable, or changes too often */
    UNAVAILABLE_FULL,        /* the queue is full, or Redis refuses writes now */
    UNAVAILABLE_INTERNAL,    /* a permanent failure of the hub */
    UNAVAILABLE_KEY,         /* this receiver's key is not the hub's */
    UNAVAILABLE_MEMORY,
    UNAVAILABLE_NAMES, /* no more new nodes under the shared token */
    UNAVAILABLE_REDIS, /* not reachable, or not configured to keep data */
    UNAVAILABLE_SHARE, /* this node's share of the queue is used up */
    UNAVAILABLE_KINDS
} unavailable_kind;

/* The kind that an error of the queue, or of our own, maps to. */
unavailable_kind ingest_unavailable_of(sh_err err);

/*
 * Counts, logs and answers 503, or 500 for UNAVAILABLE_INTERNAL. reason is only for the log (NULL:
 * not logged), as internal errors concern the hub's operator.
 */
void ingest_unavailable(sh_http_exchange *exchange, unavailable_kind kind, const char *node,
                        const char *reason);
/* The same for a failed call. */
void ingest_failed(sh_http_exchange *exchange, const char *node, const sh_error *error);

#endif
