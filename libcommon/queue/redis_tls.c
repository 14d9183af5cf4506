/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/queue/redis_tls.h"

#ifdef SYNCHUB_HIREDIS_TLS

#include <hiredis/hiredis.h>
#include <hiredis/hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

struct sh_redis_tls {
    SSL_CTX *context;
    const sh_redis_texts *texts;
    char why[200]; /* the last handshake failed */
};

sh_err sh_redis_tls_new(const char *ca_file, const sh_redis_texts *texts, sh_redis_tls **ret,
                        sh_error *error)
{
    sh_redis_tls *tls = calloc(1, sizeof *tls);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (tls == NULL || context == NULL || SSL_CTX_set_default_verify_paths(context) != 1 ||
        SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
        SSL_CTX_free(context);
        free(tls);
        return sh_fail(error, SH_E_MEMORY, "no memory for TLS to Redis");
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (ca_file != NULL && ca_file[0] != '\0' && SSL_CTX_load_verify_file(context, ca_file) != 1) {
        SSL_CTX_free(context);
        free(tls);
        return sh_fail(error, SH_E_CONFIG, "%s: %s contains no readable PEM certificates",
                       texts->ca_setting, ca_file);
    }
    tls->context = context;
    tls->texts = texts;
    *ret = tls;
    return SH_OK;
}

void sh_redis_tls_free(sh_redis_tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    free(tls);
}

/* Makes the handshake fail unless the certificate is valid for host. */
static int expect_host(SSL *ssl, const char *host)
{
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1)
        return 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

/*
 * Why the handshake failed, in tls->why unless it is a static text; NULL: hiredis's message says as
 * much.
 */
static const char *reason_of(sh_redis_tls *tls, const SSL *ssl)
{
    long result = SSL_get_verify_result(ssl);
    if (result == X509_V_ERR_HOSTNAME_MISMATCH || result == X509_V_ERR_IP_ADDRESS_MISMATCH) {
        (void)snprintf(tls->why, sizeof tls->why,
                       "its certificate is for another name: %s must contain the host name of the "
                       "certificate",
                       tls->texts->url_setting);
        return tls->why;
    }
    if (result == X509_V_ERR_CERT_HAS_EXPIRED || result == X509_V_ERR_CERT_NOT_YET_VALID)
        return "its certificate has expired or is not valid yet, or this machine's clock is wrong";
    if (result != X509_V_OK) {
        (void)snprintf(
            tls->why, sizeof tls->why,
            "its certificate is not from an authority that is trusted here: set %s to the "
            "file of its authority",
            tls->texts->ca_setting);
        return tls->why;
    }
    /*
     * The read timed out: a connection that the server ended has nothing to wait for. A Redis
     * without TLS waits for the end of a line, so it is silent, too.
     */
    if (SSL_want_read(ssl) && BIO_should_read(SSL_get_rbio(ssl)))
        return "it did not answer the handshake in time: it is overloaded or stopped, or without "
               "TLS on this port (then use redis:// or another port)";
    unsigned long error = ERR_peek_last_error();
    if (error == 0 || ERR_GET_REASON(error) == SSL_R_WRONG_VERSION_NUMBER ||
        ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return "it ended the handshake, as a server without TLS on this port does: use redis:// "
               "or another port";
    return NULL;
}

sh_err sh_redis_tls_begin(sh_redis_tls *tls, struct redisContext *context, const char *host,
                          const char **why)
{
    *why = NULL;
    SSL *ssl = SSL_new(tls->context);
    if (ssl == NULL || expect_host(ssl, host) != 1) {
        SSL_free(ssl);
        *why = "no memory";
        return SH_E_MEMORY;
    }
    if (redisInitiateSSL(context, ssl) == REDIS_OK)
        return SH_OK; /* the connection owns ssl */
    *why = reason_of(tls, ssl);
    SSL_free(ssl);
    return SH_E_NETWORK;
}

#else

_Static_assert(SH_OK == 0, "not an empty file without TLS in hiredis");

#endif
