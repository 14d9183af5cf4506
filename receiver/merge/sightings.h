/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_SIGHTINGS_H
#define RECEIVER_SIGHTINGS_H

#include "libcommon/base/buffer.h"
#include "libcommon/netalertx/mac.h"
#include "libcommon/netalertx/row_state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The presence of devices in the tables of a transaction: recorded while rows are merged, and
 * compared with the database just before the commit, where nodes are locked in a fixed order (see
 * presence.h). Belongs to one thread.
 */

/* With this many sightings, the transaction starts no other entry. */
#define SIGHTINGS_MANY SH_ROWS_MAX

typedef enum {
    SIGHTED_ABSENT,
    SIGHTED_PRESENT,
    SIGHTED_NOT_KNOWN, /* unknown to the node that sent the table */
    SIGHTED_EARLIER,   /* merged by an earlier transaction; only known to be in the table */
} sighting_kind;

#define SIGHTING_TIME_BYTES 19

/* Texts are at `text` in sightings.texts: MAC (unless of six bytes), address, time. */
typedef struct {
    uint64_t key; /* see sighting_key() */
    uint32_t text;
    uint16_t mac_len;
    uint8_t ip_len, time_len;
    uint8_t kind;
} sighting;

typedef struct {
    sighting *rows;
    size_t count, capacity;
    sh_buf texts;
} sightings;

/* Sightings of one table, or the state to which sightings_cut() returns. */
typedef struct {
    size_t first, end; /* rows */
    size_t texts;      /* bytes */
} sightings_range;

/* Bytes of the texts of one row. The limit is for a full transaction and one more full table. */
#define SIGHTING_TEXTS_MAX (SH_MAC_MAX_BYTES + SH_PRESENCE_IP_MAX + SIGHTING_TIME_BYTES)
#define SIGHTINGS_INIT                                                                             \
    {                                                                                              \
        .texts = SH_BUF_INIT((size_t)SIGHTING_TEXTS_MAX * (SIGHTINGS_MANY + SH_ROWS_MAX))          \
    }
void sightings_reset(sightings *s); /* frees; empty then */

/* Removes all rows, and frees memory that a usual transaction does not need. */
void sightings_clear(sightings *s);

/* Records a row. SH_E_MEMORY. */
sh_err sightings_add(sightings *s, const sh_mac *mac, sighting_kind kind, const sh_row_state *state,
                     sh_error *error);

/* The kind of a row by its state: without devPresentLastScan the device is present. */
sighting_kind sighting_kind_of(const sh_row_state *state);

/* An empty range at the end; sightings_end() extends it to the sightings since then. */
sightings_range sightings_begin(const sightings *s);
void sightings_end(const sightings *s, sightings_range *range);
void sightings_cut(sightings *s, const sightings_range *to); /* discards later sightings */

/*
 * A device's key as a number: a six-byte MAC's own, or a hash of another key, ignoring ASCII case.
 */
uint64_t sighting_key(const sh_mac *mac);

#define SIGHTING_KEY_BYTES 8
/* Appends the keys of a range as bytes, for store_part.keys. SH_E_MEMORY, SH_E_LIMIT. */
sh_err sightings_write_keys(const sightings *s, const sightings_range *range, sh_buf *ret);
uint64_t sighting_key_read(const char bytes[static SIGHTING_KEY_BYTES]);

/* The parts of a sighting; the MAC with ASCII letters in lower case. */
#define SIGHTING_MAC_BYTES (SH_MAC_MAX_BYTES + 1)
sh_slice sighting_mac(const sightings *s, const sighting *one,
                      char room[static SIGHTING_MAC_BYTES]);
sh_slice sighting_ip(const sightings *s, const sighting *one);
sh_slice sighting_time(const sightings *s, const sighting *one); /* `YYYY-MM-DD HH:MM:SS` or "" */

#endif
