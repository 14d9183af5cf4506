/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/entry_progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void entry_progress_reset(entry_progress *progress)
{
    free(progress->records);
    *progress = (entry_progress){.records = NULL};
}

/* The index of the entry's record; count if there is none. */
static size_t find_record(const entry_progress *progress, const char *id)
{
    size_t at = 0;
    while (at < progress->count && strcmp(progress->records[at].id, id) != 0)
        at++;
    return at;
}

const entry_result *entry_progress_find(const entry_progress *progress, const char *id)
{
    size_t at = find_record(progress, id);
    return at < progress->count ? &progress->records[at].result : NULL;
}

void entry_progress_keep(entry_progress *progress, const char *id, const entry_result *result)
{
    if (progress->records == NULL)
        progress->records = calloc(ENTRY_PROGRESS_MAX, sizeof *progress->records);
    size_t at = find_record(progress, id);
    if (progress->records == NULL || at == ENTRY_PROGRESS_MAX)
        return;
    entry_progress_record *record = &progress->records[at];
    (void)snprintf(record->id, sizeof record->id, "%s", id);
    record->result = *result;
    if (at == progress->count)
        progress->count++;
}

void entry_progress_remove(entry_progress *progress, const char *id)
{
    size_t at = find_record(progress, id);
    if (at == progress->count)
        return;
    progress->records[at] = progress->records[--progress->count];
}
