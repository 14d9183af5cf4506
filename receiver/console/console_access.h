/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_ACCESS_H
#define RECEIVER_CONSOLE_ACCESS_H

#include "receiver/console/console_request.h"

/* Who may do what. All functions answer a problem if they return false. */

/* The Host must be the console's own. */
bool console_access_check_host(const console_request *request);

/* No other site's page may have sent the request; its Host was checked before. */
bool console_access_check_origin(const console_request *request);

/*
 * Finds out who sends the request, by the token, the proxy's header or the session's cookie; sets
 * proof, user and read_only. False (401) for nobody.
 */
bool console_access_identify(console_request *request);

/* The session of the request's cookie, as the key of its record; "": there is none. */
void console_access_session_key(const console_request *request,
                                char ret[static SH_DIGEST_HEX_BYTES]);

#endif
