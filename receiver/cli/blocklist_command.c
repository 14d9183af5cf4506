/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/blocklist_command.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/utf8.h"
#include "libcommon/json/json_write.h"
#include "libcommon/netalertx/mac.h"
#include "libcommon/runtime/service.h"
#include "receiver/cli/pager.h"
#include "receiver/cli/show_output.h"
#include "receiver/operate/hub_connections.h"
#include "receiver/operate/json_time.h"
#include "receiver/store/store_state.h"

#include <stdlib.h>
#include <string.h>

#define BUSY_TRIES 5 /* another transaction may have been in the way */
#define JSON_ENTRY_MAX (4 * SH_KIB)

/* --- Changes --------------------------------------------------------------------------------- */

typedef struct {
    show_command command;
    bool adds;
} changing;

typedef struct {
    const changing *how;
    sh_mac *macs; /* in lower case, as keys compare ignoring case */
    size_t count;
    const char *note;
    size_t changed; /* how many were not there, or were */
} list_change;

/* Reads a MAC in any spelling into c->macs. */
static sh_err add_mac(list_change *c, const char *text, sh_error *error)
{
    sh_error reason = {.code = SH_OK};
    sh_mac *mac = &c->macs[c->count];
    if (sh_mac_read(sh_slice_of(text), mac, &reason) != SH_OK)
        return sh_fail(error, SH_E_CONFIG, "%s; usage: %s", reason.message, c->how->command.usage);
    for (size_t i = 0; i < mac->len; i++)
        if (mac->text[i] >= 'A' && mac->text[i] <= 'Z')
            mac->text[i] = (char)(mac->text[i] - 'A' + 'a');
    c->count++;
    return SH_OK;
}

static sh_err read_note(const changing *how, const char *text, list_change *c, sh_error *error)
{
    sh_slice note = sh_slice_of(text == NULL ? "" : text);
    if (text == NULL || note.len > SH_BLOCKLIST_NOTE_MAX || !sh_utf8_is_valid(note.data, note.len))
        return sh_fail(error, SH_E_CONFIG, "--note needs a text of at most %d bytes; usage: %s",
                       SH_BLOCKLIST_NOTE_MAX, how->command.usage);
    c->note = text;
    return SH_OK;
}

static sh_err read_change(const changing *how, int argc, char *const argv[], list_change *ret,
                          sh_error *error)
{
    *ret =
        (list_change){.how = how, .macs = calloc((size_t)argc + 1, sizeof *ret->macs), .note = ""};
    sh_err err = SH_OK;
    if (ret->macs == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    for (int i = 0; i < argc && err == SH_OK; i++) {
        if (how->adds && strcmp(argv[i], "--note") == 0) {
            i++;
            err = read_note(how, i < argc ? argv[i] : NULL, ret, error);
        } else if (argv[i][0] == '-') {
            err = sh_fail(error, SH_E_CONFIG, "unknown argument '%s'; usage: %s", argv[i],
                          how->command.usage);
        } else {
            err = add_mac(ret, argv[i], error);
        }
    }
    if (err == SH_OK && ret->count == 0)
        err = sh_fail(error, SH_E_CONFIG, "the MAC is missing; usage: %s", how->command.usage);
    return err;
}

/* In the transaction. Nothing is removed if one is not on the list. */
static sh_err change_one(list_change *c, const sh_mac *mac, store *s, sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf note = SH_BUF_INIT(SH_KIB);
    sh_error unknown = {.code = SH_OK};
    sh_err err = store_state_get(s, STORE_BLOCKLIST, mac->text, &note, &unknown);
    bool known = err == SH_OK;
    if (err != SH_OK && err != SH_E_NOT_FOUND)
        return sh_fail(error, err, "%s", unknown.message);
    if (!known && !c->how->adds)
        return sh_fail(error, SH_E_NOT_FOUND,
                       "%s is not on the blocklist: `blocklist list` shows it; devices in "
                       "SYNC_skip_macs are removed there",
                       mac->text);
    c->changed += known != c->how->adds;
    if (!c->how->adds)
        return store_state_delete(s, STORE_BLOCKLIST, mac->text, error);
    if (known && (c->note[0] == '\0' || (note.len > 0 && strcmp(note.data, c->note) == 0)))
        return SH_OK;
    const store_state_entry entry = {.key = {mac->text, mac->len},
                                     .value = sh_slice_of(c->note),
                                     .changed_ms = sh_clock_unix_ms()};
    return store_state_put(s, STORE_BLOCKLIST, &entry, error);
}

static sh_err change_all(list_change *c, store *s, sh_error *error)
{
    int64_t count = 0;
    sh_err err = SH_OK;
    c->changed = 0;
    for (size_t i = 0; i < c->count && err == SH_OK; i++)
        err = change_one(c, &c->macs[i], s, error);
    if (err == SH_OK)
        err = store_state_count(s, STORE_BLOCKLIST, &count, error);
    if (err == SH_OK && c->how->adds && count > SH_LIST_MAX)
        err = sh_fail(error, SH_E_LIMIT, "the blocklist may have at most %d devices", SH_LIST_MAX);
    if (err == SH_OK && !c->how->adds) /* tables whose rows were skipped */
        err = store_state_forget_digests(s, error);
    return err;
}

static sh_err apply(list_change *c, store *s, sh_error *error)
{
    char version[STORE_VERSION_BYTES];
    sh_err err = store_state_begin(s, STORE_BLOCKLIST, version, error);
    if (err != SH_OK)
        return err;
    err = change_all(c, s, error);
    if (err == SH_OK)
        err = store_state_commit(s, STORE_BLOCKLIST, error);
    if (err != SH_OK)
        store_rollback(s);
    return err;
}

static sh_err change_list(list_change *c, const sh_settings *settings, sh_error *error)
{
    hub_connections hub;
    sh_err err = hub_connections_open(settings, &hub, error);
    for (int i = 0; err == SH_OK && i < BUSY_TRIES; i++) {
        sh_error_clear(error);
        sh_err applied = apply(c, hub.store, error);
        if (applied != SH_E_BUSY || i + 1 == BUSY_TRIES) {
            err = applied;
            break;
        }
    }
    hub_connections_close(&hub);
    return err;
}

static int run_change(const changing *how, const sh_settings *settings, int argc,
                      char *const argv[])
{
    sh_error error = {.code = SH_OK};
    list_change change;
    sh_err err = read_change(how, argc, argv, &change, &error);
    if (err == SH_OK)
        err = change_list(&change, settings, &error);
    if (err == SH_OK) {
        (void)printf("%s %zu\n", how->adds ? "added" : "removed", change.changed);
        err = show_written(stdout, true, &error);
    }
    free(change.macs);
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&how->command, &error, stderr);
}

int blocklist_add(const sh_settings *settings, int argc, char *const argv[])
{
    static const changing how = {.command = {.name = "blocklist add", .usage = BLOCKLIST_ADD_USAGE},
                                 .adds = true};
    return run_change(&how, settings, argc, argv);
}

int blocklist_remove(const sh_settings *settings, int argc, char *const argv[])
{
    static const changing how = {
        .command = {.name = "blocklist remove", .usage = BLOCKLIST_REMOVE_USAGE}};
    return run_change(&how, settings, argc, argv);
}

/* --- The list -------------------------------------------------------------------------------- */

typedef struct {
    char *mac, *note; /* note is NULL for SYNC_skip_macs */
    int64_t added_ms;
} listed;

typedef struct {
    listed *items;
    size_t count, capacity;
} listing;

static sh_err add_listed(listing *l, sh_slice mac, const sh_slice *note, int64_t added_ms)
{
    if (l->count == l->capacity) {
        size_t capacity = l->capacity == 0 ? 64 : 2 * l->capacity;
        listed *items = reallocarray(l->items, capacity, sizeof *items);
        if (items == NULL)
            return SH_E_MEMORY;
        l->items = items;
        l->capacity = capacity;
    }
    listed *one = &l->items[l->count];
    *one = (listed){.mac = strndup(mac.data, mac.len), .added_ms = added_ms};
    if (note != NULL)
        one->note = strndup(note->data, note->len);
    l->count++;
    return one->mac == NULL || (note != NULL && one->note == NULL) ? SH_E_MEMORY : SH_OK;
}

static void listing_reset(listing *l)
{
    for (size_t i = 0; i < l->count; i++) {
        free(l->items[i].mac);
        free(l->items[i].note);
    }
    free(l->items);
    *l = (listing){.count = 0};
}

static sh_err add_entry(void *context, const store_state_entry *entry, sh_error *error)
{
    return add_listed(context, entry->key, &entry->value, entry->changed_ms) == SH_OK
               ? SH_OK
               : sh_fail(error, SH_E_MEMORY, "out of memory");
}

static int by_mac(const void *a, const void *b)
{
    return strcmp(((const listed *)a)->mac, ((const listed *)b)->mac);
}

static sh_err read_listing(const sh_settings *settings, listing *l, sh_error *error)
{
    char version[STORE_VERSION_BYTES];
    const store_state_reader reader = {.each = add_entry, .context = l};
    hub_connections hub;
    sh_err err = hub_connections_open_to_read(settings, &hub, error);
    if (err == SH_OK)
        err = store_state_read(hub.store, STORE_BLOCKLIST, &reader, version, error);
    hub_connections_close(&hub);
    for (size_t i = 0; i < settings->skip_macs.count && err == SH_OK; i++)
        if (add_listed(l, sh_slice_of(settings->skip_macs.items[i]), NULL, 0) != SH_OK)
            err = sh_fail(error, SH_E_MEMORY, "out of memory");
    if (err == SH_OK && l->count > 0)
        qsort(l->items, l->count, sizeof l->items[0], by_mac);
    return err;
}

enum { MAC, SOURCE, ADDED, NOTE, COLUMNS };

static const show_column columns[COLUMNS] = {
    {"MAC", false}, {"SOURCE", false}, {"ADDED", false}, {"NOTE", false}};

static const char *source_of(const listed *one)
{
    return one->note == NULL ? "SYNC_skip_macs" : "blocklist";
}

static void cell_of(void *context, size_t row, size_t column, char ret[static SHOW_CELL_BYTES])
{
    const listing *l = context;
    const listed *one = &l->items[row];
    switch (column) {
    case MAC:
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s", one->mac);
        break;
    case SOURCE:
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s", source_of(one));
        break;
    case ADDED:
        show_time(one->added_ms, "-", ret);
        break;
    default:
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s", one->note == NULL ? "" : one->note);
        break;
    }
}

static sh_err append_json(sh_buf *json, const listed *one)
{
    sh_err err = sh_buf_append_text(json, "{");
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "mac", one->mac);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "source", source_of(one));
    if (err == SH_OK)
        err = json_time_write_both(json, "added", one->added_ms);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "note", one->note == NULL ? "" : one->note);
    return err == SH_OK ? sh_buf_append_text(json, "}") : err;
}

static sh_err write_json(const listing *l, FILE *out, sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(JSON_ENTRY_MAX);
    sh_err err = SH_OK;
    (void)fputs("{\"items\":[", out);
    for (size_t i = 0; i < l->count && err == SH_OK; i++) {
        sh_buf_clear(&json);
        err = append_json(&json, &l->items[i]);
        if (err == SH_OK)
            (void)fprintf(out, "%s\n%s", i == 0 ? "" : ",", json.data);
    }
    (void)fputs("],\"next\":null}\n", out);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "out of memory");
}

static int list_to(const sh_settings *settings, int argc, char *const argv[], FILE *out,
                   FILE *err_out)
{
    static const show_command command = {.name = "blocklist list", .usage = BLOCKLIST_LIST_USAGE};
    sh_error error = {.code = SH_OK};
    show_options options;
    listing l = {.count = 0};
    sh_err err = show_options_read(&command, argc, argv, &options, &error);
    if (err == SH_OK)
        err = read_listing(settings, &l, &error);
    if (err == SH_OK && options.json)
        err = write_json(&l, out, &error);
    else if (err == SH_OK && l.count == 0)
        (void)fputs("No device is blocked.\n", out);
    else if (err == SH_OK)
        show_table(out, &(show_cells){columns, COLUMNS, l.count, cell_of, &l});
    if (err == SH_OK)
        err = show_written(out, true, &error);
    listing_reset(&l);
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&command, &error, err_out);
}

int blocklist_list(const sh_settings *settings, int argc, char *const argv[])
{
    return pager_run(list_to, settings, argc, argv);
}
