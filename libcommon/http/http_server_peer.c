/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/http_server_peer.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const struct sockaddr_in6 *as_v6(const struct sockaddr *address)
{
    return (const struct sockaddr_in6 *)(const void *)address;
}

static const struct sockaddr_in *as_v4(const struct sockaddr *address)
{
    return (const struct sockaddr_in *)(const void *)address;
}

void sh_http_peer_bytes(const struct sockaddr *address, uint8_t ret[static 16])
{
    memset(ret, 0, 16);
    if (address->sa_family == AF_INET6) {
        const struct in6_addr *v6 = &as_v6(address)->sin6_addr;
        bool whole = IN6_IS_ADDR_V4MAPPED(v6) || IN6_IS_ADDR_LINKLOCAL(v6);
        memcpy(ret, v6->s6_addr, whole ? 16 : 8);
    } else if (address->sa_family == AF_INET) {
        ret[10] = ret[11] = 0xff;
        memcpy(ret + 12, &as_v4(address)->sin_addr, 4);
    }
}

void sh_http_peer_text(const struct sockaddr *address, char ret[static INET6_ADDRSTRLEN])
{
    const char *text = NULL;
    if (address != NULL && address->sa_family == AF_INET)
        text = inet_ntop(AF_INET, &as_v4(address)->sin_addr, ret, INET6_ADDRSTRLEN);
    else if (address != NULL && address->sa_family == AF_INET6) {
        const struct in6_addr *v6 = &as_v6(address)->sin6_addr;
        text = IN6_IS_ADDR_V4MAPPED(v6)
                   ? inet_ntop(AF_INET, v6->s6_addr + 12, ret, INET6_ADDRSTRLEN)
                   : inet_ntop(AF_INET6, v6, ret, INET6_ADDRSTRLEN);
    }
    if (text == NULL)
        memcpy(ret, "unknown", sizeof "unknown");
}
