/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SETTINGS_HTTP_H
#define SH_SETTINGS_HTTP_H

#include "libcommon/http/http_names.h"

/* What messages of the HTTP client and server call settings. */

/* url_setting is the one that the URLs come from. */
sh_http_client_names sh_settings_client_names(const char *url_setting);
extern const sh_http_server_names sh_settings_server_names;

#endif
