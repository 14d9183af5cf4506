/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/clock.h"
#include "receiver/merge/merge_state.h"

#define RECORD_INTERVAL_MS 10000 /* after which it looks for reports and begins a pass … */
#define READ_PER_MS 20 /* … or later, so that passes read no more contacts in the mean */
#define HANDOVER_INTERVAL_MS 1000

sh_err merge_hand_over_contacts(merge *m, sh_error *error)
{
    int64_t now_ms = sh_clock_monotonic_ms();
    if (m->merger.last_result_files == NULL ||
        now_ms - m->contacts.handed_ms < HANDOVER_INTERVAL_MS)
        return SH_OK;
    m->contacts.handed_ms = now_ms;
    return last_result_files_contacts(m->merger.last_result_files, m->queue, error);
}

/*
 * Reading a million contacts takes Redis more than a second of its only thread, for each receiver
 * that merges.
 */
static int64_t interval_ms(const merge *m)
{
    int64_t ms = contact_recorder_count(m->recorder) / READ_PER_MS;
    return ms > RECORD_INTERVAL_MS ? ms : RECORD_INTERVAL_MS;
}

/* When the next run is due; 0: now. */
static int64_t due_ms(const merge *m)
{
    const contact_times *c = &m->contacts;
    int64_t due_ms = c->more || c->looked_ms == 0 ? 0 : c->looked_ms + RECORD_INTERVAL_MS;
    if (!m->until_empty && c->next_ms > due_ms)
        due_ms = c->next_ms;
    bool shared = store_pace_of(m->merger.store).pauses;
    return shared && m->unlocked_until_ms > due_ms ? m->unlocked_until_ms : due_ms;
}

sh_err merge_record_contacts(merge *m, sh_error *error)
{
    contact_times *c = &m->contacts;
    int64_t begun_ms = sh_clock_monotonic_ms();
    if (begun_ms < due_ms(m))
        return SH_OK;
    if (!c->more)
        c->looked_ms = begun_ms;
    bool is_time = c->begun_ms == 0 || begun_ms - c->begun_ms >= interval_ms(m);
    if (is_time && contact_recorder_begin(m->recorder)) /* also if there are always more reports */
        c->begun_ms = begun_ms;
    sh_err err = contact_recorder_run(m->recorder, m->merger.store, m->queue, &c->more, error);
    int64_t done_ms = sh_clock_monotonic_ms();
    m->unlocked_until_ms = done_ms + (done_ms - begun_ms);
    /* What cannot be recorded must not keep tables from being merged. */
    c->next_ms = err == SH_OK ? m->unlocked_until_ms : begun_ms + RECORD_INTERVAL_MS;
    return err;
}

int64_t merge_contacts_block_ms(const merge *m, int64_t most_ms)
{
    if (!m->contacts.more)
        return m->until_empty ? 0 : most_ms;
    int64_t left_ms = due_ms(m) - sh_clock_monotonic_ms();
    if (left_ms <= 0)
        return 0;
    return left_ms < most_ms ? left_ms : most_ms;
}

void merge_contacts_forget(merge *m)
{
    if (m->recorder != NULL)
        contact_recorder_clear(m->recorder);
    m->contacts.begun_ms = m->contacts.looked_ms = 0;
    m->contacts.more = false;
}
