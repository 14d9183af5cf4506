/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_TABLE_ORDER_H
#define RECEIVER_TABLE_ORDER_H

#include "receiver/store/store.h"

#include <stdbool.h>

/*
 * Which of two tables of one node is the newer one. Entries are merged out of their order where
 * several receivers merge at once, or where a dead letter is retried; what an older table says of
 * presence must not replace what a newer one said. Pure.
 */

/* The place of an entry (`<ms>-<seq>`) in the stream as one number; 0 for another text. */
int64_t table_order_of(const char *entry_id);

/*
 * Whether `table` is older than `last`, the newest that was merged. Parts of one table are not
 * older than each other. Neither the stream's order alone decides, since another Redis begins with
 * other ids, nor the time of the envelope alone, since a node's clock may be set back.
 */
bool table_is_older(const store_table *table, const store_table *last, int64_t now_ms);

#endif
