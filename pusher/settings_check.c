/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/settings_check.h"

bool pusher_is_active(const sh_settings *settings)
{
    return settings->hub_url[0] != '\0' && (settings->devices || settings->plugins.count > 0);
}

sh_err pusher_check(const sh_settings *settings, sh_error *error)
{
    if (settings->listen[0] == '\0' || settings->run != SH_RUN_DISABLED)
        return SH_OK;
    /* A disabled program requires no settings, but this one still answers GET /sync. */
    const char *missing = settings->api_token[0] == '\0'        ? "SYNC_api_token"
                          : settings->encryption_key[0] == '\0' ? "SYNC_encryption_key"
                          : settings->node_name[0] == '\0'      ? "SYNC_node_name"
                                                                : NULL;
    if (missing == NULL)
        return SH_OK;
    return sh_fail(
        error, SH_E_CONFIG,
        "%s is not set: a node that is pulled (SYNC_listen) needs it, even if SYNC_RUN is disabled",
        missing);
}
