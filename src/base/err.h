/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err.h - the one table of error codes.
 *
 * Every fallible function returns int: 0, or a negative code of this table. Outputs stay untouched on
 * failure. At module edges a last `struct err *` (may be NULL) carries the sentence for people. The API
 * maps a code to an RFC 9457 problem: `token` is its stable `code`, `status` its HTTP status.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#define NODISCARD              __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* X(name, number, token, HTTP status, sentence that says what to do) */
#define ERR_TABLE(X)                                                                           \
    X(INVALID, 1, "invalid_request", 400, "The request is not valid; see `errors`.")           \
    X(JSON, 2, "invalid_json", 400, "The body is not valid JSON.")                             \
    X(FIELD, 3, "invalid_field", 422,                                                          \
      "A field has a value that is not allowed; see `errors`.")                                \
    X(UNAUTHORIZED, 4, "unauthorized", 401,                                                    \
      "Send a valid key: `Authorization: Bearer pst_...`.")                                    \
    X(FORBIDDEN, 5, "forbidden", 403, "This key lacks the scope for that; use another key.")   \
    X(NOT_FOUND, 6, "not_found", 404,                                                          \
      "There is no such thing here; check the id and the path.")                               \
    X(METHOD, 7, "method_not_allowed", 405,                                                    \
      "This path has other methods; see the Allow header.")                                    \
    X(CONFLICT, 8, "conflict", 409, "It is in use or was changed meanwhile; read it again.")   \
    X(TOO_LARGE, 9, "too_large", 413, "It is over the limit; see docs/limits.md.")             \
    X(URI_TOO_LONG, 10, "uri_too_long", 414, "The request target is over the limit.")          \
    X(MEDIA_TYPE, 11, "unsupported_media_type", 415, "Send `Content-Type: application/json`.") \
    X(PRECONDITION, 12, "precondition_failed", 412, "If-Match does not fit; read it again.")   \
    X(HEADERS_TOO_LARGE, 13, "headers_too_large", 431, "The header block is over the limit.")  \
    X(LIMIT, 14, "limit_reached", 409, "A limit of this project or app is reached.")           \
    X(BUSY, 15, "overloaded", 503, "Too much is waiting; try again after Retry-After.")        \
    X(UNKNOWN, 16, "unknown_outcome", 503,                                                     \
      "The store did not confirm; repeat with the same Idempotency-Key.")                      \
    X(FULL, 17, "insufficient_storage", 507,                                                   \
      "The disk is full; nothing was stored. Try later.")                                      \
    X(STORE, 18, "store_error", 500, "The store refused this write; nothing was changed.")     \
    X(UNAVAILABLE, 19, "store_unavailable", 503, "The store cannot be reached; try again.")    \
    X(IO, 20, "io_error", 500, "Reading or writing failed; see the log.")                      \
    X(INTERNAL, 21, "internal_error", 500, "A fault of ours; please report the request id.")   \
    X(UNKNOWN_EVENT_TYPE, 22, "unknown_event_type", 422,                                       \
      "Register this event type first: POST /api/v1/event-types.")                             \
    X(IDEMPOTENCY, 23, "idempotency_conflict", 409,                                            \
      "This key was used with another body; send the same body or a new key.")                 \
    X(ALREADY_DELIVERED, 24, "already_delivered", 409,                                         \
      "It is delivered already; there is nothing to retry.")                                   \
    X(SECRET_REUSED, 25, "secret_reused", 409,                                                 \
      "An endpoint or app of this project uses this secret; take a new one.")                  \
    X(URL_REFUSED, 26, "url_refused", 422, "This URL is not allowed; see `errors`.")           \
    X(SLUG_TAKEN, 27, "slug_taken", 409, "Another one has this name; choose a different one.") \
    X(TIMEOUT, 28, "request_timeout", 408, "The request came too slowly; send it again.")      \
    X(INSECURE, 29, "https_required", 403, "Plain HTTP is refused here; use https.")           \
    X(RATE_LIMITED, 30, "rate_limited", 429, "Too many requests; wait for Retry-After.")       \
    X(NOT_IMPLEMENTED, 31, "not_implemented", 501, "This method is not known here.")           \
    X(FENCED, 32, "fenced", 503,                                                               \
      "Another process took over this database; this one must end.")                           \
    X(SIGNATURE, 33, "signature_mismatch", 401, "The signature does not verify.")              \
    X(USAGE, 34, "usage", 400, "The command line is not understood; see --help.")              \
    X(CONFIG, 35, "config", 400, "The configuration is not valid.")                            \
    X(CONNECT, 36, "connect", 503, "The server cannot be reached.")                            \
    X(QUOTA, 40, "quota_exceeded", 429,                                                        \
      "Too many webhook deliveries. Upgrade plan for higher limits.")                          \
    X(STATE, 37, "wrong_state", 409, "Its state does not allow that.")                         \
    X(SECRET_WINDOW, 60, "secret_window_open", 409,                                            \
      "The window of the last roll is open; wait, revoke the previous secret, or send force.") \
    X(SECRET_HIDDEN, 61, "secret_hidden", 403,                                                 \
      "Secrets are shown once, when they are made; roll it for a new one.")                    \
    X(REAUTH, 62, "reauth_required", 401,                                                      \
      "Prove again who you are: send the key once more in Postern-Reauth.")                    \
    X(SCHEMA, 80, "schema_mismatch", 422,                                                      \
      "The data does not fit the schema of its event type; see `errors`.")                     \
    X(BREAKING, 81, "breaking_change", 409,                                                    \
      "This schema would break receivers; make a new version: POST .../versions.")             \
    X(SIGN_IN, 70, "sign_in_failed", 401, "The address or the password is not right.")         \
    X(CSRF, 71, "csrf_failed", 403,                                                            \
      "Send the session's csrf_token in Postern-CSRF, from a page of this server.")            \
    X(TICKET, 72, "ticket_invalid", 401,                                                       \
      "The ticket was used, is too old or never was; ask for a new one.")                      \
    X(CONFIRM, 90, "confirm_required", 409,                                                    \
      "Ask with `dry_run` first and send the `confirm` that it answers.")                      \
    X(CONFIRM_STALE, 91, "confirm_stale", 409,                                                 \
      "What it would touch has changed, or ten minutes are over; ask with `dry_run` again.")   \
    X(REPLAY_IDS, 92, "replay_max_ids_exceeded", 422,                                          \
      "A replay takes at most 500 ids; use a filter.")                                         \
    X(REPLAY_WINDOW, 93, "replay_date_window_exceeded", 422,                                   \
      "`since` to `until` is longer than this key may replay; take a shorter window.")         \
    X(REPLAY_CONCURRENCY, 94, "replay_concurrency_exceeded", 409,                              \
      "Too many replays of this app run already; wait for one or cancel it.")

enum err_code {
    E_OK = 0,
#define ERR_ENUM(name, number, token, status, text) E_##name = (number),
    ERR_TABLE(ERR_ENUM)
#undef ERR_ENUM
};

enum { ERR_TEXT_SIZE = 256 };

/* The detail of a failure for people. The text is never a secret and never a payload. */
struct err {
    int code; /* negative, as returned */
    char text[ERR_TEXT_SIZE];
};

/* Write code and sentence into err (NULL allowed) and return code, so `return err_set(err, -E_X, ...)`. */
int err_set(struct err *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Stable token, HTTP status and general sentence of a code (negative, as returned). Never NULL. */
const char *err_token(int code);
int err_status(int code);
const char *err_text(int code);

#endif
