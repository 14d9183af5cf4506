/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_JSON_READ_H
#define SH_JSON_READ_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"
#include "libcommon/base/version.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Wraps Jansson: parses small JSON documents into a tree (RFC 8259). Rejects duplicate keys, U+0000
 * in strings and integers over 64 bits. Large texts: json_scan.h.
 */
typedef struct sh_json sh_json; /* a value; borrowed from its document */

typedef enum {
    SH_JSON_NULL,
    SH_JSON_FALSE,
    SH_JSON_TRUE,
    SH_JSON_INTEGER,
    SH_JSON_REAL,
    SH_JSON_STRING,
    SH_JSON_ARRAY,
    SH_JSON_OBJECT,
} sh_json_kind;

/*
 * Parses one whole document; the caller releases it with sh_json_free(). Nothing but white space
 * may follow. SH_E_FORMAT (the message has position and reason, never the text), SH_E_LIMIT over
 * SH_JSON_DEPTH_MAX, SH_E_MEMORY.
 */
sh_err sh_json_parse(const char *text, size_t len, sh_json **ret, sh_error *error);
void sh_json_free(sh_json *document); /* NULL is accepted */
void sh_json_free_cleanup(sh_json **document);

sh_json_kind sh_json_kind_of(const sh_json *value);
sh_slice sh_json_text(const sh_json *value);   /* of a string; also NUL-terminated */
int64_t sh_json_integer(const sh_json *value); /* of an integer */
double sh_json_real(const sh_json *value);     /* of a real */
size_t sh_json_count(const sh_json *value);    /* elements of an array, members of an object */
const sh_json *sh_json_at(const sh_json *array, size_t index);         /* NULL if out of range */
const sh_json *sh_json_member(const sh_json *object, const char *key); /* NULL if absent */

/*
 * Calls each() with every member of an object, in the order of the document, until it fails;
 * returns that failure. The key is NUL-terminated, too.
 */
typedef sh_err (*sh_json_each)(void *context, sh_slice key, const sh_json *value, sh_error *error);
sh_err sh_json_each_member(const sh_json *object, sh_json_each each, void *context,
                           sh_error *error);

sh_library_version sh_json_library;

#endif
