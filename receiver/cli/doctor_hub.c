/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/doctor_checks.h"

#include "libcommon/base/clock.h"
#include "receiver/merge/credentials_publication.h"
#include "receiver/operate/node_overview.h"
#include "receiver/queue/hub_database.h"

#include <inttypes.h>
#include <string.h>

#define DAY_MS (24 * 3600 * INT64_C(1000))

/* The queue must belong to this database. */
static void check_database_id(doctor *d)
{
    char published[SH_ID_HEX_BYTES], own[STORE_META_BYTES];
    sh_error error = {.code = SH_OK};
    sh_err err = queue_database_get(d->queue, published, &error);
    if (err == SH_OK)
        err = store_meta_get(d->store, STORE_META_DATABASE_ID, own, &error);
    if (err != SH_OK)
        sh_doctor_add(d->report, SH_CHECK_FAILED, "hub's database", error.message,
                      "check Redis and the database");
    else if (published[0] == '\0')
        sh_doctor_add(d->report, SH_CHECK_WARNING, "hub's database",
                      "Redis names none: no receiver has merged yet, or Redis lost its data",
                      "start a receiver that merges");
    else if (strcmp(published, own) != 0)
        sh_doctor_add(
            d->report, SH_CHECK_FAILED, "hub's database",
            "the queue is merged into another database than that of SYNC_db",
            "set SYNC_db to that of the other receivers, or run `synchub-receiver adopt`");
    else
        sh_doctor_add(d->report, SH_CHECK_OK, "hub's database", "the queue belongs to it", NULL);
}

static void check_credentials(doctor *d)
{
    bool same = false;
    int64_t count = 0;
    sh_error error = {.code = SH_OK};
    if (credentials_are_published(d->store, d->queue, &same, &count, &error) != SH_OK)
        sh_doctor_add(d->report, SH_CHECK_FAILED, "credentials", error.message,
                      "check Redis and the database");
    else if (!same)
        sh_doctor_add(
            d->report, SH_CHECK_FAILED, "credentials",
            "Redis does not have those of the database, so nodes are asked to retry (503)",
            "start a receiver that merges: it publishes them within seconds");
    else
        sh_doctor_add_format(d->report, SH_CHECK_OK, "credentials", NULL,
                             "those of %" PRId64 " nodes are published", count);
}

static void check_nodes(doctor *d)
{
    node_overview overview;
    size_t troubled = 0;
    sh_error error = {.code = SH_OK};
    sh_err err = node_overview_read(d->settings, &overview, &error);
    for (size_t i = 0; err == SH_OK && i < overview.count; i++) {
        const node_facts facts = node_row_facts(&overview, &overview.rows[i]);
        troubled += node_needs_attention(&facts, overview.now_ms);
    }
    if (err != SH_OK)
        sh_doctor_add(d->report, SH_CHECK_FAILED, "nodes", error.message, "check the database");
    else
        sh_doctor_add_format(d->report, troubled > 0 ? SH_CHECK_WARNING : SH_CHECK_OK, "nodes",
                             troubled > 0 ? "`synchub-receiver nodes --problems` shows them" : NULL,
                             "%zu of %zu need attention", troubled, overview.count);
    node_overview_reset(&overview);
}

typedef struct {
    int64_t since_ms, addresses;
} failure_count;

static sh_err count_failure(void *context, const store_auth_failure *failure, sh_error *error)
{
    failure_count *count = context;
    (void)error;
    count->addresses += failure->last_ms >= count->since_ms;
    return SH_OK;
}

static void check_auth_failures(doctor *d)
{
    failure_count count = {.since_ms = sh_clock_unix_ms() - DAY_MS};
    sh_error error = {.code = SH_OK};
    if (store_auth_failures(d->store, count_failure, &count, &error) != SH_OK)
        sh_doctor_add(d->report, SH_CHECK_FAILED, "authentication", error.message,
                      "check the database");
    else
        sh_doctor_add_format(
            d->report, count.addresses > 0 ? SH_CHECK_WARNING : SH_CHECK_OK, "authentication",
            count.addresses > 0 ? "`synchub-receiver auth-failures` lists them" : NULL,
            "%" PRId64 " senders had no valid credentials within a day", count.addresses);
}

void doctor_check_hub(doctor *d)
{
    if (d->store == NULL) {
        sh_doctor_add(d->report, SH_CHECK_SKIPPED, "nodes", "the database is not open", NULL);
        return;
    }
    if (d->queue != NULL) {
        check_database_id(d);
        check_credentials(d);
    }
    check_nodes(d);
    check_auth_failures(d);
}
