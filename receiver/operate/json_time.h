/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_JSON_TIME_H
#define RECEIVER_JSON_TIME_H

#include "libcommon/base/buffer.h"

#include <stdint.h>

/*
 * Times of the operators' JSON: members that follow another one, so they begin with a comma. ms is
 * a Unix time; 0 is written as null. The errors of json_write.h.
 */

/* `,"key":"2026-11-28T17:00:00Z"` */
sh_err json_time_write(sh_buf *json, const char *key, int64_t ms);

/* `,"key":1795888800000` */
sh_err json_time_write_ms(sh_buf *json, const char *key, int64_t ms);

/* Both: `key`, and `key_ms`, which is the name of 0.2.0, for one release. */
sh_err json_time_write_both(sh_buf *json, const char *key, int64_t ms);

#endif
