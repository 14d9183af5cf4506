/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/credential_transfer.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/node_name.h"
#include "libcommon/native/credentials.h"
#include "receiver/hub/hub_secrets.h"
#include "receiver/operate/hub_connections.h"
#include "receiver/store/store_state.h"

#include <stdio.h>
#include <string.h>

#define HEADING "synchub-credentials 1 "
#define HEADING_BYTES (sizeof HEADING + SH_KEY_CHECK_HEX_BYTES)

static void write_heading(const hub_secrets *keys, char ret[static HEADING_BYTES])
{
    char check[SH_KEY_CHECK_HEX_BYTES];
    sh_key_check(keys->passphrase_key, check);
    (void)snprintf(ret, HEADING_BYTES, HEADING "%s", check);
}

/* --- Export ---------------------------------------------------------------------------------- */

typedef struct {
    credential_write write;
    void *context;
} export_writer;

static sh_err write_record(void *context, const store_state_entry *entry, sh_error *error)
{
    const export_writer *w = context;
    const sh_slice parts[] = {entry->value, SH_SLICE("\t"), entry->key, SH_SLICE("\n")};
    sh_err err = SH_OK;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && err == SH_OK; i++)
        err = w->write(w->context, parts[i], error);
    return err;
}

sh_err credentials_export(const sh_settings *settings, credential_write write, void *context,
                          sh_error *error)
{
    export_writer writer = {.write = write, .context = context};
    const store_state_reader reader = {.each = write_record, .context = &writer};
    char version[STORE_VERSION_BYTES], heading[HEADING_BYTES];
    hub_secrets keys = {.token = {"", 0}};
    hub_connections hub = {.store = NULL};
    sh_err err = hub_secrets_init(settings, &keys, error);
    if (err == SH_OK)
        err = hub_connections_open_to_read(settings, &hub, error);
    if (err == SH_OK) {
        write_heading(&keys, heading);
        err = write(context, sh_slice_of(heading), error);
    }
    if (err == SH_OK)
        err = write(context, SH_SLICE("\n"), error);
    if (err == SH_OK)
        err = store_state_read(hub.store, STORE_CREDENTIALS, &reader, version, error);
    hub_connections_close(&hub);
    hub_secrets_reset(&keys);
    return err;
}

/* --- Import ---------------------------------------------------------------------------------- */

typedef struct {
    const credential_import *in;
    const uint8_t *credential_key;
    credential_imported *ret;
} import_run;

static sh_err fail_line(const import_run *run, size_t number, const char *reason, sh_error *error)
{
    return sh_fail(error, SH_E_FORMAT, "line %zu of %s: %s; nothing was imported", number,
                   run->in->source, reason);
}

/* Each credential must open with this hub's key, which also proves that it belongs to the node. */
static bool opens(const import_run *run, const sh_node_record *record)
{
    bool shared = record->shared.until_ms > 0;
    for (size_t i = 0; i < record->count + shared; i++) {
        const sh_credential *item = i < record->count ? &record->items[i] : &record->shared;
        sh_node_secrets secrets;
        if (sh_credential_open(run->credential_key, record->node, item, &secrets, NULL) != SH_OK)
            return false;
        sh_wipe(&secrets, sizeof secrets);
    }
    return true;
}

static sh_err put_record(import_run *run, store *s, const sh_node_record *record, sh_slice text,
                         sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf known = SH_BUF_INIT(SH_NODE_RECORD_MAX);
    sh_error unknown = {.code = SH_OK};
    sh_err err = store_state_get(s, STORE_CREDENTIALS, record->node, &known, &unknown);
    if (err != SH_OK && err != SH_E_NOT_FOUND)
        return sh_fail(error, err, "%s", unknown.message);
    if (err == SH_OK && !run->in->replaces) {
        run->ret->kept++;
        return SH_OK;
    }
    run->ret->imported++;
    const store_state_entry entry = {
        .key = sh_slice_of(record->node), .value = text, .changed_ms = sh_clock_unix_ms()};
    return store_state_put(s, STORE_CREDENTIALS, &entry, error);
}

static sh_err import_line(import_run *run, store *s, sh_slice line, size_t number, sh_error *error)
{
    const char *tab = memchr(line.data, '\t', line.len);
    sh_slice text = {line.data, tab == NULL ? 0 : (size_t)(tab - line.data)};
    sh_slice name = tab == NULL ? SH_SLICE("") : (sh_slice){tab + 1, line.len - text.len - 1};
    sh_node_record record;
    if (sh_node_name_check(name, NULL) != SH_OK)
        return fail_line(run, number, "not a record, a tab and the name of a node", error);
    sh_node_record_read(name, text, &record);
    if (record.unreadable || text.len > SH_NODE_RECORD_MAX ||
        memchr(text.data, 0, text.len) != NULL)
        return fail_line(run, number, "not a record of credentials", error);
    if (!opens(run, &record))
        return fail_line(run, number,
                         "the credentials do not open with this hub's SYNC_encryption_key", error);
    return put_record(run, s, &record, text, error);
}

/* Takes a line, without its end, from the beginning of *text. */
static sh_slice take_line(sh_slice *text)
{
    const char *end = memchr(text->data, '\n', text->len);
    sh_slice line = {text->data, end == NULL ? text->len : (size_t)(end - text->data)};
    size_t used = line.len + (end != NULL);
    *text = (sh_slice){text->data + used, text->len - used};
    return line;
}

/* In the transaction. */
static sh_err import_lines(import_run *run, store *s, sh_slice text, sh_error *error)
{
    int64_t count = 0;
    sh_err err = SH_OK;
    for (size_t number = 2; text.len > 0 && err == SH_OK; number++)
        err = import_line(run, s, take_line(&text), number, error);
    if (err == SH_OK)
        err = store_state_count(s, STORE_CREDENTIALS, &count, error);
    if (err == SH_OK && count > SH_NODES_MAX)
        err = sh_fail(error, SH_E_LIMIT, "at most %d nodes may have credentials of their own",
                      SH_NODES_MAX);
    return err;
}

static sh_err check_heading(const import_run *run, const hub_secrets *keys, sh_slice *text,
                            sh_error *error)
{
    char own[HEADING_BYTES];
    size_t len = sizeof HEADING - 1;
    write_heading(keys, own);
    bool has_end = memchr(text->data, '\n', text->len) != NULL;
    sh_slice line = take_line(text);
    if (!has_end || line.len < len || memcmp(line.data, HEADING, len) != 0)
        return fail_line(run, 1, "not an export of `node export`", error);
    if (!sh_slice_equals(line, sh_slice_of(own)))
        return fail_line(run, 1, "exported by a hub with another SYNC_encryption_key", error);
    return SH_OK;
}

static sh_err import_all(import_run *run, const hub_secrets *keys, store *s, sh_error *error)
{
    char version[STORE_VERSION_BYTES];
    sh_slice text = run->in->text;
    sh_err err = check_heading(run, keys, &text, error);
    if (err == SH_OK)
        err = store_state_begin(s, STORE_CREDENTIALS, version, error);
    if (err != SH_OK)
        return err;
    err = import_lines(run, s, text, error);
    if (err == SH_OK)
        err = store_state_commit(s, STORE_CREDENTIALS, error);
    if (err != SH_OK)
        store_rollback(s);
    return err;
}

sh_err credentials_import(const sh_settings *settings, const credential_import *in,
                          credential_imported *ret, sh_error *error)
{
    hub_secrets keys = {.token = {"", 0}};
    hub_connections hub = {.store = NULL};
    *ret = (credential_imported){.stored = false};
    sh_err err = hub_secrets_init(settings, &keys, error);
    import_run run = {.in = in, .credential_key = keys.credential_key, .ret = ret};
    if (err == SH_OK)
        err = hub_connections_open(settings, &hub, error);
    if (err == SH_OK)
        err = import_all(&run, &keys, hub.store, error);
    ret->stored = err == SH_OK;
    if (err == SH_OK)
        err = hub_connections_publish_credentials(&hub, error);
    hub_connections_close(&hub);
    hub_secrets_reset(&keys);
    return err;
}
