/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_JOB_H
#define PUSHER_JOB_H

#include "libcommon/base/error.h"
#include "libcommon/os/file.h"
#include "pusher/source.h"

#include <stdbool.h>

/* A source, and the state of its content. */
typedef struct {
    source source;
    bool due;
    bool failed;           /* could not be read or spooled: due again at the next check */
    bool handled_once;     /* handled is valid */
    sh_file_stamp handled; /* of the content that was last sent, spooled or found unchanged */
    char last_error[SH_ERROR_MESSAGE_BYTES];
} job;

/* Makes the job due if its file has changed since it was handled, or if it failed. */
void job_check(job *j);

/*
 * Counts and logs that the content could not be read or spooled; logs the same message again only
 * if logs_again.
 */
void job_failed(job *j, const sh_error *error, bool logs_again);

/* Records that the content with this stamp needs no more work. */
void job_handled(job *j, const sh_file_stamp *stamp);

#endif
