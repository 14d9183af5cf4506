/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/dead_command.h"

#include "libcommon/base/hex.h"
#include "libcommon/json/json_write.h"
#include "libcommon/runtime/service.h"
#include "receiver/cli/pager.h"
#include "receiver/cli/show_output.h"
#include "receiver/operate/json_time.h"
#include "receiver/queue/dead_letters.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define JSON_LETTER_MAX (16 * SH_KIB)

/* A dead letter without its content, which is sealed. */
typedef struct {
    char id[sizeof((dead_letter *)NULL)->id], entry[sizeof((dead_letter *)NULL)->id];
    char mode[8];
    size_t bytes;
    bool readable; /* header is valid */
    sh_envelope_header header;
    char reason[SH_DEAD_REASON_MAX];
} letter;

typedef struct {
    letter *letters;
    size_t count, capacity;
    const char *node; /* only this one, or NULL for all */
} letters;

static int64_t dead_since_ms(const letter *l)
{
    return strtoll(l->id, NULL, 10);
}

static const char *kind_of(const letter *l)
{
    if (!l->readable)
        return "?";
    return l->header.kind == SH_KIND_DEVICES ? "devices" : l->header.plugin;
}

/* --- Reading --------------------------------------------------------------------------------- */

static void copy(char *ret, size_t room, sh_slice text)
{
    (void)snprintf(ret, room, "%.*s", (int)text.len, text.data);
}

static sh_err add_letter(void *context, const dead_letter *dead, sh_error *error)
{
    letters *all = context;
    letter one = {.bytes = dead->bytes};
    one.readable = sh_envelope_peek_head(dead->head, dead->bytes, &one.header, NULL) == SH_OK;
    if (all->node != NULL && strcmp(one.header.node, all->node) != 0)
        return SH_OK;
    copy(one.id, sizeof one.id, sh_slice_of(dead->id));
    copy(one.entry, sizeof one.entry, dead->entry);
    copy(one.mode, sizeof one.mode, dead->mode);
    copy(one.reason, sizeof one.reason, dead->reason);
    if (all->count == all->capacity) {
        size_t capacity = all->capacity == 0 ? 64 : 2 * all->capacity;
        letter *larger = reallocarray(all->letters, capacity, sizeof *larger);
        if (larger == NULL)
            return sh_fail(error, SH_E_MEMORY, "out of memory");
        all->letters = larger;
        all->capacity = capacity;
    }
    all->letters[all->count++] = one;
    return SH_OK;
}

static sh_err open_queue(const sh_settings *settings, sh_queue **ret, sh_error *error)
{
    const sh_queue_options options = sh_queue_options_of(settings);
    return sh_queue_open(&options, ret, error);
}

/* --- list ------------------------------------------------------------------------------------ */

enum { ID, NODE, KIND, BYTES, MODE, WHEN, REASON, COLUMNS };

static const show_column columns[COLUMNS] = {
    {"ID", false},   {"NODE", false}, {"KIND", false},   {"BYTES", true},
    {"MODE", false}, {"WHEN", false}, {"REASON", false},
};

static void cell_of(void *context, size_t row, size_t column, char ret[static SHOW_CELL_BYTES])
{
    const letter *l = &((const letters *)context)->letters[row];
    const char *const texts[COLUMNS] = {[ID] = l->id,
                                        [NODE] = l->readable ? l->header.node : "?",
                                        [KIND] = kind_of(l),
                                        [MODE] = l->mode,
                                        [REASON] = l->reason};
    if (column == WHEN)
        show_time(dead_since_ms(l), "?", ret);
    else if (column == BYTES)
        (void)snprintf(ret, SHOW_CELL_BYTES, "%zu", l->bytes);
    else
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s", texts[column]);
}

/*
 * Names and reasons come from entries that could not be merged, so they may be invalid UTF-8, which
 * json_write replaces.
 */
static sh_err append_letter(sh_buf *json, const letter *l)
{
    const struct {
        const char *key, *text;
    } texts[] = {{"id", l->id},     {"node", l->header.node}, {"kind", kind_of(l)},
                 {"mode", l->mode}, {"entry", l->entry},      {"reason", l->reason}};
    sh_err err = sh_buf_append_text(json, "{");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && err == SH_OK; i++)
        err = sh_json_write_member_text(json, texts[i].key, texts[i].text);
    if (err == SH_OK)
        err = sh_json_write_member_integer(json, "bytes", (int64_t)l->bytes);
    if (err == SH_OK)
        err = json_time_write_both(json, "dead_since", dead_since_ms(l));
    if (err == SH_OK && l->readable) {
        char item[SH_ID_HEX_BYTES], key[2 * SH_KEY_ID_BYTES + 1];
        sh_hex_encode(l->header.id, SH_ID_BYTES, item);
        sh_hex_encode(l->header.key_id, SH_KEY_ID_BYTES, key);
        err = sh_json_write_member_text(json, "item", item);
        if (err == SH_OK)
            err = sh_json_write_member_text(json, "key_id", key);
        if (err == SH_OK)
            err = sh_json_write_member_integer(json, "text_bytes", l->header.plain_len);
        if (err == SH_OK)
            err = json_time_write_both(json, "sealed", l->header.time_ms);
    }
    return err == SH_OK ? sh_buf_append_text(json, "}") : err;
}

static sh_err write_letter_json(const letter *l, FILE *out, sh_error *error)
{
    sh_buf json = SH_BUF_INIT(JSON_LETTER_MAX);
    sh_err err = append_letter(&json, l);
    if (err == SH_OK)
        (void)fwrite(json.data, 1, json.len, out);
    sh_buf_reset(&json);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "out of memory");
}

static sh_err write_letters_json(const letters *all, FILE *out, sh_error *error)
{
    sh_err err = SH_OK;
    for (size_t i = 0; err == SH_OK && i < all->count; i++) {
        (void)fputs(i == 0 ? "\n" : ",\n", out);
        err = write_letter_json(&all->letters[i], out, error);
    }
    return err;
}

/* In JSON, `dead` is the name of 0.2.0, for one release. */
static sh_err write_list(letters *all, bool json, FILE *out, sh_error *error)
{
    if (!json && all->count == 0)
        (void)fputs("There are no dead letters.\n", out);
    else if (!json)
        show_table(out, &(show_cells){columns, COLUMNS, all->count, cell_of, all});
    sh_err err = SH_OK;
    if (json) {
        (void)fputs("{\"items\":[", out);
        err = write_letters_json(all, out, error);
        (void)fputs("],\"next\":null,\"dead\":[", out);
        if (err == SH_OK)
            err = write_letters_json(all, out, error);
        (void)fputs("]}\n", out);
    }
    return err == SH_OK ? show_written(out, true, error) : err;
}

static int list_to(const sh_settings *settings, int argc, char *const argv[], FILE *out,
                   FILE *err_out)
{
    static const show_command command = {
        .name = "dead list", .usage = DEAD_LIST_USAGE, .takes_node = true};
    sh_error error = {.code = SH_OK};
    show_options options;
    letters all = {.letters = NULL};
    sh_queue *queue = NULL;
    sh_err err = show_options_read(&command, argc, argv, &options, &error);
    if (err == SH_OK)
        err = open_queue(settings, &queue, &error);
    if (err == SH_OK) {
        all.node = options.node;
        err = dead_letters_list(queue, add_letter, &all, &error);
    }
    if (err == SH_OK)
        err = write_list(&all, options.json, out, &error);
    sh_queue_free(queue);
    free(all.letters);
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&command, &error, err_out);
}

int dead_list(const sh_settings *settings, int argc, char *const argv[])
{
    return pager_run(list_to, settings, argc, argv);
}

/* --- Ids ------------------------------------------------------------------------------------- */

typedef struct {
    size_t max; /* ids; 1 is for show, which accepts neither --all nor --node */
    bool json, all;
    const char *node; /* all of this node; NULL: not */
    size_t count;
    const char **ids; /* borrowed from argv */
} id_options;

/* Reads up to ret->max ids. */
static sh_err read_ids(const show_command *command, int argc, char *const argv[], id_options *ret,
                       sh_error *error)
{
    ret->ids = calloc((size_t)argc + 1, sizeof(char *));
    if (ret->ids == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            ret->json = true;
        else if (strcmp(argv[i], "--all") == 0 && ret->max > 1)
            ret->all = true;
        else if (strncmp(argv[i], "--node=", 7) == 0 && ret->max > 1)
            ret->node = argv[i] + 7;
        else if (strcmp(argv[i], "--node") == 0 && ret->max > 1 && i + 1 < argc)
            ret->node = argv[++i];
        else if (argv[i][0] == '-')
            return sh_fail(error, SH_E_CONFIG, "unknown argument '%s'; usage: %s", argv[i],
                           command->usage);
        else
            ret->ids[ret->count++] = argv[i];
    }
    ret->all = ret->all || ret->node != NULL;
    if (ret->all == (ret->count > 0) || ret->count > ret->max)
        return sh_fail(error, SH_E_CONFIG, "usage: %s", command->usage);
    return SH_OK;
}

static void write_letter_text(const letter *l, FILE *out)
{
    char when[SHOW_CELL_BYTES], sealed[SHOW_CELL_BYTES], bytes[32], text_bytes[32];
    char item[SH_ID_HEX_BYTES] = "?", key[2 * SH_KEY_ID_BYTES + 1] = "?";
    show_time(dead_since_ms(l), "?", when);
    show_time(l->header.time_ms, "?", sealed);
    (void)snprintf(bytes, sizeof bytes, "%zu", l->bytes);
    (void)snprintf(text_bytes, sizeof text_bytes, "%u", l->header.plain_len);
    if (l->readable) {
        sh_hex_encode(l->header.id, SH_ID_BYTES, item);
        sh_hex_encode(l->header.key_id, SH_KEY_ID_BYTES, key);
    }
    const struct {
        const char *name, *value;
    } lines[] = {{"id", l->id},         {"when", when},
                 {"reason", l->reason}, {"node", l->readable ? l->header.node : "?"},
                 {"kind", kind_of(l)},  {"mode", l->mode},
                 {"bytes", bytes},      {"text bytes", l->readable ? text_bytes : "?"},
                 {"item", item},        {"sealed", sealed},
                 {"key id", key},       {"entry", l->entry}};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        show_cell(out, sh_slice_of(lines[i].name), 10, false);
        (void)fputs("  ", out);
        show_cell(out, sh_slice_of(lines[i].value), 0, false);
        (void)fputc('\n', out);
    }
}

int dead_show(const sh_settings *settings, int argc, char *const argv[])
{
    static const show_command command = {.name = "dead show", .usage = "dead show ID [--json]"};
    sh_error error = {.code = SH_OK};
    id_options options = {.max = 1};
    letters all = {.letters = NULL};
    sh_queue *queue = NULL;
    sh_err err = read_ids(&command, argc, argv, &options, &error);
    if (err == SH_OK)
        err = open_queue(settings, &queue, &error);
    if (err == SH_OK)
        err = dead_letters_get(queue, options.ids[0], add_letter, &all, &error);
    if (err == SH_OK && options.json) {
        err = write_letter_json(&all.letters[0], stdout, &error);
        (void)fputc('\n', stdout);
    } else if (err == SH_OK) {
        write_letter_text(&all.letters[0], stdout);
    }
    if (err == SH_OK)
        err = show_written(stdout, true, &error);
    sh_queue_free(queue);
    free(all.letters);
    free(options.ids);
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&command, &error, stderr);
}

/* --- retry and drop -------------------------------------------------------------------------- */

typedef sh_err (*dead_change)(sh_queue *queue, const char *id, sh_error *error);

typedef struct {
    show_command command;
    const char *done; /* `retried` */
    dead_change change;
} changing;

/* Continues after an id that does not exist, but not after another failure. */
static sh_err change_each(const changing *c, sh_queue *queue, const id_options *options,
                          size_t *changed, sh_error *error)
{
    sh_error first = {.code = SH_OK};
    for (size_t i = 0; i < options->count; i++) {
        const char *id = options->ids[i];
        sh_error reason = {.code = SH_OK};
        sh_err err = c->change(queue, id, &reason);
        if (err == SH_OK) {
            if (options->json)
                (void)printf("%s\"%s\"", *changed == 0 ? "" : ",", id);
            else
                (void)printf("%s %s\n", c->done, id);
            (*changed)++;
            continue;
        }
        if (err == SH_E_NOT_FOUND && options->all)
            continue; /* changed by somebody else meanwhile */
        (void)sh_fail(&first, err, "%s", reason.message);
        if (err != SH_E_NOT_FOUND)
            break;
        (void)fprintf(stderr, "synchub-receiver %s: %s\n", c->command.name, reason.message);
    }
    return first.code == SH_OK ? SH_OK : sh_fail(error, first.code, "%s", first.message);
}

static sh_err choose_all(const letters *all, id_options *options, sh_error *error)
{
    const char **ids = calloc(all->count + 1, sizeof *ids);
    if (ids == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    for (size_t i = 0; i < all->count; i++)
        ids[i] = all->letters[i].id;
    free(options->ids);
    options->ids = ids;
    options->count = all->count;
    return SH_OK;
}

static int run_change(const changing *c, const sh_settings *settings, int argc, char *const argv[])
{
    sh_error error = {.code = SH_OK};
    id_options options = {.max = SIZE_MAX};
    letters all = {.letters = NULL};
    sh_queue *queue = NULL;
    size_t changed = 0;
    sh_err err = read_ids(&c->command, argc, argv, &options, &error);
    if (err == SH_OK)
        err = open_queue(settings, &queue, &error);
    all.node = options.node;
    if (err == SH_OK && options.all)
        err = dead_letters_list(queue, add_letter, &all, &error);
    if (err == SH_OK && options.all)
        err = choose_all(&all, &options, &error);
    if (err == SH_OK) {
        if (options.json)
            (void)printf("{\"%s\":[", c->done);
        err = change_each(c, queue, &options, &changed, &error);
        if (options.json)
            (void)puts("]}");
        else
            (void)printf("%zu %s.\n", changed, c->done);
        sh_error output = {.code = SH_OK};
        if (show_written(stdout, true, &output) != SH_OK && err == SH_OK)
            err = sh_fail(&error, output.code, "%s", output.message);
    }
    sh_queue_free(queue);
    free(all.letters);
    free(options.ids);
    if (err == SH_E_NOT_FOUND)
        return SH_EXIT_FAILED; /* already reported */
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&c->command, &error, stderr);
}

int dead_retry(const sh_settings *settings, int argc, char *const argv[])
{
    static const changing c = {.command = {.name = "dead retry", .usage = DEAD_RETRY_USAGE},
                               .done = "retried",
                               .change = dead_letters_retry};
    return run_change(&c, settings, argc, argv);
}

int dead_drop(const sh_settings *settings, int argc, char *const argv[])
{
    static const changing c = {.command = {.name = "dead drop", .usage = DEAD_DROP_USAGE},
                               .done = "dropped",
                               .change = dead_letters_drop};
    return run_change(&c, settings, argc, argv);
}
