/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_AUTH_FAILURES_H
#define RECEIVER_AUTH_FAILURES_H

#include "libcommon/base/buffer.h"
#include "libcommon/queue/queue.h"
#include "receiver/store/store.h"

/* Requests that were refused for their credentials: of the database, then what Redis has newer. */

typedef struct {
    store_auth_failure *all; /* the latest first; then by address and name */
    size_t count;
} auth_failures;

/* The errors of store and queue; SH_E_MEMORY. Release with auth_failures_reset() in every case. */
sh_err auth_failures_read(const sh_settings *settings, auth_failures *ret, sh_error *error);
void auth_failures_reset(auth_failures *list);

/* Forgets them. */
sh_err auth_failures_clear(const sh_settings *settings, sh_error *error);

/* The order of the list, for qsort(). */
int auth_failure_compare(const store_auth_failure *left, const store_auth_failure *right);

#define AUTH_FAILURE_JSON_MAX (4 * SH_KIB)

/* Appends one as a JSON object. The errors of json_write.h. */
sh_err auth_failure_write(sh_buf *json, const store_auth_failure *failure);

#endif
