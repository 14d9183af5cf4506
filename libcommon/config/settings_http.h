/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SETTINGS_HTTP_H
#define SH_SETTINGS_HTTP_H

#include "libcommon/http/http_setting_names.h"

/* The names of settings for messages of HTTP client and server. */

/* url_setting is the setting with the URLs. */
sh_http_client_names sh_settings_client_names(const char *url_setting);
extern const sh_http_server_names sh_settings_server_names;

#endif
