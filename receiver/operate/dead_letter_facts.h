/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DEAD_LETTER_FACTS_H
#define RECEIVER_DEAD_LETTER_FACTS_H

#include "libcommon/native/envelope.h"
#include "receiver/queue/dead_letters.h"

/* What is known of a dead letter without its content, which is sealed. */
typedef struct {
    char id[sizeof((dead_letter *)NULL)->id], entry[sizeof((dead_letter *)NULL)->id];
    char mode[8];
    size_t bytes;
    bool readable; /* header is valid, which is zeroed otherwise */
    sh_envelope_header header;
    char reason[SH_DEAD_REASON_MAX];
} dead_letter_facts;

void dead_letter_facts_read(const dead_letter *dead, dead_letter_facts *ret);

int64_t dead_letter_since_ms(const dead_letter_facts *letter);
/* `devices`, the plugin's name, or `?`; `?` if the header is not valid. */
const char *dead_letter_kind(const dead_letter_facts *letter);
const char *dead_letter_node(const dead_letter_facts *letter);

/*
 * Appends an object of commands and API. Names and reasons come from entries that could not be
 * merged, so they may be invalid UTF-8, which is replaced. Errors of json_write.h.
 */
sh_err dead_letter_json_write(sh_buf *json, const dead_letter_facts *letter);

#endif
