/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_PROXY_H
#define SH_PROXY_H

/*
 * Which forward proxy the environment names for a URL, by curl's rules: `http_proxy` (lower case
 * alone) or `https_proxy` or `HTTPS_PROXY`, else `all_proxy` or `ALL_PROXY`; none for a host that
 * `no_proxy` or `NO_PROXY` lists. That is a list, separated by commas or spaces, of host names
 * (with all names below them), addresses, networks such as 10.0.0.0/8, or `*` for all.
 */
typedef struct {
    const char *variable; /* "https_proxy", as it is set; NULL: there is no proxy */
    const char *value;    /* borrowed from the environment; may hold a password */
    char shown[160];      /* `http://10.0.0.9:3128`: without user and password */
} sh_proxy;

void sh_proxy_of(const char *url, sh_proxy *ret);

#endif
