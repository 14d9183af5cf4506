/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "libcommon/http/http_server_connections.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Which connection makes room, among those that were accepted within one millisecond. */

#define MOST 8

static int peers[3 * MOST];
static size_t peers_count;

/* Accepts one more connection, from an address of its own; all are of the same time. */
static void accept_one(sh_http_server *server)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    struct sockaddr_storage from = {0};
    struct sockaddr_in *address = (struct sockaddr_in *)&from;
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(0x7f000001U + (uint32_t)peers_count);
    sh_http_event event;
    sh_http_connection *c =
        sh_http_connections_add(server, ends[0], &from, sizeof *address, &event);
    assert_non_null(c);
    atomic_store(&c->since_ms, 1000);
    peers[peers_count++] = ends[1];
}

static bool has_ended(size_t number)
{
    char byte;
    ssize_t n = recv(peers[number], &byte, 1, MSG_DONTWAIT);
    assert_true(n == 0 || (n < 0 && errno == EAGAIN));
    return n == 0;
}

static void assert_ended_before(size_t first_open)
{
    for (size_t i = 0; i < peers_count; i++)
        assert_int_equal(has_ended(i), i < first_open);
}

static void the_oldest_makes_room(void **state)
{
    (void)state;
    sh_http_server server = {.listener = -1};
    sh_error error = {0};
    assert_int_equal(pthread_mutex_init(&server.lock, NULL), 0);
    assert_int_equal(sh_http_connections_init(&server, MOST, &error), SH_OK);
    for (size_t i = 0; i < MOST; i++)
        accept_one(&server);
    assert_ended_before(0);
    for (size_t i = 1; i <= 3; i++) {
        accept_one(&server);
        assert_ended_before(i);
    }
    for (size_t i = 4; i <= 6; i++) { /* as for a lack of descriptors */
        assert_true(sh_http_connections_end_one(&server));
        assert_ended_before(i);
    }
    sh_http_connections_close_ours(&server);
    sh_http_connections_free(&server);
    assert_int_equal(pthread_mutex_destroy(&server.lock), 0);
    while (peers_count > 0)
        (void)close(peers[--peers_count]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_oldest_makes_room)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
