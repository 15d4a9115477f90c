/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.h - the one table of what can go wrong with an attempt: RFC 9209 proxy error types (IANA registry)
 * plus ours, with the sentence and the advice that customers see. Numbers are stored: never change one.
 */
#ifndef EGRESS_TOKEN_H
#define EGRESS_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* X(NAME, number, "token", "sentence", "what to do") */
#define TOKEN_TABLE(X)                                                                         \
    X(NONE, 0, "", "", "")                                                                     \
    X(DNS_ERROR, 1, "dns_error", "The name of the endpoint has no address.",                   \
      "Check the spelling of the host and that its DNS record is published.")                  \
    X(DNS_TIMEOUT, 2, "dns_timeout",                                                           \
      "The name servers of the endpoint did not answer in time.",                              \
      "Check the name servers of your domain.")                                                \
    X(DESTINATION_IP_PROHIBITED, 3, "destination_ip_prohibited",                               \
      "The endpoint resolves to an address that is never sent to.",                            \
      "Use a public host. For local tests start with --dev.")                                  \
    X(CONNECTION_REFUSED, 4, "connection_refused", "The endpoint refused the connection.",     \
      "Check that the service runs and that the firewall admits our source addresses.")        \
    X(CONNECTION_TIMEOUT, 5, "connection_timeout", "The endpoint did not accept in time.",     \
      "Check that the service runs and that the firewall admits our source addresses.")        \
    X(CONNECTION_TERMINATED, 6, "connection_terminated",                                       \
      "The connection was closed before the response was whole.",                              \
      "Look at the log of your server or proxy. The event may have been processed.")           \
    X(TLS_CERTIFICATE_ERROR, 7, "tls_certificate_error", "The TLS certificate is not valid.",  \
      "Renew it, send the whole chain, and check that it names this host.")                    \
    X(TLS_PROTOCOL_ERROR, 8, "tls_protocol_error", "The TLS handshake failed.",                \
      "Use https on the right port, with TLS 1.2 or newer.")                                   \
    X(HTTP_RESPONSE_TIMEOUT, 9, "http_response_timeout",                                       \
      "Connected, but no whole response came in time. The event may have been processed.",     \
      "Answer 2xx first, then work.")                                                          \
    X(HTTP_PROTOCOL_ERROR, 10, "http_protocol_error", "The answer is not valid HTTP/1.",       \
      "Check what listens on this port.")                                                      \
    X(HTTP_RESPONSE_HEADER_SIZE, 11, "http_response_header_section_size",                      \
      "The response headers are over the limit.", "Send fewer and smaller headers.")           \
    X(HTTP_RESPONSE_SIZE, 12, "http_response_body_size", "The response is over the limit.",    \
      "Answer with a short body.")                                                             \
    X(HTTP_UPGRADE_FAILED, 13, "http_upgrade_failed", "The endpoint answered 101.",            \
      "A webhook endpoint answers 2xx to a POST.")                                             \
    X(REDIRECT, 14, "redirect", "The endpoint answered a redirect; it is not followed.",       \
      "Change the endpoint's URL to the address in Location.")                                 \
    X(AUTH, 15, "auth", "The endpoint refused the request (401 or 403).",                      \
      "Check the signing secret and your verification code.")                                  \
    X(ENDPOINT_NOT_FOUND, 16, "not_found", "There is nothing at this URL (404 or 405).",       \
      "Check the path and that it takes POST.")                                                \
    X(GONE, 17, "gone", "The endpoint answered 410; it was disabled.",                         \
      "Resume it when it is back.")                                                            \
    X(RATE_LIMITED, 18, "rate_limited", "The endpoint asked to slow down (429).",              \
      "Nothing to do; or set a lower rate.")                                                   \
    X(SERVER_ERROR, 19, "server_error", "The endpoint answered a 5xx.",                        \
      "Look at the log of your server at that time.")                                          \
    X(CLIENT_ERROR, 20, "client_error", "The endpoint answered a 4xx.",                        \
      "Look at the response body for the reason.")                                             \
    X(STATUS_INVALID, 21, "status_invalid", "The endpoint answered a status that is not 2xx.", \
      "Answer 2xx once the event is taken.")                                                   \
    X(SENDER_CRASH, 22, "sender_crash", "The sending process ended during this attempt.",      \
      "Report this to the operator.")                                                          \
    X(URL_REFUSED, 23, "url_refused", "The URL is not allowed any more.",                      \
      "Change the endpoint's URL.")                                                            \
    X(SENDER_OVERLOAD, 24, "sender_overload", "The sending process had no room.",              \
      "Nothing to do; it is sent again.")                                                      \
    X(TRANSFORM_ERROR, 25, "transform_error",                                                  \
      "The body for this endpoint could not be made, so nothing was sent.",                    \
      "Try the endpoint's transform and filter on this event; see the detail.")

enum token {
#define TOKEN_ENUM(name, number, token, sentence, advice) TOKEN_##name = (number),
    TOKEN_TABLE(TOKEN_ENUM)
#undef TOKEN_ENUM
};

const char *token_name(int32_t token); /* "" for NONE or unknown */
const char *token_sentence(int32_t token);
const char *token_advice(int32_t token);
/* -1 when there is no such token. */
int32_t token_parse(struct str name);
/* The token of a response that is not 2xx; NONE for 2xx. */
enum token token_of_status(int32_t status_code);
/* May the request have reached the receiver? (for the sentence "may have been processed") */
bool token_is_timeout(int32_t token);

#endif
