/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DEVICE_CANDIDATES_H
#define RECEIVER_DEVICE_CANDIDATES_H

#include "receiver/store/device_query_terms.h"

/*
 * The presence of a device is computed from its nodes, so no index has it, and a list of the absent
 * devices would look at all devices. Before it does, the rows of presence that can make a device
 * absent (present, unknown) are read by their own indexes: if they are few, only their devices are
 * looked at. If there are more, the list is read device by device, and soon finds one.
 */

#define DEVICE_CANDIDATES_MAX 10000

typedef struct {
    sh_buf list; /* rowids, for device_query_candidates.list */
    size_t count;
} device_candidates;

/* Whether to look for candidates first. */
bool device_candidates_help(const store *s, const store_device_query *query);

/*
 * The statement that finds their rowids: all devices with this presence among them, others too;
 * a device may be found repeatedly. At most DEVICE_CANDIDATES_MAX + 1 rows. SH_E_MEMORY,
 * SH_E_LIMIT.
 */
sh_err device_candidates_build(schema_dialect dialect, const char *present, sh_buf *sql);

/* Adds a found rowid. SH_E_MEMORY. */
sh_err device_candidates_add(device_candidates *c, schema_dialect dialect, int64_t rowid);

/* Ends the list; NULL: they are too many. Borrowed. SH_E_MEMORY. */
sh_err device_candidates_end(device_candidates *c, schema_dialect dialect, const char **ret);

void device_candidates_reset(device_candidates *c);

#endif
