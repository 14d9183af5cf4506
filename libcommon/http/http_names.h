/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_NAMES_H
#define SH_HTTP_NAMES_H

/*
 * What a program calls what a message tells to look at: names of its settings. Literals; those that
 * are NULL are told in general words.
 */
typedef struct {
    const char *url;                  /* where the URLs come from */
    const char *ca_file;              /* certificates that are trusted besides the system's */
    const char *pinned;               /* the one certificate that is trusted alone */
    const char *timeout;              /* of an exchange */
    const char *peer_cert, *peer_key; /* what lets a peer serve TLS */
} sh_http_client_names;

typedef struct {
    const char *listen;     /* the address */
    const char *cert, *key; /* of TLS */
} sh_http_server_names;

#endif
