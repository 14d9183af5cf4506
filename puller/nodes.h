/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_NODES_H
#define PULLER_NODES_H

#include "libcommon/base/error.h"
#include "libcommon/base/limits.h"
#include "libcommon/netalertx/app_conf_list.h"

#include <stdbool.h>
#include <stddef.h>

/* A node of SYNC_nodes. */
typedef struct {
    char name[SH_NODE_NAME_MAX + 1]; /* of `name=URL`; "" without a name */
    char *url;                       /* without trailing slash; the key for all pullers */
    char *sync_url;                  /* the requested URL */
    bool in_clear;                   /* the token is sent over plain HTTP to another machine */
} puller_node;

typedef struct {
    puller_node *items;
    size_t count;
} puller_nodes;

/* Parses the entries of SYNC_nodes. SH_E_CONFIG, with the invalid entry; SH_E_MEMORY. */
sh_err puller_nodes_read(const sh_list *entries, puller_nodes *ret, sh_error *error);
void puller_nodes_reset(puller_nodes *nodes); /* NULL and zeroed are accepted */

#endif
