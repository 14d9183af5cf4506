/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_STATE_H
#define PUSHER_STATE_H

#include "libcommon/base/error.h"
#include "libcommon/crypto/crypto.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What this node remembers of its pushes, in SYNC_spool_dir/state.json: when the hub last took the
 * whole table, and what was last spooled of each plugin. It holds for one node name and one hub;
 * of another one nothing is remembered. It only saves work: without it all still arrives.
 */
typedef struct state state;

/*
 * Loads the state of dir, or begins an empty one; dir NULL: it is kept in memory alone.
 * SH_E_IO (not readable) and SH_E_FORMAT (damaged) say so in *error and still give an empty state
 * that can be used and saved; SH_E_MEMORY gives none.
 */
sh_err state_open(const char *dir, const char *node, const char *hub, state **ret, sh_error *error);
void state_free(state *s); /* NULL is accepted */

/* Whether the hub has not taken the whole table for SH_FULL_TABLE_INTERVAL_S, as far as known. */
bool state_full_is_due(const state *s, int64_t now_ms);
/* Whether the last whole table that was taken had this digest, or is known to have had another. */
bool state_full_is(const state *s, const uint8_t digest[static SH_DIGEST_BYTES]);
bool state_full_is_other(const state *s, const uint8_t digest[static SH_DIGEST_BYTES]);
void state_full_set(state *s, const uint8_t digest[static SH_DIGEST_BYTES], int64_t now_ms);

/* Whether this text of the plugin was the last one spooled. */
bool state_plugin_is(const state *s, const char *plugin,
                     const uint8_t digest[static SH_DIGEST_BYTES]);
/* Makes room for a plugin, so that setting its digest cannot fail. SH_E_MEMORY. */
sh_err state_plugin_reserve(state *s, const char *plugin, sh_error *error);
/* SH_E_MEMORY, never after state_plugin_reserve(). */
sh_err state_plugin_set(state *s, const char *plugin, const uint8_t digest[static SH_DIGEST_BYTES],
                        sh_error *error);

/* Writes it, whole. SH_E_IO, SH_E_MEMORY. */
sh_err state_save(const state *s, sh_error *error);

#endif
