/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/node_metrics_reader.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/runtime/log.h"
#include "receiver/merge/node_metrics.h"
#include "receiver/store/store_thresholds.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAIT_MS 300     /* scrapes do not wait for a database that hangs */
#define KEPT_MS 60000   /* after it should have been read again */
#define READING_PART 50 /* reading takes at most this part of the time */
#define TEXT_BYTES_MAX (NODE_METRICS * NODE_METRICS_BYTES_MAX + 4 * SH_KIB)

struct node_metrics {
    const char *db;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t asked_cond, read_cond; /* monotonic clock */
    bool ended, asked, reading;
    bool forgotten; /* what is being read is to be read again */
    uint64_t readings;
    int64_t permitted_until_ms; /* this and the others: monotonic */
    int64_t begun_ms;           /* of the current or last reading */
    int64_t read_ms;            /* of the text */
    int64_t fresh_ms;           /* how long a reading counts */
    sh_shared_text *text;       /* or NULL */
};

/* --- The thread ------------------------------------------------------------------------------ */

static sh_err add_node(void *context, const store_node_summary *node, sh_error *error)
{
    sh_err err = node_metrics_text_add(context, node);
    return err == SH_OK ? err : sh_fail(error, err, "no memory for the metrics of nodes");
}

static sh_err read_nodes(const char *db, node_metrics_text *text, sh_error *error)
{
    store *s = NULL;
    node_thresholds thresholds = {.silent_ms = 0};
    sh_err err = store_open(db, STORE_READ_ONLY, &s, error);
    if (err == SH_OK)
        err = store_thresholds_read(s, &thresholds, error);
    node_metrics_text_init(text, sh_clock_unix_ms(), &thresholds);
    if (err == SH_OK)
        err = store_node_summaries(s, SH_NODE_METRICS_MAX, add_node, text, error);
    store_close(s);
    return err;
}

/* NULL on failure. */
static sh_shared_text *read_text(const char *db)
{
    node_metrics_text text;
    sh_buf written = SH_BUF_INIT(TEXT_BYTES_MAX);
    sh_shared_text *ret = NULL;
    sh_error error = {.code = SH_OK};
    sh_err err = read_nodes(db, &text, &error);
    if (err == SH_OK && (node_metrics_text_write(&text, &written) != SH_OK ||
                         (ret = sh_shared_text_new(&written)) == NULL))
        err = sh_fail(&error, SH_E_MEMORY, "no memory for the metrics of nodes");
    if (err != SH_OK && err != SH_E_STOPPED)
        sh_log_warning("/metrics lacks the nodes: %s", error.message);
    node_metrics_text_reset(&text);
    sh_buf_reset(&written);
    return ret;
}

static void keep_text(node_metrics *n, sh_shared_text *text)
{
    int64_t now_ms = sh_clock_monotonic_ms();
    int64_t pause_ms = READING_PART * (now_ms - n->begun_ms);
    n->fresh_ms = n->forgotten                       ? 0
                  : pause_ms > NODE_METRICS_FRESH_MS ? pause_ms
                                                     : NODE_METRICS_FRESH_MS;
    n->forgotten = false;
    if (text == NULL)
        return;
    sh_shared_text_unref(n->text);
    n->text = text;
    n->read_ms = now_ms;
}

static void *read_when_asked(void *context)
{
    node_metrics *n = context;
    (void)pthread_mutex_lock(&n->lock);
    while (!n->ended) {
        if (!n->asked) {
            (void)pthread_cond_wait(&n->asked_cond, &n->lock);
            continue;
        }
        n->asked = false;
        n->reading = true;
        n->begun_ms = sh_clock_monotonic_ms();
        (void)pthread_mutex_unlock(&n->lock);
        sh_shared_text *text = read_text(n->db);
        (void)pthread_mutex_lock(&n->lock);
        keep_text(n, text);
        n->reading = false;
        n->readings++;
        (void)pthread_cond_broadcast(&n->read_cond);
    }
    (void)pthread_mutex_unlock(&n->lock);
    return NULL;
}

static void destroy_locks(node_metrics *n)
{
    (void)pthread_cond_destroy(&n->read_cond);
    (void)pthread_cond_destroy(&n->asked_cond);
    (void)pthread_mutex_destroy(&n->lock);
}

static sh_err start_thread(node_metrics *n, sh_error *error)
{
    pthread_condattr_t attributes;
    sigset_t all, before;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&n->lock, NULL);
    (void)pthread_cond_init(&n->asked_cond, &attributes);
    (void)pthread_cond_init(&n->read_cond, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    /* Other threads handle signals. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&n->thread, NULL, read_when_asked, n);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed == 0)
        return SH_OK;
    destroy_locks(n);
    return sh_fail(error, SH_E_MEMORY, "cannot start a thread for metrics: %s", strerror(failed));
}

/* --- Its owner and scrapes ------------------------------------------------------------------- */

sh_err node_metrics_new(const char *db, node_metrics **ret, sh_error *error)
{
    node_metrics *n = calloc(1, sizeof *n);
    if (n == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for metrics");
    n->db = db;
    sh_err err = start_thread(n, error);
    if (err != SH_OK) {
        free(n);
        return err;
    }
    *ret = n;
    return SH_OK;
}

void node_metrics_free(node_metrics *n)
{
    if (n == NULL)
        return;
    (void)pthread_mutex_lock(&n->lock);
    n->ended = true;
    (void)pthread_cond_signal(&n->asked_cond);
    (void)pthread_cond_broadcast(&n->read_cond);
    (void)pthread_mutex_unlock(&n->lock);
    (void)pthread_join(n->thread, NULL);
    destroy_locks(n);
    sh_shared_text_unref(n->text);
    free(n);
}

void node_metrics_permit(node_metrics *n, int64_t until_ms)
{
    (void)pthread_mutex_lock(&n->lock);
    n->permitted_until_ms = until_ms;
    (void)pthread_mutex_unlock(&n->lock);
}

void node_metrics_forget(node_metrics *n)
{
    (void)pthread_mutex_lock(&n->lock);
    n->fresh_ms = 0;
    n->forgotten = n->reading;
    (void)pthread_mutex_unlock(&n->lock);
}

/* With the lock held: requests a reading and waits for it, unless one already hangs. */
static void wait_for_reading(node_metrics *n, int64_t now_ms)
{
    struct timespec until;
    int waited = 0;
    uint64_t before = n->readings;
    if (n->reading && now_ms - n->begun_ms >= WAIT_MS)
        return;
    if (!n->reading && !n->asked) {
        n->asked = true;
        (void)pthread_cond_signal(&n->asked_cond);
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += WAIT_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    while (!n->ended && n->readings == before && waited == 0)
        waited = pthread_cond_timedwait(&n->read_cond, &n->lock, &until);
}

sh_shared_text *node_metrics_get(node_metrics *n)
{
    sh_shared_text *ret = NULL;
    (void)pthread_mutex_lock(&n->lock);
    int64_t now_ms = sh_clock_monotonic_ms();
    bool is_permitted = now_ms < n->permitted_until_ms;
    if (is_permitted && (n->readings == 0 || now_ms - n->begun_ms >= n->fresh_ms))
        wait_for_reading(n, now_ms);
    if (is_permitted && n->text != NULL &&
        sh_clock_monotonic_ms() - n->read_ms < n->fresh_ms + KEPT_MS)
        ret = sh_shared_text_ref(n->text);
    (void)pthread_mutex_unlock(&n->lock);
    return ret;
}
