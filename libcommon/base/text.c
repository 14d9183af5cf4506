/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

sh_slice sh_slice_of(const char *text)
{
    return (sh_slice){.data = text, .len = strlen(text)};
}

bool sh_slice_equals(sh_slice a, sh_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

sh_slice sh_slice_trim(sh_slice s)
{
    while (s.len > 0 && is_space(s.data[0])) {
        s.data++;
        s.len--;
    }
    while (s.len > 0 && is_space(s.data[s.len - 1]))
        s.len--;
    return s;
}

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool sh_text_equals_ignoring_case(const char *a, const char *b)
{
    while (*a != '\0' && fold(*a) == fold(*b)) {
        a++;
        b++;
    }
    return fold(*a) == fold(*b);
}

bool sh_slice_equals_ignoring_case(sh_slice a, sh_slice b)
{
    size_t same = 0;
    while (same < a.len && same < b.len && fold(a.data[same]) == fold(b.data[same]))
        same++;
    return a.len == b.len && same == a.len;
}

char *sh_text_format(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    return len < 0 ? NULL : text; /* vasprintf() leaves text undefined on failure */
}

bool sh_text_to_u64(sh_slice text, uint64_t max, uint64_t *ret)
{
    if (text.len == 0)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (value > max)
        return false;
    *ret = value;
    return true;
}
