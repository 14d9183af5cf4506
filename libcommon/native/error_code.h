/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_ERROR_CODE_H
#define SH_ERROR_CODE_H

#include "libcommon/base/text.h"

/*
 * The codes of the native protocol's errors (PROTOCOL.md, "Errors"): what the other side decides
 * by. They are a contract: a code keeps its text and meaning for ever.
 */
typedef enum {
    SH_CODE_NONE,  /* the error has no code: NetAlertX's format, and programs before 0.2.0 */
    SH_CODE_OTHER, /* a code that this version does not know */
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

/* As it is sent; NULL for SH_CODE_NONE and SH_CODE_OTHER, which are not. */
const char *sh_error_code_text(sh_error_code code);
/* SH_CODE_OTHER for a text that is none of them. */
sh_error_code sh_error_code_of(sh_slice text);

#endif
