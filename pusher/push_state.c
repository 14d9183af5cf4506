/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/push_state.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/cleanup.h"
#include "libcommon/base/hex.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/node_name.h"
#include "libcommon/base/text.h"
#include "libcommon/json/json_read.h"
#include "libcommon/json/json_write.h"
#include "libcommon/os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_VERSION 1
#define STATE_BYTES_MAX (4 * SH_MIB) /* SH_LIST_MAX plugins fit */

typedef struct {
    char plugin[SH_PLUGIN_NAME_MAX + 1];
    bool known; /* digest is valid; otherwise only reserved */
    uint8_t digest[SH_DIGEST_BYTES];
} plugin_state;

struct state {
    char *path; /* NULL: in memory only */
    char *node, *hub;
    bool has_full;
    int64_t full_ms;
    uint8_t full_digest[SH_DIGEST_BYTES];
    plugin_state *plugins;
    size_t plugins_count;
};

static bool json_digest(const sh_json *object, const char *key, uint8_t ret[SH_DIGEST_BYTES])
{
    const sh_json *value = sh_json_member(object, key);
    return value != NULL && sh_json_kind_of(value) == SH_JSON_STRING &&
           sh_hex_decode(sh_json_text(value), ret, SH_DIGEST_BYTES);
}

static bool json_text_is(const sh_json *object, const char *key, const char *expected)
{
    const sh_json *value = sh_json_member(object, key);
    return value != NULL && sh_json_kind_of(value) == SH_JSON_STRING &&
           sh_slice_equals(sh_json_text(value), sh_slice_of(expected));
}

static bool json_int(const sh_json *object, const char *key, int64_t *ret)
{
    const sh_json *value = sh_json_member(object, key);
    if (value == NULL || sh_json_kind_of(value) != SH_JSON_INTEGER)
        return false;
    *ret = sh_json_integer(value);
    return true;
}

static sh_err read_plugins(state *s, const sh_json *list, sh_error *error)
{
    if (list == NULL || sh_json_kind_of(list) != SH_JSON_ARRAY)
        return SH_OK;
    for (size_t i = 0; i < sh_json_count(list); i++) {
        const sh_json *entry = sh_json_at(list, i);
        uint8_t digest[SH_DIGEST_BYTES];
        if (sh_json_kind_of(entry) != SH_JSON_OBJECT || !json_digest(entry, "digest", digest))
            continue;
        const sh_json *name = sh_json_member(entry, "plugin");
        if (name == NULL || sh_json_kind_of(name) != SH_JSON_STRING ||
            sh_plugin_name_check(sh_json_text(name), NULL) != SH_OK)
            continue;
        sh_err err = state_plugin_set(s, sh_json_text(name).data, digest, error);
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}

static sh_err read_document(state *s, const sh_json *document, sh_error *error)
{
    int64_t version;
    if (sh_json_kind_of(document) != SH_JSON_OBJECT || !json_int(document, "version", &version))
        return sh_fail(error, SH_E_FORMAT, "%s is damaged: it is not a state file", s->path);
    if (version != STATE_VERSION || !json_text_is(document, "node", s->node) ||
        !json_text_is(document, "hub", s->hub))
        return SH_OK;
    s->has_full = json_int(document, "full_ms", &s->full_ms) &&
                  json_digest(document, "full_digest", s->full_digest);
    return read_plugins(s, sh_json_member(document, "plugins"), error);
}

static sh_err state_load(state *s, sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(STATE_BYTES_MAX);
    sh_error reason = {0};
    sh_err err = sh_file_read_own(s->path, &text, &reason);
    if (err == SH_E_NOT_FOUND)
        return SH_OK;
    if (err != SH_OK)
        return sh_fail(error, err, "%s", reason.message);
    SH_CLEANUP(sh_json_free_cleanup) sh_json *document = NULL;
    if (sh_json_parse(text.data, text.len, &document, &reason) != SH_OK)
        return sh_fail(error, SH_E_FORMAT, "%s is damaged: %s", s->path, reason.message);
    return read_document(s, document, error);
}

sh_err state_open(const char *dir, const char *node, const char *hub, state **ret, sh_error *error)
{
    *ret = NULL;
    state *s = calloc(1, sizeof *s);
    if (s == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the state");
    s->node = strdup(node);
    s->hub = strdup(hub);
    s->path = dir == NULL ? NULL : sh_text_format("%s/state.json", dir);
    if (s->node == NULL || s->hub == NULL || (dir != NULL && s->path == NULL)) {
        state_free(s);
        return sh_fail(error, SH_E_MEMORY, "no memory for the state");
    }
    sh_err err = dir != NULL ? state_load(s, error) : SH_OK;
    if (err == SH_E_MEMORY) {
        state_free(s);
        return err;
    }
    *ret = s;
    return err;
}

void state_free(state *s)
{
    if (s == NULL)
        return;
    free(s->path);
    free(s->node);
    free(s->hub);
    free(s->plugins);
    free(s);
}

bool state_full_is_due(const state *s, int64_t now_ms)
{
    if (!s->has_full)
        return false;
    /* After the clock was set back, the elapsed time is unknown. */
    return now_ms < s->full_ms || now_ms - s->full_ms > (int64_t)SH_FULL_TABLE_INTERVAL_S * 1000;
}

bool state_full_is(const state *s, const uint8_t digest[static SH_DIGEST_BYTES])
{
    return s->has_full && memcmp(s->full_digest, digest, SH_DIGEST_BYTES) == 0;
}

bool state_full_is_other(const state *s, const uint8_t digest[static SH_DIGEST_BYTES])
{
    return s->has_full && !state_full_is(s, digest);
}

void state_full_set(state *s, const uint8_t digest[static SH_DIGEST_BYTES], int64_t now_ms)
{
    s->has_full = true;
    s->full_ms = now_ms;
    memcpy(s->full_digest, digest, SH_DIGEST_BYTES);
}

static plugin_state *plugin_find(const state *s, const char *plugin)
{
    for (size_t i = 0; i < s->plugins_count; i++)
        if (strcmp(s->plugins[i].plugin, plugin) == 0)
            return &s->plugins[i];
    return NULL;
}

bool state_plugin_is(const state *s, const char *plugin,
                     const uint8_t digest[static SH_DIGEST_BYTES])
{
    const plugin_state *found = plugin_find(s, plugin);
    return found != NULL && found->known && memcmp(found->digest, digest, SH_DIGEST_BYTES) == 0;
}

sh_err state_plugin_reserve(state *s, const char *plugin, sh_error *error)
{
    if (plugin_find(s, plugin) != NULL)
        return SH_OK;
    plugin_state *grown = reallocarray(s->plugins, s->plugins_count + 1, sizeof *grown);
    if (grown == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the state");
    s->plugins = grown;
    plugin_state *entry = &grown[s->plugins_count++];
    *entry = (plugin_state){.known = false};
    (void)snprintf(entry->plugin, sizeof entry->plugin, "%s", plugin);
    return SH_OK;
}

sh_err state_plugin_set(state *s, const char *plugin, const uint8_t digest[static SH_DIGEST_BYTES],
                        sh_error *error)
{
    sh_err err = state_plugin_reserve(s, plugin, error);
    if (err != SH_OK)
        return err;
    plugin_state *entry = plugin_find(s, plugin);
    entry->known = true;
    memcpy(entry->digest, digest, SH_DIGEST_BYTES);
    return SH_OK;
}

static sh_err write_document(const state *s, sh_buf *out)
{
    char hex[SH_DIGEST_HEX_BYTES];
    sh_err err = sh_buf_append_text(out, "{");
    if (err == SH_OK)
        err = sh_json_write_member_integer(out, "version", STATE_VERSION);
    if (err == SH_OK)
        err = sh_json_write_member_text(out, "node", s->node);
    if (err == SH_OK)
        err = sh_json_write_member_text(out, "hub", s->hub);
    if (err == SH_OK && s->has_full) {
        sh_hex_encode(s->full_digest, SH_DIGEST_BYTES, hex);
        err = sh_json_write_member_integer(out, "full_ms", s->full_ms);
        if (err == SH_OK)
            err = sh_json_write_member_text(out, "full_digest", hex);
    }
    if (err == SH_OK)
        err = sh_buf_append_text(out, ",\"plugins\":[");
    const char *separator = "";
    for (size_t i = 0; err == SH_OK && i < s->plugins_count; i++) {
        if (!s->plugins[i].known)
            continue;
        sh_hex_encode(s->plugins[i].digest, SH_DIGEST_BYTES, hex);
        /* Plugin names and hex digits need no escapes. */
        err = sh_buf_append_format(out, "%s{\"plugin\":\"%s\",\"digest\":\"%s\"}", separator,
                                   s->plugins[i].plugin, hex);
        separator = ",";
    }
    return err == SH_OK ? sh_buf_append_text(out, "]}\n") : err;
}

sh_err state_save(const state *s, sh_error *error)
{
    if (s->path == NULL)
        return SH_OK;
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(STATE_BYTES_MAX);
    sh_err err = write_document(s, &text);
    if (err != SH_OK)
        return sh_fail(error, err, "%s: no memory to write it", s->path);
    return sh_file_write(s->path, (sh_slice){text.data, text.len}, 0600, error);
}
