/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/hub/readiness.h"

#include "libcommon/runtime/notify.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char reasons[READINESS_PARTS][SH_ERROR_MESSAGE_BYTES];

bool readiness_set(readiness_part part, const char *reason)
{
    const char *text = reason == NULL ? "" : reason;
    (void)pthread_mutex_lock(&lock);
    bool changed = strncmp(reasons[part], text, sizeof reasons[part] - 1) != 0;
    (void)snprintf(reasons[part], sizeof reasons[part], "%s", text);
    (void)pthread_mutex_unlock(&lock);
    if (changed && part == READINESS_MERGE)
        sh_notify_status("%s", text[0] == '\0' ? "merging" : text);
    return changed;
}

bool readiness_is_good(sh_buf *reason)
{
    bool good = true;
    (void)pthread_mutex_lock(&lock);
    for (size_t i = 0; good && i < READINESS_PARTS; i++) {
        good = reasons[i][0] == '\0';
        if (!good)
            (void)sh_buf_append_text(reason, reasons[i]);
    }
    (void)pthread_mutex_unlock(&lock);
    return good;
}
