/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_RECORD_LIMITS_H
#define RECEIVER_RECORD_LIMITS_H

#include "libcommon/config/settings.h"
#include "receiver/store/store.h"

/*
 * The limits of Sync Hub's own records in the database. There is room for all nodes that the hub
 * accepts: a row that is deleted while its node is in contact would be inserted again. is_steady:
 * the wall clock was not set lately, so that records may be deleted by their age. Pure.
 */
store_limits record_limits_of(const sh_settings *settings, bool is_steady, int64_t now_ms);

#endif
