/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/settings_table.h"
#include "libcommon/crypto/encryption_key.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SECRET_LEN_MIN 16 /* bytes; warn about shorter ones */
#define ZONES "/usr/share/zoneinfo"

sh_err sh_settings_add_warning(sh_settings *settings, const char *format, ...)
{
    char text[SH_ERROR_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    sh_err err = sh_list_add(&settings->warnings, sh_slice_of(text));
    return err == SH_E_LIMIT ? SH_OK : err;
}

static bool is_disabled(const sh_settings *settings, int program)
{
    return program != SH_FOR_RECEIVER && settings->run == SH_RUN_DISABLED;
}

static bool has_something_to_push(const sh_settings *settings)
{
    return settings->devices || settings->plugins.count > 0;
}

static sh_err require_pusher(const sh_settings *settings, sh_error *error)
{
    bool listens = settings->listen[0] != '\0';
    bool has_hub = settings->hub_url[0] != '\0';
    if (!listens && !has_hub)
        return sh_fail(error, SH_E_CONFIG,
                       "SYNC_hub_url is not set: set it to push, as in http://hub:20212, or "
                       "SYNC_listen=0.0.0.0:20212 to be pulled by a hub");
    if (!listens && !has_something_to_push(settings))
        return sh_fail(error, SH_E_CONFIG,
                       "SYNC_hub_url is set, but there is nothing to push: set SYNC_devices=True, "
                       "or name plugins in SYNC_plugins");
    if (settings->node_name[0] == '\0')
        return sh_fail(error, SH_E_CONFIG,
                       "SYNC_node_name is not set: set it to a unique name of this node");
    return SH_OK;
}

sh_err sh_settings_require(const sh_settings *settings, int program, sh_error *error)
{
    bool cert = settings->tls_cert[0] != '\0';
    if (cert != (settings->tls_key[0] != '\0'))
        return sh_fail(error, SH_E_CONFIG, "%s is set, but %s is not: TLS needs both, or neither",
                       cert ? "SYNC_tls_cert" : "SYNC_tls_key",
                       cert ? "SYNC_tls_key" : "SYNC_tls_cert");
    if (settings->role == SH_ROLE_CONSOLE && settings->console_listen[0] == '\0')
        return sh_fail(error, SH_E_CONFIG,
                       "SYNC_receiver_role is console, but SYNC_console_listen is not set: set it "
                       "to the address:port of the console, as in 0.0.0.0:20214");
    if (is_disabled(settings, program))
        return SH_OK;
    if (settings->api_token[0] == '\0')
        return sh_fail(error, SH_E_CONFIG,
                       "SYNC_api_token is not set (no token): set it, or API_TOKEN, to the same "
                       "token on every node and on the hub");
    if (settings->encryption_key[0] == '\0')
        return sh_fail(error, SH_E_CONFIG,
                       "SYNC_encryption_key is not set (no key): set it to the same long random "
                       "passphrase on every node and on the hub");
    sh_error damaged = {.code = SH_OK};
    if (sh_encryption_key_check(sh_slice_of(settings->encryption_key), &damaged) != SH_OK)
        return sh_fail(error, SH_E_CONFIG, "SYNC_encryption_key: %s", damaged.message);
    if (program == SH_FOR_PUSHER)
        return require_pusher(settings, error);
    return SH_OK;
}

/* Whether TZ contains its rules, as in `CET-1CEST,M3.5.0,M10.5.0/3` or `<+03>-3`. */
static bool is_posix_zone(const char *zone)
{
    size_t name = zone[0] == '<'
                      ? strcspn(zone, ">") + 1
                      : strspn(zone, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (name < 3 || name > strlen(zone))
        return false;
    const char *offset = zone + name;
    offset += strspn(offset, "+-");
    return *offset >= '0' && *offset <= '9';
}

static bool zone_exists(const char *zone)
{
    char path[512];
    if (zone[0] == ':')
        zone++;
    if (zone[0] == '\0' || strcmp(zone, "UTC") == 0 || is_posix_zone(zone))
        return true;
    int len = zone[0] == '/' ? snprintf(path, sizeof path, "%s", zone)
                             : snprintf(path, sizeof path, ZONES "/%s", zone);
    return len > 0 && (size_t)len < sizeof path && access(path, R_OK) == 0;
}

static sh_err warn_about_secret(sh_settings *settings, const char *name, const char *value)
{
    sh_slice secret = sh_slice_of(value);
    if (secret.len == 0)
        return SH_OK;
    if (secret.len < SECRET_LEN_MIN) {
        sh_err err = sh_settings_add_warning(
            settings, "%s has fewer than %d characters and can be guessed: use a long random one",
            name, SECRET_LEN_MIN);
        if (err != SH_OK)
            return err;
    }
    if (sh_slice_trim(secret).len != secret.len)
        return sh_settings_add_warning(
            settings, "%s begins or ends with white space, which is significant: is it intended?",
            name);
    return SH_OK;
}

/* A reverse proxy can require a path, but usually it is a mistake. */
static sh_err warn_about_path(sh_settings *settings)
{
    const char *host = strstr(settings->hub_url, "://");
    const char *path = host == NULL ? NULL : strchr(host + 3, '/');
    if (path == NULL)
        return SH_OK;
    return sh_settings_add_warning(settings,
                                   "SYNC_hub_url has a path, %.100s, so the program requests "
                                   "%.100s/sync: omit the path unless a proxy in front of the hub "
                                   "requires it",
                                   path, path);
}

sh_err sh_settings_warn(sh_settings *settings, int program, const char *time_zone)
{
    sh_err err = warn_about_secret(settings, "SYNC_api_token", settings->api_token);
    if (err == SH_OK)
        err = warn_about_secret(settings, "SYNC_encryption_key", settings->encryption_key);
    if (err == SH_OK && time_zone != NULL && !zone_exists(time_zone))
        err = sh_settings_add_warning(
            settings, "TZ holds '%.100s', which is not a zone in " ZONES ": times will be UTC",
            time_zone);
    if (err == SH_OK && program == SH_FOR_PUSHER)
        err = warn_about_path(settings);
    if (err == SH_OK && program == SH_FOR_PUSHER && settings->hub_url[0] != '\0' &&
        !has_something_to_push(settings) && !is_disabled(settings, program))
        err = sh_settings_add_warning(
            settings, "SYNC_hub_url is set, but neither SYNC_devices nor SYNC_plugins is: nothing "
                      "will be pushed");
    return err;
}
