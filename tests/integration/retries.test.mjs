// SPDX-License-Identifier: Apache-2.0
//
// Outcomes and what follows them, with short schedules against a real receiver. (The long ones run in the unit
// tests of the core, with a clock of their own.)
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { waitFor } from '../lib/wait.mjs';
import { assertStartedInOrder, headerPairs, makeRoute, publish, useBoth, waitDelivery } from './support.mjs';

const TYPE = 'retry.test';
const OK = { status: 200 };
// One retry, a second later.
const ONE = { schedule: [1], max_attempts: 2, jitter_percent: 0 };
const TWICE = { retry: ONE };
// What a start may be early by rounding, and late on a busy machine.
const EARLY_MS = 50;
const LATE_MS = 5000;

function gaps(entries) {
    return entries.slice(1).map((entry, n) => entry.at - (entries[n].answeredAt ?? entries[n].at));
}

function assertGap(gap, wantedMs) {
    assert.ok(gap >= wantedMs - EARLY_MS && gap <= wantedMs + LATE_MS, `${gap} ms, ${wantedMs} were due`);
}

describe('retries', { concurrency: 12 }, () => {
    const both = useBoth();
    let api;
    let receiver;

    before(async () => {
        ({ api, receiver } = both);
    });

    async function run(script, fields, look) {
        const route = await makeRoute(both, script, fields);
        const event = await publish(api, route.app, TYPE, { n: 1 });
        const delivery = await waitDelivery(api, route.app, event, look);
        return { route, event, delivery, arrived: receiver.at(route.path) };
    }

    for (const status of [200, 201, 202, 204, 299]) {
        it(`${status} is a success`, async () => {
            const { delivery, arrived } = await run({ status }, TWICE);
            assert.equal(delivery.status, 'delivered');
            assert.equal(delivery.attempts[0].status_code, status);
            assert.equal(arrived.length, 1);
        });
    }

    const tokens = { 408: 'client_error', 425: 'client_error', 429: 'rate_limited' };
    for (const status of [500, 502, 503, 504, 599, 408, 425, 429]) {
        it(`${status} is tried again, the same bytes with the next number`, async () => {
            const { delivery, arrived } = await run([{ status }, OK], TWICE);
            assert.equal(delivery.status, 'delivered');
            assert.deepEqual(delivery.attempts.map((a) => a.status_code), [status, 200]);
            assert.equal(delivery.attempts[0].error, tokens[status] ?? 'server_error');
            const [first, second] = arrived;
            assert.ok(first.body.equals(second.body));
            for (const name of ['webhook-id', 'postern-delivery-id', 'postern-event-type']) {
                assert.equal(first.headers[name], second.headers[name], name);
            }
            assert.deepEqual(arrived.map((e) => e.headers['postern-attempt']), ['1', '2']);
            assertGap(gaps(arrived)[0], 1000);
            assert.ok(Number(second.headers['webhook-timestamp']) > Number(first.headers['webhook-timestamp']), 'signed anew');
            assert.ok(Date.parse(delivery.attempts[0].next_attempt_at) > Date.parse(delivery.attempts[0].started_at));
        });
    }

    const final = {
        300: 'redirect', 301: 'redirect', 302: 'redirect', 303: 'redirect', 307: 'redirect', 308: 'redirect',
        400: 'client_error', 401: 'auth', 403: 'auth', 404: 'not_found', 405: 'not_found', 422: 'client_error', 499: 'client_error',
    };
    for (const [status, token] of Object.entries(final)) {
        it(`${status} is final: ${token}`, async () => {
            const headers = status < 400 ? { Location: receiver.url('/elsewhere') } : {};
            const { delivery, arrived } = await run({ status: Number(status), headers }, TWICE);
            assert.equal(delivery.status, 'failed');
            assert.equal(delivery.next_attempt_at, null);
            assert.equal(arrived.length, 1);
            assert.equal(delivery.attempts[0].error, token);
            if (status < 400) {
                const answered = new Map(headerPairs(delivery.attempts[0].response.headers));
                assert.equal(answered.get('location'), receiver.url('/elsewhere'));
                assert.equal(receiver.at('/elsewhere').length, 0, 'never followed');
            }
        });
    }

    it('lenient tries every other answer again, also redirects', async () => {
        for (const status of [301, 404]) {
            const { delivery } = await run([{ status }, OK], { retry: { ...ONE, on: 'lenient' } });
            assert.equal(delivery.status, 'delivered');
            assert.equal(delivery.attempts.length, 2);
        }
    });

    it('seed003 does not try 408 and 425 again, but 500 and 429', async () => {
        for (const [status, attempts] of [[408, 1], [425, 1], [500, 2], [429, 2]]) {
            const { delivery } = await run([{ status }, OK], { retry: { ...ONE, on: 'seed003' } });
            assert.equal(delivery.attempts.length, attempts, String(status));
        }
    });

    it('are not made when they are off', async () => {
        for (const retry of [{ enabled: false }, { schedule: 'none' }]) {
            const { delivery, arrived } = await run([{ status: 500 }, OK], { retry });
            assert.equal(delivery.status, 'failed');
            assert.equal(arrived.length, 1);
        }
    });

    it('end after max_attempts; the last delay repeats', async () => {
        const retry = { schedule: [1, 2], max_attempts: 4, jitter_percent: 0 };
        const { delivery, arrived } = await run({ status: 500 }, { retry });
        assert.equal(delivery.status, 'failed');
        assert.equal(delivery.attempt_count, 4);
        assert.equal(delivery.max_attempts, 4);
        assert.deepEqual(delivery.attempts.map((a) => a.number), [1, 2, 3, 4]);
        const [first, second, third] = gaps(arrived);
        assertGap(first, 1000);
        assertGap(second, 2000);
        assertGap(third, 2000);
        assert.equal(delivery.attempts[3].next_attempt_at, null);
    });

    it('end when the delivery is too old', async () => {
        const retry = { schedule: [1], max_attempts: 50, max_age_s: 3, jitter_percent: 0 };
        const { delivery, arrived } = await run({ status: 500 }, { retry });
        assert.equal(delivery.status, 'failed');
        assert.ok(arrived.length >= 2 && arrived.length <= 4, `${arrived.length} attempts in 3 s`);
    });

    it('wait as long as Retry-After says, in seconds and as a date', async () => {
        const date = (s) => new Date(Date.now() + s * 1000).toUTCString();
        const wanted = [
            [{ status: 429, headers: { 'Retry-After': '3' } }, 3000],
            [{ status: 503, headers: { 'Retry-After': '3' } }, 3000],
            [() => ({ status: 503, headers: { 'Retry-After': date(4) } }), 3000],
            [{ status: 500, headers: { 'Retry-After': 'soon' } }, 1000],
            [{ status: 500, headers: { 'Retry-After': '-5' } }, 1000],
            [{ status: 500, headers: { 'Retry-After': '0' } }, 1000],
        ];
        await Promise.all(wanted.map(async ([script, ms]) => {
            const first = (entry) => (typeof script === 'function' ? script(entry) : script);
            const { arrived } = await run((entry, n) => (n === 1 ? first(entry) : OK), TWICE);
            assert.equal(arrived.length, 2);
            assertGap(gaps(arrived)[0], ms);
        }));
    });

    it('clamp Retry-After to a day', async () => {
        const { delivery } = await run({ status: 503, headers: { 'Retry-After': '99999999' } },
            { retry: { schedule: [1], max_attempts: 5 } }, (d) => d.status === 'retrying');
        const inHours = (Date.parse(delivery.next_attempt_at) - Date.now()) / 3600e3;
        assert.ok(inHours > 23.5 && inHours <= 24.01, `in ${inHours} h`);
    });

    it('follow a timeout, a reset, a cut answer and a refused connection', async () => {
        const faults = [
            [{ hang: true }, 'http_response_timeout'],
            [{ reset: true }, 'connection_terminated'],
            [{ status: 200, body: 'some', cut: true }, 'connection_terminated'],
        ];
        await Promise.all(faults.map(async ([script, token]) => {
            const { delivery, arrived } = await run([script, OK], { ...TWICE, timeout_ms: 1500 });
            assert.equal(delivery.status, 'delivered', token);
            assert.equal(delivery.attempts[0].error, token);
            assert.equal(arrived.length, 2);
            assert.ok(delivery.attempts[0].duration_ms <= 1500 + LATE_MS);
        }));
        const route = await makeRoute(both, OK, { ...TWICE, url: 'http://127.0.0.1:9/closed' });
        const event = await publish(api, route.app, TYPE, {});
        const refused = await waitDelivery(api, route.app, event);
        assert.equal(refused.status, 'failed');
        assert.deepEqual(refused.attempts.map((a) => [a.error, a.status_code]), Array(2).fill(['connection_refused', null]));
    });

    it('stop at 410, which disables the endpoint until it is resumed', async () => {
        const { route, delivery } = await run([{ status: 410 }, OK], TWICE);
        assert.equal(delivery.status, 'failed');
        assert.equal(delivery.attempts[0].error, 'gone');
        const where = `${route.base}/endpoints/${route.endpoint.id}`;
        await waitFor('the endpoint is disabled', async () => (await api.get(where)).status === 'disabled');
        const skipped = await publish(api, route.app, TYPE, {});
        assert.equal(skipped.deliveries, 0);
        assert.equal((await waitDelivery(api, route.app, skipped)).status, 'skipped');
        await api.post(`${where}/resume`);
        const sent = await publish(api, route.app, TYPE, {});
        assert.equal((await waitDelivery(api, route.app, sent)).status, 'delivered');
        assert.equal(receiver.at(route.path).length, 2);
    });

    it('are held while the endpoint is paused and caught up in order', async () => {
        const route = await makeRoute(both, OK, { status: 'paused' });
        const events = [];
        for (let n = 0; n < 40; n++) {
            events.push(await publish(api, route.app, TYPE, { n }));
        }
        const where = `${route.base}/endpoints/${route.endpoint.id}`;
        const held = await api.get(`${route.base}/deliveries?limit=250`);
        assert.equal(held.data.length, 40);
        assert.ok(held.data.every((row) => ['pending', 'held'].includes(row.status)));
        assert.equal(receiver.at(route.path).length, 0);
        await api.post(`${where}/resume`);
        const arrived = await receiver.wait(route.path, 40);
        assert.equal(new Set(arrived.map((entry) => entry.headers['webhook-id'])).size, 40);
        for (const event of events) {
            await waitDelivery(api, route.app, event, (d) => d.status === 'delivered');
        }
        await assertStartedInOrder(api, route.app, events);
    });

    it('wait while the endpoint is paused in between', async () => {
        const route = await makeRoute(both, [{ status: 500 }, OK], TWICE);
        const event = await publish(api, route.app, TYPE, {});
        const retrying = await waitDelivery(api, route.app, event, (d) => d.attempts.length === 1);
        const where = `${route.base}/endpoints/${route.endpoint.id}`;
        await api.post(`${where}/pause`);
        const due = Date.parse(retrying.next_attempt_at);
        await waitFor('its time has passed', () => Date.now() > due + 500);
        assert.equal(receiver.at(route.path).length, 1);
        await api.post(`${where}/resume`);
        const delivery = await waitDelivery(api, route.app, event);
        assert.equal(delivery.status, 'delivered');
        assert.equal(receiver.at(route.path).length, 2);
    });

    it('use a URL that was changed meanwhile, and keep the log of the old one', async () => {
        const route = await makeRoute(both, { status: 500 }, { retry: { schedule: [2], max_attempts: 3, jitter_percent: 0 } });
        const event = await publish(api, route.app, TYPE, {});
        await waitDelivery(api, route.app, event, (d) => d.attempts.length === 1);
        const moved = `${route.path}-moved`;
        await api.patch(`${route.base}/endpoints/${route.endpoint.id}`, { url: receiver.url(moved) });
        const delivery = await waitDelivery(api, route.app, event);
        assert.deepEqual(delivery.attempts.map((a) => a.url), [receiver.url(route.path), receiver.url(moved)]);
        assert.equal(receiver.at(moved)[0].headers['postern-attempt'], '2');
    });

    it('never send twice at once, and at most ten at a time', async () => {
        let now = 0;
        let most = 0;
        const script = () => {
            most = Math.max(most, ++now);
            const done = new Promise((resolve) => setTimeout(resolve, 20));
            done.then(() => now--);
            return { status: 200, waitFor: done };
        };
        const route = await makeRoute(both, script);
        await Promise.all(Array.from({ length: 150 }, (_, n) => publish(api, route.app, TYPE, { n })));
        await receiver.wait(route.path, 150);
        assert.ok(most <= 10, `${most} at once`);
        assert.ok(most >= 2, 'more than one at once');
        assert.equal(new Set(receiver.at(route.path).map((e) => e.headers['webhook-id'])).size, 150);
    });
});
