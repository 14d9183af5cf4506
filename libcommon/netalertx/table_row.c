/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/netalertx/table_row.h"

#include "libcommon/base/limits.h"
#include "libcommon/base/text_mask.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

const char *sh_table_skip_string(const char *at, const char *end)
{
    const char *start = at;
    for (;;) {
        const char *quote = memchr(at, '"', (size_t)(end - at));
        if (quote == NULL)
            return NULL;
        const char *backslash = quote;
        while (backslash > start && backslash[-1] == '\\')
            backslash--;
        if ((quote - backslash) % 2 == 0)
            return quote + 1;
        at = quote + 1;
    }
}

/* Skips a number or a literal. */
static const char *skip_scalar(const char *at, const char *end)
{
    while (at < end && *at != ',' && *at != '}' && *at != ']' && *at != '{' && *at != '[' &&
           *at != '"' && *at != ':' && !sh_table_is_space(*at))
        at++;
    return at;
}

/* --- Keys of a row ---------------------------------------------------------------------------- */

/* Reads the value of "devMac"; at is after the ':'. */
static void read_mac_value(const char *at, const char *end, sh_row_mac *mac)
{
    mac->count++;
    at = sh_table_skip_space(at, end);
    if (at == end)
        return;
    if (*at == '"') {
        const char *after = sh_table_skip_string(at + 1, end);
        if (after == NULL)
            return;
        sh_slice text = {at + 1, (size_t)(after - at) - 2};
        bool escaped = memchr(text.data, '\\', text.len) != NULL;
        mac->kind = escaped ? SH_ROW_MAC_UNCLEAR : SH_ROW_MAC_TEXT;
        mac->mac = text;
    } else {
        const char *after = skip_scalar(at, end);
        bool null = after - at == 4 && memcmp(at, "null", 4) == 0;
        mac->kind = null ? SH_ROW_MAC_NONE : SH_ROW_MAC_UNCLEAR;
    }
    if (mac->count > 1)
        mac->kind = SH_ROW_MAC_UNCLEAR;
}

/*
 * The start of the value of a key whose bytes end before `after`; NULL if it is a string instead.
 */
static const char *value_after(const char *after, const char *end)
{
    const char *colon = sh_table_skip_space(after, end);
    return colon < end && *colon == ':' ? sh_table_skip_space(colon + 1, end) : NULL;
}

/* The value at `at`, without the quotes of a string. Empty if it is truncated. */
static sh_slice read_scalar(const char *at, const char *end)
{
    if (at == end)
        return SH_SLICE("");
    if (*at != '"')
        return (sh_slice){at, (size_t)(skip_scalar(at, end) - at)};
    const char *after = sh_table_skip_string(at + 1, end);
    return after == NULL ? SH_SLICE("") : (sh_slice){at + 1, (size_t)(after - at) - 2};
}

/*
 * The value of the key that consists of prefix, the letter at `at`, and the rest. Literals, so that
 * the compiler compares them as numbers.
 */
#define VALUE_OF(prefix, rest)                                                                     \
    ((size_t)(at - start) >= sizeof(prefix) - 1 && (size_t)(end - at) >= sizeof(rest) - 1 &&       \
             memcmp(at - (sizeof(prefix) - 1), prefix, sizeof(prefix) - 1) == 0 &&                 \
             memcmp(at, rest, sizeof(rest) - 1) == 0                                               \
         ? value_after(at + sizeof(rest) - 1, end)                                                 \
         : NULL)

#define LAST "Last"

/* Reads the value of a key with LAST at `at`, as check_letter(). */
static void check_last(const char *start, const char *at, const char *end, sh_row_state *state)
{
    const char *value = NULL;
    if ((size_t)(end - at) <= strlen(LAST) || memcmp(at, LAST, strlen(LAST)) != 0)
        return;
    switch (at[strlen(LAST)]) {
    case 'S':
        if ((value = VALUE_OF("\"devPresent", LAST "Scan\"")) != NULL)
            state->present = sh_row_present_read(read_scalar(value, end));
        break;
    case 'I':
        if ((value = VALUE_OF("\"dev", LAST "IP\"")) != NULL)
            state->last_ip = read_scalar(value, end);
        break;
    case 'C':
        if ((value = VALUE_OF("\"dev", LAST "Connection\"")) != NULL)
            state->last_connection = read_scalar(value, end);
        break;
    default:
        break;
    }
}

/* Reads the value of the key with the letter at `at`, inside a string of the row at start. */
static void check_letter(const char *start, const char *at, const char *end, sh_row_mac *mac)
{
    const char *value = NULL;
    switch (*at) {
    case 'M':
        if ((value = VALUE_OF("\"dev", "Mac\"")) != NULL)
            read_mac_value(value, end, mac);
        break;
    case 'L':
        check_last(start, at, end, &mac->state);
        break;
    default:
        if (VALUE_OF("\"", "present\"") != NULL)
            mac->state.has_present_key = true;
        break;
    }
}

/* at is after a string with a backslash. If it is a key, it can be one that is looked for. */
static void check_escaped_string(const char *at, const char *end, sh_row_mac *mac)
{
    at = sh_table_skip_space(at, end);
    if (at < end && *at == ':') {
        mac->count += 2;
        mac->kind = SH_ROW_MAC_UNCLEAR;
        mac->state.unclear = true;
    }
}

/* --- Brackets -------------------------------------------------------------------------------- */

#define LEVELS_CHECKED 64 /* brackets of deeper levels are only counted: the row is rejected */

static_assert(SH_JSON_DEPTH_MAX <= LEVELS_CHECKED, "check every level of a valid row");

/* The state of skip_brackets(), which reads blocks of 64 bytes. */
typedef struct {
    const char *start, *end;
    const char *closed; /* the position after the outermost bracket, once it was read */
    sh_row_mac *mac;    /* may be NULL */
    uint64_t in_string; /* all bits set inside a string, else 0 */
    bool escaped;       /* the string that is open has a backslash */
    uint64_t escape;    /* carry of sh_text_mask_escaped() */
    uint64_t objects;   /* bit n: the bracket of level n is '{' */
    size_t depth, deepest;
} bracket_walk;

static sh_err read_bracket(bracket_walk *w, const char *at, sh_error *error)
{
    bool opens = *at == '{' || *at == '[';
    size_t level = opens ? w->depth++ : --w->depth;
    if (w->depth > w->deepest)
        w->deepest = w->depth;
    if (w->depth == 0)
        w->closed = at + 1;
    if (level >= LEVELS_CHECKED)
        return SH_OK;
    uint64_t bit = UINT64_C(1) << level;
    if (opens)
        w->objects = *at == '{' ? w->objects | bit : w->objects & ~bit;
    else if (((w->objects & bit) != 0) != (*at == '}'))
        return sh_fail(error, SH_E_FORMAT, "the brackets of the table do not match");
    return SH_OK;
}

/* Checks the strings of a block that contain backslashes; closing: the closing quotes. */
static void check_escaped_strings(bracket_walk *w, const char *block, uint64_t backslashes,
                                  uint64_t closing)
{
    if (w->escaped)
        backslashes |= 1; /* of a string that started in an earlier block */
    w->escaped = false;
    while (backslashes != 0) {
        uint64_t here = closing & -(backslashes & -backslashes);
        w->escaped = here == 0;
        if (w->escaped)
            return;
        check_escaped_string(block + __builtin_ctzll(here) + 1, w->end, w->mac);
        backslashes &= ~(here ^ (here - 1)); /* keep those after this string */
    }
}

static sh_err walk_block(bracket_walk *w, const char *block, size_t len, const sh_text_mask *mask,
                         sh_error *error)
{
    uint64_t quotes = mask->quotes;
    uint64_t inside = mask->inside;
    if ((mask->backslashes | w->escape) != 0) {
        quotes &= ~sh_text_mask_escaped(mask->backslashes, &w->escape);
        inside = sh_text_mask_prefix_xor(quotes);
    }
    inside ^= w->in_string;
    if (w->mac != NULL && (mask->backslashes != 0 || w->escaped))
        check_escaped_strings(w, block, mask->backslashes, quotes & ~inside);
    w->in_string = (inside >> (len - 1) & 1) != 0 ? UINT64_MAX : 0;
    uint64_t letters = w->mac != NULL ? mask->letters & inside : 0;
    uint64_t left = (mask->brackets & ~inside) | letters;
    for (; left != 0 && w->closed == NULL; left &= left - 1) {
        const char *at = block + __builtin_ctzll(left);
        if ((letters & left & -left) != 0) {
            if (w->mac != NULL && w->depth == 1 && (w->objects & 1) != 0)
                check_letter(w->start, at, w->end, w->mac);
            continue;
        }
        sh_err err = read_bracket(w, at, error);
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}

/* at is at '{' or '['. See sh_table_skip_value(). */
static sh_err skip_brackets(const char *at, const char *end, sh_row_mac *mac, const char **ret,
                            sh_error *error)
{
    bracket_walk w = {.start = at, .end = end, .mac = mac};
    while (at < end) {
        sh_text_mask masks[SH_TEXT_MASKS];
        size_t count = sh_text_masks_of(at, (size_t)(end - at), masks);
        for (size_t i = 0; i < count; i++) {
            size_t left = (size_t)(end - at);
            size_t len = left < SH_TEXT_MASK_BYTES ? left : SH_TEXT_MASK_BYTES;
            sh_err err = walk_block(&w, at, len, &masks[i], error);
            if (err != SH_OK) {
                *ret = at;
                return err;
            }
            if (w.closed != NULL) {
                if (mac != NULL)
                    mac->too_deep = w.deepest > SH_JSON_DEPTH_MAX;
                *ret = w.closed;
                return SH_OK;
            }
            at += len;
        }
    }
    *ret = end;
    if (w.in_string != 0)
        return sh_fail(error, SH_E_FORMAT, "the table is truncated inside a string");
    return sh_fail(error, SH_E_FORMAT, "the table is truncated: a bracket is not closed");
}

sh_err sh_table_skip_value(const char *at, const char *end, sh_row_mac *mac, const char **ret,
                           sh_error *error)
{
    if (at < end && (*at == '{' || *at == '['))
        return skip_brackets(at, end, mac, ret, error);
    const char *after = NULL;
    if (at < end)
        after = *at == '"' ? sh_table_skip_string(at + 1, end) : skip_scalar(at, end);
    if (after == NULL || after == at)
        return sh_fail(error, SH_E_FORMAT,
                       "the table is truncated or not JSON: a value is missing");
    *ret = after;
    return SH_OK;
}
