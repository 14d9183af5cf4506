/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_QUEUE_H
#define SH_QUEUE_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"
#include "libcommon/config/settings.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/native/credentials.h"
#include "libcommon/native/envelope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The hub's queue in Redis Streams and what the hub's programs tell each other beside it: what more
 * than one of them does. How the receiver empties it is in receiver/queue. The keys are
 * PROTOCOL.md's; queue_open.c alone names them. One queue object has one connection and belongs to
 * one thread. All calls: SH_E_NETWORK, SH_E_BUSY and SH_E_CONFIG as in redis.h, SH_E_MEMORY.
 */
typedef struct sh_queue sh_queue;

#define SH_NODES_VERSION_BYTES 33 /* of the nodes' credentials, see below */

typedef struct {
    const char *redis_url, *prefix;
    const char *tls_ca; /* of rediss://, a file besides the system's; NULL or "": none */
    bool must_keep;     /* SH_E_CONFIG to puts while Redis is not configured to keep them */
    int64_t names_max;  /* of nodes; 0: SH_NAMES_MAX */
} sh_queue_options;

/* What the settings say. Strings are borrowed from them. */
sh_queue_options sh_queue_options_of(const sh_settings *settings);

/* Connects at the first call. */
sh_err sh_queue_open(const sh_queue_options *options, sh_queue **ret, sh_error *error);
/* The same with these two options alone. */
sh_err sh_queue_new(const char *redis_url, const char *prefix, sh_queue **ret, sh_error *error);
void sh_queue_free(sh_queue *queue); /* NULL is accepted */

/*
 * SH_OK where Redis would take a put now: it answers, is at least version 7 and a master, is not
 * full, can write its file, its keys are of the right types, the user has the rights and, where it
 * must, it keeps what it confirms. Writes nothing.
 */
sh_err sh_queue_check(sh_queue *queue, sh_error *error);

/* Whether Redis keeps what it has confirmed, through a power failure too. */
typedef enum {
    SH_KEEPS_UNKNOWN, /* the user may not ask, or nobody did yet */
    SH_KEEPS_ALL,     /* an append-only file, synced at each write, and nothing is evicted */
    SH_KEEPS_NOT,
} sh_queue_keeps;

/* As it was found last; *words, which is the queue's, tells what is missing and what mends it. */
sh_queue_keeps sh_queue_keeps_of(const sh_queue *queue, const char **words);

/* --- For those who fill it: ingest and puller ------------------------------------------- */

typedef enum {
    SH_PUT_QUEUED,    /* durable in the queue */
    SH_PUT_DUPLICATE, /* this id was queued before: nothing was added */
    SH_PUT_UNCHANGED, /* the node's last merged table had this digest: nothing was added */
    SH_PUT_STALE,     /* the nodes' credentials changed: nothing was added, look at them anew */
} sh_put;

/* Whether a node that the hub does not know yet may come. */
typedef enum {
    SH_NEWCOMER_ALWAYS, /* its name is not a peer's invention */
    SH_NEWCOMER_YES,    /* while fewer than names_max are known */
    SH_NEWCOMER_NO,     /* too many came lately */
} sh_newcomer;

#define SH_QUEUE_AT_ONCE 64 /* puts or questions of one exchange */

typedef struct {
    sh_slice envelope;
    const sh_envelope_header *header;
    const char *mode; /* "push" or "pull" */
    /* Of the credentials by which the envelope was found good (sh_queue_nodes_load). */
    const char *nodes_version;
    bool unless_unchanged; /* a table that was merged within SH_FULL_TABLE_INTERVAL_S */
    sh_newcomer newcomer;
    sh_put put;       /* where err is SH_OK */
    bool is_new_node; /* it was not known before */
    /*
     * SH_E_BUSY: the queue is full, or Redis is; SH_E_LIMIT: this node has its share in it;
     * SH_E_REFUSED: one name of a node too many.
     */
    sh_err err;
    sh_error error;
} sh_queue_put_item;

/*
 * Queues up to SH_QUEUE_AT_ONCE envelopes in one exchange, which Redis makes durable by one fsync.
 * Each has an outcome of its own. An item is known by its node and id together; of the last ones,
 * SH_QUEUE_ITEM_IDS_MAX at most, a second one is a duplicate.
 */
void sh_queue_put_each(sh_queue *queue, sh_queue_put_item *const items[], size_t count);

/* What merge recorded of a node's last merged table. SH_E_NOT_FOUND where nothing is. */
sh_err sh_queue_digest_get(sh_queue *queue, sh_slice node, uint8_t digest[static SH_DIGEST_BYTES],
                           int64_t *merged_ms, sh_error *error);

typedef struct {
    const char *node;
    uint8_t digest[SH_DIGEST_BYTES];
    int64_t merged_ms; /* 0: nothing is recorded */
} sh_queue_question;

/*
 * The same for up to SH_QUEUE_AT_ONCE nodes, and the version of the nodes' credentials thereafter,
 * in one exchange: who is known by that version was so when the digests were read.
 */
sh_err sh_queue_ask_each(sh_queue *queue, sh_queue_question *const questions[], size_t count,
                         char version[static SH_NODES_VERSION_BYTES], sh_error *error);

typedef struct {
    char node[SH_NODE_NAME_MAX + 1];
    int64_t ms; /* Unix time */
} sh_queue_seen;

/* Notes that nodes were in contact then (unchanged tables included). */
sh_err sh_queue_seen_put(sh_queue *queue, const sh_queue_seen seen[], size_t count,
                         const char *mode, sh_error *error);

/*
 * Where nearly as many names of nodes are known as may be, forgets those that were silent since
 * before_ms and have no credentials of their own: their contact and digest. *ret: how many.
 */
sh_err sh_queue_names_forget(sh_queue *queue, int64_t before_ms, int64_t *ret, sh_error *error);

/* --- For the puller ----------------------------------------------------------------------- */

typedef enum {
    SH_LEASE_TAKEN, /* ours: fetch, then sh_queue_leases_end() */
    SH_LEASE_HELD,  /* another puller is fetching it now */
    SH_LEASE_DONE,  /* another puller fetched it within within_ms */
} sh_lease;

#define SH_QUEUE_LEASES_MAX 32 /* of one call: each write waits for Redis's disk */

/*
 * Asks to fetch each of count URLs (their names for all pullers), unless one was fetched within the
 * last within_ms, 0 for no matter when; count is 1 to SH_QUEUE_LEASES_MAX, and so it is below.
 * Pullers on several hosts compare times by one clock, Redis's. What is noted under a time that has
 * yet to come was noted before that clock was set back, and counts for nothing.
 */
sh_err sh_queue_leases_take(sh_queue *queue, const char *const urls[], size_t count,
                            int64_t within_ms, int64_t hold_ms, sh_lease ret[], sh_error *error);

typedef struct {
    const char *url;
    bool fetched;     /* it counts as done now */
    const char *name; /* of the node that answered, to be remembered; NULL: nothing new */
} sh_queue_turn;

/* Gives leases back. */
sh_err sh_queue_leases_end(sh_queue *queue, const sh_queue_turn turns[], size_t count,
                           sh_error *error);

/* The node's name that url answered with last. SH_E_NOT_FOUND. */
sh_err sh_queue_pulled_name_get(sh_queue *queue, const char *url, char ret[SH_NODE_NAME_MAX + 1],
                                sh_error *error);

/* --- The hub's key ---------------------------------------------------------------------------- */

/*
 * By which the hub's SYNC_encryption_key is known, in hex: see sh_key_check(). "" where no receiver
 * has said it yet.
 */
sh_err sh_queue_key_get(sh_queue *queue, char ret[static SH_KEY_CHECK_HEX_BYTES], sh_error *error);

/* --- The nodes' own credentials --------------------------------------------------------------- */

/*
 * What changes with every change of any node's credentials, "" where there never was one. Random,
 * no count: a Redis that lost its data comes to no version that anybody has seen.
 */
sh_err sh_queue_nodes_version(sh_queue *queue, char ret[static SH_NODES_VERSION_BYTES],
                              sh_error *error);
/* All of them, and their version, in one step. */
sh_err sh_queue_nodes_load(sh_queue *queue, sh_credentials **ret,
                           char version[static SH_NODES_VERSION_BYTES], sh_error *error);
/* Adds the text of one node's record to *ret. SH_E_NOT_FOUND. */
sh_err sh_queue_node_get(sh_queue *queue, const char *node, sh_buf *ret, sh_error *error);
/* Replaces the text old ("" for none) by new, where Redis keeps it. SH_E_BUSY where it is old no
 * more; SH_E_LIMIT. */
sh_err sh_queue_node_set(sh_queue *queue, const char *node, sh_slice old, sh_slice new,
                         sh_error *error);
/* Notes when a node's own credentials were last used; 0: never. */
sh_err sh_queue_node_used(sh_queue *queue, const char *node, int64_t now_ms, sh_error *error);
sh_err sh_queue_node_used_get(sh_queue *queue, const char *node, int64_t *ret, sh_error *error);

/* --- For those who look -------------------------------------------------------------------- */

typedef struct {
    int64_t entries, bytes, pending, dead;
} sh_queue_depth;

sh_err sh_queue_depth_get(sh_queue *queue, sh_queue_depth *ret, sh_error *error);

/* Calls each() for every node that was ever in contact. */
typedef sh_err (*sh_queue_contact_each)(void *context, sh_slice node, sh_slice mode, int64_t ms,
                                        sh_error *error);
sh_err sh_queue_contacts(sh_queue *queue, sh_queue_contact_each each, void *context,
                         sh_error *error);

#endif
