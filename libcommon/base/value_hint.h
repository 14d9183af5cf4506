/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_VALUE_HINT_H
#define SH_VALUE_HINT_H

#include <stdbool.h>
#include <stddef.h>

#define SH_VALUE_HINT_BYTES 160

/*
 * Detects common mistakes in a setting's value, which an env-file passes on unchanged: enclosing
 * quotes, a trailing comment, characters inserted by an editor or a chat program. Writes a hint
 * such as "it is in quotes, which an env-file keeps: remove them", for the end of a message; it
 * does not repeat the value. False if text looks fine.
 */
bool sh_value_hint(const char *text, char ret[static SH_VALUE_HINT_BYTES]);

#endif
