/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_JOB_H
#define PUSHER_JOB_H

#include "libcommon/base/error.h"
#include "libcommon/os/file.h"
#include "pusher/source.h"

#include <stdbool.h>

/* A source, and what became of its content so far. */
typedef struct {
    source source;
    bool due;
    bool failed;           /* could not be read or kept: due again at the next look */
    bool handled_once;     /* handled tells something */
    sh_file_stamp handled; /* of what was last sent, kept, or found to be old news */
    char last_error[SH_ERROR_MESSAGE_BYTES];
} job;

/* Makes the job due if its file changed since it was handled, or failed then. */
void job_check(job *j);

/*
 * Its content could not be read or kept. Counts and logs that; what was logged before only where
 * tells_again.
 */
void job_failed(job *j, const sh_error *error, bool tells_again);

/* Its content, of that stamp, needs no more work. */
void job_handled(job *j, const sh_file_stamp *stamp);

#endif
