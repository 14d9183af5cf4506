/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HOST_ADDRESSES_H
#define SH_HOST_ADDRESSES_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define SH_HOST_ADDRESSES_MAX 8

/* The addresses of a host as text, in the resolver's order, without duplicates. */
typedef struct {
    char text[SH_HOST_ADDRESSES_MAX][INET6_ADDRSTRLEN + 20]; /* with the zone of a link-local one */
    size_t count;
} sh_host_addresses;

/*
 * Asks the resolver (getaddrinfo); nothing is cached here. false: the host has no address; *why is
 * the resolver's reason, a static text.
 */
bool sh_host_resolve(const char *host, sh_host_addresses *ret, const char **why);

/* Adds an address unless it is there or the list is full. Addresses of other families are ignored.
 */
void sh_host_addresses_add(sh_host_addresses *addresses, const struct sockaddr *address,
                           socklen_t len);

/*
 * ` (10.0.0.5, 10.0.0.6)`, what the name was resolved to, cut to what fits; "" if there is none, or
 * if host is that address itself, also in brackets.
 */
void sh_host_addresses_print(const sh_host_addresses *addresses, const char *host, char *ret,
                             size_t ret_bytes);

#endif
