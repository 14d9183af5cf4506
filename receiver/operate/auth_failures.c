/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/auth_failures.h"

#include "libcommon/json/json_write.h"
#include "libcommon/queue/queue_reports.h"
#include "receiver/operate/database_change.h"
#include "receiver/operate/json_time.h"

#include <stdlib.h>
#include <string.h>

#define FAILURES_MAX (2 * SH_AUTH_FAILURES_MAX) /* in the database, and in Redis */

static sh_err open_queue(const sh_settings *settings, sh_queue **ret, sh_error *error)
{
    const sh_queue_options options = sh_queue_options_of(settings);
    return sh_queue_open(&options, ret, error);
}

/* --- Reading --------------------------------------------------------------------------------- */

/* Adds a failure, or adds it to those of the same address and name. */
static void add_failure(auth_failures *list, const store_auth_failure *failure)
{
    for (size_t i = 0; i < list->count; i++) {
        store_auth_failure *known = &list->all[i];
        if (strcmp(known->address, failure->address) != 0 ||
            strcmp(known->node, failure->node) != 0)
            continue;
        known->failures += failure->failures;
        known->last_ms = failure->last_ms;
        memcpy(known->reason, failure->reason, sizeof known->reason);
        return;
    }
    if (list->count < FAILURES_MAX)
        list->all[list->count++] = *failure;
}

static sh_err add_recorded(void *context, const store_auth_failure *failure, sh_error *error)
{
    auth_failures *list = context;
    (void)error;
    if (list->count < FAILURES_MAX)
        list->all[list->count++] = *failure;
    return SH_OK;
}

static sh_err add_reported(void *context, sh_slice field, sh_slice value, sh_error *error)
{
    sh_queue_auth_failure f;
    (void)error;
    if (!sh_queue_auth_failure_read(field, value, &f))
        return SH_OK;
    store_auth_failure failure = {
        .first_ms = f.first_ms, .last_ms = f.last_ms, .failures = f.failures};
    memcpy(failure.address, f.address, sizeof failure.address);
    memcpy(failure.node, f.node, sizeof failure.node);
    memcpy(failure.reason, f.reason, sizeof failure.reason);
    add_failure(context, &failure);
    return SH_OK;
}

int auth_failure_compare(const store_auth_failure *left, const store_auth_failure *right)
{
    int order = (left->last_ms < right->last_ms) - (left->last_ms > right->last_ms);
    if (order == 0)
        order = strcmp(left->address, right->address);
    return order != 0 ? order : strcmp(left->node, right->node);
}

static int compare(const void *a, const void *b)
{
    return auth_failure_compare(a, b);
}

static sh_err read_all(const sh_settings *settings, sh_queue *queue, auth_failures *list,
                       sh_error *error)
{
    store *s = NULL;
    sh_err err = store_open(settings->db, STORE_READ_ONLY, &s, error);
    if (err == SH_OK)
        err = store_auth_failures(s, add_recorded, list, error);
    store_close(s);
    if (err == SH_OK)
        err = sh_queue_reports(queue, SH_REPORTED_AUTH_FAILURES, add_reported, list, error);
    qsort(list->all, list->count, sizeof list->all[0], compare);
    return err;
}

sh_err auth_failures_read(const sh_settings *settings, auth_failures *ret, sh_error *error)
{
    sh_queue *queue = NULL;
    *ret = (auth_failures){.all = calloc(FAILURES_MAX, sizeof *ret->all)};
    if (ret->all == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    sh_err err = open_queue(settings, &queue, error);
    if (err == SH_OK)
        err = read_all(settings, queue, ret, error);
    sh_queue_free(queue);
    return err;
}

void auth_failures_reset(auth_failures *list)
{
    free(list->all);
    *list = (auth_failures){.count = 0};
}

sh_err auth_failure_write(sh_buf *json, const store_auth_failure *failure)
{
    sh_err err = sh_buf_append_text(json, "{");
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "address", failure->address);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "claimed_node", failure->node);
    if (err == SH_OK)
        err = sh_json_write_member_integer(json, "count", failure->failures);
    if (err == SH_OK)
        err = json_time_write(json, "first", failure->first_ms);
    if (err == SH_OK)
        err = json_time_write(json, "last", failure->last_ms);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "reason", failure->reason);
    return err == SH_OK ? sh_buf_append_text(json, "}") : err;
}

/* --- Forgetting ------------------------------------------------------------------------------ */

static sh_err clear_recorded(void *context, store *s, sh_error *error)
{
    (void)context;
    return store_auth_failures_trim(s, 0, error);
}

sh_err auth_failures_clear(const sh_settings *settings, sh_error *error)
{
    sh_queue *queue = NULL;
    sh_err err = open_queue(settings, &queue, error);
    if (err == SH_OK)
        err = sh_queue_auth_failures_clear(queue, error);
    sh_queue_free(queue);
    return err == SH_OK ? database_change_run(settings, clear_recorded, NULL, error) : err;
}
