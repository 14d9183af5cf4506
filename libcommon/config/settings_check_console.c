/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/limits.h"
#include "libcommon/config/listen_address.h"
#include "libcommon/config/settings_table.h"
#include "libcommon/http/ip_network.h"
#include "libcommon/http/url.h"

#include <string.h>

sh_err sh_check_console_listen(sh_settings *settings, sh_error *error)
{
    char host[64];
    uint16_t port;
    if (sh_text_equals_ignoring_case(settings->console_listen, "off"))
        settings->console_listen[0] = '\0'; /* as an empty variable is one that is not set */
    if (settings->console_listen[0] == '\0')
        return SH_OK;
    return sh_listen_read(sh_slice_of(settings->console_listen), host, &port, error);
}

sh_err sh_check_console_password(sh_settings *settings, sh_error *error)
{
    size_t len = strlen(settings->console_password);
    if (len > 0 && (len < SH_CONSOLE_PASSWORD_MIN || len > SH_CONSOLE_PASSWORD_MAX))
        return sh_fail(error, SH_E_CONFIG, "the password of the console has %d to %d bytes",
                       SH_CONSOLE_PASSWORD_MIN, SH_CONSOLE_PASSWORD_MAX);
    return SH_OK;
}

sh_err sh_check_console_url(sh_settings *settings, sh_error *error)
{
    for (size_t i = 0; i < settings->console_url.count; i++) {
        char *text = settings->console_url.items[i];
        sh_slice url = sh_slice_of(text);
        sh_error why = {0};
        if (sh_url_check_http(url, &why) != SH_OK)
            return sh_fail(error, SH_E_CONFIG, "entry %zu: %s; use https://hub.example.org", i + 1,
                           why.message);
        while (url.len > 0 && text[url.len - 1] == '/')
            text[--url.len] = '\0';
        if (strchr(strstr(text, "://") + 3, '/') != NULL)
            return sh_fail(error, SH_E_CONFIG,
                           "entry %zu: omit the path: the console is at the top of its host",
                           i + 1);
    }
    return SH_OK;
}

sh_err sh_check_console_trusted_proxy(sh_settings *settings, sh_error *error)
{
    for (size_t i = 0; i < settings->console_trusted_proxy.count; i++) {
        sh_ip_network network;
        if (!sh_ip_network_read(settings->console_trusted_proxy.items[i], &network))
            return sh_fail(error, SH_E_CONFIG,
                           "entry %zu is neither an address nor a network such as 10.0.0.0/8",
                           i + 1);
    }
    return SH_OK;
}

void sh_settings_choose_console(sh_settings *settings)
{
    if (settings->role == SH_ROLE_ALL)
        return;
    for (size_t i = 0; i < sh_setting_count; i++)
        if (strcmp(sh_setting_table[i].name, "SYNC_console_listen") == 0 &&
            settings->origins[i] == SH_ORIGIN_DEFAULT)
            settings->console_listen[0] = '\0';
}
