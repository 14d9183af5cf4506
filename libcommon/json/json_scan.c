/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/json/json_scan.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/hex.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/utf8.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

typedef struct {
    const char *start, *at, *end;
    sh_error *error;
    uint64_t objects; /* a bit for each open bracket: 1 for '{' */
    unsigned depth;
    bool loose; /* as Python reads */
} scanner;

_Static_assert(SH_JSON_DEPTH_MAX <= 64, "the open brackets are kept in 64 bits");

static sh_err fail_here(const scanner *s, const char *expected)
{
    return sh_fail(s->error, SH_E_FORMAT, "not valid JSON: at byte %zu, %s was expected",
                   (size_t)(s->at - s->start), expected);
}

static void skip_space(scanner *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

static bool take(scanner *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

/* Passes one escape; s->at is behind the backslash. */
static sh_err read_escape(scanner *s)
{
    if (s->at == s->end || memchr("\"\\/bfnrtu", *s->at, 9) == NULL)
        return fail_here(s, "an escape");
    if (*s->at++ != 'u')
        return SH_OK;
    uint8_t code[2];
    if (s->end - s->at < 4 || !sh_hex_decode((sh_slice){s->at, 4}, code, 2))
        return fail_here(s, "four hex digits");
    s->at += 4;
    return SH_OK;
}

#ifdef __SSE2__
#define STEP 16

/* How many of the next STEP bytes are ASCII and stand for themselves, before one that does not. */
static unsigned plain_ahead(const char *at)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i special = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                   _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
    /* As signed ones, bytes from 0x80 on are below 0x20, too. */
    special = _mm_or_si128(special, _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)));
    return (unsigned)__builtin_ctz((unsigned)_mm_movemask_epi8(special) | 1U << STEP);
}
#else
#define STEP 8
#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* The high bit of each byte that is c, and, above the lowest such byte, perhaps of others. */
static uint64_t bytes_that_are(uint64_t eight, unsigned char c)
{
    uint64_t differ = eight ^ EACH_BYTE(c);
    return (differ - EACH_BYTE(1)) & ~differ & EACH_BYTE(0x80);
}

static unsigned plain_ahead(const char *at)
{
    uint64_t eight;
    memcpy(&eight, at, sizeof eight);
    uint64_t control = (eight - EACH_BYTE(0x20)) & ~eight & EACH_BYTE(0x80);
    uint64_t special = bytes_that_are(eight, '"') | bytes_that_are(eight, '\\') | control |
                       (eight & EACH_BYTE(0x80));
    if (special == 0)
        return STEP;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (unsigned)__builtin_ctzll(special) / 8;
#else
    return 0; /* the masks are exact from the lowest byte on, which is the last here */
#endif
}
#endif

#define BLOCK 64

/* Whether all bytes of the block stand for themselves and are ASCII: a loop of vectors. */
static bool is_plain(const char block[static BLOCK])
{
    unsigned char special = 0;
    for (unsigned i = 0; i < BLOCK; i++) /* as signed ones, bytes from 0x80 on are below 0x20 */
        special |= ((signed char)block[i] < 0x20) | (block[i] == '"') | (block[i] == '\\');
    return special == 0;
}

/*
 * Passes the bytes of a string that stand for themselves, a step at a time where they are ASCII,
 * or, in a long string, a block; *ascii becomes false where others were passed.
 */
static void skip_plain(scanner *s, bool *ascii)
{
    const char *from = s->at;
    unsigned plain = STEP;
    while (plain == STEP && s->end - s->at >= STEP) {
        plain = plain_ahead(s->at);
        s->at += plain;
        while (s->at - from >= BLOCK && s->end - s->at >= BLOCK && is_plain(s->at))
            s->at += BLOCK;
    }
    while (s->at < s->end && (unsigned char)*s->at >= 0x20 && *s->at != '"' && *s->at != '\\') {
        *ascii = *ascii && (unsigned char)*s->at < 0x80;
        s->at++;
    }
}

/* Passes a string; *ret is what is between the quotes. */
static sh_err read_string(scanner *s, sh_slice *ret, bool *escaped, bool *not_utf8)
{
    if (!take(s, '"'))
        return fail_here(s, "a string");
    const char *from = s->at;
    bool ascii = true;
    *escaped = false;
    for (;;) {
        skip_plain(s, &ascii);
        if (s->at == s->end || (unsigned char)*s->at < 0x20)
            return fail_here(s, "the end of a string");
        if (*s->at == '"')
            break;
        s->at++;
        *escaped = true;
        sh_err err = read_escape(s);
        if (err != SH_OK)
            return err;
    }
    *ret = (sh_slice){from, (size_t)(s->at - from)};
    *not_utf8 = !ascii && !sh_utf8_is_valid(ret->data, ret->len);
    if (*not_utf8 && !s->loose)
        return sh_fail(s->error, SH_E_FORMAT, "not valid JSON: a string is not UTF-8");
    s->at++;
    return SH_OK;
}

static bool skip_digits(scanner *s)
{
    const char *from = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return s->at > from;
}

static sh_err read_number(scanner *s)
{
    (void)take(s, '-');
    if (!take(s, '0') && !skip_digits(s))
        return fail_here(s, "a value");
    if (take(s, '.') && !skip_digits(s))
        return fail_here(s, "a digit");
    if (take(s, 'e') || take(s, 'E')) {
        if (!take(s, '+'))
            (void)take(s, '-');
        if (!skip_digits(s))
            return fail_here(s, "a digit");
    }
    return SH_OK;
}

static bool take_word(scanner *s, sh_slice word)
{
    if ((size_t)(s->end - s->at) < word.len || memcmp(s->at, word.data, word.len) != 0)
        return false;
    s->at += word.len;
    return true;
}

/* What Python writes for numbers that are not finite. */
static bool take_not_finite(scanner *s)
{
    return take_word(s, SH_SLICE("NaN")) || take_word(s, SH_SLICE("Infinity")) ||
           take_word(s, SH_SLICE("-Infinity"));
}

/* Passes a value that is no array or object. */
static sh_err read_scalar(scanner *s, sh_scan_member *member)
{
    const char *from = s->at;
    sh_err err = SH_OK;
    if (s->at < s->end && *s->at == '"') {
        member->type = SH_SCAN_STRING;
        return read_string(s, &member->value, &member->escaped, &member->not_utf8);
    }
    if (take_word(s, SH_SLICE("null"))) {
        member->type = SH_SCAN_NULL;
    } else if (take_word(s, SH_SLICE("true")) || take_word(s, SH_SLICE("false"))) {
        member->type = SH_SCAN_BOOLEAN;
    } else if (s->loose && take_not_finite(s)) {
        member->type = SH_SCAN_NOT_FINITE;
    } else {
        member->type = SH_SCAN_NUMBER;
        err = read_number(s);
    }
    member->value = (sh_slice){from, (size_t)(s->at - from)};
    return err;
}

static sh_err read_key(scanner *s, sh_slice *key, bool *escaped)
{
    bool not_utf8;
    skip_space(s);
    sh_err err = read_string(s, key, escaped, &not_utf8);
    if (err != SH_OK)
        return err;
    skip_space(s);
    return take(s, ':') ? SH_OK : fail_here(s, "':'");
}

static bool in_object(const scanner *s)
{
    return (s->objects >> (s->depth - 1) & 1) != 0;
}

/* Opens a bracket; *empty where it is closed at once. Passes the first key of an object. */
static sh_err open_bracket(scanner *s, bool *empty)
{
    bool object = *s->at++ == '{';
    if (s->depth == SH_JSON_DEPTH_MAX)
        return sh_fail(s->error, SH_E_LIMIT, "JSON is nested deeper than %d", SH_JSON_DEPTH_MAX);
    s->objects &= ~(UINT64_C(1) << s->depth);
    s->objects |= (uint64_t)object << s->depth;
    s->depth++;
    skip_space(s);
    *empty = take(s, object ? '}' : ']');
    if (*empty)
        s->depth--;
    sh_slice key;
    bool escaped;
    return object && !*empty ? read_key(s, &key, &escaped) : SH_OK;
}

/*
 * Passes what follows a value up to the next one inside the brackets opened since `floor`, or up to
 * the end of the last of them: then *more is false.
 */
static sh_err pass_to_next(scanner *s, unsigned floor, bool *more)
{
    sh_slice key;
    bool escaped;
    while (s->depth > floor) {
        skip_space(s);
        *more = take(s, ',');
        if (*more)
            return in_object(s) ? read_key(s, &key, &escaped) : SH_OK;
        if (!take(s, in_object(s) ? '}' : ']'))
            return fail_here(s, in_object(s) ? "',' or '}'" : "',' or ']'");
        s->depth--;
    }
    *more = false;
    return SH_OK;
}

/* Passes one value of any kind, with all that is in it. */
static sh_err read_value(scanner *s, sh_scan_member *member)
{
    skip_space(s);
    if (s->at == s->end || (*s->at != '{' && *s->at != '['))
        return read_scalar(s, member);
    const char *from = s->at;
    member->type = *s->at == '{' ? SH_SCAN_OBJECT : SH_SCAN_ARRAY;
    unsigned floor = s->depth;
    bool more = true;
    while (more) {
        sh_err err;
        bool empty = true;
        sh_scan_member inner;
        skip_space(s);
        if (s->at < s->end && (*s->at == '{' || *s->at == '['))
            err = open_bracket(s, &empty);
        else
            err = read_scalar(s, &inner);
        if (err == SH_OK && empty)
            err = pass_to_next(s, floor, &more);
        if (err != SH_OK)
            return err;
    }
    member->value = (sh_slice){from, (size_t)(s->at - from)};
    return SH_OK;
}

static sh_err scan_object(sh_slice text, bool loose, sh_scan_each each, void *context,
                          sh_error *error)
{
    scanner s = {.start = text.data,
                 .at = text.data,
                 .end = text.data + text.len,
                 .error = error,
                 .loose = loose};
    skip_space(&s);
    if (s.at == s.end || *s.at != '{')
        return fail_here(&s, "an object");
    s.at++;
    s.objects = 1;
    s.depth = 1;
    skip_space(&s);
    bool more = !take(&s, '}');
    while (more) {
        sh_scan_member member = {.escaped = false};
        sh_err err = read_key(&s, &member.key, &member.key_escaped);
        if (err == SH_OK)
            err = read_value(&s, &member);
        if (err == SH_OK)
            err = each(context, &member, error);
        if (err != SH_OK)
            return err;
        skip_space(&s);
        more = take(&s, ',');
        if (!more && !take(&s, '}'))
            return fail_here(&s, "',' or '}'");
    }
    skip_space(&s);
    return s.at == s.end ? SH_OK : fail_here(&s, "the end");
}

sh_err sh_json_scan(sh_slice text, sh_scan_each each, void *context, sh_error *error)
{
    return scan_object(text, false, each, context, error);
}

sh_err sh_json_scan_loose(sh_slice text, sh_scan_each each, void *context, sh_error *error)
{
    return scan_object(text, true, each, context, error);
}

static sh_err check_value(sh_slice text, bool loose, sh_error *error)
{
    scanner s = {.start = text.data,
                 .at = text.data,
                 .end = text.data + text.len,
                 .error = error,
                 .loose = loose};
    sh_scan_member value = {.escaped = false};
    sh_err err = read_value(&s, &value);
    if (err != SH_OK)
        return err;
    skip_space(&s);
    return s.at == s.end ? SH_OK : fail_here(&s, "the end");
}

sh_err sh_json_check(sh_slice text, sh_error *error)
{
    return check_value(text, false, error);
}

sh_err sh_json_check_loose(sh_slice text, sh_error *error)
{
    return check_value(text, true, error);
}

bool sh_scan_key_is(const sh_scan_member *member, const char *name)
{
    sh_slice wanted = sh_slice_of(name);
    if (!member->key_escaped)
        return sh_slice_equals(member->key, wanted);
    SH_CLEANUP(sh_buf_reset) sh_buf key = SH_BUF_INIT(wanted.len);
    return sh_json_unescape(member->key, &key) == SH_OK &&
           sh_slice_equals((sh_slice){key.data, key.len}, wanted);
}

static uint32_t hex_code(const char *digits)
{
    uint8_t bytes[2] = {0, 0};
    (void)sh_hex_decode((sh_slice){digits, 4}, bytes, 2); /* the scan has checked them */
    return (uint32_t)bytes[0] << 8 | bytes[1];
}

static sh_err append_character(uint32_t code, sh_buf *ret)
{
    char utf8[SH_UTF8_CHARACTER_BYTES];
    return sh_buf_append(ret, utf8, sh_utf8_encode(code, utf8));
}

/* Adds the character of a \u escape at raw.data[at] ('u'); *used counts its bytes from there on. */
static sh_err unescape_code(sh_slice raw, size_t at, size_t *used, sh_buf *ret)
{
    uint32_t code = hex_code(raw.data + at + 1);
    *used = 5;
    if (code >= 0xd800 && code <= 0xdbff) {
        if (raw.len - at < 11 || raw.data[at + 5] != '\\' || raw.data[at + 6] != 'u')
            return SH_E_FORMAT;
        uint32_t low = hex_code(raw.data + at + 7);
        if (low < 0xdc00 || low > 0xdfff)
            return SH_E_FORMAT;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        *used = 11;
    } else if (code == 0 || (code >= 0xdc00 && code <= 0xdfff)) {
        return SH_E_FORMAT;
    }
    return append_character(code, ret);
}

sh_err sh_json_unescape(sh_slice raw, sh_buf *ret)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    size_t at = 0;
    while (at < raw.len) {
        const char *escape = memchr(raw.data + at, '\\', raw.len - at);
        size_t plain = escape == NULL ? raw.len - at : (size_t)(escape - raw.data) - at;
        sh_err err = sh_buf_append(ret, raw.data + at, plain);
        at += plain;
        if (err == SH_OK && escape != NULL) {
            size_t used = 1;
            at++;
            if (raw.data[at] == 'u')
                err = unescape_code(raw, at, &used, ret);
            else
                err = sh_buf_append(ret, meanings + (strchr(letters, raw.data[at]) - letters), 1);
            at += used;
        }
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}
