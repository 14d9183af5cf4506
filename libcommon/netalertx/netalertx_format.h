/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_NETALERTX_FORMAT_H
#define SH_NETALERTX_FORMAT_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

#include <stdbool.h>

/* NetAlertX's JSON bodies. No I/O. */

#define SH_NETALERTX_DEVICES_PLUGIN "SYNC"

/* Appends the body of POST /sync: {"data":wire,"file_path":…,"plugin":…,"node_name":…}. */
sh_err sh_netalertx_push_write(sh_slice wire, const char *file_path, const char *plugin,
                               const char *node, sh_buf *ret);

/* The fields of a POST /sync body; borrowed from the body or, if they have escapes, from storage.
 */
typedef struct {
    sh_slice data;
    sh_slice node;
    sh_slice plugin;
    sh_buf storage; /* unescaped copies */
} sh_netalertx_push;

/*
 * Parses a body. SH_E_FORMAT if it is not a JSON object (NetAlertX: 400), SH_E_NOT_FOUND if a field
 * is missing or of the wrong type (NetAlertX: 422; the message is "Missing required 'FIELD'"),
 * SH_E_LIMIT, SH_E_MEMORY. The body must outlive *ret. Release with sh_netalertx_push_reset() in
 * any case.
 */
sh_err sh_netalertx_push_read(sh_slice body, sh_netalertx_push *ret, sh_error *error);
void sh_netalertx_push_reset(sh_netalertx_push *push);

/*
 * Gets the node's name, which NetAlertX writes last, from the last bytes of a body that was not
 * parsed, for the log message of its refusal. Appends it to *name. False if there is none.
 */
bool sh_netalertx_push_claimed(sh_slice tail, sh_buf *name);

/* Appends the body of an answer to GET /sync. timestamp is `YYYY-MM-DD HH:MM:SS`. */
sh_err sh_netalertx_pull_write(sh_slice table, const char *node, const char *timestamp,
                               sh_buf *ret);

/*
 * Parses such a body: appends the table to *table and the node's name, which can be empty, to
 * *node. SH_E_FORMAT, SH_E_LIMIT, SH_E_MEMORY.
 */
sh_err sh_netalertx_pull_read(sh_slice body, sh_buf *table, sh_buf *node, sh_error *error);

#endif
