/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_PROXY_ENVIRONMENT_H
#define SH_PROXY_ENVIRONMENT_H

/*
 * The forward proxy for a URL by the environment, with curl's rules: `http_proxy` (lower case
 * only), or `https_proxy` or `HTTPS_PROXY`, otherwise `all_proxy` or `ALL_PROXY`; none for a host
 * in `no_proxy` or `NO_PROXY`. The latter is a list, separated by commas or spaces, of host names
 * (including all subdomains), addresses, networks such as 10.0.0.0/8, or `*` for all.
 */
typedef struct {
    const char *variable; /* such as "https_proxy"; NULL: no proxy */
    const char *value;    /* borrowed from the environment; may contain a password */
    char shown[160];      /* `http://10.0.0.9:3128`: without user and password */
} sh_proxy;

void sh_proxy_of(const char *url, sh_proxy *ret);

#endif
