/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_VERSION_H
#define SH_VERSION_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"

#include <stdio.h>

#define SH_LIBRARY_BYTES 64

/*
 * Writes the name and version of a third-party library, for example `libcurl 7.88.1`: the run-time
 * version if the library reports it, else the compile-time version. Each module that wraps a
 * library has such a function.
 */
typedef void sh_library_version(char ret[static SH_LIBRARY_BYTES]);

/*
 * Sets the program (`receiver`) and the commit of this build (NULL: unknown); borrows the strings.
 * Call before starting threads.
 */
void sh_version_init(const char *program, const char *commit);

/*
 * Prints `synchub-NAME 0.2.0 (0123456789ab)` and a line with the libraries' versions, for
 * --version. libraries ends with NULL and may be NULL.
 */
void sh_version_print(const char *name, sh_library_version *const libraries[], FILE *out);

/* Appends the metric synchub_build_info. SH_E_MEMORY, SH_E_LIMIT. */
sh_err sh_version_write_metric(sh_buf *ret);

#endif
