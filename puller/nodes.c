/* SPDX-License-Identifier: Apache-2.0 */
#include "puller/nodes.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/text.h"
#include "libcommon/config/node_entry.h"
#include "libcommon/http/url.h"

#include <stdlib.h>
#include <string.h>

#define SYNC_PATH "/sync"

static sh_err fill_node(puller_node *node, sh_slice name, sh_slice url, sh_error *error)
{
    sh_url parts;
    while (url.len > 0 && url.data[url.len - 1] == '/')
        url.len--;
    sh_err err = sh_url_read(url, &parts, error);
    if (err != SH_OK)
        return err;
    if (name.len > 0)
        memcpy(node->name, name.data, name.len);
    node->name[name.len] = '\0';
    node->in_clear = strcmp(parts.scheme, "http") == 0 && !sh_url_is_loopback(&parts);
    node->url = strndup(url.data, url.len);
    sh_buf sync_url = SH_BUF_INIT(SH_URL_MAX + sizeof SYNC_PATH);
    err = sh_buf_append(&sync_url, url.data, url.len);
    if (err == SH_OK)
        err = sh_buf_append_text(&sync_url, SYNC_PATH);
    node->sync_url = sh_buf_steal(&sync_url);
    if (err != SH_OK || node->url == NULL || node->sync_url == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the list of nodes");
    return SH_OK;
}

static void free_node(puller_node *node)
{
    free(node->url);
    free(node->sync_url);
    *node = (puller_node){.url = NULL};
}

static sh_err add_node(puller_nodes *nodes, const char *entry, sh_error *error)
{
    sh_slice name, url;
    puller_node node = {.url = NULL};
    sh_error reason = {.code = SH_OK};
    sh_err err = sh_node_entry_read(entry, &name, &url, &reason);
    if (err == SH_OK)
        err = fill_node(&node, name, url, &reason);
    if (err != SH_OK) {
        free_node(&node);
        return sh_fail(error, err == SH_E_MEMORY ? err : SH_E_CONFIG, "SYNC_nodes: %.200s: %s",
                       entry, reason.message);
    }
    nodes->items[nodes->count++] = node;
    return SH_OK;
}

sh_err puller_nodes_read(const sh_list *entries, puller_nodes *ret, sh_error *error)
{
    puller_nodes nodes = {.items = calloc(entries->count + 1, sizeof *nodes.items)};
    if (nodes.items == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the list of nodes");
    for (size_t i = 0; i < entries->count; i++) {
        sh_err err = add_node(&nodes, entries->items[i], error);
        if (err != SH_OK) {
            puller_nodes_reset(&nodes);
            return err;
        }
    }
    *ret = nodes;
    return SH_OK;
}

void puller_nodes_reset(puller_nodes *nodes)
{
    if (nodes == NULL)
        return;
    for (size_t i = 0; i < nodes->count; i++)
        free_node(&nodes->items[i]);
    free(nodes->items);
    *nodes = (puller_nodes){.items = NULL};
}
