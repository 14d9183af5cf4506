/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_ENTRY_OPENER_H
#define RECEIVER_ENTRY_OPENER_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"
#include "libcommon/native/envelope.h"
#include "receiver/hub/keys.h"
#include "receiver/queue/queue_batch.h"

/* Opens the queue's entries, the next one by a thread of its own while one is merged. */
typedef struct entry_opener entry_opener;

/* The keys are borrowed. SH_E_MEMORY. */
sh_err entry_opener_new(const hub_keys *keys, entry_opener **ret, sh_error *error);
void entry_opener_free(entry_opener *o); /* NULL is accepted */

/*
 * Gives an entry's header and text, which is borrowed until the next call. Where next is not NULL
 * it may be opened meanwhile, so it must stay until it is asked for or entry_opener_rest().
 * sh_envelope_peek()'s and sh_envelope_open()'s errors, after which the header is what is known of
 * it.
 */
sh_err entry_opener_open(entry_opener *o, const queue_entry *entry, const queue_entry *next,
                         sh_envelope_header *header, sh_slice *text, sh_error *error);

/* Opens an entry already, for the next entry_opener_open(); the text is borrowed until then. */
sh_err entry_opener_ready(entry_opener *o, const queue_entry *entry, sh_envelope_header *header,
                          sh_slice *text);

/* Whether an envelope of this header was sealed with another key than the hub's. */
bool entry_opener_is_foreign(const entry_opener *o, const sh_envelope_header *header);

/* Borrows no entry any more; the text that was given last stays. */
void entry_opener_rest(entry_opener *o);
void entry_opener_forget(entry_opener *o); /* that too */

#endif
