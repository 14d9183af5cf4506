/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_QUEUE_CURSOR_H
#define SH_QUEUE_CURSOR_H

#include "libcommon/queue/queue.h"

/*
 * Reads a hash in pieces, for the modules that implement the calls of queue.h. A piece is about a
 * thousand fields, or all of a small hash. What is in the hash from the first piece to the last is
 * passed at least once, whatever else changes meanwhile.
 */
typedef sh_err (*sh_queue_field_each)(void *context, sh_slice field, sh_slice value,
                                      sh_error *error);

/* Passes one piece, the first if *cursor is not valid any more, and moves it; see queue.h. */
sh_err sh_queue_scan_next(sh_queue *queue, const char *key, sh_queue_cursor *cursor,
                          sh_queue_field_each each, void *context, sh_error *error);
/* Passes all pieces. */
sh_err sh_queue_scan(sh_queue *queue, const char *key, sh_queue_field_each each, void *context,
                     sh_error *error);

#endif
