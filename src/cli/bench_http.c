/* SPDX-License-Identifier: Apache-2.0 */
/* bench_http.c - as much of HTTP/1.1 as the bench needs: heads with Content-Length, and the event's body. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "cli/bench.h"
#include "json/json.h"

enum { HEAD_MAX = 32 * 1024, BODY_MAX = 1 << 30 };

static const char number_name[] = "\"n\":\"";

int64_t bench_now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

size_t bench_shared_size(int64_t events)
{
    return sizeof(struct bench_shared) + (size_t)events * sizeof(struct bench_event);
}

void bench_slug(const struct bench_plan *plan, int64_t number, char ret_slug[BENCH_SLUG_MAX])
{
    (void)snprintf(ret_slug, BENCH_SLUG_MAX, "bench-%s-%05lld", plan->run, (long long)number);
}

static int take_line(struct str line, struct bench_head *head)
{
    size_t colon = str_find(line, ':');
    struct str name = str_sub(line, 0, colon);
    struct str value = str_trim(str_sub(line, colon + 1, line.len));
    int64_t len = 0;

    if (str_eq_nocase(name, STR("content-length"))) {
        if (str_to_int(value, 0, BODY_MAX, &len) != 0) {
            return -E_INVALID;
        }
        head->body_len = (size_t)len;
    } else if (str_eq_nocase(name, STR("transfer-encoding"))) {
        return -E_INVALID;
    } else if (str_eq_nocase(name, STR("connection"))) {
        head->closes = str_eq_nocase(value, STR("close"));
    }
    return 0;
}

int bench_head_parse(struct str bytes, struct bench_head *ret_head)
{
    struct bench_head head = { 0 };
    const char *end = bytes.len == 0 ? NULL : memmem(bytes.p, bytes.len, "\r\n\r\n", 4);
    struct str text;
    struct str line;
    int64_t status = 0;
    bool is_first = true;

    if (end == NULL) {
        return bytes.len > HEAD_MAX ? -E_INVALID : 0;
    }
    text = (struct str){ bytes.p, (size_t)(end - bytes.p) };
    head.head_len = text.len + 4;
    while (str_split(&text, '\n', &line)) {
        if (line.len > 0 && line.p[line.len - 1] == '\r') {
            line.len--;
        }
        if (is_first && str_starts(line, STR("HTTP/1.1 "))) {
            if (str_to_int(str_sub(line, 9, 3), 100, 599, &status) != 0) {
                return -E_INVALID;
            }
        } else if (!is_first && take_line(line, &head) != 0) {
            return -E_INVALID;
        }
        is_first = false;
    }
    head.status = (int)status;
    *ret_head = head;
    return 1;
}

int bench_body(int64_t size, struct buf *out, size_t *ret_at)
{
    static const char zeros[] = "0000000000";
    struct json_out o;
    struct buf pad;
    const char *at;
    int rc;

    static_assert(sizeof(zeros) - 1 == BENCH_NUMBER_DIGITS, "as many zeros as digits");
    buf_init(&pad, BENCH_SIZE_MAX);
    /* What the members around the padding take is in the size. */
    for (int64_t i = BENCH_SIZE_MIN / 2; i < size; i++) {
        rc = buf_add_char(&pad, (char)('a' + i % 26));
        ASSERT(rc == 0);
    }
    json_out_begin(&o, out);
    json_out_object(&o);
    json_put_c(&o, "type", "bench.event");
    json_out_name(&o, "data");
    json_out_object(&o);
    json_put_c(&o, "n", zeros);
    json_put_str(&o, "pad", buf_str(&pad));
    json_out_object_end(&o);
    json_out_object_end(&o);
    rc = json_out_end(&o);
    buf_done(&pad);
    if (rc != 0) {
        return rc;
    }
    at = strstr(out->p, number_name);
    ASSERT(at != NULL);
    *ret_at = (size_t)(at - out->p) + sizeof(number_name) - 1;
    return 0;
}

void bench_number_write(char *at, int64_t number)
{
    for (int i = BENCH_NUMBER_DIGITS; i > 0; i--) {
        at[i - 1] = (char)('0' + number % 10);
        number /= 10;
    }
}

int64_t bench_number_read(struct str body)
{
    const char *at =
        body.len == 0 ? NULL : memmem(body.p, body.len, number_name, sizeof(number_name) - 1);
    int64_t number = 0;

    if (at == NULL) {
        return -1;
    }
    at += sizeof(number_name) - 1;
    if (body.len - (size_t)(at - body.p) < BENCH_NUMBER_DIGITS ||
        str_to_int((struct str){ at, BENCH_NUMBER_DIGITS }, 0, INT64_MAX, &number) != 0) {
        return -1;
    }
    return number;
}
