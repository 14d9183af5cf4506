/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_node_body.h"

#include "libcommon/base/limits.h"
#include "receiver/console/console_body.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Appends `KEY=VALUE` and a NUL; null removes a label, as an empty value does. */
static sh_err add_label(void *context, sh_slice key, const sh_json *value, sh_error *error)
{
    console_node_body *ret = context;
    sh_json_kind kind = sh_json_kind_of(value);
    if (kind != SH_JSON_STRING && kind != SH_JSON_NULL)
        return sh_fail(error, SH_E_FORMAT, "the value of a label must be a text or null");
    if (memchr(key.data, '=', key.len) != NULL)
        return sh_fail(error, SH_E_FORMAT, "the key of a label has no '='");
    sh_slice text = kind == SH_JSON_STRING ? sh_json_text(value) : SH_SLICE("");
    sh_err err = sh_buf_append(&ret->assignments, key.data, key.len);
    if (err == SH_OK)
        err = sh_buf_append(&ret->assignments, "=", 1);
    if (err == SH_OK)
        err = sh_buf_append(&ret->assignments, text.data, text.len);
    if (err == SH_OK)
        err = sh_buf_append(&ret->assignments, "", 1);
    ret->edit.labels_count++;
    return err == SH_OK ? SH_OK : sh_fail(error, err, "the labels are too long");
}

static sh_err read_labels(const sh_json *labels, console_node_body *ret, sh_error *error)
{
    if (sh_json_kind_of(labels) != SH_JSON_OBJECT)
        return sh_fail(error, SH_E_FORMAT, "`labels` must be an object of texts");
    sh_err err = sh_json_each_member(labels, add_label, ret, error);
    if (err != SH_OK)
        return err;
    ret->labels = calloc(ret->edit.labels_count + 1, sizeof *ret->labels);
    if (ret->labels == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    const char *at = ret->assignments.data;
    for (size_t i = 0; i < ret->edit.labels_count; i++) {
        ret->labels[i] = at;
        at += strlen(at) + 1;
    }
    ret->edit.labels = ret->labels;
    return SH_OK;
}

static sh_err read_silent_after(const sh_json *value, node_edit *ret, sh_error *error)
{
    bool is_default = sh_json_kind_of(value) == SH_JSON_NULL;
    int64_t largest = NODE_SILENT_AFTER_MAX_MS / 1000;
    int64_t seconds = 0;
    const bool is_integer = sh_json_kind_of(value) == SH_JSON_INTEGER;
    if (is_integer)
        seconds = sh_json_integer(value);
    if (!is_default && (!is_integer || seconds < 1 || seconds > largest))
        return sh_fail(error, SH_E_FORMAT,
                       "`silent_after_s` takes 1 to %" PRId64
                       " seconds; null is three of the node's intervals",
                       largest);
    ret->sets_silent_after = true;
    ret->silent_after_ms = seconds * 1000;
    return SH_OK;
}

sh_err console_node_body_read(const sh_json *body, console_node_body *ret, sh_error *error)
{
    const sh_json *labels = NULL, *silent_after = NULL, *ephemeral = NULL;
    *ret = (console_node_body){.assignments = SH_BUF_INIT(2 * SH_CONSOLE_BODY_MAX)};
    const console_body_field fields[] = {
        {"labels", CONSOLE_BODY_ANY, &labels, .required = false},
        {"note", CONSOLE_BODY_TEXT, &ret->edit.note, .required = false},
        {"silent_after_s", CONSOLE_BODY_ANY, &silent_after, .required = false},
        {"ephemeral", CONSOLE_BODY_FLAG, &ret->edit.ephemeral, .required = false},
    };
    sh_err err = console_body_read(body, fields, sizeof fields / sizeof fields[0], error);
    if (err == SH_OK && body != NULL)
        ephemeral = sh_json_member(body, "ephemeral");
    ret->edit.sets_ephemeral = ephemeral != NULL && sh_json_kind_of(ephemeral) != SH_JSON_NULL;
    if (err == SH_OK && labels != NULL && sh_json_kind_of(labels) != SH_JSON_NULL)
        err = read_labels(labels, ret, error);
    if (err == SH_OK && silent_after != NULL)
        err = read_silent_after(silent_after, &ret->edit, error);
    return err;
}

void console_node_body_reset(console_node_body *body)
{
    sh_buf_reset(&body->assignments);
    free(body->labels);
    body->labels = NULL;
}
