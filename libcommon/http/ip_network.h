/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_IP_NETWORK_H
#define SH_IP_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

/* An address, or a network in CIDR notation. IPv4 is kept as IPv4-mapped IPv6. */
typedef struct {
    uint8_t bytes[16];
    unsigned bits;
} sh_ip_network;

/* Parses `10.0.0.7`, `10.0.0.0/8`, `fd00::/8`. False if text is none of these. */
bool sh_ip_network_read(const char *text, sh_ip_network *ret);

/* Whether an address as text is in the network; false if it is not an address. */
bool sh_ip_network_has(const sh_ip_network *network, const char *address);

/* Whether text is an IPv4 or IPv6 address, without brackets. */
bool sh_ip_is_address(const char *text);

#endif
