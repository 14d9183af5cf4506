/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/json/json_scan.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/hex.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/utf8.h"
#include "libcommon/json/plain_bytes.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    const char *start, *at, *end;
    sh_error *error;
    uint64_t objects; /* bit n: the open bracket of level n is '{' */
    unsigned depth;
    bool lenient;
} scanner;

_Static_assert(SH_JSON_DEPTH_MAX <= 64, "each level needs a bit");

static sh_err fail_here(const scanner *s, const char *expected)
{
    return sh_fail(s->error, SH_E_FORMAT, "not valid JSON at byte %zu: expected %s",
                   (size_t)(s->at - s->start), expected);
}

static void skip_space(scanner *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

static bool scanner_accept(scanner *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

/* Skips an escape; s->at is after the backslash. */
static sh_err skip_escape(scanner *s)
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

/*
 * Skips the bytes of a string up to a quote, a backslash or a control character. Skips plain bytes
 * in steps, and in blocks if the string is long. Clears *ascii if it skips other bytes.
 */
static void skip_plain(scanner *s, bool *ascii)
{
    const char *from = s->at;
    unsigned plain = SH_PLAIN_STEP;
    while (plain == SH_PLAIN_STEP && s->end - s->at >= SH_PLAIN_STEP) {
        plain = sh_plain_bytes(s->at);
        s->at += plain;
        if (s->at - from >= SH_PLAIN_BLOCK)
            s->at += sh_plain_blocks(s->at, (size_t)(s->end - s->at));
    }
    while (s->at < s->end && (unsigned char)*s->at >= 0x20 && *s->at != '"' && *s->at != '\\') {
        *ascii = *ascii && (unsigned char)*s->at < 0x80;
        s->at++;
    }
}

/* Reads a string; *ret is the text between the quotes. */
static sh_err read_string(scanner *s, sh_slice *ret, bool *escaped, bool *not_utf8)
{
    if (!scanner_accept(s, '"'))
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
        sh_err err = skip_escape(s);
        if (err != SH_OK)
            return err;
    }
    *ret = (sh_slice){from, (size_t)(s->at - from)};
    *not_utf8 = !ascii && !sh_utf8_is_valid(ret->data, ret->len);
    if (*not_utf8 && !s->lenient)
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
    (void)scanner_accept(s, '-');
    if (!scanner_accept(s, '0') && !skip_digits(s))
        return fail_here(s, "a value");
    if (scanner_accept(s, '.') && !skip_digits(s))
        return fail_here(s, "a digit");
    if (scanner_accept(s, 'e') || scanner_accept(s, 'E')) {
        if (!scanner_accept(s, '+'))
            (void)scanner_accept(s, '-');
        if (!skip_digits(s))
            return fail_here(s, "a digit");
    }
    return SH_OK;
}

static bool scanner_accept_word(scanner *s, sh_slice word)
{
    if ((size_t)(s->end - s->at) < word.len || memcmp(s->at, word.data, word.len) != 0)
        return false;
    s->at += word.len;
    return true;
}

/* Python's notation for numbers that are not finite. */
static bool scanner_accept_not_finite(scanner *s)
{
    return scanner_accept_word(s, SH_SLICE("NaN")) ||
           scanner_accept_word(s, SH_SLICE("Infinity")) ||
           scanner_accept_word(s, SH_SLICE("-Infinity"));
}

/* Reads a value that is not an array or object. */
static sh_err read_scalar(scanner *s, sh_json_scan_member *member)
{
    const char *from = s->at;
    sh_err err = SH_OK;
    if (s->at < s->end && *s->at == '"') {
        member->type = SH_JSON_SCAN_STRING;
        return read_string(s, &member->value, &member->escaped, &member->not_utf8);
    }
    if (scanner_accept_word(s, SH_SLICE("null"))) {
        member->type = SH_JSON_SCAN_NULL;
    } else if (scanner_accept_word(s, SH_SLICE("true")) ||
               scanner_accept_word(s, SH_SLICE("false"))) {
        member->type = SH_JSON_SCAN_BOOLEAN;
    } else if (s->lenient && scanner_accept_not_finite(s)) {
        member->type = SH_JSON_SCAN_NOT_FINITE;
    } else {
        member->type = SH_JSON_SCAN_NUMBER;
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
    return scanner_accept(s, ':') ? SH_OK : fail_here(s, "':'");
}

static bool in_object(const scanner *s)
{
    return (s->objects >> (s->depth - 1) & 1) != 0;
}

/*
 * Reads an opening bracket and, of an object, the first key. Sets *empty if the closing bracket
 * follows, which it reads, too.
 */
static sh_err open_bracket(scanner *s, bool *empty)
{
    bool object = *s->at++ == '{';
    if (s->depth == SH_JSON_DEPTH_MAX)
        return sh_fail(s->error, SH_E_LIMIT, "JSON is nested deeper than %d levels",
                       SH_JSON_DEPTH_MAX);
    s->objects &= ~(UINT64_C(1) << s->depth);
    s->objects |= (uint64_t)object << s->depth;
    s->depth++;
    skip_space(s);
    *empty = scanner_accept(s, object ? '}' : ']');
    if (*empty)
        s->depth--;
    sh_slice key;
    bool escaped;
    return object && !*empty ? read_key(s, &key, &escaped) : SH_OK;
}

/*
 * Continues after a value: to the next value at a level above `floor`, or, with *more = false, to
 * the end of the brackets at these levels.
 */
static sh_err skip_to_next_value(scanner *s, unsigned floor, bool *more)
{
    sh_slice key;
    bool escaped;
    while (s->depth > floor) {
        skip_space(s);
        *more = scanner_accept(s, ',');
        if (*more)
            return in_object(s) ? read_key(s, &key, &escaped) : SH_OK;
        if (!scanner_accept(s, in_object(s) ? '}' : ']'))
            return fail_here(s, in_object(s) ? "',' or '}'" : "',' or ']'");
        s->depth--;
    }
    *more = false;
    return SH_OK;
}

/* Reads a value of any type with everything in it. */
static sh_err read_value(scanner *s, sh_json_scan_member *member)
{
    skip_space(s);
    if (s->at == s->end || (*s->at != '{' && *s->at != '['))
        return read_scalar(s, member);
    const char *from = s->at;
    member->type = *s->at == '{' ? SH_JSON_SCAN_OBJECT : SH_JSON_SCAN_ARRAY;
    unsigned floor = s->depth;
    bool more = true;
    while (more) {
        sh_err err;
        bool empty = true;
        sh_json_scan_member inner;
        skip_space(s);
        if (s->at < s->end && (*s->at == '{' || *s->at == '['))
            err = open_bracket(s, &empty);
        else
            err = read_scalar(s, &inner);
        if (err == SH_OK && empty)
            err = skip_to_next_value(s, floor, &more);
        if (err != SH_OK)
            return err;
    }
    member->value = (sh_slice){from, (size_t)(s->at - from)};
    return SH_OK;
}

static sh_err scan_object(sh_slice text, bool lenient, sh_json_scan_callback each, void *context,
                          sh_error *error)
{
    scanner s = {.start = text.data,
                 .at = text.data,
                 .end = text.data + text.len,
                 .error = error,
                 .lenient = lenient};
    skip_space(&s);
    if (s.at == s.end || *s.at != '{')
        return fail_here(&s, "an object");
    s.at++;
    s.objects = 1;
    s.depth = 1;
    skip_space(&s);
    bool more = !scanner_accept(&s, '}');
    while (more) {
        sh_json_scan_member member = {.escaped = false};
        sh_err err = read_key(&s, &member.key, &member.key_escaped);
        if (err == SH_OK)
            err = read_value(&s, &member);
        if (err == SH_OK)
            err = each(context, &member, error);
        if (err != SH_OK)
            return err;
        skip_space(&s);
        more = scanner_accept(&s, ',');
        if (!more && !scanner_accept(&s, '}'))
            return fail_here(&s, "',' or '}'");
    }
    skip_space(&s);
    return s.at == s.end ? SH_OK : fail_here(&s, "the end");
}

sh_err sh_json_scan(sh_slice text, sh_json_scan_callback each, void *context, sh_error *error)
{
    return scan_object(text, false, each, context, error);
}

sh_err sh_json_scan_lenient(sh_slice text, sh_json_scan_callback each, void *context,
                            sh_error *error)
{
    return scan_object(text, true, each, context, error);
}

static sh_err check_value(sh_slice text, bool lenient, sh_error *error)
{
    scanner s = {.start = text.data,
                 .at = text.data,
                 .end = text.data + text.len,
                 .error = error,
                 .lenient = lenient};
    sh_json_scan_member value = {.escaped = false};
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

sh_err sh_json_check_lenient(sh_slice text, sh_error *error)
{
    return check_value(text, true, error);
}

bool sh_json_scan_key_is(const sh_json_scan_member *member, const char *name)
{
    sh_slice wanted = sh_slice_of(name);
    if (!member->key_escaped)
        return sh_slice_equals(member->key, wanted);
    SH_CLEANUP(sh_buf_reset) sh_buf key = SH_BUF_INIT(wanted.len);
    return sh_json_unescape(member->key, &key) == SH_OK &&
           sh_slice_equals((sh_slice){key.data, key.len}, wanted);
}
