/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/url_idn.h"

#include "libcommon/http/url_curl.h"

#include <curl/curl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

/* libcurl reads the host in the character set of the thread's locale, which is "C" by default. */
static CURLUcode get_punycode(CURLU *parts, char **ret)
{
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (utf8 == (locale_t)0)
        return CURLUE_LACKS_IDN;
    locale_t before = uselocale(utf8);
    CURLUcode code = curl_url_get(parts, CURLUPART_HOST, ret, CURLU_PUNYCODE);
    (void)uselocale(before);
    freelocale(utf8);
    return code;
}

bool sh_url_host_to_ascii(const char *url, char *ret, size_t ret_bytes)
{
    SH_CLEANUP(url_curl_cleanup) CURLU *parts = curl_url();
    SH_CLEANUP(url_curl_free) char *host = NULL;
    SH_CLEANUP(url_curl_free) char *ascii = NULL;
    if (parts == NULL || curl_url_set(parts, CURLUPART_URL, url, URL_CURL_FLAGS) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK || is_ascii(host) ||
        get_punycode(parts, &ascii) != CURLUE_OK)
        return false;
    int len = snprintf(ret, ret_bytes, "%s", ascii);
    return len > 0 && (size_t)len < ret_bytes;
}
