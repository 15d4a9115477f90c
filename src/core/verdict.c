/* SPDX-License-Identifier: Apache-2.0 */
/* The order of the questions is the rule: success, faults of our own side, a person's retry, the policy. */
#include "core/verdict.h"

#include "base/assert.h"

enum { MS_PER_S = 1000, STATUS_GONE = 410 };

bool verdict_is_success(const struct core_result *result)
{
    return result->failure == CORE_GOT_RESPONSE && result->status_code >= 200 &&
           result->status_code <= 299;
}

static struct verdict keep(const struct item *item)
{
    return (struct verdict){
        .what = item->row_due < 0 ? CORE_FAILED : CORE_RETRY,
        .due = item->row_due < 0 ? 0 : item->row_due,
        .keep_schedule = true,
    };
}

static struct verdict failed(enum core_why why)
{
    return (struct verdict){ .what = CORE_FAILED, .why = why };
}

/* A person's retry stays one, and its row in the table stays as it is. */
static struct verdict again_at_once(const struct item *item, int64_t now)
{
    struct verdict v = { .what = CORE_RETRY, .due = now };

    if (item->manual) {
        v = keep(item);
    }
    v.at_once = true;
    return v;
}

/* The sender's crash is no fault of the policy: it is tried again also after the last send. The third time
 * it is taken for the cause, so that it cannot take down everybody's attempts for ever. */
static struct verdict after_crash(const struct item *item, int64_t now)
{
    struct verdict v;

    if (item->crashes + 1 < CRASHES_MAX) {
        v = again_at_once(item, now);
        v.crashes = (uint8_t)(item->crashes + 1);
        return v;
    }
    v = failed(CORE_WHY_SENDER_CRASH);
    v.keep_schedule = item->row_due < 0;
    return v;
}

static struct verdict by_schedule(const struct item *item, const struct retry_policy *policy,
                                  const struct core_result *result, int64_t now)
{
    int64_t deadline = INT64_MAX;
    int64_t delay_ms = retry_jitter_ms(retry_delay_ms(policy, item->attempts),
                                       policy->jitter_percent, result->random);

    if (policy->max_age_s > 0) {
        deadline = item->accepted + (int64_t)policy->max_age_s * MS_PER_S;
    }
    if (result->retry_after_ms >= 0 && now < deadline) {
        int64_t asked_ms = result->retry_after_ms;

        if (asked_ms < RETRY_AFTER_MIN_S * (int64_t)MS_PER_S) {
            asked_ms = RETRY_AFTER_MIN_S * (int64_t)MS_PER_S;
        }
        if (asked_ms > RETRY_AFTER_MAX_S * (int64_t)MS_PER_S) {
            asked_ms = RETRY_AFTER_MAX_S * (int64_t)MS_PER_S;
        }
        if (asked_ms > deadline - now) {
            asked_ms = deadline - now;
        }
        delay_ms = delay_ms > asked_ms ? delay_ms : asked_ms;
    }
    if (now >= deadline || delay_ms > deadline - now) {
        return failed(CORE_WHY_AGE);
    }
    return (struct verdict){ .what = CORE_RETRY, .due = now + delay_ms };
}

/* In order, what failed before its time holds its place until then. */
static struct verdict block(const struct item *item, const struct retry_policy *policy,
                            struct verdict v, int64_t now)
{
    int64_t age_ms =
        policy->max_age_s > 0 ? (int64_t)policy->max_age_s * MS_PER_S : ORDER_AGE_MS;

    if (v.what == CORE_FAILED && now < item->accepted + age_ms) {
        v.what = CORE_RETRY;
        v.due = item->accepted + age_ms;
    }
    return v;
}

struct verdict verdict_reach(const struct item *item, const struct retry_policy *policy,
                             enum core_ordered ordered, const struct core_result *result,
                             int64_t now)
{
    int32_t status_code = result->failure == CORE_GOT_RESPONSE ? result->status_code : 0;
    bool is_gone = status_code == STATUS_GONE;
    bool has_send_left;
    struct verdict v;

    ASSERT(item->attempts > 0);
    ASSERT(result->failure != CORE_GOT_RESPONSE || result->status_code != 0);
    if (verdict_is_success(result)) {
        return (struct verdict){ .what = CORE_DELIVERED };
    }
    if (policy == NULL || item->cancelled) {
        return keep(item);
    }
    if (result->failure == CORE_SENDER_CRASHED) {
        return after_crash(item, now);
    }
    has_send_left = policy->enabled && item->attempts < policy->max_attempts;
    if (result->failure == CORE_CONN_DIED_REUSED && !item->fresh_connection &&
        (item->manual || has_send_left)) {
        v = again_at_once(item, now);
        v.fresh_connection = true;
        return v;
    }
    if (item->manual) {
        v = keep(item);
    } else if (!retry_wanted(policy->on, status_code)) {
        v = failed(CORE_WHY_PERMANENT);
    } else if (!has_send_left) {
        v = failed(policy->enabled ? CORE_WHY_ATTEMPTS : CORE_WHY_RETRY_OFF);
    } else {
        v = by_schedule(item, policy, result, now);
    }
    if (ordered == CORE_ORDER_BLOCK && !item->manual) {
        v = block(item, policy, v, now);
    }
    v.is_gone = is_gone;
    return v;
}
