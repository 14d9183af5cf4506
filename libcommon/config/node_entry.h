/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_NODE_ENTRY_H
#define SH_NODE_ENTRY_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

/*
 * Splits an entry of SYNC_nodes, `URL` or `name=URL`, into slices of entry; *name is empty if there
 * is none. SH_E_FORMAT for an invalid node name or URL.
 */
sh_err sh_node_entry_read(const char *entry, sh_slice *name, sh_slice *url, sh_error *error);

#endif
