/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_URL_CURL_H
#define SH_URL_CURL_H

#include "libcommon/base/cleanup.h"

#include <curl/curl.h>

/* Internal to url.c and url_idn.c: how they use libcurl's URL API. */
#define URL_CURL_FLAGS (CURLU_NON_SUPPORT_SCHEME | CURLU_PATH_AS_IS)

static inline void url_curl_cleanup(CURLU **parts)
{
    curl_url_cleanup(*parts);
}

static inline void url_curl_free(char **text)
{
    curl_free(*text);
}

#endif
