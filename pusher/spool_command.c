/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/spool_command.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/utf8.h"
#include "libcommon/json/json_write.h"
#include "libcommon/runtime/service.h"
#include "pusher/spool_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_ENTRY_MAX (8 * SH_KIB)

static const char *const state_names[] = {
    [SPOOL_WAITING] = "waiting",
    [SPOOL_REFUSED] = "refused",
    [SPOOL_DAMAGED] = "damaged",
};

/* The parsed arguments after the subcommand's name. */
typedef struct {
    const char *usage;
    bool takes_ids;
    bool json, all;
    size_t count;
    const char **ids; /* borrowed from argv */
} arguments;

static void arguments_free(arguments *a)
{
    free(a->ids);
}

/* The caller has set usage and takes_ids. */
static sh_err arguments_read(int argc, char *const argv[], arguments *ret, sh_error *error)
{
    bool takes_ids = ret->takes_ids;
    ret->ids = calloc((size_t)argc + 1, sizeof(char *));
    if (ret->ids == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            ret->json = true;
        else if (takes_ids && strcmp(argv[i], "--all") == 0)
            ret->all = true;
        else if (takes_ids && argv[i][0] != '-')
            ret->ids[ret->count++] = argv[i];
        else
            return sh_fail(error, SH_E_CONFIG, "unknown argument '%s'; usage: synchub-pusher %s",
                           argv[i], ret->usage);
    }
    if (takes_ids && ret->all == (ret->count > 0))
        return sh_fail(error, SH_E_CONFIG, "usage: synchub-pusher %s", ret->usage);
    return SH_OK;
}

static int failed(const char *name, const sh_error *error)
{
    (void)fprintf(stderr, "synchub-pusher %s: %s\n", name, error->message);
    return error->code == SH_E_CONFIG ? SH_EXIT_CONFIG : SH_EXIT_FAILED;
}

static sh_err check_written(sh_error *error)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return SH_OK;
    return sh_fail(error, SH_E_IO, "the output could not be written%s%s", errno == 0 ? "" : ": ",
                   errno == 0 ? "" : strerror(errno));
}

/* --- list ------------------------------------------------------------------------------------ */

static void write_time(int64_t unix_ms, const char *none, char ret[static SH_RFC3339_BYTES])
{
    if (unix_ms > 0)
        sh_clock_rfc3339(unix_ms, ret);
    else
        (void)snprintf(ret, SH_RFC3339_BYTES, "%s", none);
}

/* The reason contains the hub's message, which must not control a terminal. */
static void print_reason(const char *reason)
{
    size_t len = strlen(reason);
    bool plain = sh_utf8_is_valid(reason, len) && !sh_utf8_has_control(reason, len);
    for (const char *c = reason; *c != '\0'; c++)
        (void)putchar(plain || (*c >= 0x20 && *c < 0x7f) ? *c : '?');
}

static void print_entries(const spool_entries *all)
{
    if (all->count == 0) {
        (void)puts("The spool is empty: nothing waits for the hub, and nothing was refused.");
        return;
    }
    int width = (int)strlen("PLUGIN");
    for (size_t i = 0; i < all->count; i++)
        if ((int)strlen(all->entries[i].item.plugin) > width)
            width = (int)strlen(all->entries[i].item.plugin);
    (void)printf("%-32s  %-7s  %-*s  %9s  %-20s  %-20s  %s\n", "ID", "STATE", width, "PLUGIN",
                 "BYTES", "SPOOLED", "REFUSED", "REASON");
    for (size_t i = 0; i < all->count; i++) {
        const spool_entry *e = &all->entries[i];
        char spooled[SH_RFC3339_BYTES], refused[SH_RFC3339_BYTES];
        bool damaged = e->state == SPOOL_DAMAGED;
        write_time(e->item.time_ms, "-", spooled);
        write_time(e->refused_ms, "-", refused);
        (void)printf("%-32s  %-7s  %-*s  %9zu  %-20s  %-20s  ", e->id, state_names[e->state], width,
                     damaged ? "?" : e->item.plugin, e->bytes, damaged ? "?" : spooled, refused);
        print_reason(e->reason[0] != '\0' ? e->reason : "-");
        (void)putchar('\n');
    }
}

static sh_err append_time(sh_buf *json, const char *key, int64_t unix_ms)
{
    char text[SH_RFC3339_BYTES];
    if (unix_ms <= 0)
        return sh_buf_append_format(json, ",\"%s\":null", key);
    sh_clock_rfc3339(unix_ms, text);
    return sh_json_write_member_text(json, key, text);
}

static sh_err append_entry(sh_buf *json, const spool_entry *e)
{
    bool damaged = e->state == SPOOL_DAMAGED;
    sh_err err = sh_buf_append_text(json, "{");
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "id", e->id);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "state", state_names[e->state]);
    if (err == SH_OK && damaged)
        err = sh_buf_append_text(json, ",\"plugin\":null");
    else if (err == SH_OK)
        err = sh_json_write_member_text(json, "plugin", e->item.plugin);
    if (err == SH_OK)
        err = sh_json_write_member_integer(json, "bytes", (int64_t)e->bytes);
    if (err == SH_OK)
        err = append_time(json, "spooled", damaged ? 0 : e->item.time_ms);
    if (err == SH_OK)
        err = append_time(json, "refused", e->refused_ms);
    if (err == SH_OK && e->reason[0] == '\0')
        err = sh_buf_append_text(json, ",\"reason\":null");
    else if (err == SH_OK)
        err = sh_json_write_member_text(json, "reason", e->reason);
    return err == SH_OK ? sh_buf_append_text(json, "}") : err;
}

static sh_err print_json(const spool_entries *all, sh_error *error)
{
    (void)fputs("{\"items\":[", stdout);
    for (size_t i = 0; i < all->count; i++) {
        SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(JSON_ENTRY_MAX);
        if (append_entry(&json, &all->entries[i]) != SH_OK)
            return sh_fail(error, SH_E_MEMORY, "out of memory");
        (void)printf("%s\n%s", i == 0 ? "" : ",", (const char *)json.data);
    }
    (void)fputs(all->count == 0 ? "],\"next\":null}\n" : "\n],\"next\":null}\n", stdout);
    return SH_OK;
}

int spool_command_list(const sh_settings *settings, int argc, char *const argv[])
{
    sh_error error = {.code = SH_OK};
    SH_CLEANUP(arguments_free) arguments a = {.usage = "spool list [--json]"};
    SH_CLEANUP(spool_entries_free) spool_entries all = {.entries = NULL};
    sh_err err = arguments_read(argc, argv, &a, &error);
    if (err == SH_OK)
        err = spool_list(settings->spool_dir, &all, &error);
    if (err == SH_OK && a.json)
        err = print_json(&all, &error);
    else if (err == SH_OK)
        print_entries(&all);
    if (err == SH_OK)
        err = check_written(&error);
    return err == SH_OK ? SH_EXIT_DONE : failed("spool list", &error);
}

/* --- retry and drop -------------------------------------------------------------------------- */

typedef struct {
    const char *name, *usage;
    const char *done; /* `retried` */
    bool drops;
} change;

static sh_err change_entry(const change *c, const char *dir, spool_entries *all,
                           const spool_entry *e, sh_error *error)
{
    sh_err err = c->drops ? spool_entry_drop(dir, e, error) : spool_entry_retry(dir, all, e, error);
    if (err == SH_OK)
        all->entries[e - all->entries].in_refused = false; /* for computing the free space */
    return err;
}

/* Reports that an item was changed, or why not. */
static void report(const change *c, const arguments *a, const char *id, const sh_error *error,
                   size_t before)
{
    if (error->code != SH_OK)
        (void)fprintf(stderr, "synchub-pusher %s: %s\n", c->name, error->message);
    else if (a->json)
        (void)printf("%s\"%s\"", before == 0 ? "" : ",", id);
    else
        (void)printf("%s %s\n", c->done, id);
}

/* Continues after an item that cannot be changed. */
static size_t change_each(const change *c, const char *dir, const arguments *a, spool_entries *all,
                          size_t *not_changed)
{
    size_t changed = 0;
    size_t count = a->all ? all->count : a->count;
    for (size_t i = 0; i < count; i++) {
        sh_error error = {.code = SH_OK};
        const spool_entry *e = a->all ? &all->entries[i] : spool_entries_find(all, a->ids[i]);
        const char *id = e != NULL ? e->id : a->ids[i];
        /* --all means refused items only, so that it does not drop waiting ones. */
        if (e == NULL)
            (void)sh_fail(&error, SH_E_NOT_FOUND, "there is no item %s in the spool", id);
        else if (a->all && (!e->in_refused || (!c->drops && e->state == SPOOL_DAMAGED)))
            continue;
        else
            (void)change_entry(c, dir, all, e, &error);
        report(c, a, id, &error, changed);
        if (error.code == SH_OK)
            changed++;
        else
            (*not_changed)++;
    }
    return changed;
}

static int run_change(const change *c, const sh_settings *settings, int argc, char *const argv[])
{
    sh_error error = {.code = SH_OK};
    SH_CLEANUP(arguments_free) arguments a = {.usage = c->usage, .takes_ids = true};
    SH_CLEANUP(spool_entries_free) spool_entries all = {.entries = NULL};
    size_t not_changed = 0;
    sh_err err = arguments_read(argc, argv, &a, &error);
    if (err == SH_OK)
        err = spool_list(settings->spool_dir, &all, &error);
    if (err != SH_OK)
        return failed(c->name, &error);
    if (a.json)
        (void)printf("{\"%s\":[", c->done);
    size_t changed = change_each(c, settings->spool_dir, &a, &all, &not_changed);
    if (a.json)
        (void)puts("]}");
    else
        (void)printf("%zu %s.\n", changed, c->done);
    if (check_written(&error) != SH_OK)
        return failed(c->name, &error);
    return not_changed == 0 ? SH_EXIT_DONE : SH_EXIT_FAILED;
}

int spool_command_retry(const sh_settings *settings, int argc, char *const argv[])
{
    static const change c = {
        .name = "spool retry", .usage = "spool retry ID... | --all [--json]", .done = "retried"};
    return run_change(&c, settings, argc, argv);
}

int spool_command_drop(const sh_settings *settings, int argc, char *const argv[])
{
    static const change c = {.name = "spool drop",
                             .usage = "spool drop ID... | --all [--json]",
                             .done = "dropped",
                             .drops = true};
    return run_change(&c, settings, argc, argv);
}
