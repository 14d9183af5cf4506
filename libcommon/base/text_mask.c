/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/text_mask.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

uint64_t sh_text_mask_prefix_xor(uint64_t quotes)
{
    /* Written out because gcc 12 does not unroll the loop. */
    quotes ^= quotes << 1;
    quotes ^= quotes << 2;
    quotes ^= quotes << 4;
    quotes ^= quotes << 8;
    quotes ^= quotes << 16;
    return quotes ^ quotes << 32;
}

/* Those of the letters p that can start a key. */
static uint64_t after_quote(uint64_t letters, uint64_t quotes)
{
    return letters & (quotes << 1 | 1);
}

static void mask_bytewise(const char *text, size_t len, sh_text_mask *ret)
{
    uint64_t p = 0;
    *ret = (sh_text_mask){0};
    for (size_t i = 0; i < len; i++) {
        uint64_t bit = UINT64_C(1) << i;
        switch (text[i]) {
        case '"':
            ret->quotes |= bit;
            break;
        case '\\':
            ret->backslashes |= bit;
            break;
        case 'L':
        case 'M':
            ret->letters |= bit;
            break;
        case 'p':
            p |= bit;
            break;
        case '{':
        case '}':
        case '[':
        case ']':
            ret->brackets |= bit;
            break;
        default:
            break;
        }
    }
    ret->letters |= after_quote(p, ret->quotes);
    ret->inside = sh_text_mask_prefix_xor(ret->quotes);
}

#ifdef __x86_64__
/* Setting this bit turns '[' and ']' into '{' and '}'. */
#define FOLD 0x20

static uint64_t equal_16(__m128i bytes, char c)
{
    return (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)));
}

static void mask_by_16(const char *text, size_t count, sh_text_mask ret[])
{
    for (size_t i = 0; i < count; i++, text += SH_TEXT_MASK_BYTES) {
        sh_text_mask mask = {0};
        uint64_t p = 0;
        for (unsigned at = 0; at < SH_TEXT_MASK_BYTES; at += 16) {
            __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text + at));
            __m128i folded = _mm_or_si128(bytes, _mm_set1_epi8(FOLD));
            mask.quotes |= equal_16(bytes, '"') << at;
            mask.backslashes |= equal_16(bytes, '\\') << at;
            mask.letters |= (equal_16(bytes, 'L') | equal_16(bytes, 'M')) << at;
            p |= equal_16(bytes, 'p') << at;
            mask.brackets |= (equal_16(folded, '{') | equal_16(folded, '}')) << at;
        }
        mask.letters |= after_quote(p, mask.quotes);
        mask.inside = sh_text_mask_prefix_xor(mask.quotes);
        ret[i] = mask;
    }
}

/* sh_text_mask_prefix_xor() by a carry-less multiplication with all ones. */
__attribute__((target("pclmul"))) static uint64_t prefix_xor_clmul(uint64_t quotes)
{
    __m128i product =
        _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)quotes), _mm_set1_epi8((char)0xff), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

__attribute__((target("avx2"))) static uint64_t equal_32(__m256i bytes, char c)
{
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(c)));
}

__attribute__((target("avx2,pclmul"))) static void mask_by_32(const char *text, size_t count,
                                                              sh_text_mask ret[])
{
    for (size_t i = 0; i < count; i++, text += SH_TEXT_MASK_BYTES) {
        sh_text_mask mask = {0};
        uint64_t p = 0;
        for (unsigned at = 0; at < SH_TEXT_MASK_BYTES; at += 32) {
            __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)(text + at));
            __m256i folded = _mm256_or_si256(bytes, _mm256_set1_epi8(FOLD));
            mask.quotes |= equal_32(bytes, '"') << at;
            mask.backslashes |= equal_32(bytes, '\\') << at;
            mask.letters |= (equal_32(bytes, 'L') | equal_32(bytes, 'M')) << at;
            p |= equal_32(bytes, 'p') << at;
            mask.brackets |= (equal_32(folded, '{') | equal_32(folded, '}')) << at;
        }
        mask.letters |= after_quote(p, mask.quotes);
        mask.inside = prefix_xor_clmul(mask.quotes);
        ret[i] = mask;
    }
}

__attribute__((target("avx512bw,pclmul"))) static void mask_by_64(const char *text, size_t count,
                                                                  sh_text_mask ret[])
{
    for (size_t i = 0; i < count; i++, text += SH_TEXT_MASK_BYTES) {
        __m512i bytes = _mm512_loadu_si512(text);
        __m512i folded = _mm512_or_si512(bytes, _mm512_set1_epi8(FOLD));
        ret[i].quotes = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('"'));
        ret[i].backslashes = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\\'));
        ret[i].letters =
            _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('L')) |
            _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('M')) |
            after_quote(_mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('p')), ret[i].quotes);
        ret[i].brackets = _mm512_cmpeq_epi8_mask(folded, _mm512_set1_epi8('{')) |
                          _mm512_cmpeq_epi8_mask(folded, _mm512_set1_epi8('}'));
        ret[i].inside = prefix_xor_clmul(ret[i].quotes);
    }
}

static void (*mask_blocks)(const char *text, size_t count, sh_text_mask ret[]) = mask_by_16;

__attribute__((constructor)) static void select_mask_blocks(void)
{
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("pclmul"))
        return;
    if (__builtin_cpu_supports("avx512bw"))
        mask_blocks = mask_by_64;
    else if (__builtin_cpu_supports("avx2"))
        mask_blocks = mask_by_32;
}
#else
static void mask_blocks(const char *text, size_t count, sh_text_mask ret[])
{
    for (size_t i = 0; i < count; i++)
        mask_bytewise(text + i * SH_TEXT_MASK_BYTES, SH_TEXT_MASK_BYTES, &ret[i]);
}
#endif

size_t sh_text_masks_of(const char *text, size_t len, sh_text_mask ret[static SH_TEXT_MASKS])
{
    size_t whole = len / SH_TEXT_MASK_BYTES;
    if (whole >= SH_TEXT_MASKS) {
        mask_blocks(text, SH_TEXT_MASKS, ret);
        return SH_TEXT_MASKS;
    }
    mask_blocks(text, whole, ret);
    size_t rest = len % SH_TEXT_MASK_BYTES;
    if (rest > 0)
        mask_bytewise(text + len - rest, rest, &ret[whole]);
    return rest > 0 ? whole + 1 : whole;
}

uint64_t sh_text_mask_escaped(uint64_t backslashes, uint64_t *carry)
{
    uint64_t escaped = *carry;
    *carry = 0;
    uint64_t left = backslashes & ~escaped;
    while (left != 0) {
        uint64_t first = left & -left;
        left ^= first;
        if (first >> 63 != 0)
            *carry = 1;
        escaped |= first << 1;
        left &= ~(first << 1);
    }
    return escaped;
}
