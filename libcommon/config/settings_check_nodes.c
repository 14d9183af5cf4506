/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/buffer.h"
#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/config/node_entry.h"
#include "libcommon/config/settings_table.h"
#include "libcommon/http/url.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Checks SYNC_nodes. It can have SH_LIST_MAX entries, so avoid quadratic algorithms. */

/* Normalizes the URL of an entry, `URL` or `name=URL`. The caller frees *ret. */
static sh_err normalize_entry(const char *entry, char **ret, sh_error *error)
{
    sh_slice name, url;
    sh_err err = sh_node_entry_read(entry, &name, &url, error);
    if (err == SH_OK)
        err = sh_check_base_url(&url, error);
    if (err != SH_OK)
        return err;
    SH_CLEANUP(sh_buf_reset) sh_buf buf = SH_BUF_INIT(SH_SETTING_MAX);
    err = sh_buf_append(&buf, name.data, name.len);
    if (err == SH_OK && name.len > 0)
        err = sh_buf_append_text(&buf, "=");
    if (err == SH_OK)
        err = sh_buf_append(&buf, url.data, url.len);
    if (err == SH_OK && (*ret = sh_buf_steal(&buf)) == NULL)
        err = SH_E_MEMORY;
    return err == SH_OK ? SH_OK : sh_fail(error, err, "%s", sh_err_name(err));
}

/* Normalizes a URL for comparison: lower-case scheme and host, explicit port. NULL: no memory. */
static char *normalize_url(sh_slice text)
{
    sh_url url;
    if (sh_url_read(text, &url, NULL) != SH_OK)
        return NULL;
    unsigned default_port = strcmp(url.scheme, "https") == 0 ? 443 : 80;
    for (char *c = url.host; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return sh_text_format("%s://%s:%u%s", url.scheme, url.host,
                          url.port == 0 ? default_port : (unsigned)url.port, url.path);
}

/* A text that must be unique, and the index of its entry. */
typedef struct {
    char *text;
    size_t entry;
} node_text;

typedef struct {
    node_text *items;
    size_t count;
} node_texts;

static void node_texts_reset(node_texts *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->items[i].text);
    free(t->items);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(((const node_text *)a)->text, ((const node_text *)b)->text);
}

/* Takes ownership of text; false if it is NULL. Precondition: items has space for all entries. */
static bool add_text(node_texts *t, char *text, size_t entry)
{
    if (text == NULL)
        return false;
    t->items[t->count++] = (node_text){text, entry};
    return true;
}

/* Sorts the texts and returns the first duplicate, or NULL. */
static const node_text *find_duplicate(node_texts *t)
{
    if (t->count > 0)
        qsort(t->items, t->count, sizeof t->items[0], compare_texts);
    for (size_t i = 1; i < t->count; i++)
        if (strcmp(t->items[i - 1].text, t->items[i].text) == 0)
            return &t->items[i];
    return NULL;
}

static sh_err check_duplicates(const sh_list *nodes, sh_error *error)
{
    SH_CLEANUP(node_texts_reset)
    node_texts names = {.items = calloc(nodes->count + 1, sizeof *names.items)};
    SH_CLEANUP(node_texts_reset)
    node_texts urls = {.items = calloc(nodes->count + 1, sizeof *urls.items)};
    sh_slice name, url;
    if (names.items == NULL || urls.items == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    for (size_t i = 0; i < nodes->count; i++) {
        if (sh_node_entry_read(nodes->items[i], &name, &url, error) != SH_OK)
            return SH_E_CONFIG;
        if ((name.len > 0 && !add_text(&names, strndup(name.data, name.len), i)) ||
            !add_text(&urls, normalize_url(url), i))
            return sh_fail(error, SH_E_MEMORY, "out of memory");
    }
    const node_text *duplicate = find_duplicate(&names);
    if (duplicate != NULL)
        return sh_fail(error, SH_E_CONFIG, "duplicate name '%s'", duplicate->text);
    duplicate = find_duplicate(&urls);
    if (duplicate == NULL ||
        sh_node_entry_read(nodes->items[duplicate->entry], &name, &url, error) != SH_OK)
        return SH_OK;
    return sh_fail(error, SH_E_CONFIG, "duplicate URL %.*s", (int)url.len, url.data);
}

sh_err sh_check_nodes(sh_settings *settings, sh_error *error)
{
    sh_list *nodes = &settings->nodes;
    for (size_t i = 0; i < nodes->count; i++) {
        char *normalized = NULL;
        sh_error why = {0};
        sh_err err = normalize_entry(nodes->items[i], &normalized, &why);
        if (err == SH_E_MEMORY)
            return sh_fail(error, err, "out of memory");
        if (err != SH_OK)
            return sh_fail(error, SH_E_CONFIG, "entry %zu: %s; use URL or name=URL", i + 1,
                           why.message);
        free(nodes->items[i]);
        nodes->items[i] = normalized;
    }
    return check_duplicates(nodes, error);
}
