/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_QUEUE_SETTINGS_H
#define SH_QUEUE_SETTINGS_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/limits.h"
#include "libcommon/queue/queue.h"

/* The settings made on the hub, as published in Redis, and the reports of its programs. */

/* The published version; "" if there is none. */
sh_err sh_queue_settings_version(sh_queue *queue, char ret[static SH_SETTINGS_VERSION_BYTES],
                                 sh_error *error);

/*
 * Appends the published settings, a JSON object of texts, and reads their version. "" if they are
 * not published, and then nothing is appended.
 */
sh_err sh_queue_settings_load(sh_queue *queue, char version[static SH_SETTINGS_VERSION_BYTES],
                              sh_buf *ret, sh_error *error);

/*
 * Notes what a running program reports, a JSON object of at most SH_PROGRAM_REPORT_MAX bytes; ""
 * deletes it. It counts for SH_PROGRAM_KEPT_S. SH_E_LIMIT: SH_PROGRAMS_MAX others run.
 */
sh_err sh_queue_program_put(sh_queue *queue, const char *id, sh_slice report, sh_error *error);

/* Passes each report that counts, with its age in seconds. */
typedef sh_err (*sh_queue_program_each)(void *context, sh_slice report, int64_t age_s,
                                        sh_error *error);
sh_err sh_queue_programs(sh_queue *queue, sh_queue_program_each each, void *context,
                         sh_error *error);

#endif
