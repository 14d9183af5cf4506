/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/dead_command.h"

#include "libcommon/base/hex.h"
#include "libcommon/runtime/service.h"
#include "receiver/cli/show_output.h"
#include "receiver/operate/dead_letter_facts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define JSON_LETTER_MAX (16 * SH_KIB)

static sh_err open_queue(const sh_settings *settings, sh_queue **ret, sh_error *error)
{
    const sh_queue_options options = sh_queue_options_of(settings);
    return sh_queue_open(&options, ret, error);
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

/* --- show ----------------------------------------------------------------------------------------
 */

static void write_letter_text(const dead_letter_facts *l, FILE *out)
{
    char when[SHOW_CELL_BYTES], sealed[SHOW_CELL_BYTES], bytes[32], text_bytes[32];
    char item[SH_ID_HEX_BYTES] = "?", key[2 * SH_KEY_ID_BYTES + 1] = "?";
    show_time(dead_letter_since_ms(l), "?", when);
    show_time(l->header.time_ms, "?", sealed);
    (void)snprintf(bytes, sizeof bytes, "%zu", l->bytes);
    (void)snprintf(text_bytes, sizeof text_bytes, "%u", l->header.plain_len);
    if (l->readable) {
        sh_hex_encode(l->header.id, SH_ID_BYTES, item);
        sh_hex_encode(l->header.key_id, SH_KEY_ID_BYTES, key);
    }
    const struct {
        const char *name, *value;
    } lines[] = {{"id", l->id},
                 {"when", when},
                 {"reason", l->reason},
                 {"node", dead_letter_node(l)},
                 {"kind", dead_letter_kind(l)},
                 {"mode", l->mode},
                 {"bytes", bytes},
                 {"text bytes", l->readable ? text_bytes : "?"},
                 {"item", item},
                 {"sealed", sealed},
                 {"key id", key},
                 {"entry", l->entry}};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        show_cell(out, sh_slice_of(lines[i].name), 10, false);
        (void)fputs("  ", out);
        show_cell(out, sh_slice_of(lines[i].value), 0, false);
        (void)fputc('\n', out);
    }
}

static sh_err write_letter_json(const dead_letter_facts *l, FILE *out, sh_error *error)
{
    sh_buf json = SH_BUF_INIT(JSON_LETTER_MAX);
    sh_err err = dead_letter_json_write(&json, l);
    if (err == SH_OK)
        (void)fprintf(out, "%.*s\n", (int)json.len, json.data);
    sh_buf_reset(&json);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "out of memory");
}

static sh_err keep_letter(void *context, const dead_letter *dead, sh_error *error)
{
    (void)error;
    dead_letter_facts_read(dead, context);
    return SH_OK;
}

int dead_show(const sh_settings *settings, int argc, char *const argv[])
{
    static const show_command command = {.name = "dead show", .usage = "dead show ID [--json]"};
    sh_error error = {.code = SH_OK};
    id_options options = {.max = 1};
    dead_letter_facts letter;
    sh_queue *queue = NULL;
    sh_err err = read_ids(&command, argc, argv, &options, &error);
    if (err == SH_OK)
        err = open_queue(settings, &queue, &error);
    if (err == SH_OK)
        err = dead_letters_get(queue, options.ids[0], keep_letter, &letter, &error);
    if (err == SH_OK && options.json)
        err = write_letter_json(&letter, stdout, &error);
    else if (err == SH_OK)
        write_letter_text(&letter, stdout);
    if (err == SH_OK)
        err = show_written(stdout, true, &error);
    sh_queue_free(queue);
    free(options.ids);
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&command, &error, stderr);
}

/* --- retry and drop -------------------------------------------------------------------------- */

typedef void (*dead_change_each)(sh_queue *queue, dead_letter_change changes[], size_t count);

typedef struct {
    show_command command;
    const char *done; /* `retried` */
    dead_change_each change;
} changing;

typedef struct {
    const changing *c;
    const id_options *options;
    size_t changed;
    sh_error first; /* failure */
} change_run;

/* Shows one that was changed, or why not; false: the others would fail, too. */
static bool show_change(change_run *run, const dead_letter_change *change)
{
    if (change->err == SH_OK) {
        if (run->options->json)
            (void)printf("%s\"%s\"", run->changed == 0 ? "" : ",", change->id);
        else
            (void)printf("%s %s\n", run->c->done, change->id);
        run->changed++;
        return true;
    }
    if (change->err == SH_E_NOT_FOUND && run->options->all)
        return true; /* changed by somebody else meanwhile */
    (void)sh_fail(&run->first, change->err, "%s", change->error.message);
    if (change->err == SH_E_NOT_FOUND)
        (void)fprintf(stderr, "synchub-receiver %s: %s\n", run->c->command.name,
                      change->error.message);
    return change->err == SH_E_NOT_FOUND;
}

/* Continues after an id that does not exist, but not after another failure. */
static sh_err change_each(change_run *run, sh_queue *queue, sh_error *error)
{
    dead_letter_change changes[DEAD_LETTERS_AT_ONCE];
    bool goes_on = true;
    for (size_t done = 0; done < run->options->count && goes_on;) {
        size_t count = 0;
        while (count < DEAD_LETTERS_AT_ONCE && done < run->options->count)
            changes[count++] = (dead_letter_change){.id = run->options->ids[done++]};
        run->c->change(queue, changes, count);
        for (size_t i = 0; i < count; i++)
            goes_on = show_change(run, &changes[i]) && goes_on;
        (void)fflush(stdout);
    }
    return run->first.code == SH_OK ? SH_OK
                                    : sh_fail(error, run->first.code, "%s", run->first.message);
}

/* --- All of them, or of a node --------------------------------------------------------------- */

typedef struct {
    const char *node; /* NULL: of all */
    sh_buf ids;       /* each with its NUL */
    size_t count;
} found_ids;

static sh_err note_id(void *context, const dead_letter *dead, sh_error *error)
{
    found_ids *found = context;
    dead_letter_facts letter;
    dead_letter_facts_read(dead, &letter);
    if (found->node != NULL && strcmp(letter.header.node, found->node) != 0)
        return SH_OK;
    found->count++;
    return sh_buf_append(&found->ids, letter.id, strlen(letter.id) + 1) == SH_OK
               ? SH_OK
               : sh_fail(error, SH_E_MEMORY, "out of memory");
}

/* The ids borrow from *found. */
static sh_err choose_all(sh_queue *queue, id_options *options, found_ids *found, sh_error *error)
{
    sh_err err = dead_letters_list(queue, note_id, found, error);
    if (err != SH_OK)
        return err;
    const char **ids = calloc(found->count + 1, sizeof *ids);
    if (ids == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    const char *at = found->ids.data;
    for (size_t i = 0; i < found->count; i++, at += strlen(at) + 1)
        ids[i] = at;
    free(options->ids);
    options->ids = ids;
    options->count = found->count;
    return SH_OK;
}

static int run_change(const changing *c, const sh_settings *settings, int argc, char *const argv[])
{
    sh_error error = {.code = SH_OK};
    id_options options = {.max = SIZE_MAX};
    found_ids found = {.ids = SH_BUF_INIT(SH_DEAD_ENTRIES_MAX * QUEUE_ENTRY_ID_BYTES)};
    change_run run = {.c = c, .options = &options};
    sh_queue *queue = NULL;
    sh_err err = read_ids(&c->command, argc, argv, &options, &error);
    if (err == SH_OK)
        err = open_queue(settings, &queue, &error);
    found.node = options.node;
    if (err == SH_OK && options.all)
        err = choose_all(queue, &options, &found, &error);
    if (err == SH_OK) {
        if (options.json)
            (void)printf("{\"%s\":[", c->done);
        err = change_each(&run, queue, &error);
        if (options.json)
            (void)puts("]}");
        else
            (void)printf("%zu %s.\n", run.changed, c->done);
        sh_error output = {.code = SH_OK};
        if (show_written(stdout, true, &output) != SH_OK && err == SH_OK)
            err = sh_fail(&error, output.code, "%s", output.message);
    }
    sh_queue_free(queue);
    free(options.ids);
    sh_buf_reset(&found.ids);
    if (err == SH_E_NOT_FOUND)
        return SH_EXIT_FAILED; /* already reported */
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&c->command, &error, stderr);
}

int dead_retry(const sh_settings *settings, int argc, char *const argv[])
{
    static const changing c = {.command = {.name = "dead retry", .usage = DEAD_RETRY_USAGE},
                               .done = "retried",
                               .change = dead_letters_retry_each};
    return run_change(&c, settings, argc, argv);
}

int dead_drop(const sh_settings *settings, int argc, char *const argv[])
{
    static const changing c = {.command = {.name = "dead drop", .usage = DEAD_DROP_USAGE},
                               .done = "dropped",
                               .change = dead_letters_drop_each};
    return run_change(&c, settings, argc, argv);
}
