/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_BIG_ENDIAN_H
#define SH_BIG_ENDIAN_H

#include <stddef.h>
#include <stdint.h>

/* Unsigned integers of 1 to 8 bytes in network byte order. */

static inline void sh_big_endian_put(uint8_t *at, uint64_t value, size_t bytes)
{
    for (size_t i = bytes; i > 0; i--, value >>= 8)
        at[i - 1] = (uint8_t)value;
}

static inline uint64_t sh_big_endian_get(const uint8_t *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

#endif
