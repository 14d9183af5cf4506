/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/native/envelope.h"
#include "receiver/queue/dead_letter_add.h"
#include "receiver/queue/queue_outcome.h"
#include "tests/faults/inject.h"
#include "tests/put_one.h"
#include "tests/unit/with_redis.h"

/* Two items go through the queue, one of them to the dead letters. */

static const char table[] = "{\"data\": [{\"devMac\": \"00:11:22:33:44:55\"}]}";
static with_redis redis;
static sh_node_key key;

static sh_err seal(uint8_t id, sh_envelope_header *header, sh_buf *ret, sh_error *error)
{
    *header = (sh_envelope_header){.kind = SH_KIND_DEVICES, .id = {id}, .parts = 1, .node = "N"};
    return sh_envelope_seal(header, &key, SH_SLICE(table), ret, error);
}

static void queue_begin(void)
{
    (void)redis_ask(&redis, "FLUSHALL");
}

static sh_err put_both(sh_queue *queue, sh_error *error)
{
    for (uint8_t id = 1; id <= 2; id++) {
        SH_CLEANUP(sh_buf_reset) sh_buf sealed = SH_BUF_INIT(SH_ENVELOPE_MAX);
        sh_envelope_header header;
        sh_put put;
        sh_err err = seal(id, &header, &sealed, error);
        if (err == SH_OK)
            err = put_one(queue, (sh_slice){sealed.data, sealed.len}, &header, &put, error);
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}

static sh_err settle(queue_reader *reader, const queue_batch *batch, sh_error *error)
{
    for (size_t i = 0; i < queue_batch_count(batch); i++) {
        const queue_entry *entry = queue_batch_at(batch, i);
        sh_envelope_header header;
        queue_done done = {.entry = entry, .node = "N", .digest = header.digest};
        queue_dropped dropped;
        sh_err err = sh_envelope_peek(entry->envelope, &header, error);
        if (err == SH_OK && header.id[0] == 1)
            err = queue_ack(reader, &done, 1, error);
        else if (err == SH_OK)
            err = queue_dead_letter_add(
                reader, entry, &(queue_rejection){.reason = "it is number 2"}, &dropped, error);
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}

static sh_err drain(queue_reader *reader, sh_error *error)
{
    const queue_limits limits = {.entries_max = 10, .bytes_max = SH_MIB, .block_ms = 1};
    for (bool more = true; more;) {
        queue_batch *batch = NULL;
        sh_err err = queue_reader_take(reader, &limits, &batch, error);
        if (err != SH_OK)
            return err;
        more = queue_batch_count(batch) > 0;
        err = settle(reader, batch, error);
        queue_batch_free(batch);
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}

static sh_err queue_act(sh_error *error)
{
    sh_queue *queue = NULL;
    queue_reader *reader = NULL;
    sh_err err = sh_queue_new(redis.url, "synchub", &queue, error);
    if (err == SH_OK)
        err = queue_reader_new(queue, "c", 60000, &reader, error);
    if (err == SH_OK)
        err = put_both(queue, error);
    if (err == SH_OK)
        err = drain(reader, error);
    queue_reader_free(reader);
    sh_queue_free(queue);
    return err;
}

static sh_queue *kept_queue;
static queue_reader *kept_reader;

static void queue_kept_begin(void)
{
    queue_begin();
    queue_reader_free(kept_reader);
    sh_queue_free(kept_queue);
    assert_int_equal(sh_queue_new(redis.url, "synchub", &kept_queue, NULL), SH_OK);
    assert_int_equal(queue_reader_new(kept_queue, "c", 60000, &kept_reader, NULL), SH_OK);
}

/* The same on one queue object: what failed must not confuse the calls behind it. */
static sh_err queue_kept_act(sh_error *error)
{
    sh_err err = put_both(kept_queue, error);
    return err == SH_OK ? drain(kept_reader, error) : err;
}

static void queue_end(void)
{
    assert_int_equal(redis_ask(&redis, "XLEN synchub:ingest"), 0);
    assert_int_equal(redis_ask(&redis, "GET synchub:bytes"), 0);
    assert_int_equal(redis_ask(&redis, "XLEN synchub:dead"), 1);
    assert_int_equal(redis_ask(&redis, "HLEN synchub:digests"), 1);
    redisReply *reply = redisCommand(redis.client, "XINFO STREAM synchub:ingest");
    long long added = -1;
    for (size_t i = 0; i + 1 < reply->elements; i += 2)
        if (strcmp(reply->element[i]->str, "entries-added") == 0)
            added = reply->element[i + 1]->integer;
    freeReplyObject(reply);
    assert_int_equal(added, 2); /* no id was ever queued twice */
}

static void an_item_goes_through_the_queue_once(void **state)
{
    (void)state;
    scenario s = {.name = "queue",
                  .kinds = FAULT_BIT(FAULT_ALLOC) | FAULTS_REDIS,
                  .begin = queue_begin,
                  .act = queue_act,
                  .end = queue_end};
    faults_in_turn(&s);
    s.name = "queue, kept";
    s.begin = queue_kept_begin;
    s.act = queue_kept_act;
    faults_in_turn(&s);
    queue_reader_free(kept_reader);
    sh_queue_free(kept_queue);
}

static int start(void **state)
{
    (void)state;
    static const uint8_t master[SH_KEY_BYTES];
    redis_start(&redis, "0");
    if (sh_crypto_init(NULL) != SH_OK)
        return 1;
    sh_node_key_derive(master, SH_SLICE("N"), &key);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    redis_stop(&redis);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_item_goes_through_the_queue_once)};
    return cmocka_run_group_tests(tests, start, stop);
}
