/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/node_edit.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/node_name.h"
#include "libcommon/base/utf8.h"
#include "libcommon/native/credentials.h"
#include "libcommon/queue/queue_reports.h"
#include "receiver/operate/database_change.h"
#include "receiver/operate/node_labels.h"
#include "receiver/operate/node_overview.h"
#include "receiver/store/store_state.h"

#include <stdio.h>
#include <string.h>

/* Whether Redis knows the node, though nothing is recorded of it yet. */
static sh_err is_in_contact(const sh_settings *settings, const char *node, bool *ret,
                            sh_error *error)
{
    node_overview o = {.count = 0};
    sh_err err = node_overview_read(settings, &o, error);
    *ret = err == SH_OK && node_overview_find(&o, node) != NULL;
    node_overview_reset(&o);
    return err;
}

/* --- Changing a record ----------------------------------------------------------------------- */

static sh_err set_note(store_node_info *info, const char *note, sh_error *error)
{
    size_t len = strlen(note);
    if (len > SH_NODE_NOTE_MAX)
        return sh_fail(error, SH_E_CONFIG, "a note has at most %d bytes", SH_NODE_NOTE_MAX);
    if (!sh_utf8_is_valid(note, len) || sh_utf8_has_control(note, len))
        return sh_fail(error, SH_E_CONFIG, "a note is one line of text in UTF-8");
    memcpy(info->note, note, len + 1);
    return SH_OK;
}

static sh_err set_silent_after(store_node_info *info, int64_t ms, sh_error *error)
{
    if (ms < 0 || ms > NODE_SILENT_AFTER_MAX_MS || (ms > 0 && ms < 1000))
        return sh_fail(error, SH_E_CONFIG, "a node is silent after 1 second to 366 days");
    info->contact.set_ms = ms;
    return SH_OK;
}

static sh_err edit_info(store_node_info *info, const node_edit *edit, sh_error *error)
{
    sh_err err = SH_OK;
    for (size_t i = 0; i < edit->labels_count && err == SH_OK; i++)
        err = node_labels_set(info->labels, edit->labels[i], error);
    if (err == SH_OK && edit->note != NULL)
        err = set_note(info, edit->note, error);
    if (err == SH_OK && edit->sets_silent_after)
        err = set_silent_after(info, edit->silent_after_ms, error);
    if (edit->sets_ephemeral)
        info->ephemeral = edit->ephemeral;
    if (edit->expects && info->expected_ms == 0)
        info->expected_ms = sh_clock_unix_ms();
    return err;
}

typedef struct {
    const node_edit *edit;
    const char *node;
    bool known; /* Redis knows the node */
} record_edit;

static sh_err edit_record(void *context, store *s, sh_error *error)
{
    const record_edit *r = context;
    store_node_info info;
    bool found = false;
    sh_err err = store_node_info_get(s, r->node, &info, &found, error);
    if (err == SH_OK && !found && !r->known && !r->edit->expects)
        return sh_fail(error, SH_E_NOT_FOUND,
                       "there is no node '%s'; `node expect` adds one that has not been seen yet",
                       r->node);
    (void)snprintf(info.node, sizeof info.node, "%s", r->node);
    if (err == SH_OK)
        err = edit_info(&info, r->edit, error);
    return err == SH_OK ? store_node_info_put(s, &info, error) : err;
}

sh_err node_edit_apply(const sh_settings *settings, const char *node, const node_edit *edit,
                       sh_error *error)
{
    record_edit change = {.edit = edit, .node = node};
    sh_error reason = {.code = SH_OK};
    if (edit->expects && sh_node_name_check(sh_slice_of(node), &reason) != SH_OK)
        return sh_fail(error, SH_E_CONFIG, "%s", reason.message);
    sh_err err = store_prepare(settings->db, error);
    if (err == SH_OK && !edit->expects)
        err = is_in_contact(settings, node, &change.known, error);
    return err == SH_OK ? database_change_run(settings, edit_record, &change, error) : err;
}

/* --- Forgetting ------------------------------------------------------------------------------ */

/* *revoked: it has credentials, which are all revoked, and stay so. */
static sh_err check_credentials(store *s, const char *node, bool *revoked, sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(SH_NODE_RECORD_MAX);
    sh_error unknown = {.code = SH_OK};
    sh_node_record record = {.count = 0};
    sh_err err = store_state_get(s, STORE_CREDENTIALS, node, &text, &unknown);
    if (err == SH_OK)
        sh_node_record_read(sh_slice_of(node), (sh_slice){text.data, text.len}, &record);
    if (err != SH_OK)
        return err == SH_E_NOT_FOUND ? SH_OK : sh_fail(error, err, "%s", unknown.message);
    *revoked = record.revoked_ms > 0;
    if (*revoked)
        return SH_OK;
    return sh_fail(error, SH_E_REFUSED,
                   "node %s has credentials of its own: `node revoke` them first, so that it "
                   "cannot come back",
                   node);
}

typedef struct {
    sh_queue *queue;
    const char *node;
    bool found;
} node_removal;

/* Redis first: merge would record from there what is forgotten in the database. */
static sh_err forget_record(void *context, store *s, sh_error *error)
{
    node_removal *r = context;
    char version[STORE_VERSION_BYTES];
    bool recorded = false, revoked = false;
    sh_err err = store_state_hold(s, STORE_CREDENTIALS, version, error);
    if (err == SH_OK)
        err = check_credentials(s, r->node, &revoked, error);
    if (err == SH_OK)
        err = sh_queue_node_forget(r->queue, r->node, error);
    if (err == SH_OK)
        err = store_node_forget(s, r->node, &recorded, error);
    /* A revoked node that was never seen is not listed, but it is one that the operator knows. */
    r->found = r->found || recorded || revoked;
    return err;
}

sh_err node_edit_forget(const sh_settings *settings, const char *node, sh_error *error)
{
    const sh_queue_options options = sh_queue_options_of(settings);
    node_removal removal = {.node = node};
    sh_err err = is_in_contact(settings, node, &removal.found, error);
    if (err == SH_OK)
        err = sh_queue_open(&options, &removal.queue, error);
    if (err == SH_OK)
        err = database_change_run(settings, forget_record, &removal, error);
    sh_queue_free(removal.queue);
    if (err == SH_OK && !removal.found)
        err = sh_fail(error, SH_E_NOT_FOUND, "there is no node '%s'", node);
    return err;
}
