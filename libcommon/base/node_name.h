/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_NODE_NAME_H
#define SH_NODE_NAME_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

/*
 * A node name has 1 to SH_NODE_NAME_CHARACTERS_MAX characters of UTF-8, at most SH_NODE_NAME_MAX
 * bytes, no '/', '\\' or invisible characters (unicode.h), no white space at either end, and is not
 * "." or "..". A plugin name is [A-Za-z0-9_]{1,64} except SYNC in any case, which is reserved for
 * the device table. SH_E_FORMAT; the message names the violated rule.
 */
sh_err sh_node_name_check(sh_slice name, sh_error *error);
sh_err sh_plugin_name_check(sh_slice name, sh_error *error);

#endif
