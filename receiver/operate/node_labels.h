/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_LABELS_H
#define RECEIVER_NODE_LABELS_H

#include "libcommon/base/error.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/text.h"

#include <stdbool.h>

/* Labels of a node: lines `key=value`, sorted by key. Pure. */

/*
 * Sets the label of `KEY=VALUE`, or removes it if VALUE is empty. SH_E_CONFIG for an invalid key or
 * value, SH_E_LIMIT for too many.
 */
sh_err node_labels_set(char labels[static SH_NODE_LABELS_BYTES_MAX + 1], const char *assignment,
                       sh_error *error);

/* Whether there is a label `KEY=VALUE`, or any label KEY. */
bool node_labels_match(const char *labels, const char *wanted);

/* Removes the first label from *labels; false at the end. */
bool node_labels_next(sh_slice *labels, sh_slice *key, sh_slice *value);

#endif
