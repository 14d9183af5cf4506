/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/number_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t skip_sign(sh_slice text, size_t at)
{
    return at + (at < text.len && (text.data[at] == '-' || text.data[at] == '+'));
}

static size_t skip_digits(sh_slice text, size_t at)
{
    while (at < text.len && is_digit(text.data[at]))
        at++;
    return at;
}

bool number_is_whole(sh_slice text)
{
    size_t from = skip_sign(text, 0);
    return from < text.len && skip_digits(text, from) == text.len;
}

static bool read_integer(sh_slice text, int64_t *ret)
{
    bool minus = text.data[0] == '-';
    int64_t integer = 0;
    for (size_t at = skip_sign(text, 0); at < text.len; at++) {
        int digit = text.data[at] - '0';
        if (__builtin_mul_overflow(integer, 10, &integer) ||
            __builtin_add_overflow(integer, minus ? -digit : digit, &integer))
            return false;
    }
    *ret = integer;
    return true;
}

/* Whether text is a sign, digits with an optional point anywhere, and an exponent. */
static bool is_real(sh_slice text)
{
    size_t from = skip_sign(text, 0);
    size_t at = skip_digits(text, from);
    size_t digits = at - from;
    if (at < text.len && text.data[at] == '.') {
        from = at + 1;
        at = skip_digits(text, from);
        digits += at - from;
    }
    if (digits == 0)
        return false;
    if (at < text.len && (text.data[at] == 'e' || text.data[at] == 'E')) {
        from = skip_sign(text, at + 1);
        at = skip_digits(text, from);
        if (at == from)
            return false;
    }
    return at == text.len;
}

bool number_is_literal(sh_slice text)
{
    return is_real(sh_slice_trim(text));
}

/*
 * Copies text, as strtod() needs a terminator. Digits that do not fit do not change a double's
 * value …
 */
static double real_of(sh_slice text)
{
    char copy[1024];
    if (text.len >= sizeof copy) /* … but an exponent would be lost */
        return NAN;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return strtod(copy, NULL);
}

/* Excludes both ends of the range, as SQLite does: 2^63 does not fit. */
static bool is_integer(double real, int64_t *ret)
{
    if (!(real > -9223372036854775808.0 && real < 9223372036854775808.0))
        return false;
    *ret = (int64_t)real;
    double back = (double)*ret;
    return !(back < real) && !(back > real);
}

number_value number_read(sh_slice text)
{
    if (text.len == 1 && is_digit(text.data[0])) /* the usual case */
        return (number_value){.kind = NUMBER_INTEGER, .integer = text.data[0] - '0'};
    text = sh_slice_trim(text);
    number_value ret = {.kind = NUMBER_NONE};
    if (!is_real(text))
        return ret;
    if (number_is_whole(text) && read_integer(text, &ret.integer)) {
        ret.kind = NUMBER_INTEGER;
        return ret;
    }
    ret.real = real_of(text);
    if (isfinite(ret.real))
        ret.kind = is_integer(ret.real, &ret.integer) ? NUMBER_INTEGER : NUMBER_REAL;
    return ret;
}

sh_slice number_shortest(double real, char ret[static NUMBER_TEXT_BYTES])
{
    int len = 0;
    for (int digits = 1; digits <= 17; digits++) {
        len = snprintf(ret, NUMBER_TEXT_BYTES, "%.*g", digits, real);
        double back = strtod(ret, NULL);
        if (!(back < real) && !(back > real))
            break;
    }
    return (sh_slice){.data = ret, .len = (size_t)len};
}

sh_slice number_as_text(double real, char ret[static NUMBER_TEXT_BYTES])
{
    char digits[NUMBER_TEXT_BYTES - 2];
    (void)snprintf(digits, sizeof digits, "%.15g", real);
    size_t mantissa = strcspn(digits, "e");
    bool point = memchr(digits, '.', mantissa) != NULL;
    int len = snprintf(ret, NUMBER_TEXT_BYTES, "%.*s%s%s", (int)mantissa, digits, point ? "" : ".0",
                       digits + mantissa);
    return (sh_slice){.data = ret, .len = (size_t)len};
}

sh_slice number_of_integer(int64_t integer, char ret[static NUMBER_TEXT_BYTES])
{
    int len = snprintf(ret, NUMBER_TEXT_BYTES, "%" PRId64, integer);
    return (sh_slice){.data = ret, .len = (size_t)len};
}
