/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CREDENTIAL_STATE_H
#define RECEIVER_CREDENTIAL_STATE_H

#include "libcommon/base/buffer.h"
#include "libcommon/native/credentials.h"
#include "receiver/store/store_state.h"

/* The state of a node's own credentials, without secrets. */
typedef struct {
    const char *state;       /* active, rotating, grace, revoked or unreadable */
    const char *protocol;    /* native, or `any`: also NetAlertX's format */
    int64_t shared_until_ms; /* until when the shared credentials work, too; 0: they do not */
    int64_t
        rotates_until_ms; /* until when the last of the older ones is valid; 0: there are none */
} credential_state;

/* Pure. */
credential_state credential_state_of(const sh_node_record *record, int64_t now_ms);

#define CREDENTIAL_JSON_MAX (4 * SH_KIB)

/* Appends a node's credentials as a JSON object. The errors of json_write.h. */
sh_err credential_state_write(sh_buf *json, const sh_node_record *record, int64_t used_ms,
                              int64_t now_ms);

/* Reads the records of all nodes, sorted by name; release with sh_credentials_free(). */
sh_err credential_states_read(store *s, sh_credentials **ret, sh_error *error);

#endif
