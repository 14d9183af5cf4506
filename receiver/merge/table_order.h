/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_TABLE_ORDER_H
#define RECEIVER_TABLE_ORDER_H

#include "receiver/store/store.h"

#include <stdbool.h>

/*
 * Which of two tables of a node is newer. Entries are merged out of order if several receivers
 * merge concurrently, or a dead letter is retried; the presence in an older table must not replace
 * that of a newer one. Pure.
 */

/* The position of an entry (`<ms>-<seq>`) in the stream as a number; 0 for other text. */
int64_t table_order_of(const char *entry_id);

/*
 * Whether `table` is older than `last`, the newest merged one. Parts of one table are not older
 * than each other. Considers the stream's order and the envelope's time, as another Redis starts
 * with other ids, and a node's clock may be set back.
 */
bool table_is_older(const store_table *table, const store_table *last, int64_t now_ms);

#endif
