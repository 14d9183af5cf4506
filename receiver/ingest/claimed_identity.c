/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/claimed_identity.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/node_name.h"
#include "libcommon/base/percent.h"
#include "libcommon/base/text.h"
#include "libcommon/native/envelope.h"
#include "libcommon/netalertx/netalertx_format.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

_Static_assert(CLAIMED_IDENTITY_ADDRESS_BYTES >= INET6_ADDRSTRLEN, "an address has room");

static bool read_envelope(sh_slice head, sh_buf *name)
{
    sh_slice node;
    return sh_envelope_claimed_node(head, &node) &&
           sh_buf_append(name, node.data, node.len) == SH_OK;
}

bool claimed_identity_node(const sh_http_exchange *exchange, sh_slice head, sh_slice tail,
                           char ret[static SH_NODE_NAME_MAX + 1])
{
    const char *encoded = sh_http_header(exchange, "Sync-Hub-Node");
    sh_buf name = SH_BUF_INIT(SH_NODE_NAME_MAX);
    bool found = encoded != NULL
                     ? sh_percent_decode(sh_slice_of(encoded), &name) == SH_OK
                     : read_envelope(head, &name) || sh_netalertx_push_claimed(tail, &name);
    bool good = found && sh_node_name_check((sh_slice){name.data, name.len}, NULL) == SH_OK;
    if (good)
        (void)snprintf(ret, SH_NODE_NAME_MAX + 1, "%s", name.data);
    sh_buf_reset(&name);
    return good;
}

bool claimed_identity_address(const sh_http_exchange *exchange,
                              char ret[static CLAIMED_IDENTITY_ADDRESS_BYTES])
{
    const char *list = sh_http_header(exchange, "X-Forwarded-For");
    if (list == NULL)
        return false;
    const char *comma = strrchr(list, ',');
    sh_slice last = sh_slice_trim(sh_slice_of(comma == NULL ? list : comma + 1));
    char text[CLAIMED_IDENTITY_ADDRESS_BYTES];
    unsigned char address[sizeof(struct in6_addr)];
    if (last.len == 0 || last.len >= sizeof text)
        return false;
    memcpy(text, last.data, last.len);
    text[last.len] = '\0';
    if (inet_pton(AF_INET, text, address) != 1 && inet_pton(AF_INET6, text, address) != 1)
        return false;
    memcpy(ret, text, sizeof text);
    return true;
}
