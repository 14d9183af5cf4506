/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_LOG_FIELD_H
#define SH_LOG_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The structured fields of log lines. */

/* A structured field of a line. */
typedef struct {
    const char *name;
    /*
     * The value unless it is a number. "" is written as `-` in text and omitted in JSON; a field
     * whose text is NULL is omitted in both.
     */
    const char *text;
    int64_t number;
    bool is_number;
    bool subject; /* lines with another value are not repetitions */
} sh_log_field;

#define SH_LOG_SUBJECT(field_name, value)                                                          \
    {                                                                                              \
        .name = (field_name), .text = (value), .subject = true                                     \
    }
#define SH_LOG_TEXT_FIELD(field_name, value)                                                       \
    {                                                                                              \
        .name = (field_name), .text = (value)                                                      \
    }
#define SH_LOG_NUMBER(field_name, value)                                                           \
    {                                                                                              \
        .name = (field_name), .number = (int64_t)(value), .is_number = true                        \
    }

/* Fields that all programs use; a text that is NULL is omitted. */
#define SH_LOG_NODE(value) SH_LOG_SUBJECT("node", value)
#define SH_LOG_PLUGIN(value) SH_LOG_SUBJECT("plugin", value)
#define SH_LOG_PEER(value) SH_LOG_SUBJECT("peer", value)
#define SH_LOG_URL(value) SH_LOG_SUBJECT("url", value)
#define SH_LOG_ENTRY(value) SH_LOG_TEXT_FIELD("entry", value) /* id in the queue, or of an item */
#define SH_LOG_ROWS(value) SH_LOG_NUMBER("rows", value)
#define SH_LOG_BYTES(value) SH_LOG_NUMBER("bytes", value)
#define SH_LOG_REASON(value) SH_LOG_SUBJECT("reason", value) /* last: `: …` in text */

#define SH_LOG_FIELDS(...)                                                                         \
    (const sh_log_field[])                                                                         \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            .name = NULL                                                                           \
        }                                                                                          \
    }

#endif
