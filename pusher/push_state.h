/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_PUSH_STATE_H
#define PUSHER_PUSH_STATE_H

#include "libcommon/base/error.h"
#include "libcommon/crypto/crypto.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The state of this node's pushes, in SYNC_spool_dir/state.json: when the hub last accepted the
 * whole table, and the result last spooled of each plugin. It is valid for one node name and one
 * hub; for others it is empty. It only saves work: without it everything still arrives.
 */
typedef struct state state;

/*
 * Loads the state of dir, or starts an empty one; dir NULL: it is kept in memory only. SH_E_IO (not
 * readable) and SH_E_FORMAT (damaged) still return an empty state that can be used and saved;
 * SH_E_MEMORY returns none.
 */
sh_err state_open(const char *dir, const char *node, const char *hub, state **ret, sh_error *error);
void state_free(state *s); /* NULL is accepted */

/*
 * Whether the hub did not accept the whole table within SH_FULL_TABLE_INTERVAL_S, as far as known.
 */
bool state_full_is_due(const state *s, int64_t now_ms);
/*
 * Whether the last whole table that the hub accepted had this digest, or is known to have had
 * another one.
 */
bool state_full_is(const state *s, const uint8_t digest[static SH_DIGEST_BYTES]);
bool state_full_is_other(const state *s, const uint8_t digest[static SH_DIGEST_BYTES]);
void state_full_set(state *s, const uint8_t digest[static SH_DIGEST_BYTES], int64_t now_ms);

/* Whether the plugin's last spooled text has this digest. */
bool state_plugin_is(const state *s, const char *plugin,
                     const uint8_t digest[static SH_DIGEST_BYTES]);
/* Allocates an entry for a plugin, so that setting its digest cannot fail. SH_E_MEMORY. */
sh_err state_plugin_reserve(state *s, const char *plugin, sh_error *error);
/* SH_E_MEMORY, never after state_plugin_reserve(). */
sh_err state_plugin_set(state *s, const char *plugin, const uint8_t digest[static SH_DIGEST_BYTES],
                        sh_error *error);

/* Writes the state atomically. SH_E_IO, SH_E_MEMORY. */
sh_err state_save(const state *s, sh_error *error);

#endif
