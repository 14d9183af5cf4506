/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_NODE_ENTRY_H
#define SH_NODE_ENTRY_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

/*
 * Splits an entry of SYNC_nodes, `URL` or `name=URL`: *name is empty where none is given.
 * SH_E_FORMAT by the rules of node names and sh_url_check_http().
 */
sh_err sh_node_entry_read(const char *entry, sh_slice *name, sh_slice *url, sh_error *error);

#endif
