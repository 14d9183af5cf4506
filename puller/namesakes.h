/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_NAMESAKES_H
#define PULLER_NAMESAKES_H

#include <stddef.h>

/* A node that answered in a run. */
typedef struct {
    const char *name, *url;
} namesake;

/*
 * Logs which nodes have one name, which would make them one node to the hub, and which have names
 * that are easily confused (name.h): a line for each name. Sorts the nodes.
 */
void namesakes_report(namesake nodes[], size_t count);

#endif
