/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_SERVER_PEER_H
#define SH_HTTP_SERVER_PEER_H

#include <arpa/inet.h>
#include <stdint.h>

/* Part of the module http_server: addresses of peers. */

/*
 * What counts as one peer: an address of IPv4, or a /64 of IPv6, which one customer has; but an
 * address of its own on a link, where all neighbours share fe80::/64.
 */
void sh_http_peer_bytes(const struct sockaddr *address, uint8_t ret[static 16]);

/* The peer's address as text; an IPv4 address that came over IPv6 as IPv4. */
void sh_http_peer_text(const struct sockaddr *address, char ret[static INET6_ADDRSTRLEN]);

#endif
