/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/value_hint.h"

#include "libcommon/base/text.h"
#include "libcommon/base/unicode.h"
#include "libcommon/base/utf8.h"

#include <stdio.h>
#include <string.h>

static bool is_enclosed_by(sh_slice text, const char *first, const char *last)
{
    size_t first_len = strlen(first), last_len = strlen(last);
    return text.len >= first_len + last_len && memcmp(text.data, first, first_len) == 0 &&
           memcmp(text.data + text.len - last_len, last, last_len) == 0;
}

static bool is_quoted(sh_slice text)
{
    static const char *const quotes[][2] = {
        {"'", "'"},           {"\"", "\""},         {"`", "`"},
        {"\u201c", "\u201d"}, {"\u2018", "\u2019"}, {"\u201e", "\u201c"},
        {"\u00ab", "\u00bb"}, {"\u201d", "\u201d"}, {"\u2019", "\u2019"},
    };
    for (size_t i = 0; i < sizeof quotes / sizeof quotes[0]; i++)
        if (is_enclosed_by(text, quotes[i][0], quotes[i][1]))
            return true;
    return false;
}

/* A description of a character that is unlikely to be intended, or NULL. */
static const char *describe_suspicious(uint32_t code)
{
    if (code == '\t')
        return "a tab";
    if (code == '\r')
        return "a carriage return, as in files with Windows line endings";
    if (code == '\n')
        return "a line break";
    if (code == 0xfeff)
        return "a byte order mark";
    if (code == 0xa0 || code == 0x202f)
        return "a no-break space";
    if (code > 0x7f && sh_code_is_space(code))
        return "a space other than U+0020";
    if (code == 0x2018 || code == 0x2019 || (code >= 0x201c && code <= 0x201e))
        return "a typographic quote";
    if (code == 0x2013 || code == 0x2014)
        return "a long dash";
    return sh_code_is_hidden(code) ? "an invisible character" : NULL;
}

static bool find_suspicious(sh_slice text, char ret[static SH_VALUE_HINT_BYTES])
{
    for (size_t at = 0; at < text.len;) {
        uint32_t code = 0;
        size_t used = sh_utf8_next((sh_slice){text.data + at, text.len - at}, &code);
        const char *name = used == 0 ? "bytes that are not UTF-8" : describe_suspicious(code);
        if (name != NULL) {
            (void)snprintf(ret, SH_VALUE_HINT_BYTES, "it contains %s (U+%04X): retype it", name,
                           (unsigned)code);
            if (used == 0)
                (void)snprintf(ret, SH_VALUE_HINT_BYTES, "it contains %s: retype it", name);
            return true;
        }
        at += used;
    }
    return false;
}

bool sh_value_hint(const char *text, char ret[static SH_VALUE_HINT_BYTES])
{
    sh_slice inner = sh_slice_trim(sh_slice_of(text));
    if (is_quoted(inner)) {
        (void)snprintf(ret, SH_VALUE_HINT_BYTES,
                       "it is in quotes, which an env-file keeps: remove them");
        return true;
    }
    if (strstr(text, " #") != NULL || strstr(text, "\t#") != NULL) {
        (void)snprintf(
            ret, SH_VALUE_HINT_BYTES,
            "it contains ' #', and an env-file keeps a comment after a value: move it to "
            "its own line");
        return true;
    }
    return find_suspicious(inner, ret);
}
