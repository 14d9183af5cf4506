/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_ERROR_CODE_H
#define SH_ERROR_CODE_H

#include "libcommon/base/text.h"

/*
 * Error codes of the native protocol (PROTOCOL.md, "Errors"), on which the peer bases its decision.
 * They are a contract: never change the text or meaning of a code.
 */
typedef enum {
    SH_CODE_NONE,  /* no code: NetAlertX's format, and programs before 0.2.0 */
    SH_CODE_OTHER, /* a code unknown to this version */
    SH_CODE_ALTERED,
    SH_CODE_BUSY,
    SH_CODE_CLOCK,
    SH_CODE_CONTENT,
    SH_CODE_CONTENT_TYPE,
    SH_CODE_CREDENTIALS,
    SH_CODE_ENVELOPE,
    SH_CODE_FULL,
    SH_CODE_HEADER,
    SH_CODE_INTERNAL,
    SH_CODE_KEY,
    SH_CODE_MEMORY,
    SH_CODE_METHOD,
    SH_CODE_NAMES,
    SH_CODE_NODE_NAME,
    SH_CODE_NOT_READY,
    SH_CODE_NO_TABLE,
    SH_CODE_PATH,
    SH_CODE_PLAIN,
    SH_CODE_PLUGIN_NAME,
    SH_CODE_REDIS,
    SH_CODE_REQUEST,
    SH_CODE_SHARE,
    SH_CODE_SIZE,
    SH_CODE_STOPPING,
    SH_CODE_TABLE,
    SH_CODE_TLS,
    SH_CODE_TOKEN,
    SH_CODES
} sh_error_code;

/* The text in the protocol; NULL for SH_CODE_NONE and SH_CODE_OTHER. */
const char *sh_error_code_text(sh_error_code code);
/* The code of a text; SH_CODE_OTHER if it is unknown. */
sh_error_code sh_error_code_of(sh_slice text);

#endif
