/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/text_traits.h"

#include <stdint.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

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
static void survey(const uint8_t *restrict text, size_t blocks, findings *restrict ret)
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

#define TWICE(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)
#define STEP 32

/* Faults of two successive bytes. */
#define TOO_SHORT 0x01    /* a lead byte, then no continuation */
#define TOO_LONG 0x02     /* ASCII, then a continuation */
#define OVERLONG_3 0x04   /* E0, then 80 to 9F */
#define TOO_LARGE 0x08    /* above U+10FFFF: F4 to FF, then 90 to BF */
#define SURROGATE 0x10    /* ED, then A0 to BF */
#define OVERLONG_2 0x20   /* C0 or C1, then a continuation */
#define OVERLONG_4 0x40   /* F0, then 80 to 8F; and above U+10FFFF: F5 to FF, then 80 to 8F */
#define CONTINUED (-0x80) /* two continuations: valid if the second is a third or fourth byte */

__attribute__((target("avx2"))) static __m256i load_32(const uint8_t *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

__attribute__((target("avx2"))) static __m256i high_bits(__m256i bytes)
{
    return _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(0x0f));
}

/*
 * The faults of each byte and the one before, after J. Keiser and D. Lemire, "Validating UTF-8 In
 * Less Than One Instruction Per Byte" (arXiv:2010.03090): those that the high and the low four bits
 * of the first and the high four bits of the second all allow.
 */
__attribute__((target("avx2"))) static __m256i pair_faults(__m256i first, __m256i second)
{
    enum { ANY = TOO_SHORT | TOO_LONG | CONTINUED, BEYOND = ANY | TOO_LARGE | OVERLONG_4 };
    const __m256i first_high =
        TWICE(TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
              CONTINUED, CONTINUED, CONTINUED, CONTINUED, TOO_SHORT | OVERLONG_2, TOO_SHORT,
              TOO_SHORT | OVERLONG_3 | SURROGATE, TOO_SHORT | TOO_LARGE | OVERLONG_4);
    const __m256i first_low =
        TWICE(ANY | OVERLONG_2 | OVERLONG_3 | OVERLONG_4, ANY | OVERLONG_2, ANY, ANY,
              ANY | TOO_LARGE, BEYOND, BEYOND, BEYOND, BEYOND, BEYOND, BEYOND, BEYOND, BEYOND,
              BEYOND | SURROGATE, BEYOND, BEYOND);
    const __m256i second_high =
        TWICE(TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
              TOO_SHORT, TOO_LONG | CONTINUED | OVERLONG_2 | OVERLONG_3 | OVERLONG_4,
              TOO_LONG | CONTINUED | OVERLONG_2 | OVERLONG_3 | TOO_LARGE,
              TOO_LONG | CONTINUED | OVERLONG_2 | SURROGATE | TOO_LARGE,
              TOO_LONG | CONTINUED | OVERLONG_2 | SURROGATE | TOO_LARGE, TOO_SHORT, TOO_SHORT,
              TOO_SHORT, TOO_SHORT);
    __m256i low = _mm256_and_si256(first, _mm256_set1_epi8(0x0f));
    __m256i by_first = _mm256_and_si256(_mm256_shuffle_epi8(first_high, high_bits(first)),
                                        _mm256_shuffle_epi8(first_low, low));
    return _mm256_and_si256(by_first, _mm256_shuffle_epi8(second_high, high_bits(second)));
}

/* As survey(), 32 bytes at a time. */
__attribute__((target("avx2"))) static void survey_by_32(const uint8_t *text, size_t blocks,
                                                         findings *ret)
{
    /* A byte is allowed below 0x20 if its low four bits select itself. */
    const __m256i allowed =
        TWICE(-1, -1, -1, -1, -1, -1, -1, -1, -1, '\t', '\n', -1, -1, '\r', -1, -1);
    __m256i broken = load_32(ret->broken), nul = load_32(ret->nul), control = load_32(ret->control);
    for (size_t steps = blocks * (BLOCK / STEP); steps > 0; steps--, text += STEP) {
        __m256i second = load_32(text + 1), third = load_32(text), b = load_32(text + BEFORE);
        __m256i must = _mm256_or_si256(_mm256_subs_epu8(second, _mm256_set1_epi8(0xe0 - 0x80)),
                                       _mm256_subs_epu8(third, _mm256_set1_epi8(0xf0 - 0x80)));
        must = _mm256_and_si256(must, _mm256_set1_epi8(CONTINUED));
        broken = _mm256_or_si256(broken, _mm256_xor_si256(pair_faults(load_32(text + 2), b), must));
        nul = _mm256_or_si256(nul, _mm256_cmpeq_epi8(b, _mm256_setzero_si256()));
        __m256i low = _mm256_cmpeq_epi8(b, _mm256_min_epu8(b, _mm256_set1_epi8(0x1f)));
        __m256i good = _mm256_cmpeq_epi8(b, _mm256_shuffle_epi8(allowed, b));
        control = _mm256_or_si256(control, _mm256_andnot_si256(good, low));
    }
    _mm256_storeu_si256((__m256i *)(void *)ret->broken, broken);
    _mm256_storeu_si256((__m256i *)(void *)ret->nul, nul);
    _mm256_storeu_si256((__m256i *)(void *)ret->control, control);
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
