/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/queue/redis_refusal.h"

#include <string.h>

static const sh_redis_refusal refusals[] = {
    {"OOM", SH_E_BUSY, false, false, "Redis is full (its maxmemory)", 0},
    {"READONLY", SH_E_BUSY, false, true, "Redis is a replica and accepts no writes", 0},
    {"UNBLOCKED", SH_E_BUSY, false, true, "Redis became a replica", 0},
    {"MASTERDOWN", SH_E_BUSY, false, true, "Redis is a replica that has lost its master", 0},
    {"LOADING", SH_E_BUSY, false, true, "Redis is still loading its data", 0},
    {"CLUSTERDOWN", SH_E_BUSY, false, true, "the cluster has no master for the keys", 0},
    {"MOVED", SH_E_BUSY, true, true, "another server of the cluster owns the keys now", 0},
    {"ASK ", SH_E_BUSY, false, false, "the cluster is moving the keys to another server", 0},
    {"MISCONF", SH_E_BUSY, false, false, "Redis cannot write to its disk", 0},
    {"NOREPLICAS", SH_E_BUSY, false, false, NULL, 0},
    {"BUSY ", SH_E_BUSY, false, false, NULL, 0},
    {"TRYAGAIN", SH_E_BUSY, false, false, NULL, 0},
    {"ERR max number of clients", SH_E_BUSY, false, true, NULL, 0},
    {"NOAUTH", SH_E_CONFIG, false, true, NULL, SH_REDIS_ADVICE_LOGIN},
    {"WRONGPASS", SH_E_CONFIG, false, true, NULL, SH_REDIS_ADVICE_LOGIN},
    {"ERR AUTH", SH_E_CONFIG, false, true, NULL, SH_REDIS_ADVICE_LOGIN},
    {"ERR invalid password", SH_E_CONFIG, false, true, NULL, SH_REDIS_ADVICE_LOGIN},
    {"NOPERM", SH_E_CONFIG, false, false, NULL, SH_REDIS_ADVICE_LOGIN},
    {"CROSSSLOT", SH_E_CONFIG, false, false, NULL, SH_REDIS_ADVICE_CROSS_SLOT},
    {"WRONGTYPE", SH_E_CONFIG, false, false, NULL, SH_REDIS_ADVICE_WRONG_TYPE},
    {"NOGROUP", SH_E_NOT_FOUND, false, false, NULL, 0},
    {"NOSCRIPT", SH_E_NOT_FOUND, false, false, NULL, 0},
};

const sh_redis_refusal *sh_redis_refusal_of(const char *text)
{
    static const sh_redis_refusal other = {"", SH_E_FORMAT, false, false, NULL, 0};
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (strncmp(text, refusals[i].prefix, strlen(refusals[i].prefix)) == 0)
            return &refusals[i];
    return &other;
}
