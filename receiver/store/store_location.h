/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_STORE_LOCATION_H
#define RECEIVER_STORE_LOCATION_H

#include "libcommon/base/error.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Checks that path is suitable for a database file, before it is opened: SH_E_CONFIG if it is a
 * folder or on a network file system, SH_E_IO if its folder is missing or not writable,
 * SH_E_NOT_FOUND if it must exist and does not. *ret is the absolute path; the caller frees it.
 */
sh_err store_place_check(const char *path, bool for_writing, char **ret, sh_error *error);

/* Whether this many bytes are free for us in path's file system; false if that is unknown. */
bool store_place_has_room(const char *path, uint64_t bytes);

/* The name of a network file system by statfs's f_type, or NULL. */
const char *store_place_network_name(unsigned long f_type);

#endif
