/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/node_name.h"
#include "libcommon/config/listen_address.h"
#include "libcommon/config/redis_address.h"
#include "libcommon/config/settings_table.h"
#include "libcommon/http/url.h"
#include "libcommon/netalertx/mac.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

sh_err sh_check_run(sh_settings *settings, sh_error *error)
{
    (void)error;
    settings->run_is_unused = settings->run == SH_RUN_UNUSED;
    if (settings->run_is_unused)
        settings->run = SH_RUN_DISABLED;
    return SH_OK;
}

sh_err sh_check_schedule(sh_settings *settings, sh_error *error)
{
    return sh_cron_read(sh_slice_of(settings->run_schedule), &settings->cron, error);
}

/* The token is sent in an HTTP header: no control characters, no white space at either end. */
sh_err sh_check_token(sh_settings *settings, sh_error *error)
{
    sh_slice token = sh_slice_of(settings->api_token);
    for (size_t i = 0; i < token.len; i++) {
        unsigned char c = (unsigned char)token.data[i];
        if (c < 0x20 || c == 0x7F)
            return sh_fail(error, SH_E_CONFIG,
                           "a token must not contain control characters or line breaks");
    }
    if (sh_slice_trim(token).len != token.len)
        return sh_fail(error, SH_E_CONFIG, "a token must not begin or end with white space");
    return SH_OK;
}

sh_err sh_check_node_name(sh_settings *settings, sh_error *error)
{
    if (settings->node_name[0] == '\0')
        return SH_OK;
    return sh_node_name_check(sh_slice_of(settings->node_name), error);
}

sh_err sh_check_base_url(sh_slice *url, sh_error *error)
{
    sh_error why = {0};
    if (sh_url_check_http(*url, &why) != SH_OK)
        return sh_fail(error, SH_E_CONFIG, "%s; use http://host:port or https://host:port",
                       why.message);
    while (url->len > 0 && url->data[url->len - 1] == '/')
        url->len--;
    if (url->len >= 5 && strncasecmp(url->data + url->len - 5, "/sync", 5) == 0)
        return sh_fail(error, SH_E_CONFIG, "omit /sync at the end, the program appends it");
    return SH_OK;
}

sh_err sh_check_hub_url(sh_settings *settings, sh_error *error)
{
    sh_slice url = sh_slice_of(settings->hub_url);
    if (url.len == 0)
        return SH_OK;
    sh_err err = sh_check_base_url(&url, error);
    if (err == SH_OK)
        settings->hub_url[url.len] = '\0';
    return err;
}

static bool is_before(const sh_list *list, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(list->items[i], list->items[index]) == 0)
            return true;
    return false;
}

static void remove_item(sh_list *list, size_t index)
{
    free(list->items[index]);
    list->count--;
    for (size_t i = index; i < list->count; i++)
        list->items[i] = list->items[i + 1];
}

/* NetAlertX takes any list here, and its users do name SYNC, which has no result of its own. */
sh_err sh_check_plugins(sh_settings *settings, sh_error *error)
{
    sh_list *plugins = &settings->plugins;
    for (size_t i = 0; i < plugins->count;) {
        const char *name = plugins->items[i];
        bool sync = sh_text_equals_ignoring_case(name, "SYNC");
        sh_error why = {0};
        if (!sync && sh_plugin_name_check(sh_slice_of(name), &why) != SH_OK)
            return sh_fail(error, SH_E_CONFIG, "entry %zu: %s", i + 1, why.message);
        sh_err err = sync ? sh_settings_add_warning(
                                settings, "SYNC in SYNC_plugins is ignored: device tables are "
                                          "pushed by SYNC_devices=True")
                          : SH_OK;
        if (err != SH_OK)
            return sh_fail(error, err, "out of memory");
        if (sync || is_before(plugins, i))
            remove_item(plugins, i);
        else
            i++;
    }
    return SH_OK;
}

sh_err sh_check_redis_url(sh_settings *settings, sh_error *error)
{
    SH_CLEANUP(sh_redis_address_wipe) sh_redis_address address;
    return sh_redis_address_read(settings->redis_url, &address, error);
}

sh_err sh_check_redis_prefix(sh_settings *settings, sh_error *error)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-{}";
    size_t len = strlen(settings->redis_prefix);
    if (len < 1 || len > 64 || strspn(settings->redis_prefix, allowed) != len)
        return sh_fail(error, SH_E_CONFIG, "use 1 to 64 of the characters A-Z a-z 0-9 _ . : - { }");
    return SH_OK;
}

static bool has_prefix(const char *text, const char *beginning)
{
    return strncasecmp(text, beginning, strlen(beginning)) == 0;
}

sh_err sh_check_db(sh_settings *settings, sh_error *error)
{
    const char *db = settings->db;
    if (has_prefix(db, "postgresql://") || has_prefix(db, "postgres://"))
        return SH_OK;
    if (strstr(db, "://") != NULL || has_prefix(db, "file:"))
        return sh_fail(error, SH_E_CONFIG, "use the path of a SQLite database or postgresql://...");
    /* A libpq connection string (`host=… password=…`) would be taken for the path of a file. */
    if (strchr(db, '=') != NULL)
        return sh_fail(
            error, SH_E_CONFIG,
            "a path with '=' is not allowed because it looks like a connection string: use "
            "postgresql://USER:PASSWORD@HOST:PORT/DATABASE, or another path");
    if (strcmp(db, ":memory:") == 0)
        return sh_fail(error, SH_E_CONFIG, "use the path of a file: memory is not persistent");
    if (db[0] != '\0' && db[strlen(db) - 1] == '/')
        return sh_fail(error, SH_E_CONFIG, "this is a folder: use the path of a file");
    return SH_OK;
}

sh_err sh_check_listen(sh_settings *settings, sh_error *error)
{
    char host[64];
    uint16_t port;
    if (settings->listen[0] == '\0')
        return SH_OK;
    return sh_listen_read(sh_slice_of(settings->listen), host, &port, error);
}

sh_err sh_check_skip_macs(sh_settings *settings, sh_error *error)
{
    for (size_t i = 0; i < settings->skip_macs.count; i++) {
        sh_mac mac;
        sh_error why = {0};
        if (sh_mac_read(sh_slice_of(settings->skip_macs.items[i]), &mac, &why) != SH_OK)
            return sh_fail(error, SH_E_CONFIG, "entry %zu: %s", i + 1, why.message);
        char *normalized = strdup(mac.text);
        if (normalized == NULL)
            return sh_fail(error, SH_E_MEMORY, "out of memory");
        free(settings->skip_macs.items[i]);
        settings->skip_macs.items[i] = normalized;
    }
    return SH_OK;
}

/* Checks that path, unless empty, is a readable file; what describes its content. */
static sh_err check_file(const char *path, const char *what, sh_error *error)
{
    struct stat st;
    if (path[0] == '\0')
        return SH_OK;
    SH_CLEANUP(sh_close_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return sh_fail(error, SH_E_CONFIG, "cannot open the file: %s", strerror(errno));
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return sh_fail(error, SH_E_CONFIG, "this is not a file: use a file with %s", what);
    return SH_OK;
}

sh_err sh_check_tls_cert(sh_settings *settings, sh_error *error)
{
    return check_file(settings->tls_cert, "certificates", error);
}

sh_err sh_check_tls_key(sh_settings *settings, sh_error *error)
{
    return check_file(settings->tls_key, "a key", error);
}

sh_err sh_check_tls_ca(sh_settings *settings, sh_error *error)
{
    return check_file(settings->tls_ca, "certificates", error);
}
