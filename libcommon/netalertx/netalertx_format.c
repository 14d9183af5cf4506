/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/netalertx/netalertx_format.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/json/json_scan.h"
#include "libcommon/json/json_write.h"

#include <string.h>

#define FIELD_MAX (4 * SH_KIB) /* an unescaped name; longer than any valid one */

/* A top-level field of a body. */
typedef struct {
    const char *name;
    sh_json_scan_member found;
    bool seen;
} field;

typedef struct {
    field *fields;
    size_t count;
} field_set;

static sh_err record_field(void *context, const sh_json_scan_member *member, sh_error *error)
{
    field_set *set = context;
    for (size_t i = 0; i < set->count; i++) {
        field *f = &set->fields[i];
        if (!sh_json_scan_key_is(member, f->name))
            continue;
        if (f->seen)
            return sh_fail(error, SH_E_FORMAT, "duplicate field \"%s\"", f->name);
        f->found = *member;
        f->seen = true;
    }
    return SH_OK;
}

static sh_err scan_fields(sh_slice body, field *fields, size_t count, sh_error *error)
{
    field_set set = {.fields = fields, .count = count};
    sh_error why = {0};
    sh_err err = sh_json_scan(body, record_field, &set, &why);
    if (err == SH_OK)
        return SH_OK;
    /* NetAlertX has the same status for a body that is nested too deeply and for invalid JSON. */
    return sh_fail(error, err == SH_E_LIMIT ? SH_E_FORMAT : err, "%s", why.message);
}

static bool is_string(const field *f)
{
    return f->seen && f->found.type == SH_JSON_SCAN_STRING;
}

/* {"data":…,"file_path":…,"plugin":…,"node_name":…} */
sh_err sh_netalertx_push_write(sh_slice wire, const char *file_path, const char *plugin,
                               const char *node, sh_buf *ret)
{
    /* Base64 needs no escapes: copy it. */
    sh_err err = sh_buf_append_text(ret, "{\"data\":\"");
    if (err == SH_OK)
        err = sh_buf_append(ret, wire.data, wire.len);
    if (err == SH_OK)
        err = sh_buf_append_text(ret, "\"");
    if (err == SH_OK)
        err = sh_json_write_member_text(ret, "file_path", file_path);
    if (err == SH_OK)
        err = sh_json_write_member_text(ret, "plugin", plugin);
    if (err == SH_OK)
        err = sh_json_write_member_text(ret, "node_name", node);
    return err != SH_OK ? err : sh_buf_append_text(ret, "}");
}

/* A range in the storage, which can move while it grows. */
typedef struct {
    size_t offset, len;
    bool stored; /* false: the text has no escapes and is in the body */
} stored_text;

static sh_err store_unescaped(const field *f, sh_buf *storage, stored_text *ret, sh_error *error)
{
    *ret = (stored_text){.offset = storage->len, .stored = f->found.escaped};
    if (!ret->stored)
        return SH_OK;
    sh_err err = sh_json_unescape(f->found.value, storage);
    ret->len = storage->len - ret->offset;
    if (err == SH_E_FORMAT)
        return sh_fail(error, err, "the field \"%s\" contains an invalid escape", f->name);
    if (err != SH_OK)
        return sh_fail(error, err, "the field \"%s\" is too long", f->name);
    return SH_OK;
}

static sh_slice text_of(const field *f, const sh_buf *storage, stored_text text)
{
    return text.stored ? (sh_slice){storage->data + text.offset, text.len} : f->found.value;
}

static sh_err fail_missing(sh_error *error, const char *name)
{
    return sh_fail(error, SH_E_NOT_FOUND, "Missing required '%s'", name);
}

sh_err sh_netalertx_push_read(sh_slice body, sh_netalertx_push *ret, sh_error *error)
{
    enum { DATA, NODE_NAME, PLUGIN, FILE_PATH, FIELDS };
    field fields[FIELDS] = {[DATA] = {.name = "data"},
                            [NODE_NAME] = {.name = "node_name"},
                            [PLUGIN] = {.name = "plugin"},
                            [FILE_PATH] = {.name = "file_path"}};
    *ret = (sh_netalertx_push){.storage = SH_BUF_INIT(SH_NETALERTX_BODY_MAX)};
    sh_err err = scan_fields(body, fields, FIELDS, error);
    if (err != SH_OK)
        return err;
    for (size_t i = DATA; i <= PLUGIN; i++)
        if (!is_string(&fields[i]) || (i != DATA && fields[i].found.value.len == 0))
            return fail_missing(error, fields[i].name);
    const field *path = &fields[FILE_PATH];
    if (path->seen && path->found.type != SH_JSON_SCAN_STRING &&
        path->found.type != SH_JSON_SCAN_NULL)
        return fail_missing(error, path->name);

    stored_text texts[FIELDS];
    for (size_t i = DATA; i <= PLUGIN; i++) {
        err = store_unescaped(&fields[i], &ret->storage, &texts[i], error);
        if (err != SH_OK)
            return err;
    }
    ret->data = text_of(&fields[DATA], &ret->storage, texts[DATA]);
    ret->node = text_of(&fields[NODE_NAME], &ret->storage, texts[NODE_NAME]);
    ret->plugin = text_of(&fields[PLUGIN], &ret->storage, texts[PLUGIN]);
    return SH_OK;
}

void sh_netalertx_push_reset(sh_netalertx_push *push)
{
    if (push == NULL)
        return;
    sh_buf_reset(&push->storage);
    *push = (sh_netalertx_push){.storage = SH_BUF_INIT(SH_NETALERTX_BODY_MAX)};
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
        at++;
    return at;
}

/* Finds the string value of a member; at is after its key. */
static bool find_string_value(const char *at, const char *end, sh_slice *ret)
{
    at = skip_space(at, end);
    if (at == end || *at != ':')
        return false;
    at = skip_space(at + 1, end);
    if (at == end || *at != '"')
        return false;
    const char *first = ++at;
    while (at < end && *at != '"')
        at += *at == '\\' && end - at > 1 ? 2 : 1;
    *ret = (sh_slice){first, (size_t)(at - first)};
    return at < end;
}

bool sh_netalertx_push_claimed(sh_slice tail, sh_buf *name)
{
    static const char key[] = "\"node_name\"";
    const char *end = tail.data + tail.len;
    sh_slice value = {NULL, 0};
    for (const char *at = tail.data; at < end;) {
        at = memmem(at, (size_t)(end - at), key, sizeof key - 1);
        if (at == NULL)
            break;
        at += sizeof key - 1;
        sh_slice found;
        if (find_string_value(at, end, &found))
            value = found;
    }
    return value.data != NULL && sh_json_unescape(value, name) == SH_OK;
}

sh_err sh_netalertx_pull_write(sh_slice table, const char *node, const char *timestamp, sh_buf *ret)
{
    sh_err err = sh_buf_append_text(ret, "{\"data_base64\":\"");
    if (err == SH_OK)
        err = sh_base64_encode(table, ret);
    if (err == SH_OK)
        err = sh_buf_append_text(ret, "\"");
    if (err == SH_OK)
        err = sh_json_write_member_text(ret, "message", "OK");
    if (err == SH_OK)
        err = sh_json_write_member_text(ret, "node_name", node);
    if (err == SH_OK)
        err = sh_json_write_member_integer(ret, "status", 200);
    if (err == SH_OK)
        err = sh_json_write_member_text(ret, "timestamp", timestamp);
    return err != SH_OK ? err : sh_buf_append_text(ret, "}");
}

/* Decodes a base64 field. It can have escapes: some JSON writers escape '/'. */
static sh_err decode_field(const field *f, sh_buf *ret, sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf storage = SH_BUF_INIT(SH_NETALERTX_BODY_MAX);
    stored_text stored;
    sh_err err = store_unescaped(f, &storage, &stored, error);
    if (err != SH_OK)
        return err;
    sh_slice text = text_of(f, &storage, stored);
    err = sh_base64_decode(text, ret, NULL);
    switch (err) {
    case SH_OK:
        return SH_OK;
    case SH_E_FORMAT:
        return sh_fail(error, err, "the field \"%s\" is not base64", f->name);
    case SH_E_LIMIT:
        return sh_fail(error, err, "the table has more than %zu bytes", ret->limit);
    default:
        return sh_fail(error, err, "no memory for a table of %zu bytes", text.len / 4 * 3);
    }
}

sh_err sh_netalertx_pull_read(sh_slice body, sh_buf *table, sh_buf *node, sh_error *error)
{
    enum { DATA, NODE_NAME, FIELDS };
    field fields[FIELDS] = {[DATA] = {.name = "data_base64"}, [NODE_NAME] = {.name = "node_name"}};
    sh_err err = scan_fields(body, fields, FIELDS, error);
    if (err != SH_OK)
        return err;
    if (!is_string(&fields[DATA]))
        return sh_fail(error, SH_E_FORMAT,
                       "the answer has no string \"data_base64\", so it is not from NetAlertX");
    const field *name = &fields[NODE_NAME];
    if (name->seen && name->found.type != SH_JSON_SCAN_STRING &&
        name->found.type != SH_JSON_SCAN_NULL)
        return sh_fail(error, SH_E_FORMAT, "the answer's \"node_name\" is not a string");
    if (is_string(name)) {
        SH_CLEANUP(sh_buf_reset) sh_buf storage = SH_BUF_INIT(FIELD_MAX);
        stored_text stored;
        err = store_unescaped(name, &storage, &stored, error);
        if (err != SH_OK)
            return err;
        sh_slice text = text_of(name, &storage, stored);
        err = sh_buf_append(node, text.data, text.len);
        if (err != SH_OK)
            return sh_fail(error, err, "the answer's \"node_name\" is too long");
    }
    return decode_field(&fields[DATA], table, error);
}
