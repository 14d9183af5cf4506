/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/content_problem.h"

#include "libcommon/base/utf8.h"
#include "receiver/store/node_state.h"

#include <stdio.h>
#include <string.h>

#define REASON_MAX                                                                                 \
    (SH_PROBLEM_TEXT_MAX - 200) /* leaves room for a plugin's name and the remedy                  \
                                 */

/* How much of text fits into max bytes without cutting a character. */
static int whole_characters(const char *text, size_t max)
{
    size_t len = 0;
    while (text[len] != '\0') {
        uint32_t code;
        size_t used = sh_utf8_next(sh_slice_of(text + len), &code);
        if (used == 0 || len + used > max)
            break;
        len += used;
    }
    return (int)len;
}

sh_err content_problem_set(store *s, const sh_envelope_header *header, const char *reason,
                           int64_t now_ms, sh_error *error)
{
    store_node_info info;
    bool found = false;
    bool devices = header->kind == SH_KIND_DEVICES;
    sh_err err = store_node_info_get(s, header->node, &info, &found, error);
    if (err != SH_OK)
        return err;
    memcpy(info.node, header->node, sizeof header->node);
    if (info.problem_ms <= 0 || !node_problem_is_content(info.problem_kind, info.problem_status))
        info.problem_ms = now_ms;
    info.problem_seen_ms = now_ms;
    info.problem_status = 0;
    (void)snprintf(info.problem_kind, sizeof info.problem_kind, "%s", NODE_PROBLEM_CONTENT);
    (void)snprintf(info.problem_text, sizeof info.problem_text,
                   "its %s%s cannot be merged (%.*s): correct %s on the node; `dead list` shows it",
                   devices ? "device table" : "result of plugin ", devices ? "" : header->plugin,
                   whole_characters(reason, REASON_MAX), reason,
                   devices ? "what writes the table" : "the plugin");
    return store_node_info_put(s, &info, error);
}

sh_err content_problem_clear(store *s, const char *node, sh_error *error)
{
    store_node_info info;
    bool found = false;
    sh_err err = store_node_info_get(s, node, &info, &found, error);
    if (err != SH_OK || !found || info.problem_ms <= 0 ||
        !node_problem_is_content(info.problem_kind, info.problem_status))
        return err;
    info.problem_ms = info.problem_seen_ms = 0;
    info.problem_kind[0] = info.problem_text[0] = '\0';
    return store_node_info_put(s, &info, error);
}
