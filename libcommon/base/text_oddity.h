/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SETTING_ODDITY_H
#define SH_SETTING_ODDITY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What is odd about a value as people set it: quotes around it, a comment behind it, characters
 * that an editor or a chat put there. An env-file passes all of that on as it is. Pure. Words for
 * the message are as in `SYNC_RUN holds '"once"': use …; it is in quotes, …`, and never repeat the
 * value.
 */
#define SH_ODDITY_BYTES 160

/* Writes what is odd about text, and what to do; false where nothing is. */
bool sh_setting_oddity(const char *text, char ret[static SH_ODDITY_BYTES]);

/* Whether text begins with a UTF-8 byte order mark, which is 3 bytes long. */
bool sh_has_bom(const char *text, size_t len);

#endif
