/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/text_search.h"

#include "libcommon/base/unicode.h"
#include "libcommon/base/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct text_search {
    bool is_ascii; /* a byte is a character then */
    size_t len;
    uint32_t codes[]; /* of the characters, lower case */
};

#define NO_CHARACTER 0x110000U /* and a byte: not UTF-8 */

/* Of ASCII alone. */
static uint32_t byte_to_lower(unsigned char byte)
{
    return byte >= 'A' && byte <= 'Z' ? byte | 0x20U : byte;
}

/* Removes the first character of a text that is not empty. */
static uint32_t take_lower(sh_slice *text)
{
    uint32_t code = NO_CHARACTER + (unsigned char)text->data[0];
    size_t len = sh_utf8_next(*text, &code);
    code = len == 0 ? NO_CHARACTER + (unsigned char)text->data[0] : sh_code_to_lower(code);
    len = len == 0 ? 1 : len;
    *text = (sh_slice){text->data + len, text->len - len};
    return code;
}

static bool is_ascii(sh_slice text)
{
    unsigned char all = 0;
    for (size_t i = 0; i < text.len; i++)
        all |= (unsigned char)text.data[i];
    return all < 0x80;
}

text_search *text_search_new(sh_slice sought)
{
    text_search *s = calloc(1, sizeof *s + sought.len * sizeof s->codes[0]);
    if (s == NULL)
        return NULL;
    s->is_ascii = is_ascii(sought);
    while (sought.len > 0)
        s->codes[s->len++] = take_lower(&sought);
    return s;
}

void text_search_free(text_search *s)
{
    free(s);
}

static bool finds_bytes(const text_search *s, sh_slice text)
{
    const unsigned char *bytes = (const unsigned char *)text.data;
    for (size_t i = 0; i + s->len <= text.len; i++) {
        size_t same = 0;
        while (same < s->len && byte_to_lower(bytes[i + same]) == s->codes[same])
            same++;
        if (same == s->len)
            return true;
    }
    return false;
}

static bool starts_with_codes(const text_search *s, sh_slice text)
{
    for (size_t i = 0; i < s->len; i++)
        if (text.len == 0 || take_lower(&text) != s->codes[i])
            return false;
    return true;
}

bool text_search_finds(const text_search *s, sh_slice text)
{
    if (s->is_ascii)
        return finds_bytes(s, text);
    if (is_ascii(text))
        return false;
    while (text.len > 0) {
        if (starts_with_codes(s, text))
            return true;
        (void)take_lower(&text);
    }
    return false;
}
