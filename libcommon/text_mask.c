/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/text_mask.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

static void mask_one_by_one(const char *text, size_t len, sh_text_mask *ret)
{
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
        case 'M':
            ret->ms |= bit;
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
}

#ifdef __x86_64__
/* '[' and ']' differ from '{' and '}' in one bit, which is set here for all. */
#define FOLD 0x20

static uint64_t equal_16(__m128i bytes, char c)
{
    return (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)));
}

static void mask_by_16(const char *text, sh_text_mask *ret)
{
    *ret = (sh_text_mask){0};
    for (unsigned at = 0; at < SH_TEXT_MASK_BYTES; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text + at));
        __m128i folded = _mm_or_si128(bytes, _mm_set1_epi8(FOLD));
        ret->quotes |= equal_16(bytes, '"') << at;
        ret->backslashes |= equal_16(bytes, '\\') << at;
        ret->ms |= equal_16(bytes, 'M') << at;
        ret->brackets |= (equal_16(folded, '{') | equal_16(folded, '}')) << at;
    }
}

__attribute__((target("avx512bw"))) static void mask_by_64(const char *text, sh_text_mask *ret)
{
    __m512i bytes = _mm512_loadu_si512(text);
    __m512i folded = _mm512_or_si512(bytes, _mm512_set1_epi8(FOLD));
    ret->quotes = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('"'));
    ret->backslashes = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\\'));
    ret->ms = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('M'));
    ret->brackets = _mm512_cmpeq_epi8_mask(folded, _mm512_set1_epi8('{')) |
                    _mm512_cmpeq_epi8_mask(folded, _mm512_set1_epi8('}'));
}

static void (*mask_all)(const char *text, sh_text_mask *ret) = mask_by_16;

__attribute__((constructor)) static void choose(void)
{
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512bw"))
        mask_all = mask_by_64;
}
#endif

void sh_text_mask_of(const char *text, size_t len, sh_text_mask *ret)
{
#ifdef __x86_64__
    if (len == SH_TEXT_MASK_BYTES) {
        mask_all(text, ret);
        return;
    }
#endif
    mask_one_by_one(text, len, ret);
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

uint64_t sh_text_mask_between(uint64_t quotes)
{
    /* Each bit becomes the parity of the bits up to it. A loop is not unrolled by gcc 12. */
    quotes ^= quotes << 1;
    quotes ^= quotes << 2;
    quotes ^= quotes << 4;
    quotes ^= quotes << 8;
    quotes ^= quotes << 16;
    return quotes ^ quotes << 32;
}
