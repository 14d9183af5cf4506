/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/bench.h"

#include "libcommon/base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void bench_die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("synchub-bench: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(1);
}

void bench_must(sh_err err, const sh_error *error)
{
    if (err != SH_OK)
        bench_die("%s", error == NULL ? "out of memory" : error->message);
}

double bench_now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

const char *bench_text(int argc, char *argv[], const char *name, const char *fallback)
{
    size_t len = strlen(name);
    for (int i = 0; i < argc; i++)
        if (strncmp(argv[i], name, len) == 0 && argv[i][len] == '=')
            return argv[i] + len + 1;
    if (fallback == NULL)
        bench_die("%s=… is missing", name);
    return fallback;
}

size_t bench_number(int argc, char *argv[], const char *name, const char *fallback)
{
    uint64_t number = 0;
    if (!sh_text_to_u64(sh_slice_of(bench_text(argc, argv, name, fallback)), 1000000000, &number))
        bench_die("%s is not a number", name);
    return (size_t)number;
}

/* A bijection of 48 bits: MACs are distributed like those of real devices and never collide. */
static uint64_t spread(uint64_t n)
{
    const uint64_t mask = (1ULL << 48) - 1;
    n = (n * 0x9e3779b97f4bULL) & mask;
    n ^= n >> 23;
    n = (n * 0x2545f4914f6dULL) & mask;
    return n ^ n >> 25;
}

void bench_mac(uint64_t n, char ret[static BENCH_MAC_BYTES])
{
    uint64_t mac = spread(n);
    (void)snprintf(ret, BENCH_MAC_BYTES, "%02x:%02x:%02x:%02x:%02x:%02x",
                   (unsigned)(mac >> 40 & 0xff), (unsigned)(mac >> 32 & 0xff),
                   (unsigned)(mac >> 24 & 0xff), (unsigned)(mac >> 16 & 0xff),
                   (unsigned)(mac >> 8 & 0xff), (unsigned)(mac & 0xff));
}

/* Appends a row with NetAlertX's 53 keys in NetAlertX's order. */
static void append_row(size_t n, const char *separator, sh_buf *ret)
{
    static const char *const vendors[] = {"Espressif Inc.",
                                          "Apple, Inc.",
                                          "Intel Corporate",
                                          "Raspberry Pi Trading Ltd",
                                          "AVM GmbH",
                                          "TP-Link Systems Inc.",
                                          "Samsung Electronics Co.,Ltd",
                                          "Amazon Technologies"};
    static const char *const types[] = {"Phone", "Laptop", "IoT", "", "TV", "Printer", "Server"};
    char mac[BENCH_MAC_BYTES];
    bench_mac(n, mac);
    unsigned a = (unsigned)(n >> 16 & 0xff), b = (unsigned)(n >> 8 & 0xff), c = (unsigned)n & 0xff;
    const char *vendor = vendors[(n * 7 + n / 11) % 8];
    const char *type = types[(n * 3 + n / 5) % 7];
    sh_err err = sh_buf_append_format(
        ret,
        "%s{\"rowid\": %zu, \"devMac\": \"%s\", \"devName\": \"device-%zu\", \"devOwner\": "
        "\"(unknown)\", \"devType\": \"%s\", \"devVendor\": \"%s\", \"devFavorite\": %u, "
        "\"devGroup\": \"Always on\", \"devComments\": \"\", \"devFirstConnection\": "
        "\"2026-0%u-1%u 0%u:2%u:41\", \"devLastConnection\": \"2026-08-22 02:%02u:%02u\", "
        "\"devLastIP\": \"10.%u.%u.%u\", \"devPrimaryIPv4\": \"10.%u.%u.%u\", \"devPrimaryIPv6\": "
        "\"\", \"devVlan\": \"\", \"devForceStatus\": \"dont_force\", \"devStaticIP\": 0, "
        "\"devScan\": 1, \"devLogEvents\": 1, \"devAlertEvents\": 1, \"devAlertDown\": 0, "
        "\"devSkipRepeated\": 0, \"devLastNotification\": \"2026-08-2%u 0%u:12:05\", "
        "\"devPresentLastScan\": %u, \"devIsNew\": 1, \"devLocation\": \"Building %u\", "
        "\"devIsArchived\": 0, ",
        separator, n, mac, n, type, vendor, c % 17 == 0, 1 + c % 8, a % 10, b % 10, c % 6, b % 60,
        c % 60, a, b, c, a, b, c, c % 3, b % 10, c % 5 != 0, b % 12);
    if (err == SH_OK)
        err = sh_buf_append_format(
            ret,
            "\"devParentMAC\": \"internet\", \"devParentPort\": \"\", \"devParentRelType\": "
            "\"default\", \"devIcon\": \"PGkgY2xhc3M9ImZhIGZhLWxhcHRvcCI+PC9pPg==\", \"devGUID\": "
            "\"%08zx-5a3e-4c1b-9f%02x-%012zx\", \"devSite\": \"Site-%u\", \"devSSID\": \"\", "
            "\"devSyncHubNode\": \"\", \"devSourcePlugin\": \"ARPSCAN\", \"devFQDN\": "
            "\"device-%zu.lan\", \"devMacSource\": \"ARPSCAN\", \"devNameSource\": \"NSLOOKUP\", "
            "\"devFQDNSource\": \"NSLOOKUP\", \"devLastIPSource\": \"ARPSCAN\", "
            "\"devVendorSource\": \"VNDRPDT\", \"devSSIDSource\": \"\", \"devParentMACSource\": "
            "\"\", \"devParentPortSource\": \"\", \"devParentRelTypeSource\": \"\", "
            "\"devVlanSource\": \"\", \"devCustomProps\": \"\", \"devReqNicsOnline\": 0, "
            "\"devCanSleep\": 0, \"devIsSleeping\": 0, \"devFlapping\": 0, \"devStatus\": "
            "\"%s\"}",
            n * 2654435761U & 0xffffffff, c, n, b % 4, n, c % 5 != 0 ? "On-line" : "Off-line");
    bench_must(err, NULL);
}

void bench_table(size_t first, size_t count, sh_buf *ret)
{
    bench_must(sh_buf_append_text(ret, "{\"data\": ["), NULL);
    for (size_t i = 0; i < count; i++)
        append_row(first + i, i == 0 ? "" : ", ", ret);
    bench_must(sh_buf_append_text(ret, "]}"), NULL);
}

void bench_passphrase_key(uint8_t ret[static SH_KEY_BYTES])
{
    sh_error error = {0};
    bench_must(sh_key_from_passphrase(SH_SLICE(BENCH_PASSPHRASE), ret, &error), &error);
}

void bench_seal(const uint8_t passphrase_key[static SH_KEY_BYTES], const char *node, sh_slice text,
                sh_envelope_header *header, sh_buf *ret)
{
    sh_error error = {0};
    sh_node_key key;
    sh_node_key_derive(passphrase_key, sh_slice_of(node), &key);
    *header = (sh_envelope_header){.kind = SH_KIND_DEVICES, .parts = 1};
    header->time_ms = sh_clock_unix_ms();
    (void)snprintf(header->node, sizeof header->node, "%s", node);
    sh_random(header->id, sizeof header->id);
    sh_digest(&key, text, header->digest);
    bench_must(sh_envelope_seal(header, &key, text, ret, &error), &error);
}

/* Offsets of id and nonce: PROTOCOL.md, section 2. */
#define AT_ID 8
#define AT_NONCE 88

void bench_reseal(const uint8_t passphrase_key[static SH_KEY_BYTES], sh_slice envelope, sh_buf *ret)
{
    sh_error error = {0};
    sh_envelope_header header;
    sh_node_key key;
    bench_must(sh_envelope_peek(envelope, &header, &error), &error);
    sh_node_key_derive(passphrase_key, sh_slice_of(header.node), &key);
    size_t clear_len = SH_ENVELOPE_FIXED_BYTES + strlen(header.node);
    uint8_t *compressed = malloc(header.compressed_len + 1U);
    if (compressed == NULL || sh_buf_reserve(ret, ret->len + envelope.len) != SH_OK)
        bench_die("out of memory");
    bench_must(sh_aead_open(key.seal, (const uint8_t *)envelope.data + AT_NONCE,
                            (sh_slice){envelope.data, clear_len},
                            (sh_slice){envelope.data + clear_len, envelope.len - clear_len},
                            compressed),
               &error);
    char *out = ret->data + ret->len;
    memcpy(out, envelope.data, clear_len);
    sh_random(out + AT_ID, SH_ID_BYTES);
    sh_random(out + AT_NONCE, SH_NONCE_BYTES);
    sh_aead_seal(key.seal, (const uint8_t *)out + AT_NONCE, (sh_slice){out, clear_len},
                 (sh_slice){(const char *)compressed, header.compressed_len},
                 (uint8_t *)out + clear_len);
    ret->len += envelope.len;
    free(compressed);
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

double bench_quantile(uint32_t *values, size_t count, double part)
{
    if (count == 0)
        return 0;
    qsort(values, count, sizeof *values, compare);
    size_t at = (size_t)(part * (double)count);
    return values[at < count ? at : count - 1];
}
