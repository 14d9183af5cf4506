/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_QUEUE_H
#define SH_QUEUE_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"
#include "libcommon/config/settings.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/native/credentials.h"
#include "libcommon/native/envelope.h"
#include "libcommon/queue/redis.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The hub's queue, a Redis stream, and the state in Redis that the hub's programs share: the calls
 * that more than one program makes. receiver/queue has the consumer's side. PROTOCOL.md, section 5,
 * specifies the keys; only queue_open.c builds their names. A queue object has one connection and
 * belongs to one thread. Every call may return SH_E_NETWORK, SH_E_BUSY and SH_E_CONFIG as in
 * redis.h, and SH_E_MEMORY.
 */
typedef struct sh_queue sh_queue;

#define SH_NODES_VERSION_BYTES 33 /* see sh_queue_nodes_version(); with the final NUL */

typedef struct {
    const char *redis_url, *prefix;
    const char *tls_ca; /* PEM file, further authorities for rediss://; NULL or "": none */
    bool must_keep;     /* puts fail with SH_E_CONFIG while Redis is not configured to be durable */
    int64_t names_max;  /* known nodes at most; 0: SH_NAMES_MAX */
    int64_t replicas;   /* that must have a put before it succeeds; 0: none */
} sh_queue_options;

/* The options that the settings ask for. Strings are borrowed from settings. */
sh_queue_options sh_queue_options_of(const sh_settings *settings);

/* Connects at the first call. */
sh_err sh_queue_open(const sh_queue_options *options, sh_queue **ret, sh_error *error);
/* As sh_queue_open() with these two options, the others being zero. */
sh_err sh_queue_new(const char *redis_url, const char *prefix, sh_queue **ret, sh_error *error);
void sh_queue_free(sh_queue *queue); /* NULL is accepted */

/*
 * Returns SH_OK if Redis would accept a put now: it answers, is version 7 or newer and a master, is
 * not full, can write its file, the keys have the right types, the user has the rights and, with
 * must_keep, what it confirms is durable. Writes nothing.
 */
sh_err sh_queue_check(sh_queue *queue, sh_error *error);

/* Whether what Redis confirms is durable: survives a power failure. */
typedef enum {
    SH_KEEPS_UNKNOWN, /* the user may not run CONFIG GET, or no check was made yet */
    SH_KEEPS_ALL,     /* an append-only file, synced at each write, and nothing is evicted */
    SH_KEEPS_NOT,
} sh_queue_keeps;

/*
 * The result of the last check. *message, owned by the queue, says what is missing and how to fix
 * it.
 */
sh_queue_keeps sh_queue_keeps_of(const sh_queue *queue, const char **message);

/* The server that a queue is connected to. */
typedef struct {
    char place[SH_REDIS_PLACE_BYTES]; /* as sh_redis_print_place() writes it */
    const char *role;  /* "master" or "replica"; "unknown" if the user may not run ROLE */
    bool has_replicas; /* false: not known to be a master */
    int64_t replicas;  /* connected to it */
    bool in_memory;    /* they confirm an entry when it is in their memory, not on their disk */
    int64_t in_step;   /* of these, how many have what it had at the previous check */
} sh_queue_server;

/* As the last check found it; place is "" before. Owned by the queue. */
const sh_queue_server *sh_queue_server_of(const sh_queue *queue);

/* --- Producers: ingest and puller ------------------------------------------------------- */

typedef enum {
    SH_PUT_QUEUED,    /* durable in the queue */
    SH_PUT_DUPLICATE, /* this id was queued before; nothing was added */
    SH_PUT_UNCHANGED, /* the node's last merged table had this digest; nothing was added */
    SH_PUT_STALE,     /* the nodes' credentials changed; nothing was added: load them again */
} sh_put;

/* Whether a node that the hub does not know yet is accepted. */
typedef enum {
    SH_NEWCOMER_ALWAYS, /* an operator configured its name */
    SH_NEWCOMER_YES,    /* if fewer than names_max nodes are known */
    SH_NEWCOMER_NO,     /* too many new names lately */
} sh_newcomer;

#define SH_QUEUE_AT_ONCE 64 /* puts or questions in one exchange */

typedef struct {
    sh_slice envelope;
    const sh_envelope_header *header;
    const char *mode; /* "push" or "pull" */
    /* Version of the credentials that authenticated the envelope (sh_queue_nodes_load()). */
    const char *nodes_version;
    bool unless_unchanged; /* skip a table that was merged within SH_FULL_TABLE_INTERVAL_S */
    sh_newcomer newcomer;
    sh_put put;       /* valid if err is SH_OK */
    bool is_new_node; /* it was not known before */
    /*
     * SH_E_BUSY: the queue or Redis is full, or too few replicas confirmed it, so that it may be
     * queued or not; SH_E_LIMIT: this node has used its share of the queue;
     * SH_E_REFUSED: too many node names.
     */
    sh_err err;
    sh_error error;
} sh_queue_put_item;

/*
 * Queues up to SH_QUEUE_AT_ONCE envelopes in one exchange, which Redis makes durable with one
 * fsync. Each item gets its own result. Node and id together identify an item; a second put of one
 * of the last items, SH_QUEUE_ITEM_IDS_MAX at most, is a duplicate.
 */
void sh_queue_put_each(sh_queue *queue, sh_queue_put_item *const items[], size_t count);

/*
 * The digest and time (Unix, ms) that merge published for a node's last merged table.
 * SH_E_NOT_FOUND if there is none.
 */
sh_err sh_queue_digest_get(sh_queue *queue, sh_slice node, uint8_t digest[static SH_DIGEST_BYTES],
                           int64_t *merged_ms, sh_error *error);

typedef struct {
    const char *node;
    uint8_t digest[SH_DIGEST_BYTES];
    int64_t merged_ms; /* Unix time; 0: no table was merged */
    /* Instead, if merge could not merge the node's last table: digest is that table's. */
    int64_t refused_ms;               /* Unix time; 0: merge has not rejected it */
    char refused[SH_DEAD_REASON_MAX]; /* the reason */
} sh_queue_question;

/*
 * The same for up to SH_QUEUE_AT_ONCE nodes in one exchange, which then reads the version of the
 * nodes' credentials: a caller that has that version authenticated the nodes by the credentials
 * that were valid when the digests were read.
 */
sh_err sh_queue_ask_each(sh_queue *queue, sh_queue_question *const questions[], size_t count,
                         char version[static SH_NODES_VERSION_BYTES], sh_error *error);

typedef struct {
    char node[SH_NODE_NAME_MAX + 1];
    int64_t ms; /* Unix time */
} sh_queue_seen;

/*
 * Records the last contact of nodes (also of those that sent an unchanged table). mode is "push" or
 * "pull".
 */
sh_err sh_queue_seen_put(sh_queue *queue, const sh_queue_seen seen[], size_t count,
                         const char *mode, sh_error *error);

/*
 * If nearly names_max nodes are known, forgets the contact and digest of those that had no contact
 * since before_ms (Unix time) and have no credentials of their own. *ret: how many were forgotten.
 */
sh_err sh_queue_names_forget(sh_queue *queue, int64_t before_ms, int64_t *ret, sh_error *error);

/* --- The hub's key ---------------------------------------------------------------------------- */

/*
 * The check value of the hub's SYNC_encryption_key, in hex (sh_key_check()); "" if no receiver has
 * published it yet.
 */
sh_err sh_queue_key_get(sh_queue *queue, char ret[static SH_KEY_CHECK_HEX_BYTES], sh_error *error);

/* --- The nodes' own credentials --------------------------------------------------------------- */

/*
 * The database is the state of record; a receiver that merges publishes it in Redis, all records
 * and a version at once. The version is "" while nothing is published, as in a Redis that lost its
 * data: then nobody's credentials can be checked.
 */
sh_err sh_queue_nodes_version(sh_queue *queue, char ret[static SH_NODES_VERSION_BYTES],
                              sh_error *error);
/*
 * Loads all records and their version atomically. The caller frees *ret. SH_E_NOT_FOUND while
 * nothing is published.
 */
#define SH_NODES_NOT_PUBLISHED                                                                     \
    "the nodes' credentials are not in Redis at the moment: a receiver that merges "               \
    "(SYNC_receiver_role=merge or all) publishes them within seconds while it runs"
sh_err sh_queue_nodes_load(sh_queue *queue, sh_credentials **ret,
                           char version[static SH_NODES_VERSION_BYTES], sh_error *error);
/* When a node's own credentials were last used, in Unix time; 0: never. */
sh_err sh_queue_node_used(sh_queue *queue, const char *node, int64_t now_ms, sh_error *error);
sh_err sh_queue_node_used_get(sh_queue *queue, const char *node, int64_t *ret, sh_error *error);

/* --- Read-only subcommands and metrics ------------------------------------------------------ */

typedef struct {
    int64_t entries, bytes, pending, dead;
} sh_queue_depth;

sh_err sh_queue_depth_get(sh_queue *queue, sh_queue_depth *ret, sh_error *error);

/* Calls each() for every known node with the time (Unix, ms) and mode of its last contact. */
typedef sh_err (*sh_queue_contact_each)(void *context, sh_slice node, sh_slice mode, int64_t ms,
                                        sh_error *error);
sh_err sh_queue_contacts(sh_queue *queue, sh_queue_contact_each each, void *context,
                         sh_error *error);

/* A position in what is read in pieces. */
typedef struct {
    char text[32];       /* Redis's cursor; "": at the start, or behind the last piece */
    uint64_t connection; /* on which it is valid */
} sh_queue_cursor;
#define SH_QUEUE_CURSOR_START ((sh_queue_cursor){.text = ""})
bool sh_queue_cursor_at_start(const sh_queue_cursor *cursor);

/*
 * Passes one piece of the known nodes, about a thousand or, if they are few, all, and moves the
 * cursor, which is at the start again after the last piece. A node that is known from the first
 * piece to the last is passed at least once. After an error the cursor is at the start; on another
 * connection the first piece is read, as another server's cursor would skip nodes.
 */
sh_err sh_queue_contacts_next(sh_queue *queue, sh_queue_cursor *cursor, sh_queue_contact_each each,
                              void *context, sh_error *error);

#define SH_QUEUE_CONTACTS_AT_ONCE 512
/* The same for those of up to so many nodes that are known, in one exchange. */
sh_err sh_queue_contacts_of(sh_queue *queue, const char *const nodes[], size_t count,
                            sh_queue_contact_each each, void *context, sh_error *error);

#endif
