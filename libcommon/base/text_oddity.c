/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/text_oddity.h"

#include "libcommon/base/text.h"
#include "libcommon/base/unicode.h"
#include "libcommon/base/utf8.h"

#include <stdio.h>
#include <string.h>

#define BOM "\xef\xbb\xbf"

bool sh_has_bom(const char *text, size_t len)
{
    return len >= 3 && memcmp(text, BOM, 3) == 0;
}

/* Whether text stands between two of these. */
static bool is_between(sh_slice text, const char *first, const char *last)
{
    size_t before = strlen(first), behind = strlen(last);
    return text.len >= before + behind && memcmp(text.data, first, before) == 0 &&
           memcmp(text.data + text.len - behind, last, behind) == 0;
}

static bool is_quoted(sh_slice text)
{
    static const char *const quotes[][2] = {
        {"'", "'"},           {"\"", "\""},         {"`", "`"},
        {"\u201c", "\u201d"}, {"\u2018", "\u2019"}, {"\u201e", "\u201c"},
        {"\u00ab", "\u00bb"}, {"\u201d", "\u201d"}, {"\u2019", "\u2019"},
    };
    for (size_t i = 0; i < sizeof quotes / sizeof quotes[0]; i++)
        if (is_between(text, quotes[i][0], quotes[i][1]))
            return true;
    return false;
}

/* What a character that was hardly typed on purpose is called, or NULL. */
static const char *name_of(uint32_t code)
{
    if (code == '\t')
        return "a tab";
    if (code == '\r')
        return "a carriage return, as in files with Windows line ends";
    if (code == '\n')
        return "a line end";
    if (code == 0xfeff)
        return "a byte order mark";
    if (code == 0xa0 || code == 0x202f)
        return "a no-break space";
    if (code > 0x7f && sh_code_is_space(code))
        return "a space that is not the usual one";
    if (code == 0x2018 || code == 0x2019 || (code >= 0x201c && code <= 0x201e))
        return "a typographic quote";
    if (code == 0x2013 || code == 0x2014)
        return "a long dash";
    return sh_code_is_hidden(code) ? "a character that does not show" : NULL;
}

/* The first odd character; false where there is none. */
static bool find_odd(sh_slice text, char ret[static SH_ODDITY_BYTES])
{
    for (size_t at = 0; at < text.len;) {
        uint32_t code = 0;
        size_t used = sh_utf8_next((sh_slice){text.data + at, text.len - at}, &code);
        const char *name = used == 0 ? "bytes that are not UTF-8" : name_of(code);
        if (name != NULL) {
            (void)snprintf(ret, SH_ODDITY_BYTES, "it holds %s (U+%04X): type it anew", name,
                           (unsigned)code);
            if (used == 0)
                (void)snprintf(ret, SH_ODDITY_BYTES, "it holds %s: type it anew", name);
            return true;
        }
        at += used;
    }
    return false;
}

bool sh_setting_oddity(const char *text, char ret[static SH_ODDITY_BYTES])
{
    sh_slice inner = sh_slice_trim(sh_slice_of(text));
    if (is_quoted(inner)) {
        (void)snprintf(ret, SH_ODDITY_BYTES,
                       "it is in quotes, which an env-file keeps: leave them out");
        return true;
    }
    if (strstr(text, " #") != NULL || strstr(text, "\t#") != NULL) {
        (void)snprintf(ret, SH_ODDITY_BYTES,
                       "it holds a '#' behind a space; an env-file keeps comments behind a value: "
                       "give them a line of their own");
        return true;
    }
    return find_odd(inner, ret);
}
