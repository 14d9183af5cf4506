/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/sightings.h"

#include "libcommon/base/big_endian.h"
#include "libcommon/base/limits.h"
#include "libcommon/crypto/crypto.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_FIRST 1024
#define ROWS_KEPT 131072 /* more than a transaction of tables of usual sizes has */
#define TEXTS_KEPT (8 * SH_MIB)
#define HASH_BIT (UINT64_C(1) << 63) /* set in no key of six bytes */

static_assert(SH_PRESENCE_IP_MAX <= UINT8_MAX, "its length fits in a byte");
static_assert(SH_MAC_MAX_BYTES <= UINT16_MAX, "its length fits in two bytes");

void sightings_reset(sightings *s)
{
    free(s->rows);
    sh_buf_reset(&s->texts);
    s->rows = NULL;
    s->count = s->capacity = 0;
}

void sightings_clear(sightings *s)
{
    s->count = 0;
    sh_buf_clear(&s->texts);
    if (s->capacity > ROWS_KEPT || s->texts.cap > TEXTS_KEPT)
        sightings_reset(s);
}

static void fold_case(const sh_mac *mac, char ret[static SIGHTING_MAC_BYTES])
{
    for (size_t i = 0; i < mac->len; i++) {
        char c = mac->text[i];
        ret[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    ret[mac->len] = '\0';
}

uint64_t sighting_key(const sh_mac *mac)
{
    char folded[SIGHTING_MAC_BYTES];
    uint8_t hash[16];
    if (mac->number != 0)
        return mac->number;
    fold_case(mac, folded);
    sh_keyed_hash(NULL, (sh_slice){folded, mac->len}, hash, sizeof hash);
    return sh_big_endian_get(hash, SIGHTING_KEY_BYTES) | HASH_BIT;
}

sighting_kind sighting_kind_of(const sh_row_state *state)
{
    switch (state->present) {
    case SH_ROW_PRESENT_NO:
        return SIGHTED_ABSENT;
    case SH_ROW_PRESENT_UNKNOWN:
        return SIGHTED_NOT_KNOWN;
    case SH_ROW_PRESENT_MISSING:
    case SH_ROW_PRESENT_YES:
        break;
    }
    return SIGHTED_PRESENT;
}

/* An address is stored if it is short and printable; other programs read it. */
static sh_slice usable_ip(sh_slice text)
{
    bool usable = text.len <= SH_PRESENCE_IP_MAX;
    for (size_t i = 0; i < text.len && usable; i++)
        usable = text.data[i] > ' ' && text.data[i] < 0x7f && text.data[i] != '\\';
    return usable ? text : SH_SLICE("");
}

/* A time matters only for a device that is not present. */
static sh_slice usable_time(sh_slice text, sighting_kind kind)
{
    bool usable =
        text.len == SIGHTING_TIME_BYTES && (kind == SIGHTED_ABSENT || kind == SIGHTED_NOT_KNOWN);
    return usable ? text : SH_SLICE("");
}

static bool grow(sightings *s)
{
    size_t capacity = s->capacity == 0 ? ROWS_FIRST : 2 * s->capacity;
    sighting *rows = reallocarray(s->rows, capacity, sizeof *rows);
    if (rows == NULL)
        return false;
    s->rows = rows;
    s->capacity = capacity;
    return true;
}

/* Makes room for another row and its texts. */
static sh_err reserve(sightings *s)
{
    sh_err err = s->count < s->capacity || grow(s) ? SH_OK : SH_E_MEMORY;
    bool fits = s->texts.cap - s->texts.len > SIGHTING_TEXTS_MAX;
    return err != SH_OK || fits ? err
                                : sh_buf_reserve(&s->texts, s->texts.len + SIGHTING_TEXTS_MAX);
}

/* There is room, see reserve(). */
static void append_text(sightings *s, const char *bytes, size_t len)
{
    if (len == 0)
        return;
    memcpy(s->texts.data + s->texts.len, bytes, len);
    s->texts.len += len;
}

sh_err sightings_add(sightings *s, const sh_mac *mac, sighting_kind kind, const sh_row_state *state,
                     sh_error *error)
{
    bool earlier = kind == SIGHTED_EARLIER;
    sh_slice ip = earlier ? SH_SLICE("") : usable_ip(state->last_ip);
    sh_slice time = earlier ? SH_SLICE("") : usable_time(state->last_connection, kind);
    if (reserve(s) != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "no memory to record which devices are present");
    s->rows[s->count++] = (sighting){.key = sighting_key(mac),
                                     .text = (uint32_t)s->texts.len,
                                     .mac_len = (uint16_t)(mac->number != 0 ? 0 : mac->len),
                                     .ip_len = (uint8_t)ip.len,
                                     .time_len = (uint8_t)time.len,
                                     .kind = (uint8_t)kind};
    if (mac->number == 0) {
        char folded[SIGHTING_MAC_BYTES];
        fold_case(mac, folded);
        append_text(s, folded, mac->len);
    }
    append_text(s, ip.data, ip.len);
    append_text(s, time.data, time.len);
    return SH_OK;
}

sightings_range sightings_begin(const sightings *s)
{
    return (sightings_range){.first = s->count, .end = s->count, .texts = s->texts.len};
}

void sightings_end(const sightings *s, sightings_range *range)
{
    range->end = s->count;
}

void sightings_cut(sightings *s, const sightings_range *to)
{
    s->count = to->first;
    s->texts.len = to->texts;
}

sh_err sightings_write_keys(const sightings *s, const sightings_range *range, sh_buf *ret)
{
    sh_err err = SH_OK;
    for (size_t i = range->first; i < range->end && err == SH_OK; i++) {
        uint8_t bytes[SIGHTING_KEY_BYTES];
        sh_big_endian_put(bytes, s->rows[i].key, sizeof bytes);
        err = sh_buf_append(ret, bytes, sizeof bytes);
    }
    return err;
}

uint64_t sighting_key_read(const char bytes[static SIGHTING_KEY_BYTES])
{
    return sh_big_endian_get((const uint8_t *)bytes, SIGHTING_KEY_BYTES);
}

static sh_slice text_at(const sightings *s, size_t at, size_t len)
{
    return len == 0 ? SH_SLICE("") : (sh_slice){s->texts.data + at, len};
}

sh_slice sighting_mac(const sightings *s, const sighting *one, char room[static SIGHTING_MAC_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t number = one->key - 1;
    char *at = room;
    if (one->mac_len > 0)
        return text_at(s, one->text, one->mac_len);
    for (int shift = 44; shift >= 0; shift -= 4) {
        *at++ = digits[number >> shift & 0xf];
        if (shift % 8 == 0 && shift > 0)
            *at++ = ':';
    }
    *at = '\0';
    return (sh_slice){room, (size_t)(at - room)};
}

sh_slice sighting_ip(const sightings *s, const sighting *one)
{
    return text_at(s, one->text + (size_t)one->mac_len, one->ip_len);
}

sh_slice sighting_time(const sightings *s, const sighting *one)
{
    return text_at(s, one->text + (size_t)one->mac_len + one->ip_len, one->time_len);
}
