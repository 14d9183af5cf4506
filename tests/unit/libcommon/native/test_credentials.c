/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/native/credentials.h"
#include "libcommon/native/envelope.h"

#include <stdio.h>
#include <string.h>

#define NOW_MS 1790000000000LL

static uint8_t sealing_key[SH_KEY_BYTES];

static int start(void **state)
{
    (void)state;
    uint8_t hub[SH_KEY_BYTES] = {7};
    assert_int_equal(sh_crypto_init(NULL), SH_OK);
    sh_credential_key_derive(hub, sealing_key);
    return 0;
}

static sh_node_record make_record(const char *node, sh_node_secrets *secrets)
{
    sh_node_record record = {.created_ms = NOW_MS};
    sh_issued_credential one;
    (void)snprintf(record.node, sizeof record.node, "%s", node);
    assert_int_equal(sh_credential_make(sealing_key, node, SH_MAKE_RANDOM_KEY, NOW_MS, &one, NULL),
                     SH_OK);
    assert_int_equal(sh_node_record_add(&record, &one.credential, NOW_MS, NULL), SH_OK);
    *secrets = one.secrets;
    return record;
}

static void add_record(sh_credentials *all, const sh_node_record *record)
{
    sh_buf text = SH_BUF_INIT(4 * SH_KIB);
    assert_int_equal(sh_node_record_write(record, &text), SH_OK);
    assert_int_equal(
        sh_credentials_add(all, sh_slice_of(record->node), (sh_slice){text.data, text.len}, NULL),
        SH_OK);
    sh_buf_reset(&text);
}

static void both_kinds_of_keys_are_stored(void **state)
{
    (void)state;
    for (sh_key_kind kind = SH_MAKE_RANDOM_KEY; kind <= SH_MAKE_PASSPHRASE; kind++) {
        sh_issued_credential made;
        sh_node_secrets opened;
        uint8_t key[SH_KEY_BYTES];
        assert_int_equal(sh_credential_make(sealing_key, "A", kind, NOW_MS, &made, NULL), SH_OK);
        assert_int_equal(strlen(made.secrets.encryption_key), kind == SH_MAKE_PASSPHRASE ? 43 : 50);
        assert_int_equal(sh_credential_open(sealing_key, "A", &made.credential, &opened, NULL),
                         SH_OK);
        assert_string_equal(opened.encryption_key, made.secrets.encryption_key);
        assert_string_equal(opened.token, made.secrets.token);
        assert_int_equal(sh_encryption_key_derive(sh_slice_of(opened.encryption_key), key, NULL),
                         SH_OK);
        assert_memory_equal(key, opened.passphrase_key, sizeof key);
    }
}

static void a_credential_opens_only_for_its_node_and_key(void **state)
{
    (void)state;
    sh_node_secrets secrets, opened;
    sh_node_record record = make_record("N\xc3\xb6", &secrets);
    assert_int_equal(strlen(secrets.token), 43);
    assert_int_equal(strlen(secrets.encryption_key), 50);
    assert_string_not_equal(secrets.token, secrets.encryption_key + 7);
    assert_int_equal(sh_credential_open(sealing_key, "N\xc3\xb6", &record.items[0], &opened, NULL),
                     SH_OK);
    assert_string_equal(opened.token, secrets.token);
    assert_string_equal(opened.encryption_key, secrets.encryption_key);
    uint8_t key[SH_KEY_BYTES];
    assert_int_equal(sh_encryption_key_derive(sh_slice_of(secrets.encryption_key), key, NULL),
                     SH_OK);
    assert_memory_equal(key, secrets.passphrase_key, sizeof key);

    sh_error error = {0};
    assert_int_equal(sh_credential_open(sealing_key, "No", &record.items[0], &opened, &error),
                     SH_E_CONFIG);
    assert_non_null(strstr(error.message, "SYNC_encryption_key"));
    uint8_t other[SH_KEY_BYTES] = {1};
    assert_int_equal(sh_credential_open(other, "N\xc3\xb6", &record.items[0], &opened, NULL),
                     SH_E_CONFIG);
    sh_credential moved = record.items[0]; /* beside another token's hash */
    moved.token_hash[0] ^= 1;
    assert_int_equal(sh_credential_open(sealing_key, "N\xc3\xb6", &moved, &opened, NULL),
                     SH_E_CONFIG);
    for (size_t i = 0; i < SH_CREDENTIAL_SEALED_BYTES; i++) {
        sh_credential altered = record.items[0];
        altered.sealed[i] ^= 1;
        assert_int_equal(sh_credential_open(sealing_key, "N\xc3\xb6", &altered, &opened, NULL),
                         SH_E_CONFIG);
    }
}

static void a_record_is_read_as_it_was_written(void **state)
{
    (void)state;
    sh_node_secrets secrets;
    sh_node_record record = make_record("A", &secrets), read;
    sh_issued_credential second;
    record.items[0].until_ms = NOW_MS + 5;
    assert_int_equal(
        sh_credential_make(sealing_key, "A", SH_MAKE_RANDOM_KEY, NOW_MS + 1, &second, NULL), SH_OK);
    assert_int_equal(sh_node_record_add(&record, &second.credential, NOW_MS + 1, NULL), SH_OK);
    secrets = second.secrets;
    sh_buf text = SH_BUF_INIT(4 * SH_KIB);
    assert_int_equal(sh_node_record_write(&record, &text), SH_OK);
    assert_null(strstr(text.data, secrets.token));
    sh_node_record_read(SH_SLICE("A"), (sh_slice){text.data, text.len}, &read);
    assert_false(read.unreadable);
    assert_int_equal(read.count, 2);
    assert_int_equal(read.created_ms, NOW_MS);
    assert_int_equal(read.items[1].until_ms, NOW_MS + 5);
    assert_memory_equal(read.items[0].sealed, second.credential.sealed,
                        sizeof second.credential.sealed);
    /* Truncated or with trailing text it is unreadable. */
    for (size_t len = 0; len < text.len; len++) {
        sh_node_record_read(SH_SLICE("A"), (sh_slice){text.data, len}, &read);
        assert_true(read.unreadable);
        assert_int_equal(read.count, 0);
        assert_string_equal(read.node, "A");
    }
    assert_int_equal(sh_buf_append_text(&text, " x"), SH_OK);
    sh_node_record_read(SH_SLICE("A"), (sh_slice){text.data, text.len}, &read);
    assert_true(read.unreadable);
    sh_buf_reset(&text);
}

static void invalid_records_are_unreadable(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",        " ",        "1",         "3 1 0 0",           "1 1 0",     "1 1 0 5", "1 1 0 1",
        "1 x 0 0", "1 -1 0 0", "1 1 0 0 0", "1 1 0 1 5 0 00 00", "{\"v\":1}", "0 1 0 0"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        sh_node_record read;
        sh_node_record_read(SH_SLICE("A"), sh_slice_of(texts[i]), &read);
        assert_true(read.unreadable);
    }
    sh_node_record revoked;
    sh_node_record_read(SH_SLICE("A"), SH_SLICE("2 1 2 0"), &revoked);
    assert_true(!revoked.unreadable && revoked.revoked_ms == 2 && !revoked.netalertx);
    sh_node_record_read(SH_SLICE("A"), SH_SLICE("1 1 2 0"), &revoked);
    assert_true(revoked.netalertx);
    assert_false(revoked.unreadable);
    assert_int_equal(revoked.revoked_ms, 2);
}

static void credentials_of_a_node_are_limited_and_expired_ones_removed(void **state)
{
    (void)state;
    sh_node_secrets secrets;
    sh_error error = {0};
    sh_node_record record = make_record("A", &secrets);
    sh_credential one = record.items[0];
    for (size_t i = 1; i < SH_NODE_CREDENTIALS_MAX; i++)
        assert_int_equal(sh_node_record_add(&record, &one, NOW_MS, NULL), SH_OK);
    assert_int_equal(sh_node_record_add(&record, &one, NOW_MS, &error), SH_E_LIMIT);
    assert_int_equal(record.count, SH_NODE_CREDENTIALS_MAX);
    for (size_t i = 0; i < record.count; i++)
        record.items[i].until_ms = NOW_MS + 1;
    assert_int_equal(sh_node_record_add(&record, &one, NOW_MS + 1, NULL), SH_OK);
    assert_int_equal(record.count, 1);
}

static void an_expiry_beyond_the_longest_overlap_is_invalid(void **state)
{
    (void)state;
    const int64_t most_ms = SH_NODE_ROTATE_OVERLAP_MAX_S * INT64_C(1000);
    static const struct {
        int64_t from_now_ms;
        bool works;
    } cases[] = {{-1, false}, {0, false}, {1, true}};
    sh_credential credential = {.until_ms = 0};
    assert_true(sh_credential_is_valid(&credential, NOW_MS));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        credential.until_ms = NOW_MS + cases[i].from_now_ms;
        assert_int_equal(sh_credential_is_valid(&credential, NOW_MS), cases[i].works);
    }
    credential.until_ms = NOW_MS + most_ms;
    assert_true(sh_credential_is_valid(&credential, NOW_MS));
    credential.until_ms = NOW_MS + most_ms + 1; /* written under a clock that was years ahead */
    assert_false(sh_credential_is_valid(&credential, NOW_MS));
}

static void a_shared_credential_is_read_as_written_and_is_no_token(void **state)
{
    (void)state;
    sh_node_secrets secrets;
    sh_node_record record = make_record("A", &secrets), read;
    sh_credentials *all = NULL;
    sh_credential_make_shared(sealing_key, "A", NOW_MS, NOW_MS + 10, &record.shared);
    /* It has the form of a credential, for programs that do not know its meaning. */
    assert_int_equal(sh_credential_open(sealing_key, "A", &record.shared, &secrets, NULL), SH_OK);
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(4 * SH_KIB);
    assert_int_equal(sh_node_record_write(&record, &text), SH_OK);
    sh_node_record_read(SH_SLICE("A"), (sh_slice){text.data, text.len}, &read);
    assert_false(read.unreadable);
    assert_int_equal(read.count, 1);
    assert_memory_equal(&read.shared, &record.shared, sizeof read.shared);
    assert_true(sh_node_record_takes_shared(&read, NOW_MS + 9));
    assert_false(sh_node_record_takes_shared(&read, NOW_MS + 10));
    assert_false(
        sh_node_record_takes_shared(&read, NOW_MS - SH_NODE_ROTATE_OVERLAP_MAX_S * INT64_C(1000)));
    read.revoked_ms = NOW_MS;
    assert_false(sh_node_record_takes_shared(&read, NOW_MS));
    assert_int_equal(sh_credentials_new(&all, NULL), SH_OK);
    add_record(all, &record);
    assert_int_equal(sh_credentials_index(all, NULL), SH_OK);
    assert_null(sh_credentials_find_token(all, sh_slice_of(secrets.token), NOW_MS));
    sh_credentials_free(all);
}

static void a_shared_credential_takes_one_of_the_places(void **state)
{
    (void)state;
    sh_node_secrets secrets;
    sh_node_record record = make_record("A", &secrets);
    sh_credential one = record.items[0];
    sh_credential_make_shared(sealing_key, "A", NOW_MS, NOW_MS + 10, &record.shared);
    for (size_t i = 1; i + 1 < SH_NODE_CREDENTIALS_MAX; i++)
        assert_int_equal(sh_node_record_add(&record, &one, NOW_MS, NULL), SH_OK);
    assert_int_equal(sh_node_record_add(&record, &one, NOW_MS, NULL), SH_E_LIMIT);
    assert_int_equal(sh_node_record_add(&record, &one, NOW_MS + 10, NULL), SH_OK);
    assert_int_equal(record.count, SH_NODE_CREDENTIALS_MAX);
    assert_int_equal(record.shared.until_ms, 0);
}

static void a_token_is_found_while_it_is_valid(void **state)
{
    (void)state;
    sh_node_secrets secrets[3];
    static const char *const names[] = {"C", "A", "B"};
    sh_credentials *all = NULL;
    assert_int_equal(sh_credentials_new(&all, NULL), SH_OK);
    for (size_t i = 0; i < 3; i++) {
        sh_node_record record = make_record(names[i], &secrets[i]);
        record.items[0].until_ms = i == 1 ? NOW_MS + 10 : 0;
        record.revoked_ms = i == 2 ? NOW_MS : 0;
        add_record(all, &record);
    }
    assert_int_equal(sh_credentials_index(all, NULL), SH_OK);
    const sh_node_record *found =
        sh_credentials_find_token(all, sh_slice_of(secrets[0].token), NOW_MS);
    assert_non_null(found);
    assert_string_equal(found->node, "C");
    found = sh_credentials_find_token(all, sh_slice_of(secrets[1].token), NOW_MS + 9);
    assert_string_equal(found->node, "A");
    assert_null(sh_credentials_find_token(all, sh_slice_of(secrets[1].token), NOW_MS + 10));
    assert_null(sh_credentials_find_token(all, sh_slice_of(secrets[2].token), NOW_MS));
    assert_null(sh_credentials_find_token(all, SH_SLICE(""), NOW_MS));
    assert_null(sh_credentials_find_token(all, (sh_slice){secrets[0].token, 42}, NOW_MS));
    assert_null(sh_credentials_find_token(all, sh_slice_of(secrets[0].encryption_key), NOW_MS));
    size_t index = 9;
    assert_non_null(sh_credentials_find_node(all, "B", &index));
    assert_int_equal(index, 1);
    assert_null(sh_credentials_find_node(all, "b", NULL));
    sh_credentials_free(all);

    assert_int_equal(sh_credentials_new(&all, NULL), SH_OK);
    assert_int_equal(sh_credentials_index(all, NULL), SH_OK);
    assert_null(sh_credentials_find_token(all, sh_slice_of(secrets[0].token), NOW_MS));
    assert_null(sh_credentials_find_node(all, "C", NULL));
    sh_credentials_free(all);
}

static void a_resealed_envelope_holds_the_same_under_another_key(void **state)
{
    (void)state;
    uint8_t one[SH_KEY_BYTES] = {1}, two[SH_KEY_BYTES] = {2};
    sh_node_key from, to;
    sh_node_key_derive(one, SH_SLICE("A"), &from);
    sh_node_key_derive(two, SH_SLICE("A"), &to);
    sh_envelope_header header = {
        .kind = SH_KIND_DEVICES, .node = "A", .parts = 1, .time_ms = NOW_MS};
    memset(header.id, 5, sizeof header.id);
    sh_digest(&from, SH_SLICE("text"), header.digest);
    sh_buf envelope = SH_BUF_INIT(SH_ENVELOPE_MAX), again = SH_BUF_INIT(SH_ENVELOPE_MAX);
    sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
    assert_int_equal(sh_envelope_seal(&header, &from, SH_SLICE("text"), &envelope, NULL), SH_OK);
    sh_envelope_header before = header, after;
    sh_slice sealed = {envelope.data, envelope.len};
    assert_int_equal(
        sh_envelope_reseal(sealed, &header, &(sh_reseal_keys){&to, &from}, &again, NULL),
        SH_E_CRYPTO);
    assert_memory_equal(header.key_id, from.id, sizeof from.id);
    assert_int_equal(again.len, 0);
    assert_int_equal(
        sh_envelope_reseal(sealed, &header, &(sh_reseal_keys){&from, &to}, &again, NULL), SH_OK);
    sh_slice resealed = {again.data, again.len};
    assert_int_equal(sh_envelope_peek(resealed, &after, NULL), SH_OK);
    assert_memory_equal(after.key_id, to.id, sizeof to.id);
    memcpy(after.key_id, before.key_id, sizeof after.key_id);
    assert_memory_equal(after.id, before.id, sizeof after.id);
    assert_memory_equal(after.digest, before.digest, sizeof after.digest);
    assert_int_equal(after.time_ms, before.time_ms);
    assert_int_equal(sh_envelope_open(resealed, &header, &to, &text, NULL), SH_OK);
    assert_string_equal(text.data, "text");
    sh_buf_reset(&text);
    sh_buf_reset(&again);
    sh_buf_reset(&envelope);
}

static void a_key_is_found_by_its_id_while_its_credential_is_valid(void **state)
{
    (void)state;
    sh_node_secrets first, second;
    sh_node_key expected, found;
    sh_node_record record = make_record("A", &first);
    sh_issued_credential newer;
    record.items[0].until_ms = NOW_MS + 10;
    assert_int_equal(sh_credential_make(sealing_key, "A", SH_MAKE_RANDOM_KEY, NOW_MS, &newer, NULL),
                     SH_OK);
    assert_int_equal(sh_node_record_add(&record, &newer.credential, NOW_MS, NULL), SH_OK);
    second = newer.secrets;
    sh_node_key_derive(first.passphrase_key, SH_SLICE("A"), &expected);
    const uint8_t *id = expected.id;
    assert_int_equal(sh_node_record_find_key(&record, sealing_key, id, NOW_MS + 9, &found, NULL),
                     SH_OK);
    assert_memory_equal(&found, &expected, sizeof found);
    assert_int_equal(sh_node_record_find_key(&record, sealing_key, id, NOW_MS + 10, &found, NULL),
                     SH_E_NOT_FOUND);
    sh_node_key_derive(second.passphrase_key, SH_SLICE("A"), &expected);
    assert_int_equal(sh_node_record_find_key(&record, sealing_key, id, NOW_MS + 10, &found, NULL),
                     SH_OK);
    uint8_t other[SH_KEY_BYTES] = {1};
    assert_int_equal(sh_node_record_find_key(&record, other, id, NOW_MS, &found, NULL),
                     SH_E_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_kinds_of_keys_are_stored),
        cmocka_unit_test(a_credential_opens_only_for_its_node_and_key),
        cmocka_unit_test(a_record_is_read_as_it_was_written),
        cmocka_unit_test(invalid_records_are_unreadable),
        cmocka_unit_test(credentials_of_a_node_are_limited_and_expired_ones_removed),
        cmocka_unit_test(an_expiry_beyond_the_longest_overlap_is_invalid),
        cmocka_unit_test(a_shared_credential_is_read_as_written_and_is_no_token),
        cmocka_unit_test(a_shared_credential_takes_one_of_the_places),
        cmocka_unit_test(a_token_is_found_while_it_is_valid),
        cmocka_unit_test(a_key_is_found_by_its_id_while_its_credential_is_valid),
        cmocka_unit_test(a_resealed_envelope_holds_the_same_under_another_key),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
