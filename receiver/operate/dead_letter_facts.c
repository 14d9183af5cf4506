/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/dead_letter_facts.h"

#include "libcommon/base/hex.h"
#include "libcommon/json/json_write.h"
#include "receiver/operate/json_time.h"

#include <stdio.h>
#include <stdlib.h>

static void copy(char *ret, size_t room, sh_slice text)
{
    (void)snprintf(ret, room, "%.*s", (int)text.len, text.data);
}

void dead_letter_facts_read(const dead_letter *dead, dead_letter_facts *ret)
{
    *ret = (dead_letter_facts){.bytes = dead->bytes};
    ret->readable = sh_envelope_peek_head(dead->head, dead->bytes, &ret->header, NULL) == SH_OK;
    copy(ret->id, sizeof ret->id, sh_slice_of(dead->id));
    copy(ret->entry, sizeof ret->entry, dead->entry);
    copy(ret->mode, sizeof ret->mode, dead->mode);
    copy(ret->reason, sizeof ret->reason, dead->reason);
}

int64_t dead_letter_since_ms(const dead_letter_facts *letter)
{
    return strtoll(letter->id, NULL, 10);
}

const char *dead_letter_kind(const dead_letter_facts *letter)
{
    if (!letter->readable)
        return "?";
    return letter->header.kind == SH_KIND_DEVICES ? "devices" : letter->header.plugin;
}

const char *dead_letter_node(const dead_letter_facts *letter)
{
    return letter->readable ? letter->header.node : "?";
}

static sh_err append_header(sh_buf *json, const sh_envelope_header *header)
{
    char item[SH_ID_HEX_BYTES], key[2 * SH_KEY_ID_BYTES + 1];
    sh_hex_encode(header->id, SH_ID_BYTES, item);
    sh_hex_encode(header->key_id, SH_KEY_ID_BYTES, key);
    sh_err err = sh_json_write_member_text(json, "item", item);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "key_id", key);
    if (err == SH_OK)
        err = sh_json_write_member_integer(json, "text_bytes", header->plain_len);
    return err == SH_OK ? json_time_write_both(json, "sealed", header->time_ms) : err;
}

sh_err dead_letter_json_write(sh_buf *json, const dead_letter_facts *letter)
{
    const struct {
        const char *key, *text;
    } texts[] = {
        {"id", letter->id},     {"node", letter->header.node}, {"kind", dead_letter_kind(letter)},
        {"mode", letter->mode}, {"entry", letter->entry},      {"reason", letter->reason}};
    sh_err err = sh_buf_append_text(json, "{");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && err == SH_OK; i++)
        err = sh_json_write_member_text(json, texts[i].key, texts[i].text);
    if (err == SH_OK)
        err = sh_json_write_member_integer(json, "bytes", (int64_t)letter->bytes);
    if (err == SH_OK)
        err = json_time_write_both(json, "dead_since", dead_letter_since_ms(letter));
    if (err == SH_OK && letter->readable)
        err = append_header(json, &letter->header);
    return err == SH_OK ? sh_buf_append_text(json, "}") : err;
}
