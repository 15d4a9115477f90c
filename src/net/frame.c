/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.c - the frames between serve and egress as bytes.
 *
 * A writer first counts, then reserves once, then writes without further checks. A reader is a cursor that
 * turns bad once and stays bad; each reader ends by asking that nothing is left over.
 */
#include "net/frame.h"

#include <string.h>

#include "base/assert.h"

enum { FRAME_HEAD_SIZE = 4 }; /* the length, which does not count itself */

/* --- Writing ---------------------------------------------------------------------------------- */

static char *frame_put_u32(char *p, uint32_t v)
{
    unsigned i;

    for (i = 0; i < 4; i++) {
        p[i] = (char)(unsigned char)(v >> (8 * i));
    }
    return p + 4;
}

static char *frame_put_u64(char *p, uint64_t v)
{
    p = frame_put_u32(p, (uint32_t)v);
    return frame_put_u32(p, (uint32_t)(v >> 32));
}

static char *frame_put_u8(char *p, uint8_t v)
{
    *p = (char)v;
    return p + 1;
}

static char *frame_put_str(char *p, struct str s)
{
    p = frame_put_u32(p, (uint32_t)s.len);
    if (s.len > 0) {
        memcpy(p, s.p, s.len);
    }
    return p + s.len;
}

/* Room for a frame of `size` bytes behind its length; writes length and type. NULL when over a limit. */
static char *frame_open(struct buf *out, enum frame_type type, size_t size, int *ret_code)
{
    char *p;

    *ret_code = -E_TOO_LARGE;
    if (size > FRAME_SIZE_MAX) {
        return NULL;
    }
    *ret_code = buf_reserve(out, FRAME_HEAD_SIZE + size);
    if (*ret_code != 0) {
        return NULL;
    }
    p = frame_put_u32(out->p + out->len, (uint32_t)size);
    return frame_put_u8(p, (uint8_t)type);
}

static int frame_close(struct buf *out, const char *end)
{
    ASSERT(end > out->p + out->len);
    out->len = (size_t)(end - out->p);
    out->p[out->len] = '\0';
    return 0;
}

/* Bytes of n strings with their lengths; more than any limit when the sum would not fit. */
static size_t frame_strs_size(const struct str *const *strs, size_t n)
{
    size_t size = 0;
    size_t i;

    for (i = 0; i < n; i++) {
        if (strs[i]->len > FRAME_SIZE_MAX) {
            return (size_t)FRAME_SIZE_MAX + 1;
        }
        size += 4 + strs[i]->len;
    }
    return size;
}

int frame_put_policy(struct buf *out, const struct frame_policy *f)
{
    const struct str *const strs[] = { &f->allow_targets, &f->refuse_targets, &f->ports,
                                       &f->dns_server, &f->user_agent };
    const size_t count = sizeof(strs) / sizeof(strs[0]);
    size_t i;
    int code;
    char *p =
        frame_open(out, FRAME_POLICY, 1 + 2 + frame_strs_size(strs, count) + 4 + 4 + 8, &code);

    if (p == NULL) {
        return code;
    }
    p = frame_put_u8(p, f->allow_http);
    p = frame_put_u8(p, f->allow_loopback);
    for (i = 0; i < count; i++) {
        p = frame_put_str(p, *strs[i]);
    }
    p = frame_put_u32(p, f->connect_timeout_ms);
    p = frame_put_u32(p, f->transfers_max);
    p = frame_put_u64(p, f->bytes_max);
    return frame_close(out, p);
}

int frame_put_send(struct buf *out, const struct frame_send *f)
{
    const struct str *const strs[] = { &f->url, &f->headers, &f->body };
    int code;
    char *p = frame_open(out, FRAME_SEND, 1 + 8 + 4 + 4 + frame_strs_size(strs, 3), &code);

    if (p == NULL) {
        return code;
    }
    p = frame_put_u64(p, f->handle);
    p = frame_put_u32(p, f->timeout_ms);
    p = frame_put_u32(p, f->flags);
    p = frame_put_str(p, f->url);
    p = frame_put_str(p, f->headers);
    p = frame_put_str(p, f->body);
    return frame_close(out, p);
}

int frame_put_mail(struct buf *out, const struct frame_mail *f)
{
    const struct str *const strs[] = { &f->host, &f->helo,     &f->from, &f->to,
                                       &f->user, &f->password, &f->body };
    const size_t count = sizeof(strs) / sizeof(strs[0]);
    int code;
    char *p =
        frame_open(out, FRAME_MAIL, 1 + 8 + 4 + 4 + 1 + frame_strs_size(strs, count), &code);

    if (p == NULL) {
        return code;
    }
    p = frame_put_u64(p, f->handle);
    p = frame_put_u32(p, f->timeout_ms);
    p = frame_put_u32(p, f->port);
    p = frame_put_u8(p, f->tls);
    for (size_t i = 0; i < count; i++) {
        p = frame_put_str(p, *strs[i]);
    }
    return frame_close(out, p);
}

int frame_put_done(struct buf *out, const struct frame_done *f)
{
    const struct str *const strs[] = { &f->ip, &f->detail, &f->response_headers,
                                       &f->response_body };
    const size_t fixed = 1 + 8 + 4 + 4 + 1 + 1 + 4 * FRAME_PHASES + 8;
    size_t i;
    int code;
    char *p = frame_open(out, FRAME_DONE, fixed + frame_strs_size(strs, 4), &code);

    if (p == NULL) {
        return code;
    }
    p = frame_put_u64(p, f->handle);
    p = frame_put_u32(p, (uint32_t)f->token);
    p = frame_put_u32(p, (uint32_t)f->status_code);
    p = frame_put_u8(p, f->conn_reused);
    p = frame_put_u8(p, f->body_cut);
    for (i = 0; i < FRAME_PHASES; i++) {
        p = frame_put_u32(p, (uint32_t)f->phase_us[i]);
    }
    p = frame_put_u64(p, (uint64_t)f->total_us);
    for (i = 0; i < 4; i++) {
        p = frame_put_str(p, *strs[i]);
    }
    return frame_close(out, p);
}

int frame_put_abort(struct buf *out, uint64_t handle)
{
    int code;
    char *p = frame_open(out, FRAME_ABORT, 1 + 8, &code);

    if (p == NULL) {
        return code;
    }
    return frame_close(out, frame_put_u64(p, handle));
}

/* --- Reading ---------------------------------------------------------------------------------- */

struct frame_reader {
    struct str left;
    bool is_bad;
};

/* The next n bytes, or NULL (and bad) when there are fewer. */
static const unsigned char *frame_take(struct frame_reader *r, size_t n)
{
    const unsigned char *p = (const unsigned char *)r->left.p;

    if (r->is_bad || r->left.len < n) {
        r->is_bad = true;
        return NULL;
    }
    r->left.p += n;
    r->left.len -= n;
    return p;
}

static uint8_t frame_take_u8(struct frame_reader *r)
{
    const unsigned char *p = frame_take(r, 1);

    return p != NULL ? p[0] : 0;
}

static uint32_t frame_u32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t frame_take_u32(struct frame_reader *r)
{
    const unsigned char *p = frame_take(r, 4);

    return p != NULL ? frame_u32(p) : 0;
}

static uint64_t frame_take_u64(struct frame_reader *r)
{
    const unsigned char *p = frame_take(r, 8);

    return p != NULL ? (uint64_t)frame_u32(p) | (uint64_t)frame_u32(p + 4) << 32 : 0;
}

static int32_t frame_take_i32(struct frame_reader *r)
{
    return (int32_t)frame_take_u32(r);
}

static struct str frame_take_str(struct frame_reader *r)
{
    size_t len = frame_take_u32(r);
    const unsigned char *p = frame_take(r, len);

    return p != NULL ? (struct str){ (const char *)p, len } : STR_NONE;
}

static int frame_end(const struct frame_reader *r)
{
    return r->is_bad || r->left.len != 0 ? -E_INVALID : 0;
}

int frame_next(struct str in, enum frame_type *ret_type, struct str *ret_body, size_t *ret_size)
{
    size_t size;
    unsigned type;

    if (in.len < FRAME_HEAD_SIZE) {
        return -E_NOT_FOUND;
    }
    size = frame_u32((const unsigned char *)in.p);
    if (size < 1 || size > FRAME_SIZE_MAX) {
        return -E_INVALID;
    }
    if (in.len < FRAME_HEAD_SIZE + 1) {
        return -E_NOT_FOUND;
    }
    /* A wrong type is known before the rest has come. */
    type = (unsigned char)in.p[FRAME_HEAD_SIZE];
    if (type < FRAME_POLICY || type > FRAME_MAIL) {
        return -E_INVALID;
    }
    if (in.len < FRAME_HEAD_SIZE + size) {
        return -E_NOT_FOUND;
    }
    *ret_type = (enum frame_type)type;
    *ret_body = (struct str){ in.p + FRAME_HEAD_SIZE + 1, size - 1 };
    *ret_size = FRAME_HEAD_SIZE + size;
    return 0;
}

int frame_get_policy(struct str body, struct frame_policy *ret)
{
    struct frame_reader r = { body, false };
    struct frame_policy f = { 0 };

    f.allow_http = frame_take_u8(&r);
    f.allow_loopback = frame_take_u8(&r);
    f.allow_targets = frame_take_str(&r);
    f.refuse_targets = frame_take_str(&r);
    f.ports = frame_take_str(&r);
    f.dns_server = frame_take_str(&r);
    f.user_agent = frame_take_str(&r);
    f.connect_timeout_ms = frame_take_u32(&r);
    f.transfers_max = frame_take_u32(&r);
    f.bytes_max = frame_take_u64(&r);
    if (frame_end(&r) != 0) {
        return -E_INVALID;
    }
    *ret = f;
    return 0;
}

int frame_get_send(struct str body, struct frame_send *ret)
{
    struct frame_reader r = { body, false };
    struct frame_send f = { 0 };

    f.handle = frame_take_u64(&r);
    f.timeout_ms = frame_take_u32(&r);
    f.flags = frame_take_u32(&r);
    f.url = frame_take_str(&r);
    f.headers = frame_take_str(&r);
    f.body = frame_take_str(&r);
    if (frame_end(&r) != 0) {
        return -E_INVALID;
    }
    *ret = f;
    return 0;
}

int frame_get_mail(struct str body, struct frame_mail *ret)
{
    struct frame_reader r = { body, false };
    struct frame_mail f = { 0 };

    f.handle = frame_take_u64(&r);
    f.timeout_ms = frame_take_u32(&r);
    f.port = frame_take_u32(&r);
    f.tls = frame_take_u8(&r);
    f.host = frame_take_str(&r);
    f.helo = frame_take_str(&r);
    f.from = frame_take_str(&r);
    f.to = frame_take_str(&r);
    f.user = frame_take_str(&r);
    f.password = frame_take_str(&r);
    f.body = frame_take_str(&r);
    if (frame_end(&r) != 0 || f.port == 0 || f.port > 65535 || f.tls > FRAME_MAIL_TLS) {
        return -E_INVALID;
    }
    *ret = f;
    return 0;
}

int frame_get_done(struct str body, struct frame_done *ret)
{
    struct frame_reader r = { body, false };
    struct frame_done f = { 0 };
    size_t i;

    f.handle = frame_take_u64(&r);
    f.token = frame_take_i32(&r);
    f.status_code = frame_take_i32(&r);
    f.conn_reused = frame_take_u8(&r);
    f.body_cut = frame_take_u8(&r);
    for (i = 0; i < FRAME_PHASES; i++) {
        f.phase_us[i] = frame_take_i32(&r);
    }
    f.total_us = (int64_t)frame_take_u64(&r);
    f.ip = frame_take_str(&r);
    f.detail = frame_take_str(&r);
    f.response_headers = frame_take_str(&r);
    f.response_body = frame_take_str(&r);
    if (frame_end(&r) != 0) {
        return -E_INVALID;
    }
    *ret = f;
    return 0;
}

int frame_get_abort(struct str body, uint64_t *ret_handle)
{
    struct frame_reader r = { body, false };
    uint64_t handle = frame_take_u64(&r);

    if (frame_end(&r) != 0) {
        return -E_INVALID;
    }
    *ret_handle = handle;
    return 0;
}
