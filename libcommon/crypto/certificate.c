/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/crypto/certificate.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

static BIO *open_text(sh_slice pem)
{
    return pem.len > 0 && pem.len <= INT_MAX ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
}

static X509 *read_certificate(sh_slice pem)
{
    BIO *bio = open_text(pem);
    X509 *certificate = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return certificate;
}

static int64_t unix_ms(const ASN1_TIME *time)
{
    struct tm parts;
    return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) * 1000 : 0;
}

static void append_name(char ret[static SH_CERTIFICATE_NAMES_BYTES], const char *name, int len)
{
    size_t used = strlen(ret);
    (void)snprintf(ret + used, SH_CERTIFICATE_NAMES_BYTES - used, "%s%.*s", used == 0 ? "" : ", ",
                   len, name);
}

static void append_alternative(char ret[static SH_CERTIFICATE_NAMES_BYTES],
                               const GENERAL_NAME *name)
{
    char address[INET6_ADDRSTRLEN] = "";
    if (name->type == GEN_DNS) {
        append_name(ret, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
                    ASN1_STRING_length(name->d.dNSName));
    } else if (name->type == GEN_IPADD) {
        int family = ASN1_STRING_length(name->d.iPAddress) == 4 ? AF_INET : AF_INET6;
        if (family == AF_INET || ASN1_STRING_length(name->d.iPAddress) == 16)
            (void)inet_ntop(family, ASN1_STRING_get0_data(name->d.iPAddress), address,
                            sizeof address);
        append_name(ret, address, (int)strlen(address));
    }
}

static void read_names(const X509 *certificate, char ret[static SH_CERTIFICATE_NAMES_BYTES])
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    ret[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        append_alternative(ret, sk_GENERAL_NAME_value(names, i));
    GENERAL_NAMES_free(names);
    if (ret[0] == '\0')
        (void)X509_NAME_oneline(X509_get_subject_name(certificate), ret,
                                SH_CERTIFICATE_NAMES_BYTES);
}

sh_err sh_certificate_read(sh_slice pem, sh_certificate *ret, sh_error *error)
{
    X509 *certificate = read_certificate(pem);
    *ret = (sh_certificate){.begin_ms = 0};
    if (certificate == NULL)
        return sh_fail(error, SH_E_FORMAT, "there is no readable certificate in PEM format");
    ret->begin_ms = unix_ms(X509_get0_notBefore(certificate));
    ret->end_ms = unix_ms(X509_get0_notAfter(certificate));
    read_names(certificate, ret->names);
    X509_free(certificate);
    return SH_OK;
}

/* Keys with a passphrase cannot be used by a server, and must not prompt for it. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

sh_err sh_certificate_check_key(sh_slice certificate, sh_slice key, sh_error *error)
{
    BIO *bio = open_text(key);
    EVP_PKEY *private_key =
        bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    X509 *with = read_certificate(certificate);
    sh_err err = SH_OK;
    if (private_key == NULL)
        err =
            sh_fail(error, SH_E_FORMAT,
                    "there is no private key in PEM format that can be read without a passphrase");
    else if (with == NULL)
        err = sh_fail(error, SH_E_FORMAT, "there is no readable certificate in PEM format");
    else if (X509_check_private_key(with, private_key) != 1)
        err = sh_fail(error, SH_E_CRYPTO, "the key belongs to another certificate");
    EVP_PKEY_free(private_key);
    X509_free(with);
    BIO_free(bio);
    return err;
}

void sh_certificate_library(char ret[static SH_LIBRARY_BYTES])
{
    (void)snprintf(ret, SH_LIBRARY_BYTES, "libcrypto %s", OpenSSL_version(OPENSSL_VERSION_STRING));
}
