/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_SERVER_PEER_H
#define SH_HTTP_SERVER_PEER_H

#include <arpa/inet.h>
#include <stdint.h>

/* Part of the module http_server: addresses of peers. */

/*
 * Identifies a peer: an IPv4 address or an IPv6 /64, which is one customer's; but the whole address
 * for link-local ones, where all neighbours share fe80::/64.
 */
void sh_http_peer_bytes(const struct sockaddr *address, uint8_t ret[static 16]);

/* The peer's address as text; an IPv4-mapped IPv6 address as IPv4. */
void sh_http_peer_text(const struct sockaddr *address, char ret[static INET6_ADDRSTRLEN]);

#endif
