/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_TOKEN_H
#define RECEIVER_CONSOLE_TOKEN_H

#include "libcommon/base/buffer.h"
#include "receiver/console/console_record.h"

/* API tokens, in the database by name. */
typedef struct {
    char name[SH_CONSOLE_TOKEN_NAME_MAX + 1];
    bool read_only;
    int64_t created_ms, used_ms; /* used_ms is exact to a minute; 0: never */
} console_token;

/* Adds one and returns its secret. SH_E_CONFIG, SH_E_REFUSED, SH_E_LIMIT; errors of the store. */
sh_err console_token_add(const sh_settings *settings, const console_token *token,
                         char ret[static SH_SECRET_TEXT_BYTES], sh_error *error);
/* SH_E_NOT_FOUND. */
sh_err console_token_revoke(const sh_settings *settings, const char *name, sh_error *error);

/* Finds the token of a secret, and records its use once in a minute. *found: there is one. */
sh_err console_token_find(const sh_settings *settings, store *s, sh_slice secret,
                          console_token *ret, bool *found);

typedef struct {
    console_token items[SH_CONSOLE_TOKENS_MAX]; /* by name */
    size_t count;
} console_token_list;
sh_err console_token_list_read(store *s, console_token_list *ret, sh_error *error);
/* `{"items":[…],"next":null}` */
sh_err console_token_list_write(const console_token_list *list, sh_buf *json);

#endif
