/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_ENTRY_DECODER_H
#define RECEIVER_ENTRY_DECODER_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"
#include "libcommon/native/envelope.h"
#include "receiver/hub/hub_secrets.h"
#include "receiver/merge/table_row_places.h"
#include "receiver/queue/queue_batch.h"

/*
 * Decodes the queue's entries. While one is merged, a thread decodes the next ones; when the
 * merging thread would wait for it, it decodes one of them itself. Memory is that of a text and its
 * rows, and for each entry ahead at most 16 MiB of text and 4 of rows: what has more is not decoded
 * ahead, and nothing is beside a text of more than 16 MiB.
 */
typedef struct entry_decoder entry_decoder;

/* The entries that will be decoded next, in this order; NULL: none or no more. */
#define ENTRIES_AHEAD_MAX 2
typedef struct {
    const queue_entry *all[ENTRIES_AHEAD_MAX];
} entries_ahead;

/* Borrows the keys. Without `ahead` it has no thread, and decodes nothing ahead. SH_E_MEMORY. */
sh_err entry_decoder_new(const hub_secrets *keys, bool ahead, entry_decoder **ret, sh_error *error);
void entry_decoder_free(entry_decoder *o); /* NULL is accepted */

/*
 * Decodes an entry; the text is borrowed until the next call. The next entries may be decoded
 * meanwhile, so they must stay valid until their own calls or entry_decoder_rest(). The errors
 * of sh_envelope_peek() and sh_envelope_open(), and SH_E_FORMAT and SH_E_LIMIT for content that is
 * not of its kind; then *header is as far as it is known.
 */
sh_err entry_decoder_decode(entry_decoder *o, const queue_entry *entry, const entries_ahead *next,
                            sh_envelope_header *header, sh_slice *text, sh_error *error);

/* The rows of the last decoded entry, if it is a device table; borrowed like its text. */
const table_rows *entry_decoder_rows(const entry_decoder *o);

/*
 * Decodes an entry for the next entry_decoder_decode(), which then need not; the text is borrowed
 * until that returns. Replaces the text of the last decoded entry.
 */
sh_err entry_decoder_ready(entry_decoder *o, const queue_entry *entry, sh_envelope_header *header,
                           sh_slice *text);

/*
 * Decodes entries that are small together, and keeps their texts for entry_decoder_decode(), up to
 * the one with which their tables have more than rows_max rows: that one and later ones are not
 * kept, as rows take many times the memory of a text of short ones. SH_E_MEMORY.
 */
sh_err entry_decoder_keep(entry_decoder *o, const queue_entry *const entries[], size_t count,
                          size_t rows_max, sh_error *error);

/* An entry that is kept; borrowed until it is decoded, or entry_decoder_forget(). */
typedef struct {
    sh_err err; /* of decoding it; SH_E_LIMIT: too many rows; SH_OK: the following is set */
    sh_envelope_header header;
    sh_slice text;
    const table_rows *rows; /* of a device table */
} kept_entry;
kept_entry entry_decoder_kept(const entry_decoder *o, size_t i);

/* Whether an envelope of this header was sealed with another key than the hub's. */
bool entry_decoder_is_foreign(const entry_decoder *o, const sh_envelope_header *header);

/* Whether the envelope of the last decoded entry was authentic, also if its content is invalid. */
bool entry_decoder_is_authentic(const entry_decoder *o);

/* Stops borrowing entries; the last returned text stays valid. */
void entry_decoder_rest(entry_decoder *o);
void entry_decoder_forget(entry_decoder *o); /* also frees that text, and kept ones */

#endif
