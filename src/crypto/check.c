/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - MACs, digests and public-key signatures of other services, on OpenSSL. */
#include "crypto/check.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
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

int check_key_new(struct str bytes, struct check_key **ret_key)
{
    EVP_PKEY *key;

    if (bytes.len == 0 || bytes.len > KEY_BYTES_MAX) {
        return -E_FIELD;
    }
    key = str_starts(bytes, STR("-----BEGIN ")) ? key_from_pem(bytes) : key_from_bytes(bytes);
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
