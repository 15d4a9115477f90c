/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hmac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <string.h>

#include "base/assert.h"

/* The algorithm is looked up once in a process: a look-up takes locks and costs more than a short sum. */
static pthread_once_t hmac_once = PTHREAD_ONCE_INIT;
static EVP_MAC *hmac_algorithm;

static void hmac_fetch(void)
{
    hmac_algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
}

/* struct hmac is never defined: the handle is the library's own context, so it costs nothing beside it. */
static EVP_MAC_CTX *hmac_context(struct hmac *h)
{
    return (EVP_MAC_CTX *)(void *)h;
}

int hmac_new(struct str key, struct hmac **ret_hmac)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[2] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC_CTX *context;

    ASSERT(key.len > 0);
    (void)pthread_once(&hmac_once, hmac_fetch);
    if (hmac_algorithm == NULL) {
        return -E_INTERNAL;
    }
    context = EVP_MAC_CTX_new(hmac_algorithm);
    if (context == NULL) {
        return -E_INTERNAL;
    }
    if (EVP_MAC_init(context, (const unsigned char *)key.p, key.len, params) != 1) {
        EVP_MAC_CTX_free(context);
        return -E_INTERNAL;
    }
    *ret_hmac = (struct hmac *)(void *)context;
    return 0;
}

void hmac_free(struct hmac *h)
{
    EVP_MAC_CTX_free(hmac_context(h));
}

int hmac_sum(struct hmac *h, const struct str *parts, size_t count,
             unsigned char ret_sum[HMAC_SIZE])
{
    EVP_MAC_CTX *context = hmac_context(h);
    unsigned char sum[HMAC_SIZE];
    size_t len = 0;

    /* No key: the one from hmac_new is used again. */
    if (EVP_MAC_init(context, NULL, 0, NULL) != 1) {
        return -E_INTERNAL;
    }
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > 0 &&
            EVP_MAC_update(context, (const unsigned char *)parts[i].p, parts[i].len) != 1) {
            return -E_INTERNAL;
        }
    }
    if (EVP_MAC_final(context, sum, &len, sizeof(sum)) != 1) {
        return -E_INTERNAL;
    }
    ASSERT(len == HMAC_SIZE);
    memcpy(ret_sum, sum, sizeof(sum));
    return 0;
}
