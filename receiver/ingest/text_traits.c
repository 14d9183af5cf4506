/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/text_traits.h"

#include <stdint.h>
#include <string.h>

#define BLOCK 64 /* bytes per loop, which the compiler vectorizes */
#define BEFORE 3 /* bytes before a block in which a character may begin */

/* For each position in a block: nonzero if the property was found there in any block. */
typedef struct {
    uint8_t broken[BLOCK], nul[BLOCK], control[BLOCK];
} findings;

/*
 * Surveys consecutive blocks; text has BEFORE bytes before the first one. No branch depends on a
 * byte, and results are combined only at the end, so that the compiler vectorizes the loop.
 */
static inline __attribute__((always_inline)) void survey(const uint8_t *restrict text,
                                                         size_t blocks, findings *restrict ret)
{
    for (; blocks > 0; blocks--, text += BLOCK) {
        for (unsigned i = 0; i < BLOCK; i++) {
            uint8_t third = text[i], second = text[i + 1], first = text[i + 2];
            uint8_t b = text[i + BEFORE];
            uint8_t continues = (b & 0xc0) == 0x80;
            uint8_t must = (first >= 0xc0) | (second >= 0xe0) | (third >= 0xf0);
            uint8_t bad = continues ^ must;
            bad |= (b == 0xc0) | (b == 0xc1) | (b >= 0xf5);
            bad |= (first == 0xe0) & (b < 0xa0);  /* overlong */
            bad |= (first == 0xed) & (b >= 0xa0); /* a surrogate */
            bad |= (first == 0xf0) & (b < 0x90);  /* overlong */
            bad |= (first == 0xf4) & (b >= 0x90); /* above U+10FFFF */
            ret->broken[i] |= bad;
            ret->nul[i] |= b == 0;
            ret->control[i] |= (b < 0x20) & (b != '\t') & (b != '\n') & (b != '\r');
        }
    }
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void survey_by_32(const uint8_t *text, size_t blocks,
                                                         findings *ret)
{
    survey(text, blocks, ret);
}
#endif

static void survey_blocks(const uint8_t *text, size_t blocks, findings *ret)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2")) {
        survey_by_32(text, blocks, ret);
        return;
    }
#endif
    survey(text, blocks, ret);
}

/* Surveys up to BLOCK bytes after those in the window's first BEFORE bytes. */
static void survey_window(uint8_t window[static BEFORE + BLOCK], const char *text, size_t len,
                          findings *ret)
{
    memset(window + BEFORE, ' ', BLOCK);
    if (len > 0)
        memcpy(window + BEFORE, text, len);
    survey_blocks(window, 1, ret);
}

static bool is_any(const uint8_t seen[static BLOCK])
{
    uint8_t all = 0;
    for (unsigned i = 0; i < BLOCK; i++)
        all |= seen[i];
    return all != 0;
}

sh_text_traits sh_text_traits_of(sh_slice text)
{
    findings found = {0};
    uint8_t window[BEFORE + BLOCK];
    size_t first = text.len < BLOCK ? text.len : BLOCK;
    size_t whole = (text.len - first) / BLOCK;
    size_t at = first + whole * BLOCK;
    memset(window, ' ', BEFORE);
    survey_window(window, text.data, first, &found);
    if (whole > 0)
        survey_blocks((const uint8_t *)text.data + first - BEFORE, whole, &found);
    /* The rest, even if it is empty: the last character may be incomplete. */
    if (at >= BLOCK)
        memcpy(window, text.data + at - BEFORE, BEFORE);
    else
        memmove(window, window + at, BEFORE);
    survey_window(window, text.data == NULL ? "" : text.data + at, text.len - at, &found);
    return (sh_text_traits){
        .utf8 = !is_any(found.broken), .nul = is_any(found.nul), .control = is_any(found.control)};
}
