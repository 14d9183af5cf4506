/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_CERTIFICATE_H
#define SH_CERTIFICATE_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"
#include "libcommon/base/version.h"

#include <stdint.h>

/* What an operator must know of a certificate. */

#define SH_CERTIFICATE_NAMES_BYTES 256
typedef struct {
    int64_t begin_ms, end_ms;               /* Unix times between which it is valid */
    char names[SH_CERTIFICATE_NAMES_BYTES]; /* DNS names and addresses, or its subject; truncated */
} sh_certificate;

/* Reads the first certificate of a PEM text. SH_E_FORMAT, SH_E_MEMORY. */
sh_err sh_certificate_read(sh_slice pem, sh_certificate *ret, sh_error *error);

/*
 * SH_E_CRYPTO unless the first private key of a PEM text belongs to the certificate; SH_E_FORMAT if
 * there is no readable one.
 */
sh_err sh_certificate_check_key(sh_slice certificate, sh_slice key, sh_error *error);

/* Name and version of the library, for --version. */
sh_library_version sh_certificate_library;

#endif
