/* SPDX-License-Identifier: Apache-2.0 */
/* trust.c - one X509_STORE for all connections. */
#include "egress/trust.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"

struct trust {
    X509_STORE *store;
};

/* Where systems keep the bundle of all authorities. */
static const char *const bundle_files[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

static const char *trust_file(void)
{
    const char *named = getenv("SSL_CERT_FILE");
    size_t i;

    if (named != NULL && named[0] != '\0') {
        return named;
    }
    for (i = 0; i < sizeof(bundle_files) / sizeof(bundle_files[0]); i++) {
        if (access(bundle_files[i], R_OK) == 0) {
            return bundle_files[i];
        }
    }
    return NULL;
}

struct trust *trust_new(void)
{
    struct trust *t = xalloc(sizeof(*t));
    const char *file = trust_file();

    t->store = X509_STORE_new();
    ASSERT(t->store != NULL);
    if (file == NULL || X509_STORE_load_file(t->store, file) != 1) {
        LOG_W("no certificate authorities; every https request will fail, set SSL_CERT_FILE",
              "file=\"%s\"", file != NULL ? file : "");
    }
    return t;
}

void trust_free(struct trust *t)
{
    if (t == NULL) {
        return;
    }
    X509_STORE_free(t->store);
    free(t);
}

void trust_apply(const struct trust *t, void *ssl_ctx)
{
    ASSERT(ssl_ctx != NULL);
    SSL_CTX_set1_cert_store(ssl_ctx, t->store);
}

const char *trust_detail(long verify_result)
{
    switch (verify_result) {
    /* libcurl compares the name itself, before it has stored the result of the chain. */
    case X509_V_OK:
    case X509_V_ERR_UNSPECIFIED:
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "The certificate is for another host name.";
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "The certificate has expired.";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "The certificate is not valid yet.";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return "The certificate is self-signed.";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return "The certificate comes from an authority that is not trusted.";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return "The chain is incomplete or from an authority that is not trusted; "
               "send the intermediate certificates too.";
    case X509_V_ERR_CERT_REVOKED:
        return "The certificate was revoked.";
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
        return "The key or signature of the certificate is too weak.";
    default:
        return "The certificate is not valid.";
    }
}
