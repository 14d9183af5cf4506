/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_STORE_PLACE_H
#define RECEIVER_STORE_PLACE_H

#include "libcommon/base/error.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Checks that a database file can live at path, before it is opened: SH_E_CONFIG where that is a
 * folder or on a network file system, SH_E_IO where its folder is missing or cannot be written,
 * SH_E_NOT_FOUND where it must exist and does not. Gives the absolute path; the caller frees it.
 */
sh_err store_place_check(const char *path, bool for_writing, char **ret, sh_error *error);

/* Whether so many bytes are free for us beside path; false where that cannot be told. */
bool store_place_has_room(const char *path, uint64_t bytes);

/* The name of a file system that is on another host, by statfs's f_type, or NULL. */
const char *store_place_network_name(unsigned long f_type);

#endif
