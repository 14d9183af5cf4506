/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/node_name.h"

#include "libcommon/base/limits.h"
#include "libcommon/base/unicode.h"
#include "libcommon/base/utf8.h"

/* Checks one character of a name; first and last tell its position. */
static sh_err check_character(uint32_t code, bool first, bool last, sh_error *error)
{
    if ((first || last) && sh_code_is_space(code))
        return sh_fail(error, SH_E_FORMAT, "the node name %s with white space (U+%04X)",
                       first ? "begins" : "ends", (unsigned)code);
    if (sh_code_is_hidden(code) || (first && sh_code_is_selector(code)))
        return sh_fail(error, SH_E_FORMAT, "the node name contains an invisible character (U+%04X)",
                       (unsigned)code);
    if (code == '/' || code == '\\')
        return sh_fail(error, SH_E_FORMAT, "the node name contains '/' or '\\'");
    return SH_OK;
}

sh_err sh_node_name_check(sh_slice name, sh_error *error)
{
    if (name.len == 0)
        return sh_fail(error, SH_E_FORMAT, "the node name is empty");
    if (name.len > SH_NODE_NAME_MAX)
        return sh_fail(error, SH_E_FORMAT, "the node name is longer than %d bytes",
                       SH_NODE_NAME_MAX);
    if (!sh_utf8_is_valid(name.data, name.len))
        return sh_fail(error, SH_E_FORMAT, "the node name is not UTF-8");
    size_t characters = sh_utf8_count(name.data, name.len);
    if (characters > SH_NODE_NAME_CHARACTERS_MAX)
        return sh_fail(error, SH_E_FORMAT, "the node name has %zu characters, more than %d",
                       characters, SH_NODE_NAME_CHARACTERS_MAX);
    for (size_t at = 0; at < name.len;) {
        uint32_t code = 0;
        size_t begin = at;
        at += sh_utf8_next((sh_slice){name.data + at, name.len - at}, &code);
        sh_err err = check_character(code, begin == 0, at == name.len, error);
        if (err != SH_OK)
            return err;
    }
    if (sh_slice_equals(name, SH_SLICE(".")) || sh_slice_equals(name, SH_SLICE("..")))
        return sh_fail(error, SH_E_FORMAT, "the node name is \".\" or \"..\"");
    return SH_OK;
}

static bool is_plugin_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

sh_err sh_plugin_name_check(sh_slice name, sh_error *error)
{
    bool valid = name.len > 0 && name.len <= SH_PLUGIN_NAME_MAX;
    for (size_t i = 0; valid && i < name.len; i++)
        valid = is_plugin_character(name.data[i]);
    if (!valid)
        return sh_fail(error, SH_E_FORMAT,
                       "the plugin name must have 1 to %d characters, each A-Z, a-z, 0-9 or _",
                       SH_PLUGIN_NAME_MAX);
    if (sh_slice_equals_ignoring_case(name, SH_SLICE("sync")))
        return sh_fail(error, SH_E_FORMAT, "the plugin name SYNC is reserved for the device table");
    return SH_OK;
}
