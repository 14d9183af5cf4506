/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_PASSWORD_H
#define RECEIVER_CONSOLE_PASSWORD_H

#include "receiver/console/console_record.h"

/* The password of the console: that of SYNC_console_password, or the hash in the database. */
typedef struct {
    bool from_settings;
    char hash[SH_DIGEST_HEX_BYTES + 128]; /* "": none is set */
} console_password;

/* Reads which password is valid. The errors of the store. */
sh_err console_password_read(const sh_settings *settings, store *s, console_password *ret,
                             sh_error *error);
bool console_password_is_set(const console_password *password);

/* Whether text is it. Slow, and one at a time, so that many cost no more memory. */
bool console_password_matches(const console_password *password, const sh_settings *settings,
                              const char *text);

/* What a session is bound to: it ends when the password changes. */
void console_password_mark(const console_password *password, char ret[static SH_DIGEST_HEX_BYTES]);

/* Checks length and characters of a new one. SH_E_CONFIG. */
sh_err console_password_check(const char *text, sh_error *error);

/*
 * Stores a new one, which ends all sessions. SH_E_REFUSED if SYNC_console_password is set;
 * SH_E_CONFIG; the errors of the store.
 */
sh_err console_password_set(const sh_settings *settings, const char *text, sh_error *error);

/* One-time codes of links, in the database; valid for SH_CONSOLE_LINK_S. */
sh_err console_code_add(const sh_settings *settings, char ret[static SH_SECRET_TEXT_BYTES],
                        sh_error *error);
/* Uses a code up; *found: it was valid. */
sh_err console_code_use(const sh_settings *settings, const char *code, bool *found,
                        sh_error *error);

#endif
