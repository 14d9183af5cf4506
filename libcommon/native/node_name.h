/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_NODE_NAME_H
#define SH_NODE_NAME_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

/*
 * Node names are 1 to SH_NODE_NAME_CHARACTERS_MAX characters of UTF-8, at most SH_NODE_NAME_MAX
 * bytes, without '/', '\\' and characters that do not show (unicode.h), without white space at
 * their ends, and not "." or ".."; plugin names are [A-Za-z0-9_]{1,64}, and not SYNC in any case,
 * which stands for the device table. SH_E_FORMAT says which rule is broken.
 */
sh_err sh_node_name_check(sh_slice name, sh_error *error);
sh_err sh_plugin_name_check(sh_slice name, sh_error *error);

#endif
