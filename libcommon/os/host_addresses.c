/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/os/host_addresses.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

bool sh_host_resolve(const char *host, sh_host_addresses *ret, const char **why)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    ret->count = 0;
    int code = getaddrinfo(host, NULL, &hints, &list);
    if (code != 0) {
        *why = code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code);
        return false;
    }
    for (const struct addrinfo *a = list; a != NULL; a = a->ai_next)
        sh_host_addresses_add(ret, a->ai_addr, a->ai_addrlen);
    freeaddrinfo(list);
    *why = "the name has no address";
    return ret->count > 0;
}

void sh_host_addresses_add(sh_host_addresses *addresses, const struct sockaddr *address,
                           socklen_t len)
{
    if (addresses->count == SH_HOST_ADDRESSES_MAX ||
        (address->sa_family != AF_INET && address->sa_family != AF_INET6))
        return;
    char *text = addresses->text[addresses->count];
    if (getnameinfo(address, len, text, sizeof addresses->text[0], NULL, 0, NI_NUMERICHOST) != 0)
        return;
    for (size_t i = 0; i < addresses->count; i++)
        if (strcmp(addresses->text[i], text) == 0)
            return;
    addresses->count++;
}

static bool is_address_itself(const char *host, const char *address)
{
    size_t len = strlen(host);
    if (host[0] == '[' && len > 1)
        return strlen(address) == len - 2 && strncmp(host + 1, address, len - 2) == 0;
    return strcmp(host, address) == 0;
}

void sh_host_addresses_print(const sh_host_addresses *addresses, const char *host, char *ret,
                             size_t ret_bytes)
{
    size_t used = 0;
    ret[0] = '\0';
    if (addresses->count == 0 || is_address_itself(host, addresses->text[0]))
        return;
    for (size_t i = 0; i < addresses->count; i++) {
        int wanted = snprintf(ret + used, ret_bytes - used, "%s%s%s", i == 0 ? " (" : ", ",
                              addresses->text[i], i + 1 == addresses->count ? ")" : "");
        if (wanted < 0 || (size_t)wanted >= ret_bytes - used)
            return;
        used += (size_t)wanted;
    }
}
