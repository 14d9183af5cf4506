/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PUT_ONE_H
#define TESTS_PUT_ONE_H

#include "libcommon/queue/queue.h"

/* Queues one envelope, as a push while no node has credentials of its own. */
static inline sh_err put_one(sh_queue *queue, sh_slice envelope, const sh_envelope_header *header,
                             sh_put *ret, sh_error *error)
{
    sh_queue_put_item item = {
        .envelope = envelope, .header = header, .mode = "push", .nodes_version = ""};
    sh_queue_put_each(queue, (sh_queue_put_item *[]){&item}, 1);
    if (item.err != SH_OK)
        return sh_fail(error, item.err, "%s", item.error.message);
    *ret = item.put;
    return SH_OK;
}

#endif
