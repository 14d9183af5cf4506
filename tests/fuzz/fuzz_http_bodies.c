/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/utf8.h"
#include "tests/fuzz/fuzz.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/http/http_answer.h"
#include "libcommon/native/peer_answer.h"
#include "libcommon/netalertx/netalertx_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Answers of peers: the body of GET /sync, the body of an error, and header lines. */

static void read_pull(sh_slice body)
{
    SH_CLEANUP(sh_buf_reset) sh_buf table = SH_BUF_INIT(SH_PLAIN_MAX);
    SH_CLEANUP(sh_buf_reset) sh_buf node = SH_BUF_INIT(SH_NODE_NAME_MAX);
    sh_error error = {0};
    sh_err err = sh_netalertx_pull_read(body, &table, &node, &error);
    fuzz_assert(err == error.code, "an error has a message");
    if (err == SH_OK)
        fuzz_assert(node.len == 0 || sh_utf8_is_valid(node.data, node.len), "a name is UTF-8");
}

static void read_error(sh_slice body)
{
    sh_http_answer answer = {.status = 422, .body = SH_BUF_INIT(SH_MIB)};
    sh_peer_error peer_error;
    (void)snprintf(answer.content_type, sizeof answer.content_type, "application/json");
    if (sh_buf_append(&answer.body, body.data, body.len) == SH_OK) {
        sh_peer_error_read(&answer, &peer_error);
        size_t len = strlen(peer_error.message);
        fuzz_assert(len < sizeof peer_error.message, "the message fits");
        fuzz_assert(sh_utf8_is_valid(peer_error.message, len), "the message is UTF-8");
        for (size_t i = 0; i < len; i++)
            fuzz_assert((unsigned char)peer_error.message[i] >= 0x20 &&
                            peer_error.message[i] != 0x7f,
                        "the message is printable");
        fuzz_assert(peer_error.is_likely_own ||
                        (!peer_error.is_own && len == 0 && peer_error.code == SH_CODE_NONE),
                    "an answer that is not the peer's has no message and no code");
    }
    sh_http_answer_reset(&answer);
}

/* Uses the input's lines as the header lines of one answer. */
static void read_header(sh_slice text)
{
    sh_http_answer answer = {.retry_after_s = -1};
    while (text.len > 0) {
        const char *newline = memchr(text.data, '\n', text.len);
        size_t len = newline == NULL ? text.len : (size_t)(newline - text.data) + 1;
        char *line = fuzz_copy((const uint8_t *)text.data, len);
        sh_http_answer_line(&answer, (sh_slice){line, len});
        free(line);
        text = (sh_slice){text.data + len, text.len - len};
    }
    fuzz_assert(answer.retry_after_s >= -1, "a wait is not negative");
    fuzz_assert(strlen(answer.content_type) < sizeof answer.content_type &&
                    strlen(answer.etag) < sizeof answer.etag,
                "values fit");
    sh_http_answer_reset(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size);
    sh_slice text = {copy, size};
    read_pull(text);
    read_error(text);
    read_header(text);
    free(copy);
    return 0;
}
