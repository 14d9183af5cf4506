/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HASH_H
#define SH_HASH_H

#include "libcommon/base/text.h"

#include <stdint.h>

/*
 * FNV-1a with 32 bits, for tables in memory. Who chooses the text can choose its hash: use
 * sh_keyed_hash() where many equal hashes would be an attack.
 */
uint32_t sh_hash_fnv1a(sh_slice text);

#endif
