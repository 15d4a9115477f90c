/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/notice_facts.h"

#include "base/assert.h"
#include "base/clock.h"
#include "engine/registry.h"
#include "json/json.h"

static struct str detail_cut(struct str s)
{
    size_t len = s.len < NOTICE_DETAIL_MAX ? s.len : NOTICE_DETAIL_MAX;

    while (len > 0 && len < s.len && ((unsigned char)s.p[len] & 0xc0) == 0x80) {
        len--;
    }
    return str_sub(s, 0, len);
}

struct str notice_duration(struct arena *arena, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *word;
    } units[] = {
        { 86400000, "day" }, { 3600000, "hour" }, { 60000, "minute" }, { 1000, "second" }
    };
    const size_t last = sizeof(units) / sizeof(units[0]) - 1;

    for (size_t i = 0; i <= last; i++) {
        /* Two days are days, 36 hours are hours. */
        if (i == last || ms >= 2 * units[i].ms || ms == units[i].ms) {
            int64_t n = ms / units[i].ms;

            return arena_printf(arena, "%lld %s%s", (long long)n, units[i].word,
                                n == 1 ? "" : "s");
        }
    }
    return STR_NONE;
}

void notice_facts_add(struct notice_facts *facts, const char *name, struct str value)
{
    ASSERT(facts->count < NOTICE_FACTS_MAX);
    facts->rows[facts->count++] = (struct notice_fact){ name, arena_str(facts->arena, value) };
}

static void add_id(struct notice_facts *facts, const char *name, enum id_kind kind,
                   const struct id *id)
{
    char text[ID_TEXT_SIZE];

    if (id != NULL) {
        id_format(kind, id, text);
        notice_facts_add(facts, name, str_from(text));
    }
}

static void add_time(struct notice_facts *facts, const char *name, int64_t at)
{
    char text[CLOCK_TEXT_SIZE];

    clock_format(at, text);
    notice_facts_add(facts, name, str_from(text));
}

static void add_number(struct notice_facts *facts, const char *name, int64_t n)
{
    notice_facts_add(facts, name, arena_printf(facts->arena, "%lld", (long long)n));
}

/* How a delivery that was given up came to its end, in a sentence. */
static struct str retried(struct notice_facts *facts, const struct notice *notice, int64_t now)
{
    if (notice->count <= 1 || notice->since == 0) {
        return STR("It was tried once; this failure is not retried.");
    }
    return arena_printf(facts->arena, "It's been retried for %.*s.",
                        STR_ARG(notice_duration(facts->arena, now - notice->since)));
}

static void add_endpoint(struct notice_facts *facts, const struct endpoint *endpoint)
{
    add_id(facts, "endpoint_id", ID_ENDPOINT, &endpoint->object.id);
    notice_facts_add(facts, "endpoint_url", endpoint->url);
    notice_facts_add(facts, "endpoint_name",
                     endpoint->name.len > 0 ? endpoint->name : endpoint->url);
}

void notice_facts_make(struct notice_facts *facts, const struct notice *notice,
                       struct str own_url, int64_t now)
{
    char id[ID_TEXT_SIZE];

    if (notice->app != NULL) {
        add_id(facts, "app_id", ID_APP, &notice->app->object.id);
        notice_facts_add(facts, "app_name", notice->app->name);
    }
    if (notice->app != NULL && notice->endpoint == NULL) {
        /* What is of the whole app, such as its secret, is spoken of by the app's name. */
        notice_facts_add(facts, "endpoint_name", notice->app->name);
        notice_facts_add(facts, "endpoint_url", notice->app->name);
    }
    if (notice->endpoint != NULL) {
        add_endpoint(facts, notice->endpoint);
        id_format(ID_ENDPOINT, &notice->endpoint->object.id, id);
        notice_facts_add(facts, "link",
                         arena_printf(facts->arena, "%.*s/dashboard/settings/webhooks/%s",
                                      STR_ARG(own_url), id));
    } else {
        notice_facts_add(facts, "link",
                         arena_printf(facts->arena, "%.*s/admin/review", STR_ARG(own_url)));
    }
    add_id(facts, "event_id", ID_EVENT, notice->event);
    add_id(facts, "delivery_id", ID_DELIVERY, notice->delivery);
    notice_facts_add(facts, "event_type", notice->event_type);
    notice_facts_add(facts, "topic", notice->topic);
    notice_facts_add(facts, "detail", detail_cut(notice->detail));
    notice_facts_add(facts, "reason", detail_cut(notice->reason));
    notice_facts_add(facts, "severity", notice->severity);
    add_number(facts, "count", notice->count);
    add_number(facts, "percent", notice->percent);
    notice_facts_add(facts, "retried", retried(facts, notice, now));
    if (notice->since != 0) {
        add_time(facts, "since", notice->since);
        add_number(facts, "days", (now - notice->since) / 86400000);
    }
    add_time(facts, "at", now);
}

/* --- as JSON */
static void put_id(struct json_out *o, const char *name, enum id_kind kind, const struct id *id)
{
    char text[ID_TEXT_SIZE];

    if (id != NULL) {
        id_format(kind, id, text);
        json_put_c(o, name, text);
    }
}

static void put_text(struct json_out *o, const char *name, struct str s)
{
    if (s.len > 0) {
        json_put_str(o, name, s);
    }
}

int notice_facts_json(const struct notice *notice, struct buf *out)
{
    struct json_out o;

    json_out_begin(&o, out);
    json_out_object(&o);
    if (notice->app != NULL) {
        put_id(&o, "app_id", ID_APP, &notice->app->object.id);
        put_text(&o, "app_name", notice->app->name);
    }
    if (notice->endpoint != NULL) {
        put_id(&o, "endpoint_id", ID_ENDPOINT, &notice->endpoint->object.id);
        put_text(&o, "endpoint_name", notice->endpoint->name);
        put_text(&o, "endpoint_url", notice->endpoint->url);
    }
    put_id(&o, "event_id", ID_EVENT, notice->event);
    put_id(&o, "delivery_id", ID_DELIVERY, notice->delivery);
    put_text(&o, "event_type", notice->event_type);
    put_text(&o, "topic", notice->topic);
    put_text(&o, "detail", detail_cut(notice->detail));
    put_text(&o, "reason", detail_cut(notice->reason));
    put_text(&o, "severity", notice->severity);
    if (notice->count != 0) {
        json_put_int(&o, "count", notice->count);
    }
    if (notice->percent != 0) {
        json_put_int(&o, "percent", notice->percent);
    }
    if (notice->since != 0) {
        json_put_time(&o, "since", notice->since);
    }
    json_out_object_end(&o);
    return json_out_end(&o);
}
