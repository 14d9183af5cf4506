/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_login_rate.h"

#include "libcommon/base/limits.h"
#include "libcommon/crypto/crypto.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORGET_MS (15 * 60 * 1000) /* without a failure */

typedef struct {
    char address[SH_ADDRESS_MAX + 1]; /* "": free */
    int64_t failures, last_ms, until_ms;
} login_peer;

/* Tries in the second that is counted. */
typedef struct {
    int64_t second_ms; /* its begin */
    int64_t tries;
} login_second;

struct console_login_rate {
    pthread_mutex_t lock;
    login_second known, unknown; /* of addresses that have logged in, and of others */
    login_peer peers[SH_CONSOLE_LOGIN_PEERS_MAX];
    char passed[SH_CONSOLE_LOGIN_KNOWN_MAX][SH_ADDRESS_MAX + 1]; /* who has logged in, a ring */
    size_t next_passed;
};

sh_err console_login_rate_new(console_login_rate **ret, sh_error *error)
{
    console_login_rate *rate = calloc(1, sizeof *rate);
    if (rate == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the console");
    (void)pthread_mutex_init(&rate->lock, NULL);
    *ret = rate;
    return SH_OK;
}

void console_login_rate_free(console_login_rate *rate)
{
    if (rate == NULL)
        return;
    (void)pthread_mutex_destroy(&rate->lock);
    free(rate);
}

/* All addresses of an IPv6 /64 belong to one peer, which can choose among them (RFC 4291, 2.5.4).
 */
static void write_key(const char *address, char ret[static SH_ADDRESS_MAX + 1])
{
    struct in6_addr in6;
    (void)snprintf(ret, SH_ADDRESS_MAX + 1, "%s", address);
    if (inet_pton(AF_INET6, address, &in6) != 1 || IN6_IS_ADDR_V4MAPPED(&in6))
        return;
    memset(&in6.s6_addr[8], 0, 8);
    (void)inet_ntop(AF_INET6, &in6, ret, SH_ADDRESS_MAX + 1);
}

static login_peer *find(console_login_rate *rate, const char *key)
{
    for (size_t i = 0; i < SH_CONSOLE_LOGIN_PEERS_MAX; i++)
        if (strcmp(rate->peers[i].address, key) == 0)
            return &rate->peers[i];
    return NULL;
}

static bool has_passed(const console_login_rate *rate, const char *key)
{
    for (size_t i = 0; i < SH_CONSOLE_LOGIN_KNOWN_MAX; i++)
        if (strcmp(rate->passed[i], key) == 0)
            return true;
    return false;
}

/* Counts a try; false if there were too many in this second. */
static bool count_try(login_second *second, int64_t now_ms)
{
    if (now_ms - second->second_ms >= 1000)
        *second = (login_second){.second_ms = now_ms};
    return ++second->tries <= SH_CONSOLE_LOGINS_PER_S;
}

int64_t console_login_rate_wait(console_login_rate *rate, const char *address, int64_t now_ms)
{
    char key[SH_ADDRESS_MAX + 1];
    int64_t wait_s = 0;
    write_key(address, key);
    (void)pthread_mutex_lock(&rate->lock);
    const login_peer *peer = find(rate, key);
    if (peer != NULL && peer->until_ms > now_ms)
        wait_s = (peer->until_ms - now_ms + 999) / 1000;
    else if (!count_try(has_passed(rate, key) ? &rate->known : &rate->unknown, now_ms))
        wait_s = 1;
    (void)pthread_mutex_unlock(&rate->lock);
    return wait_s;
}

/* The place of an address: its own, a free one, or that of the one that failed longest ago. */
static login_peer *place_of(console_login_rate *rate, const char *key)
{
    login_peer *oldest = find(rate, key);
    for (size_t i = 0; oldest == NULL && i < SH_CONSOLE_LOGIN_PEERS_MAX; i++)
        if (rate->peers[i].address[0] == '\0')
            oldest = &rate->peers[i];
    if (oldest == NULL)
        oldest = &rate->peers[0];
    for (size_t i = 0; strcmp(oldest->address, key) != 0 && oldest->address[0] != '\0' &&
                       i < SH_CONSOLE_LOGIN_PEERS_MAX;
         i++)
        if (rate->peers[i].last_ms < oldest->last_ms)
            oldest = &rate->peers[i];
    return oldest;
}

void console_login_rate_failed(console_login_rate *rate, const char *address, int64_t now_ms)
{
    char key[SH_ADDRESS_MAX + 1];
    write_key(address, key);
    (void)pthread_mutex_lock(&rate->lock);
    login_peer *peer = place_of(rate, key);
    if (strcmp(peer->address, key) != 0 || now_ms - peer->last_ms > FORGET_MS) {
        *peer = (login_peer){.failures = 0};
        (void)snprintf(peer->address, sizeof peer->address, "%s", key);
    }
    peer->failures++;
    peer->last_ms = now_ms;
    if (peer->failures >= SH_CONSOLE_LOGINS_FREE) {
        int64_t doublings = peer->failures - SH_CONSOLE_LOGINS_FREE;
        int64_t wait_s = doublings > 6 ? SH_CONSOLE_LOGIN_WAIT_MAX_S : INT64_C(1) << doublings;
        if (wait_s > SH_CONSOLE_LOGIN_WAIT_MAX_S)
            wait_s = SH_CONSOLE_LOGIN_WAIT_MAX_S;
        peer->until_ms = now_ms + wait_s * 1000;
    }
    (void)pthread_mutex_unlock(&rate->lock);
}

void console_login_rate_passed(console_login_rate *rate, const char *address)
{
    char key[SH_ADDRESS_MAX + 1];
    write_key(address, key);
    (void)pthread_mutex_lock(&rate->lock);
    login_peer *peer = find(rate, key);
    if (peer != NULL)
        *peer = (login_peer){.failures = 0};
    if (!has_passed(rate, key)) {
        memcpy(rate->passed[rate->next_passed], key, sizeof key);
        rate->next_passed = (rate->next_passed + 1) % SH_CONSOLE_LOGIN_KNOWN_MAX;
    }
    (void)pthread_mutex_unlock(&rate->lock);
}
