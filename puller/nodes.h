/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_NODES_H
#define PULLER_NODES_H

#include "libcommon/base/error.h"
#include "libcommon/base/limits.h"
#include "libcommon/netalertx/list.h"

#include <stdbool.h>
#include <stddef.h>

/* A node of SYNC_nodes. */
typedef struct {
    char name[SH_NODE_NAME_MAX + 1]; /* of `name=URL`; "" where only the URL is given */
    char *url;                       /* without trailing slash; all pullers know the node by it */
    char *sync_url;                  /* what is fetched */
    bool in_clear;                   /* the token goes over plain http to another machine */
} puller_node;

typedef struct {
    puller_node *items;
    size_t count;
} puller_nodes;

/* Reads the entries of SYNC_nodes. SH_E_CONFIG names the entry that is wrong; SH_E_MEMORY. */
sh_err puller_nodes_read(const sh_list *entries, puller_nodes *ret, sh_error *error);
void puller_nodes_reset(puller_nodes *nodes); /* NULL and zeroed are accepted */

#endif
