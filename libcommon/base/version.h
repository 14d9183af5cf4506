/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_VERSION_H
#define SH_VERSION_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"

#include <stdio.h>

#define SH_LIBRARY_BYTES 64

/*
 * Writes name and version of a third-party library, as in `libcurl 7.88.1`: the version that the
 * program runs with where the library can tell it, otherwise the one it was compiled with. Each
 * module that uses a library has such a function.
 */
typedef void sh_library_version(char ret[static SH_LIBRARY_BYTES]);

/* Notes the commit that the program was built from, a string that stays. Before the first thread.
 */
void sh_version_init(const char *commit);

/*
 * For --version: `synchub-NAME 0.2.0 (0123456789ab)`, then a line with the libraries. libraries
 * ends with NULL; NULL for none.
 */
void sh_version_print(const char *name, sh_library_version *const libraries[], FILE *out);

/* Adds the metric synchub_build_info. SH_E_MEMORY, SH_E_LIMIT. */
sh_err sh_version_write_metric(sh_buf *ret);

#endif
