/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_BODY_H
#define RECEIVER_CONSOLE_BODY_H

#include "libcommon/json/json_read.h"

#include <stddef.h>

/* The members of a request's body. Pure. */

typedef enum {
    CONSOLE_BODY_TEXT,    /* ret is a const char **, borrowed from the body */
    CONSOLE_BODY_FLAG,    /* a bool * */
    CONSOLE_BODY_INTEGER, /* an int64_t * */
    CONSOLE_BODY_ARRAY,   /* a const sh_json ** */
    CONSOLE_BODY_ANY,     /* the same, also of null */
} console_body_kind;

typedef struct {
    const char *name;
    console_body_kind kind;
    void *ret;              /* stays as it is if the member is absent or null … */
    bool required;          /* … which is refused then */
    int64_t least, largest; /* of an integer; both 0: any */
} console_body_field;

/*
 * Reads an object; NULL has no members. SH_E_FORMAT for a member of another name or kind, or a
 * required one that is missing.
 */
sh_err console_body_read(const sh_json *body, const console_body_field fields[], size_t count,
                         sh_error *error);

#endif
