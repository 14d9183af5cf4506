/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SETTINGS_DIFF_H
#define SH_SETTINGS_DIFF_H

#include "libcommon/base/buffer.h"
#include "libcommon/config/settings_table.h"

/*
 * Appends the names of a program's settings whose values differ, as in `SYNC_node_name,
 * SYNC_hub_url`; nothing if none do. SH_E_MEMORY, SH_E_LIMIT.
 */
sh_err sh_settings_differ(const sh_settings *a, const sh_settings *b, int program, sh_buf *ret);

/* Whether the values of one setting differ. */
bool sh_setting_differs(const sh_setting *row, const sh_settings *a, const sh_settings *b);

#endif
