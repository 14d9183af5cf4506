/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_NETALERTX_FORMAT_H
#define SH_NETALERTX_FORMAT_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

#include <stdbool.h>

/* NetAlertX's JSON bodies. Pure. */

#define SH_NETALERTX_DEVICES_PLUGIN "SYNC"

/* The body of POST /sync: {"data":wire,"file_path":…,"plugin":…,"node_name":…}. */
sh_err sh_netalertx_push_write(sh_slice wire, const char *file_path, const char *plugin,
                               const char *node, sh_buf *ret);

/* What a POST /sync body holds. data borrows from the body where it has no escapes. */
typedef struct {
    sh_slice data;
    sh_slice node;
    sh_slice plugin;
    sh_buf storage; /* unescaped copies */
} sh_netalertx_push;

/*
 * Reads a body without building a tree of it. SH_E_FORMAT: no JSON object (NetAlertX's 400).
 * SH_E_NOT_FOUND: a field is missing or of the wrong type (its 422); the message is
 * "Missing required 'FIELD'". The body must outlive *ret; end with sh_netalertx_push_reset()
 * always.
 */
sh_err sh_netalertx_push_read(sh_slice body, sh_netalertx_push *ret, sh_error *error);
void sh_netalertx_push_reset(sh_netalertx_push *push);

/*
 * The node's name in the last bytes of such a body, which NetAlertX writes behind all else; of a
 * push that was refused before it was read, for the log alone. Adds it to *name; false where there
 * is none.
 */
bool sh_netalertx_push_claimed(sh_slice tail, sh_buf *name);

/* The body of 200 to GET /sync. timestamp is `YYYY-MM-DD HH:MM:SS`. */
sh_err sh_netalertx_pull_write(sh_slice table, const char *node, const char *timestamp,
                               sh_buf *ret);

/*
 * Reads such a body: adds the plain table to *table, the node's name (may be empty) to *node.
 * SH_E_FORMAT says what is missing or broken; SH_E_LIMIT, SH_E_MEMORY.
 */
sh_err sh_netalertx_pull_read(sh_slice body, sh_buf *table, sh_buf *node, sh_error *error);

#endif
