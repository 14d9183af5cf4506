/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/native/name_lookalike.h"

#include "libcommon/base/limits.h"
#include "libcommon/base/unicode.h"
#include "libcommon/base/unicode_tables.h"
#include "libcommon/base/utf8.h"
#include "libcommon/crypto/crypto.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define HANGUL_FIRST 0xac00
#define HANGUL_LAST 0xd7a3

typedef struct {
    uint16_t code;
    char latin;
} lookalike;

/*
 * Sorted by code point. Upper and lower case have separate entries, because they can resemble
 * different Latin letters.
 */
static const lookalike lookalikes[] = {
    {0x30, 'o'},    {0x31, 'l'},   {0x49, 'l'},    {0x60, '\''},   {0x7c, 'l'},   {0xaa, 'a'},
    {0xb2, '2'},    {0xb3, '3'},   {0xb4, '\''},   {0xb5, 'u'},    {0xb9, 'l'},   {0xba, 'o'},
    {0x131, 'i'},   {0x17f, 's'},  {0x196, 'l'},   {0x1c0, 'l'},   {0x237, 'j'},  {0x251, 'a'},
    {0x261, 'g'},   {0x262, 'g'},  {0x269, 'i'},   {0x26a, 'i'},   {0x26f, 'w'},  {0x274, 'n'},
    {0x280, 'r'},   {0x28b, 'v'},  {0x28f, 'y'},   {0x299, 'b'},   {0x29c, 'h'},  {0x29f, 'l'},
    {0x2bb, '\''},  {0x2bc, '\''}, {0x391, 'A'},   {0x392, 'B'},   {0x395, 'E'},  {0x396, 'Z'},
    {0x397, 'H'},   {0x399, 'l'},  {0x39a, 'K'},   {0x39c, 'M'},   {0x39d, 'N'},  {0x39f, 'O'},
    {0x3a1, 'P'},   {0x3a4, 'T'},  {0x3a5, 'Y'},   {0x3a7, 'X'},   {0x3b1, 'a'},  {0x3b2, 'b'},
    {0x3b3, 'y'},   {0x3b5, 'e'},  {0x3b6, 'z'},   {0x3b7, 'n'},   {0x3b9, 'i'},  {0x3ba, 'k'},
    {0x3bc, 'u'},   {0x3bd, 'v'},  {0x3bf, 'o'},   {0x3c1, 'p'},   {0x3c2, 'c'},  {0x3c3, 'o'},
    {0x3c4, 't'},   {0x3c5, 'u'},  {0x3c7, 'x'},   {0x3c9, 'w'},   {0x3f2, 'c'},  {0x3f3, 'j'},
    {0x3f9, 'C'},   {0x405, 'S'},  {0x406, 'l'},   {0x408, 'J'},   {0x410, 'A'},  {0x412, 'B'},
    {0x415, 'E'},   {0x417, '3'},  {0x41a, 'K'},   {0x41c, 'M'},   {0x41d, 'H'},  {0x41e, 'O'},
    {0x420, 'P'},   {0x421, 'C'},  {0x422, 'T'},   {0x423, 'Y'},   {0x425, 'X'},  {0x42c, 'b'},
    {0x430, 'a'},   {0x432, 'b'},  {0x433, 'r'},   {0x435, 'e'},   {0x437, '3'},  {0x43a, 'k'},
    {0x43c, 'm'},   {0x43d, 'h'},  {0x43e, 'o'},   {0x43f, 'n'},   {0x440, 'p'},  {0x441, 'c'},
    {0x442, 't'},   {0x443, 'y'},  {0x445, 'x'},   {0x44c, 'b'},   {0x455, 's'},  {0x456, 'i'},
    {0x458, 'j'},   {0x461, 'w'},  {0x474, 'V'},   {0x475, 'v'},   {0x4ae, 'Y'},  {0x4af, 'y'},
    {0x4bb, 'h'},   {0x4c0, 'l'},  {0x4cf, 'l'},   {0x501, 'd'},   {0x51b, 'q'},  {0x51d, 'w'},
    {0x53c, 'L'},   {0x54d, 'U'},  {0x54f, 'S'},   {0x555, 'O'},   {0x561, 'w'},  {0x566, 'q'},
    {0x570, 'h'},   {0x575, 'j'},  {0x578, 'n'},   {0x57d, 'u'},   {0x581, 'g'},  {0x584, 'p'},
    {0x585, 'o'},   {0x13a0, 'D'}, {0x13a1, 'R'},  {0x13a2, 'T'},  {0x13a5, 'i'}, {0x13a9, 'y'},
    {0x13aa, 'A'},  {0x13ab, 'J'}, {0x13ac, 'E'},  {0x13b3, 'W'},  {0x13b7, 'M'}, {0x13bb, 'H'},
    {0x13c0, 'G'},  {0x13c3, 'Z'}, {0x13cf, 'b'},  {0x13d2, 'R'},  {0x13d4, 'W'}, {0x13d9, 'V'},
    {0x13da, 'S'},  {0x13de, 'L'}, {0x13df, 'C'},  {0x13e2, 'P'},  {0x13e6, 'K'}, {0x13f4, 'B'},
    {0x1d00, 'a'},  {0x1d04, 'c'}, {0x1d05, 'd'},  {0x1d07, 'e'},  {0x1d0a, 'j'}, {0x1d0b, 'k'},
    {0x1d0d, 'm'},  {0x1d0f, 'o'}, {0x1d18, 'p'},  {0x1d1b, 't'},  {0x1d1c, 'u'}, {0x1d20, 'v'},
    {0x1d21, 'w'},  {0x1d22, 'z'}, {0x2010, '-'},  {0x2011, '-'},  {0x2012, '-'}, {0x2013, '-'},
    {0x2014, '-'},  {0x2015, '-'}, {0x2018, '\''}, {0x2019, '\''}, {0x201a, ','}, {0x201b, '\''},
    {0x201c, '"'},  {0x201d, '"'}, {0x201e, '"'},  {0x201f, '"'},  {0x2024, '.'}, {0x2032, '\''},
    {0x2033, '"'},  {0x2043, '-'}, {0x2044, '/'},  {0x2070, 'o'},  {0x2074, '4'}, {0x2075, '5'},
    {0x2076, '6'},  {0x2077, '7'}, {0x2078, '8'},  {0x2079, '9'},  {0x2080, 'o'}, {0x2081, 'l'},
    {0x2082, '2'},  {0x2083, '3'}, {0x2084, '4'},  {0x2085, '5'},  {0x2086, '6'}, {0x2087, '7'},
    {0x2088, '8'},  {0x2089, '9'}, {0x2102, 'C'},  {0x210a, 'g'},  {0x210b, 'H'}, {0x210c, 'H'},
    {0x210d, 'H'},  {0x210e, 'h'}, {0x2110, 'l'},  {0x2111, 'l'},  {0x2112, 'L'}, {0x2113, 'l'},
    {0x2115, 'N'},  {0x2119, 'P'}, {0x211a, 'Q'},  {0x211b, 'R'},  {0x211c, 'R'}, {0x211d, 'R'},
    {0x2124, 'Z'},  {0x2128, 'Z'}, {0x212a, 'K'},  {0x212c, 'B'},  {0x212d, 'C'}, {0x212f, 'e'},
    {0x2130, 'E'},  {0x2131, 'F'}, {0x2133, 'M'},  {0x2134, 'o'},  {0x2139, 'i'}, {0x2145, 'D'},
    {0x2146, 'd'},  {0x2147, 'e'}, {0x2148, 'i'},  {0x2149, 'j'},  {0x2160, 'l'}, {0x2164, 'V'},
    {0x2169, 'X'},  {0x216c, 'L'}, {0x216d, 'C'},  {0x216e, 'D'},  {0x216f, 'M'}, {0x2170, 'i'},
    {0x2174, 'v'},  {0x2179, 'x'}, {0x217c, 'l'},  {0x217d, 'c'},  {0x217e, 'd'}, {0x217f, 'm'},
    {0x2212, '-'},  {0x2215, '/'}, {0xa4f8, '.'},  {0xa731, 's'},  {0xfe58, '-'}, {0xfe63, '-'},
    {0xff07, '\''},
};

/* A name as code points. One character decomposes into at most 8. */
typedef struct {
    uint32_t codes[SH_NODE_NAME_CHARACTERS_MAX * 8];
    size_t count;
} name_codes;

/* --- Decomposition --------------------------------------------------------------------------- */

static void name_codes_add(name_codes *name, uint32_t code)
{
    assert(name->count < sizeof name->codes / sizeof name->codes[0]);
    name->codes[name->count++] = code;
}

/* Maps letters and digits of another width or style to the usual ones. */
static uint32_t fold_style(uint32_t code)
{
    if (code >= 0xff01 && code <= 0xff5e)
        return code - 0xff01 + '!';
    if (code >= SH_HALF_WIDTH_FIRST && code - SH_HALF_WIDTH_FIRST < sh_unicode_half_width_count)
        return sh_unicode_half_width[code - SH_HALF_WIDTH_FIRST];
    if (code >= 0x1d400 && code <= 0x1d6a3) { /* 13 alphabets of 52 letters */
        uint32_t letter = (code - 0x1d400) % 52;
        return letter < 26 ? 'A' + letter : 'a' + letter - 26;
    }
    if (code >= 0x1d7ce && code <= 0x1d7ff)
        return '0' + (code - 0x1d7ce) % 10;
    if (code >= 0x2460 && code <= 0x2468)
        return '1' + code - 0x2460;
    if (code >= 0x24b6 && code <= 0x24cf)
        return 'A' + code - 0x24b6;
    if (code >= 0x24d0 && code <= 0x24e9)
        return 'a' + code - 0x24d0;
    for (uint32_t first = 0x1f130; first <= 0x1f170; first += 0x20) /* in squares and circles */
        if (code >= first && code < first + 26)
            return 'A' + code - first;
    return code;
}

static int compare_decomposition(const void *key, const void *element)
{
    return (int)*(const uint32_t *)key - ((const sh_code_decomposition *)element)->code;
}

/* Decomposes a Hangul syllable into its two or three letters. */
static void name_codes_add_syllable(name_codes *name, uint32_t code)
{
    uint32_t index = code - HANGUL_FIRST;
    name_codes_add(name, 0x1100 + index / 588);
    name_codes_add(name, 0x1161 + index % 588 / 28);
    if (index % 28 != 0)
        name_codes_add(name, 0x11a7 + index % 28);
}

/* Adds a base character, then its combining marks. */
static void name_codes_add_decomposed(name_codes *name, uint32_t code)
{
    uint32_t marks[4];
    size_t count = 0;
    if (code < 0xc0) {
        name_codes_add(name, code);
        return;
    }
    if (code >= HANGUL_FIRST && code <= HANGUL_LAST) {
        name_codes_add_syllable(name, code);
        return;
    }
    for (;;) {
        const sh_code_decomposition *found =
            bsearch(&code, sh_unicode_decompositions, sh_unicode_decompositions_count,
                    sizeof sh_unicode_decompositions[0], compare_decomposition);
        if (found == NULL || count == sizeof marks / sizeof marks[0])
            break;
        code = found->base;
        if (found->mark != 0)
            marks[count++] = found->mark;
    }
    name_codes_add(name, code);
    while (count > 0)
        name_codes_add(name, marks[--count]);
}

static void name_codes_add_ligature(name_codes *name, uint32_t code)
{
    static const char *const ligatures[] = {"ff", "fi", "fl", "ffi", "ffl"};
    for (const char *c = ligatures[code - 0xfb00]; *c != '\0'; c++)
        name_codes_add(name, (uint32_t)*c);
}

static void name_codes_read(sh_slice text, name_codes *ret)
{
    bool space = false;
    ret->count = 0;
    for (size_t at = 0; at < text.len;) {
        uint32_t code = 0;
        size_t used = sh_utf8_next((sh_slice){text.data + at, text.len - at}, &code);
        assert(used > 0); /* valid names are valid UTF-8 */
        at += used;
        if (sh_code_is_selector(code))
            continue;
        if (sh_code_is_space(code)) {
            if (!space)
                name_codes_add(ret, ' ');
            space = true;
            continue;
        }
        space = false;
        if (code >= 0xfb00 && code <= 0xfb04)
            name_codes_add_ligature(ret, code);
        else
            name_codes_add_decomposed(ret, fold_style(code));
    }
}

/* --- Keys ------------------------------------------------------------------------------------ */

static int compare_lookalike(const void *key, const void *element)
{
    return (int)*(const uint32_t *)key - ((const lookalike *)element)->code;
}

static uint32_t fold_glyph(uint32_t code)
{
    if (code >= 'a' && code <= 'z')
        return code;
    const lookalike *found = bsearch(&code, lookalikes, sizeof lookalikes / sizeof lookalikes[0],
                                     sizeof lookalikes[0], compare_lookalike);
    return found == NULL ? code : (uint32_t)found->latin;
}

static uint64_t hash_codes(const name_codes *name)
{
    uint8_t hash[16];
    uint64_t key;
    sh_keyed_hash(NULL, (sh_slice){(const char *)name->codes, name->count * sizeof name->codes[0]},
                  hash, sizeof hash);
    memcpy(&key, hash, sizeof key);
    return key;
}

sh_name_keys sh_name_keys_of(sh_slice name)
{
    name_codes codes, other;
    sh_name_keys keys;
    name_codes_read(name, &codes);
    other.count = codes.count;
    for (size_t i = 0; i < codes.count; i++)
        other.codes[i] = fold_glyph(sh_code_to_lower(fold_glyph(codes.codes[i])));
    keys.glyph_first = hash_codes(&other);
    for (size_t i = 0; i < codes.count; i++)
        other.codes[i] = fold_glyph(sh_code_to_lower(codes.codes[i]));
    keys.case_first = hash_codes(&other);
    return keys;
}

bool sh_name_keys_match(const sh_name_keys *a, const sh_name_keys *b)
{
    return a->glyph_first == b->glyph_first || a->case_first == b->case_first;
}
