/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_SETTING_NAMES_H
#define SH_HTTP_SETTING_NAMES_H

/*
 * Names of a program's settings, for messages that tell which one to check. Static texts; NULL: a
 * general term.
 */
typedef struct {
    const char *url;                  /* the setting with the URLs */
    const char *ca_file;              /* further trusted certificates */
    const char *pinned;               /* the only trusted certificate */
    const char *timeout;              /* of an exchange */
    const char *peer_cert, *peer_key; /* the peer's settings for its TLS certificate */
} sh_http_client_names;

typedef struct {
    const char *listen;     /* the address */
    const char *cert, *key; /* of TLS */
} sh_http_server_names;

#endif
