/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/skip_rules.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/crypto/crypto.h"

#include <stdlib.h>
#include <string.h>

struct skip_rules {
    uint8_t rules[SH_DIGEST_BYTES];
    uint8_t key[SH_SHORT_KEY_BYTES];
    const char **slots; /* NULL: free */
    size_t slots_count; /* a power of two, more than half of them free */
    bool has_six_bytes; /* a key is a MAC of six bytes, which most lists do not have */
};

static uint64_t hash_of(const skip_rules *s, const char *text, size_t len)
{
    char folded[SH_MAC_MAX_BYTES + 1];
    len = len < sizeof folded ? len : sizeof folded;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        folded[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    return sh_short_hash(s->key, (sh_slice){folded, len});
}

/* The slot of the text, or a free slot for it. */
static size_t slot_of(const skip_rules *s, const char *text, size_t len)
{
    size_t at = (size_t)hash_of(s, text, len) & (s->slots_count - 1);
    while (s->slots[at] != NULL && !sh_text_equals_ignoring_case(s->slots[at], text))
        at = (at + 1) & (s->slots_count - 1);
    return at;
}

static void add_keys(skip_rules *s, const sh_list *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        sh_mac mac;
        s->slots[slot_of(s, keys->items[i], strlen(keys->items[i]))] = keys->items[i];
        if (sh_mac_read(sh_slice_of(keys->items[i]), &mac, NULL) == SH_OK && mac.number != 0)
            s->has_six_bytes = true;
    }
}

static sh_err make_slots(skip_rules *s, size_t count)
{
    for (s->slots_count = 4; s->slots_count <= 2 * count;)
        s->slots_count *= 2;
    s->slots = calloc(s->slots_count, sizeof *s->slots);
    sh_random(s->key, sizeof s->key);
    return s->slots == NULL ? SH_E_MEMORY : SH_OK;
}

/*
 * Must include everything that determines skip_rules_has(), except for the blocklist: what changes
 * that deletes the digests itself.
 */
static sh_err hash_rules(skip_rules *s, const sh_list *keys)
{
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(4 * SH_SETTING_MAX);
    sh_err err = sh_buf_append_text(&text, "skip");
    for (size_t i = 0; i < keys->count && err == SH_OK; i++)
        err = sh_buf_append_format(&text, "\n%s", keys->items[i]);
    if (err == SH_OK)
        sh_keyed_hash(NULL, (sh_slice){text.data, text.len}, s->rules, sizeof s->rules);
    return err;
}

sh_err skip_rules_new(const sh_list *keys, const sh_list *blocked, skip_rules **ret,
                      sh_error *error)
{
    skip_rules *s = calloc(1, sizeof *s);
    sh_err err = s == NULL ? SH_E_MEMORY : make_slots(s, keys->count + blocked->count);
    if (err == SH_OK) {
        add_keys(s, keys);
        add_keys(s, blocked);
        err = hash_rules(s, keys);
    }
    if (err != SH_OK) {
        skip_rules_free(s);
        return sh_fail(error, err, "no memory for SYNC_skip_macs and the blocklist");
    }
    *ret = s;
    return SH_OK;
}

void skip_rules_free(skip_rules *s)
{
    if (s == NULL)
        return;
    free(s->slots);
    free(s);
}

bool skip_rules_has(const skip_rules *s, const sh_mac *mac)
{
    if (mac->number != 0 && !s->has_six_bytes)
        return false;
    return s->slots[slot_of(s, mac->text, mac->len)] != NULL;
}

const uint8_t *skip_rules_digest(const skip_rules *s)
{
    return s->rules;
}
