/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/service.h"
#include "receiver/cli/dead_command.h"
#include "receiver/cli/pager.h"
#include "receiver/cli/show_output.h"
#include "receiver/cli/table_stream.h"
#include "receiver/operate/dead_letter_facts.h"

#include <string.h>

/* `dead list`: written while it is read, as there may be 100,000 dead letters. */

#define JSON_LETTER_MAX (16 * SH_KIB)
#define KEPT_JSON_MAX SH_MIB

enum { ID, NODE, KIND, BYTES, MODE, WHEN, REASON, COLUMNS };

static const show_column columns[COLUMNS] = {
    [ID] = {"ID", false},         [NODE] = {"NODE", false}, [KIND] = {"KIND", false},
    [BYTES] = {"BYTES", true},    [MODE] = {"MODE", false}, [WHEN] = {"WHEN", false},
    [REASON] = {"REASON", false},
};
static const size_t usual_widths[COLUMNS] = {
    [ID] = 15, [NODE] = 20, [KIND] = 8, [BYTES] = 8, [MODE] = 5, [WHEN] = 20,
};
static const size_t least_widths[COLUMNS] = {
    [ID] = 15, [NODE] = 8, [KIND] = 7, [BYTES] = 5, [MODE] = 4, [WHEN] = 10, [REASON] = 14,
};

typedef struct {
    FILE *out;
    show_options options;
    size_t count; /* written */
    table_stream *table;
    sh_buf json;
    sh_buf rows_json; /* all rows of a short list in JSON */
    bool is_long;     /* they are more */
    bool begun;       /* a list in JSON */
} listing;

static bool is_listed(const listing *l, const dead_letter_facts *letter)
{
    return l->options.node == NULL || strcmp(letter->header.node, l->options.node) == 0;
}

/* --- As text --------------------------------------------------------------------------------- */

static sh_err write_text_row(void *context, const dead_letter *dead, sh_error *error)
{
    listing *l = context;
    dead_letter_facts letter;
    char when[SHOW_CELL_BYTES], bytes[32];
    dead_letter_facts_read(dead, &letter);
    if (!is_listed(l, &letter))
        return SH_OK;
    show_time(dead_letter_since_ms(&letter), "?", when);
    (void)snprintf(bytes, sizeof bytes, "%zu", letter.bytes);
    const sh_slice cells[COLUMNS] = {[ID] = sh_slice_of(letter.id),
                                     [NODE] = sh_slice_of(dead_letter_node(&letter)),
                                     [KIND] = sh_slice_of(dead_letter_kind(&letter)),
                                     [BYTES] = sh_slice_of(bytes),
                                     [MODE] = sh_slice_of(letter.mode),
                                     [WHEN] = sh_slice_of(when),
                                     [REASON] = sh_slice_of(letter.reason)};
    l->count++;
    sh_err err = table_stream_add(l->table, cells, error);
    return err == SH_OK && pager_has_quit() ? SH_E_STOPPED : err;
}

static sh_err list_text(sh_queue *queue, listing *l, sh_error *error)
{
    static const show_layout layout = {columns, least_widths, COLUMNS};
    /* All letters may be read until one of a node is found. */
    const size_t *usual = l->options.node != NULL ? usual_widths : NULL;
    sh_err err = table_stream_new(l->out, &layout, usual, &l->table, error);
    if (err == SH_OK)
        err = dead_letters_list(queue, write_text_row, l, error);
    if (err == SH_OK)
        err = table_stream_end(l->table, error);
    table_stream_free(l->table);
    l->table = NULL;
    if (err == SH_E_STOPPED && error->code == SH_OK)
        return SH_OK;
    if (err == SH_OK && l->count == 0)
        (void)fputs(l->options.node == NULL ? "There are no dead letters.\n"
                                            : "There are no dead letters of this node.\n",
                    l->out);
    return err;
}

/* --- For programs ---------------------------------------------------------------------------- */

static void begin_json(listing *l)
{
    if (!l->begun)
        (void)fputs("{\"items\":[", l->out);
    l->begun = true;
}

static sh_err write_json_row(void *context, const dead_letter *dead, sh_error *error)
{
    listing *l = context;
    dead_letter_facts letter;
    dead_letter_facts_read(dead, &letter);
    if (!is_listed(l, &letter))
        return SH_OK;
    sh_buf_clear(&l->json);
    sh_err err = sh_buf_append_text(&l->json, l->count++ == 0 ? "\n" : ",\n");
    if (err == SH_OK)
        err = dead_letter_json_write(&l->json, &letter);
    if (err != SH_OK)
        return sh_fail(error, err, "out of memory");
    l->is_long = l->is_long || sh_buf_append(&l->rows_json, l->json.data, l->json.len) != SH_OK;
    begin_json(l);
    (void)fwrite(l->json.data, 1, l->json.len, l->out);
    return show_written(l->out, false, error);
}

/* `dead` is the name of 0.2.0, for one release. A long list is read again for it. */
static sh_err list_json(sh_queue *queue, listing *l, sh_error *error)
{
    sh_err err = dead_letters_list(queue, write_json_row, l, error);
    if (err != SH_OK)
        return err;
    begin_json(l);
    (void)fputs("],\"next\":null,\"dead\":[", l->out);
    l->count = 0;
    if (l->is_long)
        err = dead_letters_list(queue, write_json_row, l, error);
    else if (l->rows_json.len > 0)
        (void)fwrite(l->rows_json.data, 1, l->rows_json.len, l->out);
    (void)fputs("]}\n", l->out);
    return err;
}

/* --- All of it ------------------------------------------------------------------------------- */

static sh_err list(const sh_settings *settings, listing *l, sh_error *error)
{
    const sh_queue_options options = sh_queue_options_of(settings);
    sh_queue *queue = NULL;
    sh_err err = sh_queue_open(&options, &queue, error);
    l->json = (sh_buf)SH_BUF_INIT(JSON_LETTER_MAX);
    l->rows_json = (sh_buf)SH_BUF_INIT(KEPT_JSON_MAX);
    if (err == SH_OK)
        err = l->options.json ? list_json(queue, l, error) : list_text(queue, l, error);
    sh_buf_reset(&l->json);
    sh_buf_reset(&l->rows_json);
    sh_queue_free(queue);
    return err == SH_OK ? show_written(l->out, true, error) : err;
}

static int list_to(const sh_settings *settings, int argc, char *const argv[], FILE *out, FILE *err)
{
    static const show_command command = {
        .name = "dead list", .usage = DEAD_LIST_USAGE, .takes_node = true};
    sh_error error = {.code = SH_OK};
    listing l = {.out = out};
    sh_err code = show_options_read(&command, argc, argv, &l.options, &error);
    if (code == SH_OK)
        code = list(settings, &l, &error);
    return code == SH_OK ? SH_EXIT_DONE : show_failure(&command, &error, err);
}

int dead_list(const sh_settings *settings, int argc, char *const argv[])
{
    return pager_run(list_to, settings, argc, argv);
}
