/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/unicode.h"

#include "libcommon/base/unicode_tables.h"

#include <stdlib.h>

bool sh_code_is_space(uint32_t code)
{
    return code == ' ' || (code >= 0x09 && code <= 0x0d) || code == 0x85 || code == 0xa0 ||
           code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
           code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x2800 || code == 0x3000;
}

static int compare_range(const void *key, const void *element)
{
    uint32_t code = *(const uint32_t *)key;
    const sh_code_range *range = element;
    return code < range->first ? -1 : code > range->last;
}

bool sh_code_is_hidden(uint32_t code)
{
    if (code >= ' ' && code < 0x7f) /* fast path */
        return false;
    return bsearch(&code, sh_unicode_hidden, sh_unicode_hidden_count, sizeof sh_unicode_hidden[0],
                   compare_range) != NULL;
}

bool sh_code_is_selector(uint32_t code)
{
    return (code >= 0xfe00 && code <= 0xfe0f) || (code >= 0xe0100 && code <= 0xe01ef);
}

static int compare_case(const void *key, const void *element)
{
    uint32_t code = *(const uint32_t *)key;
    const sh_code_case *run = element;
    return code < run->first ? -1 : code > run->last;
}

uint32_t sh_code_to_lower(uint32_t code)
{
    if (code < 0x80)
        return code >= 'A' && code <= 'Z' ? code - 'A' + 'a' : code;
    if (code == 0x3c2) /* final sigma */
        return 0x3c3;
    const sh_code_case *run = bsearch(&code, sh_unicode_cases, sh_unicode_cases_count,
                                      sizeof sh_unicode_cases[0], compare_case);
    if (run == NULL || (code - run->first) % run->step != 0)
        return code;
    return (uint32_t)((int32_t)code + run->distance);
}
