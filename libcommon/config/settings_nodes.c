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

/* SYNC_nodes: up to SH_LIST_MAX entries, so nothing here may look at each pair of them. */

/* `URL` or `name=URL` with what sh_check_base_url() leaves of the URL. *ret is the caller's. */
static sh_err usual_node(const char *entry, char **ret, sh_error *error)
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

/* What makes two addresses one: no case in scheme and host, and the port that is meant. */
static char *place_of(sh_slice text)
{
    sh_url url;
    if (sh_url_read(text, &url, NULL) != SH_OK)
        return NULL;
    unsigned usual = strcmp(url.scheme, "https") == 0 ? 443 : 80;
    for (char *c = url.host; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return sh_text_format("%s://%s:%u%s", url.scheme, url.host,
                          url.port == 0 ? usual : (unsigned)url.port, url.path);
}

/* What must be there once, and whose it is. */
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

static int by_text(const void *a, const void *b)
{
    return strcmp(((const node_text *)a)->text, ((const node_text *)b)->text);
}

/* Takes a text over; false where there was no memory for it. There is room for all entries. */
static bool add_text(node_texts *t, char *text, size_t entry)
{
    if (text == NULL)
        return false;
    t->items[t->count++] = (node_text){text, entry};
    return true;
}

/* Sorts the texts and gives the first one that is there twice, or NULL. */
static const node_text *find_twice(node_texts *t)
{
    if (t->count > 0)
        qsort(t->items, t->count, sizeof t->items[0], by_text);
    for (size_t i = 1; i < t->count; i++)
        if (strcmp(t->items[i - 1].text, t->items[i].text) == 0)
            return &t->items[i];
    return NULL;
}

static sh_err check_twice(const sh_list *nodes, sh_error *error)
{
    SH_CLEANUP(node_texts_reset)
    node_texts names = {.items = calloc(nodes->count + 1, sizeof *names.items)};
    SH_CLEANUP(node_texts_reset)
    node_texts places = {.items = calloc(nodes->count + 1, sizeof *places.items)};
    sh_slice name, url;
    if (names.items == NULL || places.items == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    for (size_t i = 0; i < nodes->count; i++) {
        if (sh_node_entry_read(nodes->items[i], &name, &url, error) != SH_OK)
            return SH_E_CONFIG;
        if ((name.len > 0 && !add_text(&names, strndup(name.data, name.len), i)) ||
            !add_text(&places, place_of(url), i))
            return sh_fail(error, SH_E_MEMORY, "out of memory");
    }
    const node_text *twice = find_twice(&names);
    if (twice != NULL)
        return sh_fail(error, SH_E_CONFIG, "the name '%s' is there twice", twice->text);
    twice = find_twice(&places);
    if (twice == NULL ||
        sh_node_entry_read(nodes->items[twice->entry], &name, &url, error) != SH_OK)
        return SH_OK;
    return sh_fail(error, SH_E_CONFIG, "the URL %.*s is there twice", (int)url.len, url.data);
}

sh_err sh_check_nodes(sh_settings *settings, sh_error *error)
{
    sh_list *nodes = &settings->nodes;
    for (size_t i = 0; i < nodes->count; i++) {
        char *usual = NULL;
        sh_error why = {0};
        sh_err err = usual_node(nodes->items[i], &usual, &why);
        if (err == SH_E_MEMORY)
            return sh_fail(error, err, "out of memory");
        if (err != SH_OK)
            return sh_fail(error, SH_E_CONFIG, "entry %zu: %s; use URL or name=URL", i + 1,
                           why.message);
        free(nodes->items[i]);
        nodes->items[i] = usual;
    }
    return check_twice(nodes, error);
}
