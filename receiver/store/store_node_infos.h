/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_STORE_NODE_INFOS_H
#define RECEIVER_STORE_NODE_INFOS_H

#include "receiver/store/store.h"

/*
 * store_node_info_get() and store_node_info_put() for several nodes, in one exchange with the
 * database. Names differ and are in the order of their bytes, in which every program locks nodes.
 */
#define STORE_NODE_INFOS_AT_ONCE 64 /* at most */

sh_err store_node_infos_get(store *s, const char *const nodes[], size_t count,
                            store_node_info ret[], bool found[], sh_error *error);
/* If one is refused, the transaction must be rolled back. */
sh_err store_node_infos_put(store *s, const store_node_info *const infos[], size_t count,
                            sh_error *error);

#endif
