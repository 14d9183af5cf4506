/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_URL_IDN_H
#define SH_URL_IDN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Writes the form of a URL's international host name that DNS knows, as in xn--bro-hoa.example for
 * büro.example, to ret of ret_bytes. False if the host is ASCII, has no such form, the form is
 * longer, or this libcurl is built without IDN.
 */
bool sh_url_host_to_ascii(const char *url, char *ret, size_t ret_bytes);

#endif
