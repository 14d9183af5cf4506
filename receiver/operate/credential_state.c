/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/credential_state.h"

#include "libcommon/json/json_write.h"
#include "receiver/operate/json_time.h"

static int64_t shared_until(const sh_node_record *record, int64_t now_ms)
{
    return sh_node_record_takes_shared(record, now_ms) ? record->shared.until_ms : 0;
}

static int64_t rotates_until(const sh_node_record *record, int64_t now_ms)
{
    int64_t last = 0;
    for (size_t i = 1; record->revoked_ms == 0 && i < record->count; i++)
        if (sh_credential_is_valid(&record->items[i], now_ms) && record->items[i].until_ms > last)
            last = record->items[i].until_ms;
    return last;
}

credential_state credential_state_of(const sh_node_record *record, int64_t now_ms)
{
    credential_state ret = {.state = "active",
                            .protocol = record->netalertx ? "any" : "native",
                            .shared_until_ms = shared_until(record, now_ms),
                            .rotates_until_ms = rotates_until(record, now_ms)};
    if (record->unreadable)
        ret.state = "unreadable";
    else if (record->revoked_ms > 0)
        ret.state = "revoked";
    else if (ret.shared_until_ms > 0)
        ret.state = "grace";
    else if (ret.rotates_until_ms > 0)
        ret.state = "rotating";
    return ret;
}

typedef struct {
    const char *key, *key_of_0_2; /* for one release, in Unix ms */
    int64_t ms;
} listed_time;

/* `node` and the times in Unix ms are names of 0.2.0, for one release. */
sh_err credential_state_write(sh_buf *json, const sh_node_record *record, int64_t used_ms,
                              int64_t now_ms)
{
    const credential_state state = credential_state_of(record, now_ms);
    const listed_time times[] = {
        {"created", "created_ms", record->created_ms},
        {"last_used", "last_used_ms", used_ms},
        {"rotates_until", "rotates_until_ms", state.rotates_until_ms},
        {"shared_until", NULL, state.shared_until_ms},
        {"revoked", "revoked_ms", record->revoked_ms},
    };
    sh_err err = sh_buf_append_text(json, "{");
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "name", record->node);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "node", record->node);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "state", state.state);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "protocol", state.protocol);
    for (size_t i = 0; i < sizeof times / sizeof times[0] && err == SH_OK; i++) {
        err = json_time_write(json, times[i].key, times[i].ms);
        if (err == SH_OK && times[i].key_of_0_2 != NULL)
            err = json_time_write_ms(json, times[i].key_of_0_2, times[i].ms);
    }
    return err == SH_OK ? sh_buf_append_text(json, "}") : err;
}

static sh_err add_entry(void *context, const store_state_entry *entry, sh_error *error)
{
    return sh_credentials_add(context, entry->key, entry->value, error);
}

sh_err credential_states_read(store *s, sh_credentials **ret, sh_error *error)
{
    char version[STORE_VERSION_BYTES];
    sh_err err = sh_credentials_new(ret, error);
    if (err != SH_OK)
        return err;
    const store_state_reader reader = {.each = add_entry, .context = *ret};
    err = store_state_read(s, STORE_CREDENTIALS, &reader, version, error);
    return err == SH_OK ? sh_credentials_index(*ret, error) : err;
}
