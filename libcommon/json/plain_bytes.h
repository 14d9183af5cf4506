/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_PLAIN_BYTES_H
#define SH_PLAIN_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#elif defined __SSE2__
#include <emmintrin.h>
#endif

/*
 * Finds the first byte of a JSON string that is not plain, several bytes at a time. Plain: ASCII
 * that needs no escape. For json_scan.c; inline for speed.
 */

#ifdef __SSE2__
#define SH_PLAIN_STEP 16

/* The number of plain bytes before the first other one in the next SH_PLAIN_STEP bytes. */
static inline unsigned sh_plain_bytes(const char *at)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i special = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                   _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
    /* The comparison is signed, so bytes from 0x80 on are below 0x20, too. */
    special = _mm_or_si128(special, _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)));
    return (unsigned)__builtin_ctz((unsigned)_mm_movemask_epi8(special) | 1U << SH_PLAIN_STEP);
}
#else
#define SH_PLAIN_STEP 8
#define SH_EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/*
 * Sets the high bit of each byte equal to c. Bytes above the lowest equal one can have it set, too.
 */
static inline uint64_t sh_bytes_equal_to(uint64_t eight, unsigned char c)
{
    uint64_t differ = eight ^ SH_EACH_BYTE(c);
    return (differ - SH_EACH_BYTE(1)) & ~differ & SH_EACH_BYTE(0x80);
}

static inline unsigned sh_plain_bytes(const char *at)
{
    uint64_t eight;
    memcpy(&eight, at, sizeof eight);
    uint64_t control = (eight - SH_EACH_BYTE(0x20)) & ~eight & SH_EACH_BYTE(0x80);
    uint64_t special = sh_bytes_equal_to(eight, '"') | sh_bytes_equal_to(eight, '\\') | control |
                       (eight & SH_EACH_BYTE(0x80));
    if (special == 0)
        return SH_PLAIN_STEP;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (unsigned)__builtin_ctzll(special) / 8;
#else
    return 0; /* the masks are exact only up to the lowest byte, which is the last one here */
#endif
}
#endif

#define SH_PLAIN_BLOCK 64

/* The bytes of the plain blocks that a text begins with. */
static inline size_t sh_plain_blocks_portable(const char *text, size_t len)
{
    for (size_t at = 0;; at += SH_PLAIN_BLOCK) {
        if (len - at < SH_PLAIN_BLOCK)
            return at;
        unsigned char special = 0;
        for (unsigned i = 0; i < SH_PLAIN_BLOCK; i++) { /* vectorized; signed, as above */
            char c = text[at + i];
            special |= ((signed char)c < 0x20) | (c == '"') | (c == '\\');
        }
        if (special != 0)
            return at;
    }
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static inline size_t sh_plain_blocks_avx2(const char *text,
                                                                          size_t len)
{
    const __m256i quote = _mm256_set1_epi8('"'), backslash = _mm256_set1_epi8('\\');
    for (size_t at = 0;; at += SH_PLAIN_BLOCK) {
        if (len - at < SH_PLAIN_BLOCK)
            return at;
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(text + at));
        __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(text + at + 32));
        __m256i quotes = _mm256_or_si256(_mm256_cmpeq_epi8(a, quote), _mm256_cmpeq_epi8(b, quote));
        __m256i backslashes =
            _mm256_or_si256(_mm256_cmpeq_epi8(a, backslash), _mm256_cmpeq_epi8(b, backslash));
        __m256i others = _mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), _mm256_min_epi8(a, b));
        __m256i special = _mm256_or_si256(_mm256_or_si256(quotes, backslashes), others);
        if (_mm256_testz_si256(special, special) == 0)
            return at;
    }
}
#endif

static inline size_t sh_plain_blocks(const char *text, size_t len)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2"))
        return sh_plain_blocks_avx2(text, len);
#endif
    return sh_plain_blocks_portable(text, len);
}

#endif
