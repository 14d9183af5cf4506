/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/throttle.h"

#include "libcommon/crypto/crypto.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 8    /* slots where a count can be */
#define SETS 4096 /* a power of two; with WAYS 32,768 counts, 512 KiB */
#define KEY_MAX 512

typedef struct {
    uint64_t key;     /* 0: free */
    int64_t empty_ms; /* when the count will have fallen to 0 */
} slot;

struct throttle {
    pthread_mutex_t lock;
    uint8_t seed[SH_KEY_BYTES]; /* secret, to prevent chosen collisions */
    slot slots[SETS][WAYS];
};

/* A count's key, limit and interval. */
typedef struct {
    uint64_t key;
    int64_t max, interval_ms;
} subject;

sh_err throttle_new(throttle **ret, sh_error *error)
{
    throttle *t = calloc(1, sizeof *t);
    if (t == NULL || pthread_mutex_init(&t->lock, NULL) != 0) {
        free(t);
        return sh_fail(error, SH_E_MEMORY, "no memory to count invalid payloads");
    }
    sh_random(t->seed, sizeof t->seed);
    *ret = t;
    return SH_OK;
}

void throttle_free(throttle *t)
{
    if (t == NULL)
        return;
    (void)pthread_mutex_destroy(&t->lock);
    free(t);
}

/* The part of an address that its owner cannot change; other text is used as it is. */
static size_t network_of(const char *peer, char ret[static KEY_MAX])
{
    struct in6_addr v6;
    if (inet_pton(AF_INET, peer, ret) == 1)
        return sizeof(struct in_addr);
    if (inet_pton(AF_INET6, peer, &v6) == 1) {
        bool mapped = IN6_IS_ADDR_V4MAPPED(&v6);
        size_t len = mapped ? sizeof(struct in_addr) : 8;
        memcpy(ret, v6.s6_addr + (mapped ? 12 : 0), len);
        return len;
    }
    size_t len = strnlen(peer, KEY_MAX / 2);
    memcpy(ret, peer, len);
    return len;
}

static uint64_t key_of(const throttle *t, const char *peer, const char *node)
{
    char text[KEY_MAX];
    uint8_t hash[16];
    size_t len = network_of(peer, text);
    /* Distinguishes address plus name from another address. */
    text[len++] = node == NULL ? 'p' : 'n';
    size_t node_len = node == NULL ? 0 : strnlen(node, KEY_MAX / 2 - 1);
    if (node_len > 0)
        memcpy(text + len, node, node_len);
    sh_keyed_hash(t->seed, (sh_slice){text, len + node_len}, hash, sizeof hash);
    uint64_t key;
    memcpy(&key, hash, sizeof key);
    return key == 0 ? 1 : key;
}

static subject as_node(const throttle *t, const char *peer, const char *node)
{
    return (subject){.key = key_of(t, peer, node),
                     .max = THROTTLE_NODE_MAX,
                     .interval_ms = THROTTLE_NODE_INTERVAL_S * 1000LL};
}

static subject as_peer(const throttle *t, const char *peer)
{
    return (subject){.key = key_of(t, peer, NULL),
                     .max = THROTTLE_PEER_MAX,
                     .interval_ms = THROTTLE_PEER_INTERVAL_S * 1000LL};
}

static slot *find(throttle *t, uint64_t key)
{
    slot *set = t->slots[key % SETS];
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].key == key)
            return &set[i];
    return NULL;
}

/* The slot for a new count: a free one, or that of the count which reaches 0 first. */
static slot *find_room(throttle *t, uint64_t key)
{
    slot *set = t->slots[key % SETS];
    slot *best = &set[0];
    for (size_t i = 1; i < WAYS; i++)
        if (set[i].empty_ms < best->empty_ms)
            best = &set[i];
    return best;
}

/* How long until another attempt is allowed; 0 or less: now. */
static int64_t wait_ms(throttle *t, subject s, int64_t now_ms)
{
    const slot *found = find(t, s.key);
    return found == NULL ? 0 : found->empty_ms - (s.max - 1) * s.interval_ms - now_ms;
}

static bool count(throttle *t, subject s, int64_t now_ms)
{
    slot *at = find(t, s.key);
    if (at == NULL) {
        at = find_room(t, s.key);
        *at = (slot){.key = s.key};
    }
    if (at->empty_ms < now_ms)
        at->empty_ms = now_ms;
    int64_t most_ms = now_ms + s.max * s.interval_ms;
    at->empty_ms += s.interval_ms;
    if (at->empty_ms > most_ms) /* several came at once */
        at->empty_ms = most_ms;
    return wait_ms(t, s, now_ms) > 0;
}

int64_t throttle_wait_s(throttle *t, const char *peer, const char *node, bool known, int64_t now_ms)
{
    subject node_subject = as_node(t, peer, node), peer_subject = as_peer(t, peer);
    (void)pthread_mutex_lock(&t->lock);
    int64_t wait = wait_ms(t, node_subject, now_ms);
    int64_t other = known ? 0 : wait_ms(t, peer_subject, now_ms);
    (void)pthread_mutex_unlock(&t->lock);
    wait = wait > other ? wait : other;
    return wait <= 0 ? 0 : (wait + 999) / 1000;
}

bool throttle_count(throttle *t, const char *peer, const char *node, bool known, int64_t now_ms)
{
    subject node_subject = as_node(t, peer, node), peer_subject = as_peer(t, peer);
    (void)pthread_mutex_lock(&t->lock);
    bool waits = count(t, node_subject, now_ms);
    if (!known)
        waits |= count(t, peer_subject, now_ms);
    (void)pthread_mutex_unlock(&t->lock);
    return waits;
}
