/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - MACs, digests and public-key signatures of other services, on OpenSSL. */
#include "crypto/check.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <string.h>

#include "base/assert.h"

enum {
    RSA_BITS_MIN = 2048,
    KEY_BYTES_MAX = 64 * 1024,
    RAW_HALF_MAX = 66 /* P-521 */
};

/* struct check_key is never defined: the handle is the library's own. */
static EVP_PKEY *pkey_of(const struct check_key *key)
{
    return (EVP_PKEY *)(uintptr_t)key;
}

static const EVP_MD *hash_of(enum check_hash hash)
{
    switch (hash) {
    case CHECK_SHA1:
        return EVP_sha1();
    case CHECK_SHA256:
        return EVP_sha256();
    case CHECK_SHA384:
        return EVP_sha384();
    case CHECK_SHA512:
        return EVP_sha512();
    }
    ASSERT(!"a check_hash");
    return NULL;
}

size_t check_hash_size(enum check_hash hash)
{
    return (size_t)EVP_MD_get_size(hash_of(hash));
}

void check_digest(enum check_hash hash, struct str bytes, unsigned char ret_sum[CHECK_SUM_MAX])
{
    unsigned int len = 0;
    int ok = EVP_Digest(bytes.p, bytes.len, ret_sum, &len, hash_of(hash), NULL);

    ASSERT(ok == 1 && len == check_hash_size(hash));
}

int check_hmac(enum check_hash hash, struct str key, struct str bytes,
               unsigned char ret_sum[CHECK_SUM_MAX])
{
    unsigned int len = 0;

    if (key.len == 0 || key.len > KEY_BYTES_MAX) {
        return -E_FIELD;
    }
    return HMAC(hash_of(hash), key.p, (int)key.len, (const unsigned char *)bytes.p, bytes.len,
                ret_sum, &len) == NULL
               ? -E_INTERNAL
               : 0;
}

bool check_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || sodium_memcmp(a.p, b.p, a.len) == 0);
}

/* --- public keys */
static EVP_PKEY *key_from_pem(struct str bytes)
{
    BIO *bio = BIO_new_mem_buf(bytes.p, (int)bytes.len);
    EVP_PKEY *key = NULL;
    X509 *certificate;

    if (bio == NULL) {
        return NULL;
    }
    key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    if (key == NULL) {
        (void)BIO_reset(bio);
        certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (certificate != NULL) {
            key = X509_get_pubkey(certificate);
            X509_free(certificate);
        }
    }
    BIO_free(bio);
    return key;
}

static EVP_PKEY *key_from_bytes(struct str bytes)
{
    const unsigned char *at = (const unsigned char *)bytes.p;

    if (bytes.len == 32) {
        return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, at, bytes.len);
    }
    return d2i_PUBKEY(NULL, &at, (long)bytes.len);
}

static int key_take(EVP_PKEY *key, struct check_key **ret_key)
{
    ERR_clear_error();
    if (key == NULL) {
        return -E_FIELD;
    }
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) < RSA_BITS_MIN) {
        EVP_PKEY_free(key);
        return -E_FIELD;
    }
    *ret_key = (struct check_key *)(void *)key;
    return 0;
}

int check_key_new(struct str bytes, struct check_key **ret_key)
{
    EVP_PKEY *key;

    if (bytes.len == 0 || bytes.len > KEY_BYTES_MAX) {
        return -E_FIELD;
    }
    key = str_starts(bytes, STR("-----BEGIN ")) ? key_from_pem(bytes) : key_from_bytes(bytes);
    return key_take(key, ret_key);
}

/* A public key of that type from its parameters; NULL when they make none. */
static EVP_PKEY *key_from_params(const char *type, OSSL_PARAM_BLD *build)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        key = NULL;
    }
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    return key;
}

int check_key_rsa(struct str n, struct str e, struct check_key **ret_key)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;
    BIGNUM *modulus;
    BIGNUM *exponent;

    if (n.len > KEY_BYTES_MAX || e.len > 8) {
        OSSL_PARAM_BLD_free(build);
        return -E_FIELD;
    }
    modulus = BN_bin2bn((const unsigned char *)n.p, (int)n.len, NULL);
    exponent = BN_bin2bn((const unsigned char *)e.p, (int)e.len, NULL);
    if (build != NULL && modulus != NULL && exponent != NULL &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1) {
        key = key_from_params("RSA", build);
    }
    OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    BN_free(exponent);
    return key_take(key, ret_key);
}

int check_key_ec(struct str curve, struct str x, struct str y, struct check_key **ret_key)
{
    static const struct {
        const char *name;
        const char *group;
        size_t half;
    } curves[] = { { "P-256", "P-256", 32 },
                   { "P-384", "P-384", 48 },
                   { "P-521", "P-521", 66 } };
    unsigned char point[1 + 2 * RAW_HALF_MAX] = { 4 }; /* not compressed */
    OSSL_PARAM_BLD *build;
    EVP_PKEY *key = NULL;
    size_t at = 0;

    while (at < 3 && !str_eq_c(curve, curves[at].name)) {
        at++;
    }
    if (at == 3 || x.len != curves[at].half || y.len != curves[at].half) {
        return -E_FIELD;
    }
    memcpy(point + 1, x.p, x.len);
    memcpy(point + 1 + x.len, y.p, y.len);
    build = OSSL_PARAM_BLD_new();
    if (build != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curves[at].group,
                                        0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
                                         1 + 2 * x.len) == 1) {
        key = key_from_params("EC", build);
    }
    OSSL_PARAM_BLD_free(build);
    return key_take(key, ret_key);
}

int check_key_bits(const struct check_key *key)
{
    return EVP_PKEY_get_bits(pkey_of(key));
}

void check_key_free(struct check_key *key)
{
    EVP_PKEY_free(pkey_of(key));
}

/* r and s behind each other, as ASN.1 in der; its length, or 0. */
static size_t der_from_raw(struct str raw, unsigned char der[2 * RAW_HALF_MAX + 16])
{
    size_t half = raw.len / 2;
    const unsigned char *bytes = (const unsigned char *)raw.p;
    ECDSA_SIG *sig;
    BIGNUM *r;
    BIGNUM *s;
    unsigned char *at = der;
    int len = 0;

    if (raw.len % 2 != 0 || half == 0 || half > RAW_HALF_MAX) {
        return 0;
    }
    sig = ECDSA_SIG_new();
    r = BN_bin2bn(bytes, (int)half, NULL);
    s = BN_bin2bn(bytes + half, (int)half, NULL);
    if (sig == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(sig, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(sig);
        return 0;
    }
    len = i2d_ECDSA_SIG(sig, &at);
    ECDSA_SIG_free(sig);
    return len > 0 ? (size_t)len : 0;
}

static int kind_of(enum check_algorithm algorithm)
{
    switch (algorithm) {
    case CHECK_RSA_PKCS1:
    case CHECK_RSA_PSS:
        return EVP_PKEY_RSA;
    case CHECK_ECDSA_DER:
    case CHECK_ECDSA_RAW:
        return EVP_PKEY_EC;
    case CHECK_ED25519:
        return EVP_PKEY_ED25519;
    }
    ASSERT(!"a check_algorithm");
    return 0;
}

static bool verify(EVP_PKEY *key, enum check_algorithm algorithm, enum check_hash hash,
                   struct str bytes, struct str signature)
{
    const EVP_MD *md = algorithm == CHECK_ED25519 ? NULL : hash_of(hash);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL; /* owned by the context */
    bool fits = false;

    if (context != NULL && EVP_DigestVerifyInit(context, &options, md, NULL, key) == 1 &&
        (algorithm != CHECK_RSA_PSS ||
         (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
          EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1))) {
        fits = EVP_DigestVerify(context, (const unsigned char *)signature.p, signature.len,
                                (const unsigned char *)bytes.p, bytes.len) == 1;
    }
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return fits;
}

int check_signature(const struct check_key *key, enum check_algorithm algorithm,
                    enum check_hash hash, struct str bytes, struct str signature)
{
    EVP_PKEY *pkey = pkey_of(key);
    unsigned char der[2 * RAW_HALF_MAX + 16];

    if (EVP_PKEY_get_base_id(pkey) != kind_of(algorithm)) {
        return -E_FIELD;
    }
    if (algorithm == CHECK_ECDSA_RAW) {
        /* Exactly as long as two numbers of the curve, else r and s cannot be told apart. */
        if (signature.len != 2 * (((size_t)EVP_PKEY_get_bits(pkey) + 7) / 8)) {
            return -E_SIGNATURE;
        }
        signature = (struct str){ (const char *)der, der_from_raw(signature, der) };
    }
    return verify(pkey, algorithm, hash, bytes, signature) ? 0 : -E_SIGNATURE;
}
