/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/record_limits.h"

#include "libcommon/base/limits.h"

store_limits record_limits_of(const sh_settings *settings, bool is_steady, int64_t now_ms)
{
    /* Under the shared token, with credentials of their own, and those that were never accepted. */
    int64_t nodes_max = settings->max_nodes + SH_NODES_MAX + SH_STRANGERS_MAX;
    int64_t share = settings->max_nodes > SH_NAMES_MAX ? settings->max_nodes : SH_NAMES_MAX;
    return (store_limits){
        .items_before_ms = is_steady ? now_ms - SH_ITEM_ID_TTL_S * 1000LL : 0,
        .nodes_before_ms = is_steady ? now_ms - SH_NODE_RECORD_TTL_S * 1000LL : 0,
        .items_max = SH_ITEM_IDS_MAX,
        .node_items_max = SH_NODE_ITEM_IDS_MAX,
        .parts_max = SH_PARTS_PENDING_MAX,
        .nodes_max = nodes_max > SH_NODE_RECORDS_MAX ? nodes_max : SH_NODE_RECORDS_MAX,
        .presence_max = SH_PRESENCE_ROWS_MAX / SH_NAMES_MAX * share,
    };
}
