/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/ip_network.h"

#include "libcommon/base/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define BITS 128
#define MAPPED_BITS 96 /* before an IPv4 address */

static bool read_address(const char *text, uint8_t ret[static 16], bool *is_v4)
{
    *is_v4 = false;
    if (inet_pton(AF_INET6, text, ret) == 1)
        return true;
    memset(ret, 0, 10);
    memset(ret + 10, 0xff, 2);
    *is_v4 = inet_pton(AF_INET, text, ret + 12) == 1;
    return *is_v4;
}

bool sh_ip_network_read(const char *text, sh_ip_network *ret)
{
    char address[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t len = slash == NULL ? strlen(text) : (size_t)(slash - text);
    uint64_t bits = BITS;
    bool is_v4 = false;
    if (len >= sizeof address)
        return false;
    memcpy(address, text, len);
    address[len] = '\0';
    if (!read_address(address, ret->bytes, &is_v4))
        return false;
    if (slash != NULL) {
        if (!sh_text_to_u64(sh_slice_of(slash + 1), is_v4 ? BITS - MAPPED_BITS : BITS, &bits))
            return false;
        bits += is_v4 ? MAPPED_BITS : 0;
    }
    ret->bits = (unsigned)bits;
    return true;
}

bool sh_ip_network_has(const sh_ip_network *network, const char *address)
{
    uint8_t bytes[16];
    bool is_v4 = false;
    if (!read_address(address, bytes, &is_v4))
        return false;
    unsigned whole = network->bits / 8, rest = network->bits % 8;
    if (memcmp(bytes, network->bytes, whole) != 0)
        return false;
    return rest == 0 || ((bytes[whole] ^ network->bytes[whole]) >> (8 - rest)) == 0;
}

bool sh_ip_is_address(const char *text)
{
    uint8_t bytes[16];
    bool is_v4 = false;
    return read_address(text, bytes, &is_v4);
}
