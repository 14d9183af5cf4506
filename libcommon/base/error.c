/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

/* Parenthesized because error.h defines a macro of this name for clang's analyzer. */
sh_err(sh_fail)(sh_error *error, sh_err code, const char *format, ...)
{
    assert(code != SH_OK);
    if (error == NULL || error->code != SH_OK)
        return code;
    error->code = code;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(error->message, sizeof error->message, format, args);
    va_end(args);
    return code;
}

void sh_error_clear(sh_error *error)
{
    error->code = SH_OK;
    error->message[0] = '\0';
}

bool sh_err_is_transient(sh_err code)
{
    switch (code) {
    case SH_E_MEMORY:
    case SH_E_IO:
    case SH_E_NETWORK:
    case SH_E_BUSY:
    case SH_E_STOPPED:
        return true;
    default:
        return false;
    }
}

const char *sh_err_name(sh_err code)
{
    switch (code) {
    case SH_OK:
        return "ok";
    case SH_E_MEMORY:
        return "memory";
    case SH_E_IO:
        return "io";
    case SH_E_NETWORK:
        return "network";
    case SH_E_BUSY:
        return "busy";
    case SH_E_REFUSED:
        return "refused";
    case SH_E_FORMAT:
        return "format";
    case SH_E_LIMIT:
        return "limit";
    case SH_E_CRYPTO:
        return "crypto";
    case SH_E_CONFIG:
        return "config";
    case SH_E_NOT_FOUND:
        return "not_found";
    case SH_E_UNSUPPORTED:
        return "unsupported";
    case SH_E_STOPPED:
        return "stopped";
    }
    return "unknown";
}
