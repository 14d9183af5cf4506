/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/table_stream.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/clock.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct table_stream {
    FILE *out;
    const show_layout *layout;
    const size_t *usual_widths;
    size_t count; /* of columns */
    size_t limit; /* width of a line */
    size_t widths[SHOW_COLUMNS_MAX];
    sh_buf kept;                                       /* texts of cells */
    size_t ends[TABLE_STREAM_ROWS * SHOW_COLUMNS_MAX]; /* where each of them ends */
    size_t rows;                                       /* kept */
    bool begun; /* titles are written, and the widths are fixed */
    bool ended;
    bool unflushed; /* rows were written since the last flush */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t timer;
    bool has_timer;
};

/* --- Writing --------------------------------------------------------------------------------- */

/* The kept cell number i of all. */
static sh_slice kept_cell(const table_stream *t, size_t i)
{
    size_t from = i == 0 ? 0 : t->ends[i - 1];
    return (sh_slice){t->kept.data == NULL ? "" : t->kept.data + from, t->ends[i] - from};
}

static void write_row(const table_stream *t, const sh_slice *cells)
{
    for (size_t i = 0; i < t->count; i++) {
        bool last = i + 1 == t->count;
        if (t->limit == SHOW_NO_LIMIT)
            show_cell(t->out, cells[i], last ? 0 : t->widths[i], t->layout->columns[i].number);
        else
            show_fitted_cell(t->out, cells[i], t->widths[i], &t->layout->columns[i], last);
        (void)fputs(last ? "\n" : "  ", t->out);
    }
}

/*
 * Fixes the widths, and writes titles and kept rows; early: before enough rows are known. The lock
 * is held.
 */
static void begin(table_stream *t, bool early)
{
    sh_slice cells[SHOW_COLUMNS_MAX] = {{"", 0}};
    for (size_t i = 0; i < t->count; i++) {
        cells[i] = sh_slice_of(t->layout->columns[i].title);
        size_t usual = early ? t->usual_widths[i] : 0;
        size_t width = show_width(cells[i]);
        t->widths[i] = width > usual ? width : usual;
    }
    for (size_t i = 0; i < t->rows * t->count; i++) {
        size_t width = show_width(kept_cell(t, i));
        size_t *widest = &t->widths[i % t->count];
        *widest = width > *widest ? width : *widest;
    }
    show_fit(t->layout, t->widths, t->limit);
    write_row(t, cells);
    for (size_t row = 0; row < t->rows; row++) {
        for (size_t i = 0; i < t->count; i++)
            cells[i] = kept_cell(t, row * t->count + i);
        write_row(t, cells);
    }
    t->rows = 0;
    sh_buf_reset(&t->kept);
    t->begun = true;
    (void)fflush(t->out);
}

/* --- In time --------------------------------------------------------------------------------- */

/* Waits TABLE_STREAM_WAIT_MS, or until the table has begun (if asked) or ended. The lock is held.
 */
static void wait_for_rows(table_stream *t, bool until_begun)
{
    struct timespec end;
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_nsec += TABLE_STREAM_WAIT_MS * 1000000L;
    end.tv_sec += end.tv_nsec / 1000000000L;
    end.tv_nsec %= 1000000000L;
    int waited = 0;
    while (!(until_begun && t->begun) && !t->ended && waited == 0)
        waited = pthread_cond_timedwait(&t->changed, &t->lock, &end);
}

static void *write_in_time(void *context)
{
    table_stream *t = context;
    (void)pthread_mutex_lock(&t->lock);
    wait_for_rows(t, true);
    if (!t->begun && !t->ended)
        begin(t, true);
    while (!t->ended) {
        if (t->unflushed)
            (void)fflush(t->out);
        t->unflushed = false;
        wait_for_rows(t, false);
    }
    (void)pthread_mutex_unlock(&t->lock);
    return NULL;
}

static bool init_lock(table_stream *t)
{
    pthread_condattr_t attributes;
    if (pthread_mutex_init(&t->lock, NULL) != 0)
        return false;
    bool good = pthread_condattr_init(&attributes) == 0 &&
                pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&t->changed, &attributes) == 0;
    if (!good)
        (void)pthread_mutex_destroy(&t->lock);
    return good;
}

static void end_timer(table_stream *t)
{
    (void)pthread_mutex_lock(&t->lock);
    t->ended = true;
    (void)pthread_cond_signal(&t->changed);
    (void)pthread_mutex_unlock(&t->lock);
    if (t->has_timer)
        (void)pthread_join(t->timer, NULL);
    t->has_timer = false;
}

/* --- The interface --------------------------------------------------------------------------- */

sh_err table_stream_new(FILE *out, const show_layout *layout, const size_t *usual_widths,
                        table_stream **ret, sh_error *error)
{
    assert(layout->count > 0 && layout->count <= SHOW_COLUMNS_MAX);
    table_stream *t = calloc(1, sizeof *t);
    if (t == NULL || !init_lock(t)) {
        free(t);
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    }
    t->out = out;
    t->layout = layout;
    t->usual_widths = usual_widths;
    t->count = layout->count;
    t->limit = show_line_width(out);
    t->kept = (sh_buf)SH_BUF_INIT(TABLE_STREAM_BYTES + SHOW_COLUMNS_MAX * SH_ROW_MAX);
    /* Without it, the first rows are waited for. */
    t->has_timer = usual_widths != NULL && pthread_create(&t->timer, NULL, write_in_time, t) == 0;
    *ret = t;
    return SH_OK;
}

void table_stream_free(table_stream *t)
{
    if (t == NULL)
        return;
    end_timer(t);
    sh_buf_reset(&t->kept);
    (void)pthread_cond_destroy(&t->changed);
    (void)pthread_mutex_destroy(&t->lock);
    free(t);
}

static sh_err keep_row(table_stream *t, const sh_slice *cells, sh_error *error)
{
    for (size_t i = 0; i < t->count; i++) {
        if (sh_buf_append(&t->kept, cells[i].data, cells[i].len) != SH_OK)
            return sh_fail(error, SH_E_MEMORY, "out of memory");
        t->ends[t->rows * t->count + i] = t->kept.len;
    }
    t->rows++;
    if (t->rows == TABLE_STREAM_ROWS || t->kept.len >= TABLE_STREAM_BYTES)
        begin(t, false);
    return SH_OK;
}

sh_err table_stream_add(table_stream *t, const sh_slice *cells, sh_error *error)
{
    sh_err err = SH_OK;
    (void)pthread_mutex_lock(&t->lock);
    if (t->begun) {
        write_row(t, cells);
        t->unflushed = true;
    } else {
        err = keep_row(t, cells, error);
    }
    (void)pthread_mutex_unlock(&t->lock);
    return err == SH_OK ? show_written(t->out, false, error) : err;
}

sh_err table_stream_end(table_stream *t, sh_error *error)
{
    end_timer(t);
    if (!t->begun && t->rows > 0)
        begin(t, false);
    return show_written(t->out, true, error);
}

void table_stream_limit(table_stream *t, size_t width)
{
    (void)pthread_mutex_lock(&t->lock);
    t->limit = width;
    (void)pthread_mutex_unlock(&t->lock);
}

void table_stream_flush_titles(table_stream *t)
{
    (void)pthread_mutex_lock(&t->lock);
    if (!t->begun)
        begin(t, true);
    (void)pthread_mutex_unlock(&t->lock);
}
