/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/clock.h"
#include "receiver/merge/merge_state.h"
#include "receiver/queue/claims.h"

#include <stdlib.h>

/* What the merge loop shows and records beside its work. */

/* For `restore`, which must not replace the database now, and for the metrics of nodes. */
sh_err merge_show_activity(merge *m, sh_error *error)
{
    bool holds = false;
    int64_t now_ms = sh_clock_monotonic_ms();
    if (m->active_ms != 0 && now_ms - m->active_ms < QUEUE_ACTIVITY_MS)
        return SH_OK;
    m->active_ms = now_ms;
    sh_err err = queue_activity_set(m->queue, m->consumer, error);
    if (err == SH_OK)
        err = queue_metrics_lease_take(m->queue, m->consumer, &holds, error);
    if (err == SH_OK)
        node_metrics_permit(m->node_metrics, holds ? now_ms + QUEUE_METRICS_LEASE_MS : 0);
    return err;
}

sh_err merge_note_thresholds(merge *m, sh_error *error)
{
    bool again = false;
    sh_err err = threshold_settings_note(&m->thresholds, m->settings, m->merger.store,
                                         m->settings_published.version, &again, error);
    if (err == SH_OK && again)
        node_metrics_forget(m->node_metrics);
    return err;
}

void merge_count_history(merge *m, const portion *p)
{
    int64_t now_ms = sh_clock_unix_ms();
    for (size_t i = 0; i < p->tried; i++) {
        const merged *one = &p->all[i];
        if (one->outcome != ENTRY_MERGED)
            continue;
        const history_entry entry = {.node = one->result.header.node,
                                     .node_hash = one->node,
                                     .inserted = one->result.inserted,
                                     .queued_ms = strtoll(one->entry->id, NULL, 10)};
        history_count(&m->history, &entry, now_ms);
    }
}

sh_err merge_write_history(merge *m, bool at_once, sh_error *error)
{
    int64_t begun_ms = sh_clock_monotonic_ms();
    if (m->merger.store == NULL || (m->merger.pace.pauses && begun_ms < m->unlocked_until_ms))
        return SH_OK;
    sh_error reason = {.code = SH_OK};
    sh_err err = history_write(&m->history, m->merger.store, m->queue, at_once, &reason);
    int64_t done_ms = sh_clock_monotonic_ms();
    m->unlocked_until_ms = done_ms + (done_ms - begun_ms);
    /* Somebody else writes: the figures are kept for the next time. */
    return err == SH_OK || err == SH_E_BUSY ? SH_OK : sh_fail(error, err, "%s", reason.message);
}
