/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_DUPLICATE_NAMES_H
#define PULLER_DUPLICATE_NAMES_H

#include <stddef.h>

/* A node that answered during a run. */
typedef struct {
    const char *name, *url;
} named_node;

/*
 * Logs which nodes have the same name, so that the hub cannot distinguish them, and which have
 * names that are easily confused (name_lookalike.h): a line for each name. Sorts the nodes.
 */
void duplicate_names_report(named_node nodes[], size_t count);

#endif
