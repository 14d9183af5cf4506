/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_QUEUE_SETTINGS_WRITE_H
#define RECEIVER_QUEUE_SETTINGS_WRITE_H

#include "libcommon/queue/queue_settings.h"

/* Publishing the settings made on the hub, of which the database is the record, in Redis. */

/* The published version; "" if there is none, or a part of it is missing. */
sh_err queue_settings_state(sh_queue *queue, char ret[static SH_SETTINGS_VERSION_BYTES],
                            sh_error *error);

/*
 * Replaces the published settings, a JSON object, and their version if the published version is
 * still `expected`. *published is false if another publisher was faster; then read the database
 * again.
 */
sh_err queue_settings_publish(sh_queue *queue, sh_slice text, const char *expected,
                              const char *version, bool *published, sh_error *error);

#endif
