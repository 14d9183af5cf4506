/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/settings_http.h"

#define CERT "SYNC_tls_cert"
#define KEY "SYNC_tls_key"

sh_http_client_names sh_settings_client_names(const char *url_setting)
{
    return (sh_http_client_names){
        .url = url_setting,
        .ca_file = "SYNC_tls_ca",
        .pinned = CERT,
        .timeout = "SYNC_RUN_TIMEOUT",
        .peer_cert = CERT,
        .peer_key = KEY,
    };
}

const sh_http_server_names sh_settings_server_names = {
    .listen = "SYNC_listen", .cert = CERT, .key = KEY};
