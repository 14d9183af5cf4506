/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_INFO_UPDATE_H
#define RECEIVER_NODE_INFO_UPDATE_H

#include "libcommon/queue/queue_reports.h"
#include "receiver/store/store.h"

#include <stdbool.h>

/*
 * What contacts and reports change in the record of a node. Pure. Call them in the order of their
 * times, a contact before a problem of the same time. now_ms is the Unix time of this hub, which
 * later times are replaced by.
 */

/* Ends a problem that is older, unless it is one of the content. mode is push or pull. */
void node_info_contact(store_node_info *info, const char mode[static 8], int64_t contact_ms,
                       int64_t now_ms);
void node_info_agent(store_node_info *info, const sh_queue_report *report);
void node_info_conflict(store_node_info *info, const sh_queue_report *report, int64_t now_ms);
/* Ignores a problem that a later contact has ended. */
void node_info_problem(store_node_info *info, const sh_queue_report *report, int64_t now_ms);

/* Whether its problem is that merge rejected its content, which a contact does not end. */
bool node_info_has_content_problem(const store_node_info *info);

#endif
