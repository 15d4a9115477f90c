/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server over TLS, with a certificate made here and libcurl as the client. */
#include <curl/curl.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_rig.h"

enum { PEM_MAX = 8192, DAY_S = 24 * 60 * 60, UPLOAD = 9000 };

static char cert_pem[PEM_MAX], key_pem[PEM_MAX], other_key_pem[PEM_MAX];

static void read_bio(BIO *bio, char *ret_text)
{
    int n = BIO_read(bio, ret_text, PEM_MAX - 1);

    assert_true(n > 0);
    ret_text[n] = '\0';
    assert_int_equal(BIO_free(bio), 1);
}

static void write_key(EVP_PKEY *key, char *ret_text)
{
    BIO *bio = BIO_new(BIO_s_mem());

    assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    read_bio(bio, ret_text);
}

/* A certificate for 127.0.0.1 that signs itself. */
static int make_cert(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY *other = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_EXTENSION *names;
    X509_NAME *subject;
    BIO *bio;

    (void)state;
    assert_non_null(key);
    assert_non_null(other);
    assert_int_equal(X509_set_version(cert, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -DAY_S));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), DAY_S));
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    subject = X509_get_subject_name(cert);
    assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                                (const unsigned char *)"test", -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(cert, subject), 1);
    names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
    assert_int_equal(X509_add_ext(cert, names, -1), 1);
    X509_EXTENSION_free(names);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(bio, cert), 1);
    read_bio(bio, cert_pem);
    write_key(key, key_pem);
    write_key(other, other_key_pem);
    X509_free(cert);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    curl_global_cleanup();
    return 0;
}

static struct http_options tls_options(void)
{
    struct http_options options = rig_options();

    options.tls_cert_pem = cert_pem;
    options.tls_key_pem = key_pem;
    return options;
}

static size_t on_bytes(char *bytes, size_t size, size_t n, void *ctx)
{
    assert_int_equal(buf_add(ctx, bytes, size * n), 0);
    return size * n;
}

static CURL *client(const struct rig *rig, const char *path, struct buf *heard)
{
    struct curl_blob ca = { .data = cert_pem, .len = strlen(cert_pem) };
    CURL *curl = curl_easy_init();
    char url[256];

    assert_non_null(curl);
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u%s", (unsigned)rig->port, path);
    assert_int_equal(curl_easy_setopt(curl, CURLOPT_URL, url), CURLE_OK);
    assert_int_equal(curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &ca), CURLE_OK);
    assert_int_equal(curl_easy_setopt(curl, CURLOPT_PROXY, ""), CURLE_OK);
    assert_int_equal(curl_easy_setopt(curl, CURLOPT_HEADER, 1L), CURLE_OK);
    assert_int_equal(curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)READ_DEADLINE_S), CURLE_OK);
    assert_int_equal(curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes), CURLE_OK);
    assert_int_equal(curl_easy_setopt(curl, CURLOPT_WRITEDATA, heard), CURLE_OK);
    return curl;
}

static void test_requests(void **state)
{
    struct http_options options = tls_options();
    char *body = xalloc(UPLOAD + 1);
    struct buf heard;
    struct rig rig;
    CURL *curl;

    (void)state;
    memset(body, 'u', UPLOAD);
    rig_start(&rig, &options);
    buf_init(&heard, HEAR_MAX);
    curl = client(&rig, "/a", &heard);
    /* On one connection: at once, late, large, with a body. */
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    assert_non_null(strstr(heard.p, "GET /a 1 127.0.0.1"));
    assert_non_null(strstr(heard.p, "Strict-Transport-Security: max-age="));
    buf_clear(&heard);
    for (int i = 0; i < 3; i++) {
        char url[256];

        (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/%s", (unsigned)rig.port,
                       i == 1 ? "big" : "late");
        assert_int_equal(curl_easy_setopt(curl, CURLOPT_URL, url), CURLE_OK);
        assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    }
    assert_int_equal(count_of(heard.p, "\r\n\r\nlate"), 2);
    assert_true(heard.len > BIG_SIZE);
    buf_clear(&heard);
    assert_int_equal(curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body), CURLE_OK);
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    curl_easy_cleanup(curl);
    curl = client(&rig, "/echo", &heard);
    buf_clear(&heard);
    assert_int_equal(curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body), CURLE_OK);
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    assert_string_equal(strstr(heard.p, "\r\n\r\n") + 4, body);
    curl_easy_cleanup(curl);
    buf_done(&heard);
    free(body);
    rig_wait(&rig, rig_has_connections, 0);
    rig_stop(&rig);
}

static void test_refused(void **state)
{
    struct http_options options = tls_options();
    struct buf heard;
    struct rig rig;
    char *plain;
    CURL *curl;
    int fd;

    (void)state;
    options.header_deadline_ms = 300;
    rig_start(&rig, &options);
    buf_init(&heard, HEAR_MAX);
    /* an old version */
    curl = client(&rig, "/a", &heard);
    assert_int_equal(
        curl_easy_setopt(curl, CURLOPT_SSLVERSION,
                         (long)(CURL_SSLVERSION_TLSv1_0 | CURL_SSLVERSION_MAX_TLSv1_1)),
        CURLE_OK);
    assert_int_equal(curl_easy_setopt(curl, CURLOPT_SSL_CIPHER_LIST, "DEFAULT@SECLEVEL=0"),
                     CURLE_OK);
    assert_int_equal(curl_easy_perform(curl), CURLE_SSL_CONNECT_ERROR);
    curl_easy_cleanup(curl);
    /* plain HTTP, and nothing at all */
    plain = ask(&rig, "GET /a HTTP/1.1\r\n" HOST "\r\n");
    assert_null(strstr(plain, "200"));
    free(plain);
    fd = dial(&rig);
    assert_true(say(fd, STR("\x16\x03\x01")));
    free(hear(fd));
    rig_wait(&rig, rig_has_connections, 0);
    rig_stop(&rig);
    buf_done(&heard);
    assert_int_equal(atomic_load(&rig.handled), 0);
}

static void test_too_large(void **state)
{
    struct http_options options = tls_options();
    struct buf heard;
    struct rig rig;
    char *body = xalloc(BIG_SIZE + 1);
    struct curl_slist *chunked = curl_slist_append(NULL, "Transfer-Encoding: chunked");
    CURL *curl;

    (void)state;
    memset(body, 'u', BIG_SIZE);
    rig_start(&rig, &options);
    for (int i = 0; i < 2; i++) {
        long status = 0;

        buf_init(&heard, HEAR_MAX);
        curl = client(&rig, "/echo", &heard);
        assert_int_equal(curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body), CURLE_OK);
        if (i == 1) {
            assert_int_equal(curl_easy_setopt(curl, CURLOPT_HTTPHEADER, chunked), CURLE_OK);
        }
        (void)curl_easy_perform(curl);
        assert_int_equal(curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status), CURLE_OK);
        assert_int_equal(status, 413);
        curl_easy_cleanup(curl);
        buf_done(&heard);
    }
    curl_slist_free_all(chunked);
    free(body);
    rig_stop(&rig);
}

static void test_bad_certificates(void **state)
{
    const char *const certs[] = { "nothing", key_pem, cert_pem, cert_pem };
    const char *const keys[] = { key_pem, key_pem, other_key_pem, "nothing" };
    struct loop *loop = NULL;

    (void)state;
    assert_int_equal(loop_new(&loop), 0);
    for (size_t i = 0; i < COUNT(certs); i++) {
        struct http_options options = rig_options();
        struct http_server *server = NULL;
        struct err err = { 0 };

        options.tls_cert_pem = certs[i];
        options.tls_key_pem = keys[i];
        assert_int_equal(
            http_start(loop, &options, rig_on_request, rig_on_refused, NULL, &server, &err),
            -E_CONFIG);
        assert_non_null(strstr(err.text, "certificate"));
    }
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_bad_certificates),
    };

    return cmocka_run_group_tests(tests, make_cert, end);
}
