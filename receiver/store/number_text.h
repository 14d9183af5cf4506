/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NUMBER_TEXT_H
#define RECEIVER_NUMBER_TEXT_H

#include "libcommon/base/text.h"

#include <stdbool.h>
#include <stdint.h>

/* Numbers as SQLite's column affinities read and write them. Pure. */

#define NUMBER_TEXT_BYTES 32 /* the longest, -1.7976931348623157e+308, has 24 */

typedef enum {
    NUMBER_NONE, /* not a number, or not finite */
    NUMBER_INTEGER,
    NUMBER_REAL, /* not whole, or beyond 64 bits */
} number_kind;

typedef struct {
    number_kind kind;
    int64_t integer;
    double real;
} number_value;

/*
 * Parses text that is a decimal number with optional white space around it. A number with a
 * fraction or an exponent is an integer if its value is whole and fits.
 */
number_value number_read(sh_slice text);

/* Whether the text is an integer literal: an optional sign and digits, of any length. */
bool number_is_whole(sh_slice text);

/*
 * Whether numeric affinity turns the text into a number: number_read()'s texts, and those of
 * numbers that are not finite.
 */
bool number_is_literal(sh_slice text);

/* A finite real in the shortest form that parses to the same value. */
sh_slice number_shortest(double real, char ret[static NUMBER_TEXT_BYTES]);

/* A finite real as SQLite converts it to text: 15 digits, always with a fraction. */
sh_slice number_as_text(double real, char ret[static NUMBER_TEXT_BYTES]);

sh_slice number_of_integer(int64_t integer, char ret[static NUMBER_TEXT_BYTES]);

#endif
