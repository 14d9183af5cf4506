/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_SESSION_H
#define RECEIVER_CONSOLE_SESSION_H

#include "receiver/console/console_record.h"

/*
 * Sessions, in the database, so that they outlive a restart. A session ends after
 * SH_CONSOLE_SESSION_S, by logging out, and when the password changes.
 */

/* Starts one for the password of this mark; ret is the secret of its cookie. */
sh_err console_session_start(const sh_settings *settings, const char *mark,
                             char ret[static SH_SECRET_TEXT_BYTES], sh_error *error);

/* Whether a session of this key is valid for the password of this mark, and until when. */
sh_err console_session_find(store *s, const char *key, const char *mark, int64_t *expires_ms,
                            bool *found);

/* Ends one; it is not an error if there is none. */
sh_err console_session_end(const sh_settings *settings, const char *key, sh_error *error);

#endif
