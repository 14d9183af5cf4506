/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/postgres/postgres_store.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What sslmode means for a hub and a database on different hosts. */

/* Whether it is a Unix socket or a loopback address, which cannot be intercepted. */
static bool is_local(const char *host, const char *address)
{
    const char *text = address != NULL && address[0] != '\0' ? address : host;
    struct in_addr v4;
    struct in6_addr v6;
    if (text[0] == '/' || text[0] == '@' || text[0] == '\0' || strcasecmp(text, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, text, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

void store_postgres_transport_message(const char *host, const char *address, const char *sslmode,
                                      bool encrypted, char ret[static STORE_ADVICE_BYTES])
{
    static const char remedy[] = "set ?sslmode=verify-full&sslrootcert=FILE in SYNC_db";
    const char *what = NULL;
    ret[0] = '\0';
    if (is_local(host, address) || (encrypted && strcmp(sslmode, "verify-full") == 0))
        return;
    if (!encrypted)
        what =
            "is not encrypted: an attacker on the network can read the login and all devices, and "
            "change them";
    else if (strcmp(sslmode, "verify-ca") == 0)
        what = "is encrypted, but the server's name is not checked: any server with a certificate "
               "of that authority can take its place";
    else
        what =
            "is encrypted, but the server's certificate is not checked: an attacker on the network "
            "can take its place, read the login and all devices, and change them";
    (void)snprintf(ret, STORE_ADVICE_BYTES,
                   "the connection to the PostgreSQL server %s (SYNC_db, sslmode=%s) %s; %s", host,
                   sslmode, what, remedy);
}

void store_postgres_transport_advice(const store_postgres *s, char ret[static STORE_ADVICE_BYTES])
{
    ret[0] = '\0';
    PQconninfoOption *options = PQconninfo(s->conn);
    const char *sslmode = "";
    for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL;
         option++)
        if (strcmp(option->keyword, "sslmode") == 0 && option->val != NULL)
            sslmode = option->val;
    const char *host = PQhost(s->conn);
    store_postgres_transport_message(host == NULL ? "" : host, PQhostaddr(s->conn), sslmode,
                                     PQsslInUse(s->conn) != 0, ret);
    PQconninfoFree(options);
}
