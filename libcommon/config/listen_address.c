/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/listen_address.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#define LISTEN_FORMS "use address:port, as in 0.0.0.0:20212 or [::1]:20212"

sh_err sh_listen_read(sh_slice text, char host[static 64], uint16_t *port, sh_error *error)
{
    char address[64];
    unsigned char binary[sizeof(struct in6_addr)];
    size_t colon = text.len;
    if (memmem(text.data, text.len, "://", 3) != NULL)
        return sh_fail(error, SH_E_FORMAT, "omit the scheme before the address; " LISTEN_FORMS);
    if (text.len > 0 && memchr(text.data, '%', text.len) != NULL)
        return sh_fail(
            error, SH_E_FORMAT,
            "an address with a zone (after '%%') is not supported: listen on all addresses, "
            "[::]:20212, or on one that is not link-local; " LISTEN_FORMS);
    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return sh_fail(error, SH_E_FORMAT, "the port is missing; " LISTEN_FORMS);
    sh_slice host_part = {.data = text.data, .len = colon - 1};
    bool is_v6 =
        host_part.len >= 2 && host_part.data[0] == '[' && host_part.data[host_part.len - 1] == ']';
    if (is_v6)
        host_part = (sh_slice){.data = host_part.data + 1, .len = host_part.len - 2};
    uint64_t number;
    if (!sh_text_to_u64((sh_slice){text.data + colon, text.len - colon}, 65535, &number))
        return sh_fail(error, SH_E_FORMAT,
                       "the port is not a number from 0 to 65535; " LISTEN_FORMS);
    if (host_part.len >= sizeof address ||
        (host_part.len > 0 && memchr(host_part.data, '\0', host_part.len) != NULL))
        return sh_fail(error, SH_E_FORMAT, "the address is invalid; " LISTEN_FORMS);
    memcpy(address, host_part.data, host_part.len);
    address[host_part.len] = '\0';
    if (!is_v6 && strchr(address, ':') != NULL)
        return sh_fail(error, SH_E_FORMAT, "put brackets around an IPv6 address; " LISTEN_FORMS);
    if (inet_pton(is_v6 ? AF_INET6 : AF_INET, address, binary) != 1)
        return sh_fail(error, SH_E_FORMAT, "this is not an %s address; " LISTEN_FORMS,
                       is_v6 ? "IPv6" : "IPv4");
    memcpy(host, address, host_part.len + 1);
    *port = (uint16_t)number;
    return SH_OK;
}
