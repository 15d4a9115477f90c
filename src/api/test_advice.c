/* SPDX-License-Identifier: Apache-2.0 */
/* test_advice.c - sentence and possible causes by token: one row each. */
#include "api/test_advice.h"

#include "egress/token.h"

enum { CAUSES_MAX = 3 };

static const struct advice {
    int32_t token;
    const char *causes[CAUSES_MAX];
} rows[] = {
    { TOKEN_DNS_ERROR, { "Host name is misspelled", "DNS record is not published yet" } },
    { TOKEN_DNS_TIMEOUT, { "Name servers of the domain do not answer" } },
    { TOKEN_DESTINATION_IP_PROHIBITED,
      { "Host name points to a private or reserved address",
        "The operator refuses this address" } },
    { TOKEN_CONNECTION_REFUSED,
      { "Service is not running", "Wrong port", "Firewall blocking requests" } },
    { TOKEN_CONNECTION_TIMEOUT,
      { "Endpoint is unreachable", "Firewall blocking requests", "Server not responding" } },
    { TOKEN_HTTP_RESPONSE_TIMEOUT,
      { "Endpoint is unreachable", "Firewall blocking requests", "Server not responding" } },
    { TOKEN_CONNECTION_TERMINATED,
      { "Server or proxy closed the connection",
        "Server crashed while it handled the request" } },
    { TOKEN_TLS_CERTIFICATE_ERROR,
      { "Certificate has expired", "Certificate names another host",
        "Intermediate certificate is missing" } },
    { TOKEN_TLS_PROTOCOL_ERROR, { "The port speaks plain HTTP", "TLS is older than 1.2" } },
    { TOKEN_HTTP_PROTOCOL_ERROR, { "Something other than an HTTP server listens there" } },
    { TOKEN_REDIRECT,
      { "The URL has moved", "Missing or extra slash at the end",
        "http is redirected to https" } },
    { TOKEN_AUTH,
      { "The receiver has another secret", "The body was parsed before it was verified",
        "The clock of the receiver is wrong" } },
    { TOKEN_ENDPOINT_NOT_FOUND, { "Path is misspelled", "The route does not take POST" } },
    { TOKEN_GONE, { "The receiver was taken down on purpose" } },
    { TOKEN_RATE_LIMITED, { "Too many requests for this receiver" } },
    { TOKEN_SERVER_ERROR,
      { "The handler raised an error", "The service behind the proxy is down" } },
    { TOKEN_CLIENT_ERROR,
      { "The receiver does not accept this payload", "A header that it needs is missing" } },
};

static struct str message_of(const struct attempt_row *a, int64_t timeout_ms,
                             struct arena *arena)
{
    if (a->error == TOKEN_NONE) {
        return STR("Test successful.");
    }
    if (token_is_timeout(a->error)) {
        int64_t tenths = timeout_ms / 100;

        return tenths % 10 == 0
                   ? arena_printf(
                         arena,
                         "Endpoint did not respond within %lld seconds. Check your server.",
                         (long long)(tenths / 10))
                   : arena_printf(arena,
                                  "Endpoint did not respond within %lld.%lld seconds. Check "
                                  "your server.",
                                  (long long)(tenths / 10), (long long)(tenths % 10));
    }
    if (a->error == TOKEN_AUTH) {
        return STR("Signature verification failed. Check your secret key.");
    }
    return str_from(token_sentence(a->error));
}

/* One line for people, as "Connection timeout after 5000ms" or "Status 500". */
static struct str failure_of(const struct attempt_row *a, struct arena *arena)
{
    if (token_is_timeout(a->error)) {
        return arena_printf(arena, "Connection timeout after %lldms",
                            (long long)(a->duration_us / 1000));
    }
    if (a->status_code != 0) {
        return arena_printf(arena, "Status %d", (int)a->status_code);
    }
    return a->detail.len > 0 ? a->detail : str_from(token_sentence(a->error));
}

static void put_causes(struct json_out *o, int32_t token)
{
    json_out_name(o, "causes");
    json_out_array(o);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t k = 0; rows[i].token == token && k < CAUSES_MAX; k++) {
            if (rows[i].causes[k] != NULL) {
                json_out_c(o, rows[i].causes[k]);
            }
        }
    }
    json_out_array_end(o);
}

void test_advice_write(struct json_out *o, const struct attempt_row *attempt,
                       int64_t timeout_ms, struct arena *arena)
{
    bool ok = attempt->error == TOKEN_NONE;

    json_put_bool(o, "ok", ok);
    json_put_str(o, "message", message_of(attempt, timeout_ms, arena));
    if (ok) {
        json_put_c(o, "failure", NULL);
    } else {
        json_put_str(o, "failure", failure_of(attempt, arena));
    }
    put_causes(o, attempt->error);
}
