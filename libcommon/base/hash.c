/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/hash.h"

#include <stddef.h>

uint32_t sh_hash_fnv1a(sh_slice text)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (uint8_t)text.data[i]) * 16777619U;
    return hash;
}
