/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/credentials_publication.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/runtime/log.h"
#include "libcommon/runtime/stop.h"
#include "receiver/queue/queue_credentials_write.h"

#include <inttypes.h>
#include <string.h>

#define PUBLISH_TRIES 12
#define PUBLISH_WAIT_MS 25    /* at least, before the second try; at most twice that … */
#define PUBLISH_DOUBLED_MAX 6 /* … and doubled with each try, so often: 1.6 s */

/*
 * The published version of a database that never held credentials, whose own version is "".
 * Another publisher of such a database publishes the same: an empty list.
 */
#define NONE_VERSION "none"

void credentials_publication_reset(credentials_publication *p)
{
    *p = (credentials_publication){.checked = false};
}

/* --- Publishing ------------------------------------------------------------------------------ */

static sh_err add_record(void *context, const store_state_entry *entry, sh_error *error)
{
    return nodes_list_add(context, entry->key, entry->value, error);
}

static const char *published_version(const char *version)
{
    return version[0] == '\0' ? NONE_VERSION : version;
}

/*
 * Reads the published version before the database: a publication meanwhile changes that version,
 * so that this one, which may be older, has no effect.
 */
static sh_err publish_once(store *s, sh_queue *queue, int64_t *count, bool *published,
                           sh_error *error)
{
    SH_CLEANUP(nodes_list_reset) nodes_list list = NODES_LIST_INIT;
    const store_state_reader reader = {.each = add_record, .context = &list};
    char version[STORE_VERSION_BYTES];
    queue_nodes_state before;
    sh_err err = queue_nodes_state_get(queue, &before, error);
    if (err == SH_OK)
        err = store_state_read(s, STORE_CREDENTIALS, &reader, version, error);
    if (err == SH_OK)
        err = queue_nodes_publish(queue, &list, before.version, published_version(version),
                                  published, error);
    *count = (int64_t)list.count;
    return err;
}

/*
 * Publishers that disturb each other wait for different times, and longer with each try: staging
 * 10,000 records takes longer than the first wait, and each publisher that begins ends the other's.
 */
static void wait_before_retry(int tries)
{
    uint16_t random;
    int64_t least_ms = PUBLISH_WAIT_MS
                       << (tries < PUBLISH_DOUBLED_MAX ? tries : PUBLISH_DOUBLED_MAX);
    sh_random(&random, sizeof random);
    (void)sh_stop_wait(least_ms + random % least_ms);
}

sh_err credentials_publish(store *s, sh_queue *queue, int64_t *count, sh_error *error)
{
    for (int i = 0; i < PUBLISH_TRIES; i++) {
        bool published = false;
        sh_err err = publish_once(s, queue, count, &published, error);
        if (err == SH_OK && !published) /* whoever disturbed it may have published the same */
            err = credentials_are_published(s, queue, &published, count, error);
        if (err != SH_OK || published)
            return err;
        wait_before_retry(i);
    }
    return sh_fail(error, SH_E_BUSY,
                   "the nodes' credentials could not be published: others publish them all the "
                   "time");
}

/* --- Taking over ----------------------------------------------------------------------------- */

static sh_err add_published(void *context, sh_slice node, sh_slice record, sh_error *error)
{
    return nodes_list_add(context, node, record, error);
}

/* In a transaction. */
static sh_err put_all(store *s, const nodes_list *list, sh_error *error)
{
    sh_err err = SH_OK;
    const char *at = list->bytes.data;
    int64_t now_ms = sh_clock_unix_ms();
    for (size_t i = 0; i < list->count && err == SH_OK; i++) {
        store_state_entry entry = {.key = {at, list->sizes[2 * i]}, .changed_ms = now_ms};
        entry.value = (sh_slice){at + entry.key.len, list->sizes[2 * i + 1]};
        at += entry.key.len + entry.value.len;
        err = store_state_put(s, STORE_CREDENTIALS, &entry, error);
    }
    return err;
}

sh_err credentials_take_over(store *s, sh_queue *queue, size_t *taken, sh_error *error)
{
    SH_CLEANUP(nodes_list_reset) nodes_list list = NODES_LIST_INIT;
    char version[STORE_VERSION_BYTES];
    *taken = 0;
    sh_err err = store_state_version(s, STORE_CREDENTIALS, version, error);
    if (err == SH_OK && version[0] == '\0')
        err = queue_nodes_read(queue, add_published, &list, error);
    if (err != SH_OK || list.count == 0)
        return err;
    err = store_state_begin(s, STORE_CREDENTIALS, version, error);
    if (err != SH_OK)
        return err;
    if (version[0] != '\0') { /* somebody else did it meanwhile */
        store_rollback(s);
        return SH_OK;
    }
    err = put_all(s, &list, error);
    if (err == SH_OK)
        err = store_state_commit(s, STORE_CREDENTIALS, error);
    if (err != SH_OK) {
        store_rollback(s);
        return err;
    }
    *taken = list.count;
    sh_log_info("the credentials of %zu nodes were taken over from Redis into the database",
                list.count);
    return SH_OK;
}

/* --- Checking -------------------------------------------------------------------------------- */

/* Whether Redis has the list of the database. */
static sh_err compare(credentials_publication *p, store *s, sh_queue *queue, bool *same,
                      sh_error *error)
{
    char version[STORE_VERSION_BYTES];
    queue_nodes_state published = {.count = 0};
    sh_err err = store_state_version(s, STORE_CREDENTIALS, version, error);
    if (err == SH_OK)
        err = queue_nodes_state_get(queue, &published, error);
    if (err == SH_OK && (strcmp(version, p->version) != 0 || !p->checked)) {
        err = store_state_count(s, STORE_CREDENTIALS, &p->count, error);
        (void)memcpy(p->version, version, sizeof p->version);
    }
    *same = err == SH_OK && strcmp(published.version, published_version(version)) == 0 &&
            published.count == p->count;
    return err;
}

sh_err credentials_are_published(store *s, sh_queue *queue, bool *ret, int64_t *count,
                                 sh_error *error)
{
    credentials_publication p = {.checked = false};
    sh_err err = compare(&p, s, queue, ret, error);
    *count = p.count;
    return err;
}

sh_err credentials_publication_update(credentials_publication *p, store *s, sh_queue *queue,
                                      sh_error *error)
{
    int64_t now_ms = sh_clock_monotonic_ms();
    if (p->checked && now_ms - p->checked_ms < SH_PUBLICATION_CHECK_MS)
        return SH_OK;
    bool same = false;
    size_t taken = 0;
    int64_t count = 0;
    sh_err err = compare(p, s, queue, &same, error);
    if (err == SH_OK && !same)
        err = credentials_take_over(s, queue, &taken, error);
    if (err == SH_OK && !same)
        err = credentials_publish(s, queue, &count, error);
    if (err != SH_OK)
        return err;
    if (!same)
        sh_log_info("published the credentials of %" PRId64 " nodes in Redis", count);
    p->checked = same; /* compare again after a publication, to note its count */
    p->checked_ms = now_ms;
    return SH_OK;
}
