/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/job.h"

#include "libcommon/runtime/log.h"
#include "pusher/pusher_metrics.h"

#include <stdio.h>
#include <string.h>

void job_check(job *j)
{
    sh_file_stamp now;
    if (j->failed || !j->handled_once || sh_file_stamp_get(j->source.path, &now, NULL) != SH_OK ||
        !sh_file_stamp_equals(&now, &j->handled))
        j->due = true;
}

void job_failed(job *j, const sh_error *error, bool logs_again)
{
    j->due = false;
    j->failed = true;
    if (error->code == SH_E_STOPPED)
        return;
    sh_metric_add(&metric_source_errors, 1);
    if (strcmp(j->last_error, error->message) == 0 && !logs_again)
        sh_log_debug("%s", error->message);
    else
        sh_log_error("%s", error->message);
    (void)snprintf(j->last_error, sizeof j->last_error, "%s", error->message);
}

void job_handled(job *j, const sh_file_stamp *stamp)
{
    j->due = false;
    j->failed = false;
    j->last_error[0] = '\0';
    j->handled_once = true;
    j->handled = *stamp;
}
