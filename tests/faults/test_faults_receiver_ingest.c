/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/config/settings_load.h"
#include "libcommon/native/envelope.h"
#include "libcommon/netalertx/netalertx_cipher.h"
#include "receiver/serve.h"
#include "tests/faults/inject.h"
#include "tests/unit/with_redis.h"

#include <arpa/inet.h>
#include <sys/socket.h>

/* A receiver that only ingests: start, take a push in each format over HTTP, stop. */

#define BODY_MAX 8192

static const char table[] = "{\"data\": [{\"devMac\": \"00:11:22:33:44:55\", \"devName\": \"a\"}]}";

static with_redis redis;
static sh_settings settings;
static hub_secrets keys;
static uint16_t port;
static struct {
    char bytes[BODY_MAX];
    size_t len;
} native, netalertx; /* whole requests */
/* Pushes that were answered with success since begin(). */
static struct {
    int64_t native, netalertx;
} promised;

static void write_request(const char *type, sh_slice body, char *ret, size_t *ret_len)
{
    int head = snprintf(ret, BODY_MAX,
                        "POST /sync HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer t\r\n"
                        "Content-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                        type, body.len);
    assert_true((size_t)head + body.len < BODY_MAX);
    memcpy(ret + head, body.data, body.len);
    *ret_len = (size_t)head + body.len;
}

/* The same items are sent in every try, as nodes do. */
static void make_requests(void)
{
    sh_node_key key;
    SH_CLEANUP(sh_buf_reset) sh_buf sealed = SH_BUF_INIT(SH_ENVELOPE_MAX);
    SH_CLEANUP(sh_buf_reset) sh_buf wire = SH_BUF_INIT(BODY_MAX);
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(BODY_MAX);
    sh_envelope_header header = {
        .kind = SH_KIND_DEVICES, .id = {7}, .parts = 1, .node = "N", .time_ms = sh_clock_unix_ms()};
    sh_node_key_derive(keys.passphrase_key, SH_SLICE("N"), &key);
    assert_int_equal(sh_envelope_seal(&header, &key, sh_slice_of(table), &sealed, NULL), SH_OK);
    write_request("application/vnd.synchub.envelope", (sh_slice){sealed.data, sealed.len},
                  native.bytes, &native.len);
    assert_int_equal(sh_netalertx_encrypt(SH_SLICE("k"), sh_slice_of(table), NULL, &wire, NULL),
                     SH_OK);
    assert_int_equal(
        sh_buf_append_format(
            &json, "{\"node_name\": \"M\", \"plugin\": \"SYNC\", \"data\": \"%s\"}", wire.data),
        SH_OK);
    write_request("application/json", (sh_slice){json.data, json.len}, netalertx.bytes,
                  &netalertx.len);
}

/* A port that is free now. */
static uint16_t free_port(void)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
    } at = {.v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && bind(fd, &at.any, sizeof at.v4) == 0);
    assert_int_equal(getsockname(fd, &at.any, &len), 0);
    (void)close(fd);
    return ntohs(at.v4.sin_port);
}

/* The status of the answer; 0 where the connection ended without one. */
static int push(const char *request, size_t len)
{
    char answer[1024];
    size_t got = 0;
    const union {
        struct sockaddr_in v4;
        struct sockaddr any;
    } at = {.v4 = {.sin_family = AF_INET,
                   .sin_port = htons(port),
                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, &at.any, sizeof at.v4) == 0 &&
        send(fd, request, len, MSG_NOSIGNAL) == (ssize_t)len)
        for (ssize_t some = 1; some > 0 && got < sizeof answer - 1; got += (size_t)some) {
            some = recv(fd, answer + got, sizeof answer - 1 - got, 0);
            if (some < 0)
                some = 0;
        }
    (void)close(fd);
    answer[got] = '\0';
    if (got < 12 || strncmp(answer, "HTTP/1.1 ", 9) != 0)
        return 0;
    int status = (int)strtol(answer + 9, NULL, 10);
    if (status >= 300) /* it says what happened, if there is memory for a message */
        assert_true(strstr(answer, "\"message\":\"") != NULL ||
                    strstr(answer, "Content-Length: 0\r\n") != NULL);
    return status;
}

static void begin(void)
{
    (void)redis_ask(&redis, "FLUSHALL");
    (void)redis_ask(&redis, "SET synchub:nodes:version none");
    promised.native = promised.netalertx = 0;
}

static sh_err act(sh_error *error)
{
    serve *s = NULL;
    sh_err err = serve_start(&settings, &keys, NULL, &s, error);
    if (err != SH_OK)
        return err;
    int first = push(native.bytes, native.len);
    int second = push(netalertx.bytes, netalertx.len);
    serve_stop(s);
    promised.native += first == 202;
    promised.netalertx += second == 200;
    bool good = (first == 200 || first == 202) && second == 200; /* 200: it was queued before */
    return good ? SH_OK : sh_fail(error, SH_E_NETWORK, "answered %d and %d", first, second);
}

/* The entries in the queue that a node sent. */
static int64_t queued_of(const char *node)
{
    redisReply *reply = redisCommand(redis.client, "XRANGE synchub:ingest - +");
    assert_true(reply != NULL && reply->type == REDIS_REPLY_ARRAY);
    int64_t count = 0;
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *envelope = reply->element[i]->element[1]->element[1];
        sh_envelope_header header;
        assert_int_equal(sh_envelope_peek((sh_slice){envelope->str, envelope->len}, &header, NULL),
                         SH_OK);
        count += strcmp(header.node, node) == 0;
    }
    freeReplyObject(reply);
    return count;
}

/* What was promised is in the queue; the native item, which has an id, once at most. */
static void check(void)
{
    int64_t native_queued = queued_of("N");
    int64_t netalertx_queued = queued_of("M");
    assert_true(native_queued >= promised.native && native_queued <= 1);
    /* A NetAlertX push has no id: one whose answer was lost comes again. */
    assert_true(netalertx_queued >= promised.netalertx && netalertx_queued <= 2);
    assert_int_equal(redis_ask(&redis, "XLEN synchub:ingest"), native_queued + netalertx_queued);
}

static void end(void)
{
    check();
    assert_int_equal(queued_of("N"), 1);
    assert_true(queued_of("M") >= 1);
    /* The id of each item is remembered, also that which a NetAlertX push was given. */
    assert_int_equal(redis_ask(&redis, "SCARD synchub:ids"), 1 + queued_of("M"));
    assert_int_equal(redis_ask(&redis, "HLEN synchub:contacts"), 2);
}

static void a_promised_push_is_in_the_queue(void **state)
{
    (void)state;
    faults_in_turn(&(scenario){.name = "ingest",
                               .kinds = FAULT_BIT(FAULT_ALLOC) | FAULTS_REDIS,
                               .begin = begin,
                               .act = act,
                               .check = check,
                               .end = end});
}

static int start(void **state)
{
    (void)state;
    redis_start(&redis, "0");
    if (sh_crypto_init(NULL) != SH_OK)
        return 1;
    port = free_port();
    char url[256], at[64];
    (void)snprintf(url, sizeof url, "SYNC_redis_url=%s", redis.url);
    (void)snprintf(at, sizeof at, "SYNC_listen=127.0.0.1:%u", port);
    char token[] = "API_TOKEN=t", passphrase[] = "SYNC_encryption_key=k";
    char role[] = "SYNC_receiver_role=ingest";
    char *environment[] = {url, at, token, passphrase, role, NULL};
    sh_error error = {.code = SH_OK};
    if (sh_settings_load(SH_FOR_RECEIVER, environment, &settings, &error) != SH_OK)
        fail_msg("%s", error.message);
    assert_int_equal(hub_secrets_init(&settings, &keys, NULL), SH_OK);
    make_requests();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    redis_stop(&redis);
    hub_secrets_reset(&keys);
    sh_settings_reset(&settings);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_promised_push_is_in_the_queue)};
    return cmocka_run_group_tests(tests, start, stop);
}
