/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust.h - the certificate authorities, loaded once and shared by every TLS connection: loading them for
 * each connection costs twenty times the handshake.
 */
#ifndef EGRESS_TRUST_H
#define EGRESS_TRUST_H

struct trust;

/* From the file that SSL_CERT_FILE names, else the system's. When none can be read it says so in the log, and
 * trusts nobody: plain http goes on. */
struct trust *trust_new(void) __attribute__((returns_nonnull));
void trust_free(struct trust *t);
/* Use it in an SSL_CTX; the CURLOPT_SSL_CTX_FUNCTION calls this. */
void trust_apply(const struct trust *t, void *ssl_ctx);
/* What a result of certificate verification (X509_V_ERR_*) means to the owner of the endpoint. */
const char *trust_detail(long verify_result);

#endif
