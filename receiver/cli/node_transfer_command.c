/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/node_transfer_command.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/node_name.h"
#include "libcommon/native/credentials.h"
#include "libcommon/os/file.h"
#include "libcommon/runtime/service.h"
#include "receiver/cli/show_output.h"
#include "receiver/hub/hub_secrets.h"
#include "receiver/operate/hub_connections.h"
#include "receiver/store/store_state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*
 * An exported list: a line `synchub-credentials 1 KEY` with the check value of the key that seals
 * it, then a line for each node: its record, a tab, its name, which contains no control character.
 */
#define HEADING "synchub-credentials 1 "
#define FILE_MAX ((size_t)SH_NODES_MAX * (SH_NODE_RECORD_MAX + SH_NODE_NAME_MAX + 2))

/* --- Export ---------------------------------------------------------------------------------- */

static sh_err print_record(void *context, const store_state_entry *entry, sh_error *error)
{
    (void)context;
    (void)error;
    (void)printf("%.*s\t%.*s\n", (int)entry->value.len, entry->value.data, (int)entry->key.len,
                 entry->key.data);
    return SH_OK;
}

static sh_err export_all(const sh_settings *settings, sh_error *error)
{
    const store_state_reader reader = {.each = print_record};
    char version[STORE_VERSION_BYTES], check[SH_KEY_CHECK_HEX_BYTES];
    hub_secrets keys = {.token = {"", 0}};
    hub_connections hub = {.store = NULL};
    sh_err err = hub_secrets_init(settings, &keys, error);
    if (err == SH_OK)
        err = hub_connections_open_to_read(settings, &hub, error);
    if (err == SH_OK) {
        sh_key_check(keys.passphrase_key, check);
        (void)printf(HEADING "%s\n", check);
        err = store_state_read(hub.store, STORE_CREDENTIALS, &reader, version, error);
    }
    if (err == SH_OK)
        err = show_written(stdout, true, error);
    hub_connections_close(&hub);
    hub_secrets_reset(&keys);
    return err;
}

int node_export(const sh_settings *settings, int argc, char *const argv[])
{
    static const show_command command = {.name = "node export", .usage = NODE_EXPORT_USAGE};
    sh_error error = {.code = SH_OK};
    sh_err err = argc == 0 ? SH_OK
                           : sh_fail(&error, SH_E_CONFIG, "unknown argument '%s'; usage: %s",
                                     argv[0], command.usage);
    if (err == SH_OK)
        err = export_all(settings, &error);
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&command, &error, stderr);
}

/* --- Import ---------------------------------------------------------------------------------- */

typedef struct {
    const char *path;
    bool replaces; /* records that exist */
    sh_buf file;
    const uint8_t *credential_key;
    size_t imported, kept;
} import;

static sh_err fail_line(const import *in, size_t number, const char *reason, sh_error *error)
{
    return sh_fail(error, SH_E_FORMAT, "line %zu of %s: %s; nothing was imported", number, in->path,
                   reason);
}

/* Each credential must open with this hub's key, which also proves that it belongs to the node. */
static bool opens(const import *in, const sh_node_record *record)
{
    bool shared = record->shared.until_ms > 0;
    for (size_t i = 0; i < record->count + shared; i++) {
        const sh_credential *item = i < record->count ? &record->items[i] : &record->shared;
        sh_node_secrets secrets;
        if (sh_credential_open(in->credential_key, record->node, item, &secrets, NULL) != SH_OK)
            return false;
        sh_wipe(&secrets, sizeof secrets);
    }
    return true;
}

static sh_err import_line(import *in, store *s, char *line, size_t number, sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf known = SH_BUF_INIT(SH_NODE_RECORD_MAX);
    char *tab = strchr(line, '\t');
    sh_node_record record;
    sh_error unknown = {.code = SH_OK};
    if (tab == NULL || sh_node_name_check(sh_slice_of(tab + 1), NULL) != SH_OK)
        return fail_line(in, number, "not a record, a tab and the name of a node", error);
    *tab = '\0';
    sh_node_record_read(sh_slice_of(tab + 1), sh_slice_of(line), &record);
    if (record.unreadable || strlen(line) > SH_NODE_RECORD_MAX)
        return fail_line(in, number, "not a record of credentials", error);
    if (!opens(in, &record))
        return fail_line(in, number,
                         "the credentials do not open with this hub's SYNC_encryption_key", error);
    sh_err err = store_state_get(s, STORE_CREDENTIALS, record.node, &known, &unknown);
    if (err != SH_OK && err != SH_E_NOT_FOUND)
        return sh_fail(error, err, "%s", unknown.message);
    if (err == SH_OK && !in->replaces) {
        in->kept++;
        return SH_OK;
    }
    in->imported++;
    const store_state_entry entry = {.key = sh_slice_of(record.node),
                                     .value = sh_slice_of(line),
                                     .changed_ms = sh_clock_unix_ms()};
    return store_state_put(s, STORE_CREDENTIALS, &entry, error);
}

/* In the transaction. */
static sh_err import_lines(import *in, store *s, char *line, sh_error *error)
{
    int64_t count = 0;
    sh_err err = SH_OK;
    for (size_t number = 2; *line != '\0' && err == SH_OK; number++) {
        char *end = line + strcspn(line, "\n");
        char *next = *end == '\0' ? end : end + 1;
        *end = '\0';
        err = import_line(in, s, line, number, error);
        line = next;
    }
    if (err == SH_OK)
        err = store_state_count(s, STORE_CREDENTIALS, &count, error);
    if (err == SH_OK && count > SH_NODES_MAX)
        err = sh_fail(error, SH_E_LIMIT, "at most %d nodes may have credentials of their own",
                      SH_NODES_MAX);
    return err;
}

static sh_err import_all(import *in, const hub_secrets *keys, store *s, sh_error *error)
{
    char version[STORE_VERSION_BYTES], heading[sizeof HEADING + SH_KEY_CHECK_HEX_BYTES];
    size_t len = sizeof HEADING - 1;
    memcpy(heading, HEADING, len);
    sh_key_check(keys->passphrase_key, heading + len);
    if (in->file.len == 0)
        return fail_line(in, 1, "not an export of `node export`", error);
    char *text = in->file.data;
    size_t line_len = strcspn(text, "\n");
    if (strncmp(text, HEADING, len) != 0 || text[line_len] != '\n')
        return fail_line(in, 1, "not an export of `node export`", error);
    if (line_len != strlen(heading) || memcmp(text, heading, line_len) != 0)
        return fail_line(in, 1, "exported by a hub with another SYNC_encryption_key", error);
    sh_err err = store_state_begin(s, STORE_CREDENTIALS, version, error);
    if (err != SH_OK)
        return err;
    err = import_lines(in, s, text + line_len + 1, error);
    if (err == SH_OK)
        err = store_state_commit(s, STORE_CREDENTIALS, error);
    if (err != SH_OK)
        store_rollback(s);
    return err;
}

static sh_err run_import(import *in, const sh_settings *settings, sh_error *error)
{
    hub_secrets keys = {.token = {"", 0}};
    hub_connections hub = {.store = NULL};
    sh_err err = sh_file_read(in->path, &in->file, NULL, error);
    if (err == SH_OK)
        err = hub_secrets_init(settings, &keys, error);
    in->credential_key = keys.credential_key;
    if (err == SH_OK)
        err = hub_connections_open(settings, &hub, error);
    if (err == SH_OK)
        err = import_all(in, &keys, hub.store, error);
    if (err == SH_OK)
        err = hub_connections_publish_credentials(&hub, error);
    hub_connections_close(&hub);
    in->credential_key = NULL;
    hub_secrets_reset(&keys);
    return err;
}

int node_import(const sh_settings *settings, int argc, char *const argv[])
{
    static const show_command command = {.name = "node import", .usage = NODE_IMPORT_USAGE};
    sh_error error = {.code = SH_OK};
import in = {.file = SH_BUF_INIT(FILE_MAX) };
    sh_err err = SH_OK;
    for (int i = 0; i < argc && err == SH_OK; i++) {
        if (strcmp(argv[i], "--replace") == 0)
            in.replaces = true;
        else if (argv[i][0] != '-' && in.path == NULL)
            in.path = argv[i];
        else
            err = sh_fail(&error, SH_E_CONFIG, "unknown argument '%s'; usage: %s", argv[i],
                          command.usage);
    }
    if (err == SH_OK && in.path == NULL)
        err = sh_fail(&error, SH_E_CONFIG, "the file is missing; usage: %s", command.usage);
    if (err == SH_OK)
        err = run_import(&in, settings, &error);
    if (err == SH_OK) {
        (void)printf("imported %zu, kept %zu that exist here\n", in.imported, in.kept);
        err = show_written(stdout, true, &error);
    }
    sh_buf_reset(&in.file);
    return err == SH_OK ? SH_EXIT_DONE : show_failure(&command, &error, stderr);
}
