/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/requests.h"

#include "libcommon/base/hex.h"
#include "libcommon/base/limits.h"
#include "libcommon/netalertx/netalertx_cipher.h"
#include "libcommon/netalertx/netalertx_format.h"
#include "tests/bench/bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NATIVE_NODES 64
#define CHANGED_EVERY 100
#define COMMON "POST /sync HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer " BENCH_TOKEN "\r\n"

/* Moves a buffer's content into the memory of r. */
static sh_slice requests_own(bench_requests *r, sh_buf *buf)
{
    sh_slice kept = {.len = buf->len};
    char **blocks = reallocarray(r->memory.blocks, r->memory.count + 1, sizeof(char *));
    kept.data = blocks == NULL ? NULL : sh_buf_steal(buf);
    if (kept.data == NULL)
        bench_die("out of memory");
    blocks[r->memory.count++] = (char *)(uintptr_t)kept.data;
    r->memory.blocks = blocks;
    return kept;
}

static sh_slice head(bench_requests *r, const char *type, size_t body_len, const char *more)
{
    sh_buf buf = SH_BUF_INIT(4 * SH_KIB);
    bench_must(sh_buf_append_format(&buf,
                                    COMMON "Content-Type: %s\r\nContent-Length: %zu\r\n%s\r\n",
                                    type, body_len, more),
               NULL);
    return requests_own(r, &buf);
}

/* webdis appends the body to the words of the path, as the last argument of the command. */
static sh_slice webdis_head(bench_requests *r, size_t body_len)
{
    sh_buf buf = SH_BUF_INIT(SH_KIB);
    bench_must(sh_buf_append_format(&buf,
                                    "PUT /XADD/bench/*/d HTTP/1.1\r\nHost: hub\r\n"
                                    "Content-Length: %zu\r\n\r\n",
                                    body_len),
               NULL);
    return requests_own(r, &buf);
}

static void make_envelopes(bench_requests *r, size_t devices, bool for_webdis)
{
    uint8_t key[SH_KEY_BYTES];
    sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
    sh_slice templates[NATIVE_NODES];
    bench_passphrase_key(key);
    for (size_t i = 0; i < NATIVE_NODES; i++) {
        char node[32];
        sh_envelope_header header;
        sh_buf envelope = SH_BUF_INIT(SH_ENVELOPE_MAX);
        (void)snprintf(node, sizeof node, "bench-%02zu", i);
        sh_buf_clear(&text);
        bench_table(i * devices, devices, &text);
        bench_seal(key, node, (sh_slice){text.data, text.len}, &header, &envelope);
        templates[i] = requests_own(r, &envelope);
    }
    for (size_t i = 0; i < r->count; i++) {
        sh_buf envelope = SH_BUF_INIT(SH_ENVELOPE_MAX);
        bench_reseal(key, templates[i % NATIVE_NODES], &envelope);
        r->all[i].body = requests_own(r, &envelope);
        r->all[i].head = for_webdis ? webdis_head(r, r->all[i].body.len)
                                    : head(r, SH_ENVELOPE_TYPE, r->all[i].body.len, "");
    }
    sh_buf_reset(&text);
}

static void make_netalertx(bench_requests *r, size_t devices)
{
    sh_error error = {0};
    sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
    sh_buf wire = SH_BUF_INIT(SH_NETALERTX_BODY_MAX);
    sh_buf body = SH_BUF_INIT(SH_NETALERTX_BODY_MAX);
    bench_table(0, devices, &text);
    bench_must(sh_netalertx_encrypt(SH_SLICE(BENCH_PASSPHRASE), (sh_slice){text.data, text.len},
                                    NULL, &wire, &error),
               &error);
    bench_must(sh_netalertx_push_write((sh_slice){wire.data, wire.len}, "table_devices.json",
                                       "SYNC", "bench", &body),
               NULL);
    r->all[0].body = requests_own(r, &body);
    r->all[0].head = head(r, "application/json", r->all[0].body.len, "");
    for (size_t i = 1; i < r->count; i++)
        r->all[i] = r->all[0];
    sh_buf_reset(&text);
    sh_buf_reset(&wire);
}

/* The digest of node n in fill-nodes: 32 decimal digits, in hex. */
static void digest_of(size_t n, char ret[static SH_DIGEST_HEX_BYTES])
{
    char digits[SH_DIGEST_BYTES + 1];
    (void)snprintf(digits, sizeof digits, "%032zu", n);
    sh_hex_encode((const uint8_t *)digits, SH_DIGEST_BYTES, ret);
}

static sh_slice check_in(bench_requests *r, size_t n, size_t digest_of_n, size_t body_len,
                         const char *more)
{
    char hex[SH_DIGEST_HEX_BYTES];
    char lines[256];
    digest_of(digest_of_n, hex);
    (void)snprintf(lines, sizeof lines, "Sync-Hub-Node: node-%07zu\r\nSync-Hub-Digest: %s\r\n%s", n,
                   hex, more);
    return head(r, SH_ENVELOPE_TYPE, body_len, lines);
}

static void make_unchanged(bench_requests *r)
{
    for (size_t i = 0; i < r->count; i++)
        r->all[i].head = check_in(r, i, i, 0, "");
}

/* A changed node has one new device, in addition to those of its table. */
static void make_million(bench_requests *r, size_t devices, size_t first)
{
    uint8_t key[SH_KEY_BYTES];
    sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
    bench_passphrase_key(key);
    for (size_t i = 0; i < r->count; i++) {
        bool changed = i % CHANGED_EVERY == CHANGED_EVERY - 1;
        size_t n = first + i;
        r->all[i].asks = true;
        if (!changed) {
            /* The body is announced but not sent: the hub answers before. */
            r->all[i].head = check_in(r, n, n, 11000, "Expect: 100-continue\r\n");
            continue;
        }
        char node[32];
        sh_envelope_header header;
        sh_buf envelope = SH_BUF_INIT(SH_ENVELOPE_MAX);
        (void)snprintf(node, sizeof node, "node-%07zu", n);
        sh_buf_clear(&text);
        bench_table(100000000 + n, devices, &text);
        bench_seal(key, node, (sh_slice){text.data, text.len}, &header, &envelope);
        r->all[i].body = requests_own(r, &envelope);
        r->all[i].head = check_in(r, n, n + 1, r->all[i].body.len, "Expect: 100-continue\r\n");
    }
    sh_buf_reset(&text);
}

void bench_requests_make(const char *kind, size_t count, size_t devices, size_t first,
                         bench_requests *ret)
{
    *ret = (bench_requests){.count = count};
    ret->all = calloc(count + 1, sizeof *ret->all);
    if (ret->all == NULL || count == 0)
        bench_die("no requests");
    if (strcmp(kind, "native") == 0)
        make_envelopes(ret, devices, false);
    else if (strcmp(kind, "webdis") == 0)
        make_envelopes(ret, devices, true);
    else if (strcmp(kind, "netalertx") == 0)
        make_netalertx(ret, devices);
    else if (strcmp(kind, "unchanged") == 0)
        make_unchanged(ret);
    else if (strcmp(kind, "million") == 0)
        make_million(ret, devices, first);
    else
        bench_die("there is no kind %s", kind);
}

void bench_requests_reset(bench_requests *requests)
{
    for (size_t i = 0; i < requests->memory.count; i++)
        free(requests->memory.blocks[i]);
    free(requests->memory.blocks);
    free(requests->all);
}
