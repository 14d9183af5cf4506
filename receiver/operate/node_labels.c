/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/node_labels.h"

#include "libcommon/base/utf8.h"

#include <stdio.h>
#include <string.h>

#define KEY_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

bool node_labels_next(sh_slice *labels, sh_slice *key, sh_slice *value)
{
    const char *end = labels->len == 0 ? NULL : memchr(labels->data, '\n', labels->len);
    if (end == NULL)
        return false;
    sh_slice line = {labels->data, (size_t)(end - labels->data)};
    const char *equals = memchr(line.data, '=', line.len);
    size_t key_len = equals == NULL ? line.len : (size_t)(equals - line.data);
    size_t used = equals == NULL ? line.len : key_len + 1;
    *key = (sh_slice){line.data, key_len};
    *value = (sh_slice){line.data + used, line.len - used};
    *labels = (sh_slice){end + 1, labels->len - line.len - 1};
    return true;
}

static sh_err check(sh_slice key, sh_slice value, sh_error *error)
{
    if (key.len == 0 || key.len > SH_NODE_LABEL_KEY_MAX)
        return sh_fail(error, SH_E_CONFIG, "the key of a label has 1 to %d characters",
                       SH_NODE_LABEL_KEY_MAX);
    for (size_t i = 0; i < key.len; i++)
        if (strchr(KEY_CHARACTERS, key.data[i]) == NULL)
            return sh_fail(error, SH_E_CONFIG,
                           "the key of a label consists of letters, digits, '.', '_' and '-'");
    if (!sh_utf8_is_valid(value.data, value.len) || sh_utf8_has_control(value.data, value.len))
        return sh_fail(error, SH_E_CONFIG,
                       "the value of a label is a text in UTF-8 without control characters");
    return SH_OK;
}

static bool append(char ret[static SH_NODE_LABELS_BYTES_MAX + 1], sh_slice key, sh_slice value)
{
    size_t len = strlen(ret);
    if (len + key.len + value.len + 2 > SH_NODE_LABELS_BYTES_MAX)
        return false;
    (void)snprintf(ret + len, SH_NODE_LABELS_BYTES_MAX + 1 - len, "%.*s=%.*s\n", (int)key.len,
                   key.data, (int)value.len, value.data);
    return true;
}

static int compare(sh_slice a, sh_slice b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

sh_err node_labels_set(char labels[static SH_NODE_LABELS_BYTES_MAX + 1], const char *assignment,
                       sh_error *error)
{
    const char *equals = strchr(assignment, '=');
    if (equals == NULL)
        return sh_fail(error, SH_E_CONFIG, "a label is KEY=VALUE, or KEY= to remove it");
    sh_slice new_key = {assignment, (size_t)(equals - assignment)};
    sh_slice new_value = sh_slice_of(equals + 1);
    sh_err err = check(new_key, new_value, error);
    if (err != SH_OK)
        return err;
    char before[SH_NODE_LABELS_BYTES_MAX + 1];
    memcpy(before, labels, sizeof before);
    sh_slice rest = sh_slice_of(before), key, value;
    bool fits = true, placed = new_value.len == 0;
    int count = 0;
    labels[0] = '\0';
    while (node_labels_next(&rest, &key, &value)) {
        int order = compare(key, new_key);
        if (!placed && order >= 0) {
            fits = fits && append(labels, new_key, new_value);
            placed = true;
            count++;
        }
        if (order != 0) {
            fits = fits && append(labels, key, value);
            count++;
        }
    }
    if (!placed)
        fits = fits && append(labels, new_key, new_value) && ++count > 0;
    if (fits && count <= SH_NODE_LABELS_MAX)
        return SH_OK;
    memcpy(labels, before, sizeof before);
    return sh_fail(error, SH_E_LIMIT, "a node has at most %d labels of %d bytes in all",
                   SH_NODE_LABELS_MAX, SH_NODE_LABELS_BYTES_MAX);
}

bool node_labels_match(const char *labels, const char *wanted)
{
    const char *equals = strchr(wanted, '=');
    sh_slice wanted_key = {wanted, equals == NULL ? strlen(wanted) : (size_t)(equals - wanted)};
    sh_slice rest = sh_slice_of(labels), key, value;
    while (node_labels_next(&rest, &key, &value))
        if (sh_slice_equals(key, wanted_key) &&
            (equals == NULL || sh_slice_equals(value, sh_slice_of(equals + 1))))
            return true;
    return false;
}
