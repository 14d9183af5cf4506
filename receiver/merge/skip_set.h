/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_SKIP_SET_H
#define RECEIVER_SKIP_SET_H

#include "libcommon/base/error.h"
#include "libcommon/netalertx/list.h"
#include "libcommon/netalertx/mac.h"

#include <stdbool.h>

/* The keys of devices that are not merged (SYNC_skip_macs), found by a hash: each row asks. */
typedef struct skip_set skip_set;

/* keys are in their normal form, and borrowed. SH_E_MEMORY. */
sh_err skip_set_new(const sh_list *keys, skip_set **ret, sh_error *error);
void skip_set_free(skip_set *s); /* NULL is accepted */

/* Without regard to ASCII case. */
bool skip_set_has(const skip_set *s, const sh_mac *mac);

#endif
