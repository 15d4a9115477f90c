// SPDX-License-Identifier: Apache-2.0
//
// Circuit, rate, order and what disables an endpoint, in short forms: small windows and short times, set by API.
// (The long ones run in the simulator and in the unit tests of the core.)
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { behindItsBack } from '../lib/database.mjs';
import { waitFor } from '../lib/wait.mjs';
import { assertFieldProblem, assertProblem, deliveriesOf, makeApp, makeRoute, publish, startBoth, useBoth, waitDelivery } from './support.mjs';

const TYPE = 'health.test';
// The log's times are wall time in whole milliseconds.
const SLACK_MS = 10;
const BAD = { status: 500 };
const NO_RETRY = { schedule: [], max_attempts: 1, jitter_percent: 0 };
const OFF = { breaker: { enabled: false }, health_rules: { pause_after: 0, exhausted: 0 } };

describe('health', { concurrency: 8 }, () => {
    const both = useBoth();
    let api;
    let receiver;

    before(async () => {
        ({ api, receiver } = both);
    });

    const look = (route) => api.get(`${route.base}/endpoints/${route.endpoint.id}`);

    async function waitHealth(route, what, holds) {
        let last;
        return waitFor(() => `${what}; last ${JSON.stringify(last)}`, async () => {
            last = await look(route);
            return holds(last) && last;
        });
    }

    async function publishAll(route, count) {
        const events = [];
        for (let n = 0; n < count; n++) {
            events.push(await publish(api, route.app, TYPE, { n }));
        }
        return events;
    }

    it('is healthy, then failing after three attempts in a row, then healthy after a success', async () => {
        const route = await makeRoute(both, [BAD, BAD, BAD, { status: 200 }], { retry: NO_RETRY });
        assert.equal(route.endpoint.health.state, 'healthy');
        assert.deepEqual(route.endpoint.health.circuit, { state: 'closed', half_open_at: null });
        await publishAll(route, 3);
        const failing = await waitHealth(route, 'failing', (e) => e.health.failing);
        assert.equal(failing.health.state, 'failing');
        assert.equal(failing.health.consecutive_failures, 3);
        assert.equal(failing.status, 'active', 'failing is no status');
        assert.ok(Date.parse(failing.health.last_failure_at) > 0);
        await publishAll(route, 1);
        const healthy = await waitHealth(route, 'healthy', (e) => e.health.state === 'healthy');
        assert.equal(healthy.health.consecutive_failures, 0);
    });

    it('is disabled by failures in a row, says so in a sentence, holds, and goes on when it is resumed', async () => {
        let script = BAD;
        const route = await makeRoute(both, () => script, {
            retry: { schedule: [3600], max_attempts: 5, jitter_percent: 0 },
            health_rules: { pause_after: 5 },
            breaker: { enabled: false },
        });
        const events = await publishAll(route, 5);
        const disabled = await waitHealth(route, 'disabled', (e) => e.status === 'disabled');
        assert.equal(disabled.status_reason, 'consecutive_failures');
        assert.equal(disabled.status_detail, 'Webhook paused after 5 consecutive failures.');
        assert.equal(disabled.health.state, 'disabled');
        const [held] = await deliveriesOf(api, route.app, events[0]);
        assert.equal(held.status, 'retrying');
        assert.equal(held.held_reason, 'endpoint_disabled');
        const skipped = await publish(api, route.app, TYPE, { n: 99 });
        assert.equal((await deliveriesOf(api, route.app, skipped))[0].reason, 'endpoint_disabled');
        script = { status: 200 };
        const resumed = await api.post(`${route.base}/endpoints/${route.endpoint.id}/resume`);
        assert.equal(resumed.status, 'active');
        assert.equal(resumed.status_detail, null);
        assert.equal(resumed.health.consecutive_failures, 0, 'it begins anew');
        const after = await publish(api, route.app, TYPE, { n: 100 });
        assert.equal((await waitDelivery(api, route.app, after)).status, 'delivered');
    });

    it('is disabled by exhausted deliveries within the time', async () => {
        const route = await makeRoute(both, BAD, {
            retry: { schedule: [0], max_attempts: 2, jitter_percent: 0 },
            health_rules: { exhausted: 3, exhausted_period_s: 600, pause_after: 0 },
            breaker: { enabled: false },
        });
        await publishAll(route, 2);
        const two = await waitHealth(route, 'two exhausted', (e) => e.health.exhausted === 2);
        assert.equal(two.status, 'active');
        await publishAll(route, 1);
        const disabled = await waitHealth(route, 'disabled', (e) => e.status === 'disabled');
        assert.equal(disabled.status_reason, 'deliveries_exhausted');
        assert.equal(disabled.status_detail, 'Webhook disabled after 3 exhausted deliveries within 1 hours.');
    });

    it('opens the circuit of an endpoint that mostly fails, sends one probe, and closes it again', async () => {
        let script = BAD;
        const route = await makeRoute(both, () => script, {
            ...OFF,
            retry: { schedule: [3600], max_attempts: 3, jitter_percent: 0 },
            breaker: { window: 4, threshold_percent: 50, open_s: 2 },
        });
        await publishAll(route, 4);
        const open = await waitHealth(route, 'open', (e) => e.health.circuit.state === 'open');
        assert.equal(open.health.state, 'open');
        assert.equal(open.status, 'active', 'the breaker never changes the status');
        const openUntil = Date.parse(open.health.circuit.half_open_at);
        assert.ok(openUntil > Date.now() - 2000 && openUntil < Date.now() + 3000);
        const before = receiver.at(route.path).length;
        script = { status: 200, delayMs: 30 };
        const events = await publishAll(route, 6);
        const [held] = await deliveriesOf(api, route.app, events[5]);
        if (Date.now() < openUntil - 200) {
            assert.equal(held.held, true);
            assert.equal(held.held_reason, 'circuit_open');
        }
        for (const event of events) {
            assert.equal((await waitDelivery(api, route.app, event)).status, 'delivered');
        }
        const later = receiver.at(route.path).slice(before);
        assert.ok(later[0].at >= openUntil - 100, 'nothing was sent while it was open');
        assert.ok(later[1].at >= later[0].answeredAt, 'one probe, and the next only after its answer');
        await waitHealth(route, 'half open or closed', (e) => e.health.circuit.state !== 'open');
    });

    it('opens it again when the probe fails', async () => {
        const route = await makeRoute(both, BAD, {
            ...OFF,
            retry: NO_RETRY,
            breaker: { window: 2, threshold_percent: 50, open_s: 1 },
        });
        await publishAll(route, 2);
        await waitHealth(route, 'open', (e) => e.health.circuit.state === 'open');
        await publishAll(route, 3);
        await receiver.wait(route.path, 4);
        const arrived = receiver.at(route.path);
        assert.ok(arrived[3].at - arrived[2].at >= 900, 'each probe waits for its time');
    });

    it('holds what is over its rate, and sends it in order', async () => {
        const route = await makeRoute(both, { status: 200 }, { rate_limit: { requests: 5, period_ms: 1000, burst: 1 } });
        assert.deepEqual(route.endpoint.rate_limit, { requests: 5, period_ms: 1000, burst: 1 });
        const events = await publishAll(route, 6);
        const started = [];
        for (const event of events) {
            const delivery = await waitDelivery(api, route.app, event);
            assert.equal(delivery.status, 'delivered');
            started.push(Date.parse(delivery.attempts[0].started_at));
        }
        const arrived = receiver.at(route.path);
        assert.equal(arrived.length, 6);
        assert.ok(started[5] - started[0] >= 5 * 200 - SLACK_MS, `${started[5] - started[0]} ms for six`);
        assert.deepEqual(arrived.map((entry) => JSON.parse(entry.body).data.n), [0, 1, 2, 3, 4, 5]);
    });

    it('holds all endpoints of an app to the rate of the app', async () => {
        const route = await makeRoute(both, { status: 200 }, {}, { rate_limit: { requests: 4, period_ms: 1000, burst: 1 } });
        const path = `${route.path}-b`;
        await api.post(`${route.base}/endpoints`, { url: receiver.url(path) });
        await publishAll(route, 3);
        await receiver.wait(route.path, 3);
        await receiver.wait(path, 3);
        const started = [];
        await waitFor('six attempts in the log', async () => {
            started.length = 0;
            for (const row of await deliveriesOf(api, route.app)) {
                const { attempts } = await api.get(`${route.base}/deliveries/${row.id}`);
                started.push(...attempts.map((attempt) => Date.parse(attempt.started_at)));
            }
            return started.length === 6;
        });
        started.sort((a, b) => a - b);
        assert.ok(started[5] - started[0] >= 5 * 250 - SLACK_MS, `${started[5] - started[0]} ms for six`);
        const app = await api.patch(route.base, { rate_limit: '600/minute' });
        assert.deepEqual(app.rate_limit, { requests: 600, period_ms: 60000, burst: 60 });
        assert.equal((await api.patch(route.base, { rate_limit: null })).rate_limit, null);
    });

    it('keeps the order: the next waits for the retry of the one before', async () => {
        const route = await makeRoute(both, [BAD, { status: 200 }], {
            ...OFF, ordered: 'endpoint', retry: { schedule: [1], max_attempts: 3, jitter_percent: 0 },
        });
        assert.equal(route.endpoint.on_failure, 'block');
        const events = await publishAll(route, 4);
        for (const event of events) {
            assert.equal((await waitDelivery(api, route.app, event)).status, 'delivered');
        }
        assert.deepEqual(receiver.at(route.path).map((entry) => JSON.parse(entry.body).data.n), [0, 0, 1, 2, 3]);
    });

    it('blocks behind one that failed until a person ends it', async () => {
        const route = await makeRoute(both, [{ status: 400 }, { status: 200 }], { ...OFF, ordered: 'endpoint', retry: NO_RETRY });
        const [first, second, third] = await publishAll(route, 3);
        const blocked = await waitDelivery(api, route.app, first, (d) => d.reason === 'order_blocked');
        assert.equal(blocked.status, 'retrying');
        assert.ok(Date.parse(blocked.next_attempt_at) - Date.parse(blocked.created_at) >= 72 * 3600 * 1000 - 1000, 'three days');
        assert.equal((await deliveriesOf(api, route.app, second))[0].status, 'pending');
        await api.post(`${route.base}/deliveries/${blocked.id}/cancel`);
        assert.equal((await waitDelivery(api, route.app, second)).status, 'delivered');
        assert.equal((await waitDelivery(api, route.app, third)).status, 'delivered');
        assert.deepEqual(receiver.at(route.path).map((entry) => JSON.parse(entry.body).data.n), [0, 1, 2]);
    });

    it('goes on behind one that failed, with skip', async () => {
        const route = await makeRoute(both, [{ status: 400 }, { status: 200 }], {
            ...OFF, ordered: 'endpoint', on_failure: 'skip', retry: NO_RETRY,
        });
        const [first, second] = await publishAll(route, 2);
        assert.equal((await waitDelivery(api, route.app, first)).status, 'failed');
        assert.equal((await waitDelivery(api, route.app, second)).status, 'delivered');
    });

    it('has rules of its own, of its project, of the server', async () => {
        const route = await makeRoute(both, BAD, { retry: NO_RETRY, health_rules: { failing_after: 1 } });
        assert.deepEqual(route.endpoint.health_rules, { failing_after: 1 });
        assert.equal(route.endpoint.breaker, null);
        await publishAll(route, 1);
        await waitHealth(route, 'failing after one', (e) => e.health.failing);
        await api.patch(`${route.base}/endpoints/${route.endpoint.id}`, { health_rules: null });
        assert.equal((await look(route)).health.failing, false, 'the three of the server');
    });

    it('refuses rules that are wrong', async () => {
        const app = await makeApp(api);
        const url = receiver.url('/refused');
        const wrong = {
            'breaker.window': { breaker: { window: 1 } },
            'breaker.threshold_percent': { breaker: { threshold_percent: 100 } },
            'breaker.open_s': { breaker: { open_s: 0 } },
            'health_rules.pause_after': { health_rules: { pause_after: -1 } },
            'health_rules.exhausted': { health_rules: { exhausted: 33 } },
            'health_rules.other': { health_rules: { other: 1 } },
            'rate_limit.requests': { rate_limit: { requests: 0, period_ms: 1 } },
            'rate_limit.period_ms': { rate_limit: { requests: 1 } },
            'rate_limit.burst': { rate_limit: { requests: 5, period_ms: 1000, burst: 6 } },
            rate_limit: { rate_limit: '100/fortnight' },
            ordered: { ordered: 'always' },
            on_failure: { on_failure: 'shrug' },
        };
        for (const [field, fields] of Object.entries(wrong)) {
            assertFieldProblem(await api.request('POST', `/api/v1/apps/${app.id}/endpoints`, { body: { url, ...fields } }), field);
        }
        for (const rate of ['0/minute', '1000001/second', '/minute', '5', '5/', '5/minute ']) {
            assertFieldProblem(await api.request('PATCH', `/api/v1/apps/${app.id}`, { body: { rate_limit: rate } }), 'rate_limit');
        }
        assertProblem(await api.request('PATCH', '/api/v1/projects/default', { body: { breaker: { window: 129 } } }), 422);
    });
});

describe('health over a restart', () => {
    it('keeps the order and what is known of failures; the circuit begins closed', async (t) => {
        const { server, receiver } = await startBoth(t);
        let { api } = server;
        let script = BAD;
        const both = { api, receiver };
        const route = await makeRoute(both, () => script, {
            ordered: 'endpoint',
            retry: { schedule: [0, 0, 3], max_attempts: 4, jitter_percent: 0 },
            breaker: { window: 3, open_s: 3600 },
            health_rules: { exhausted: 0 },
        });
        const first = await publish(api, route.app, TYPE, { n: 0 });
        const second = await publish(api, route.app, TYPE, { n: 1 });
        const look = () => api.get(`${route.base}/endpoints/${route.endpoint.id}`);
        await waitFor('open', async () => (await look()).health.circuit.state === 'open');
        await server.kill();
        script = { status: 200 };
        await server.launch();
        ({ api } = server);
        assert.equal((await look()).health.circuit.state, 'closed');
        assert.ok((await look()).health.consecutive_failures >= 1, 'what was told to the store');
        for (const event of [first, second]) {
            assert.equal((await waitDelivery(api, route.app, event)).status, 'delivered');
        }
        const order = receiver.at(route.path).map((entry) => JSON.parse(entry.body).data.n);
        assert.deepEqual(order, [...order].sort((a, b) => a - b), order.join(' '));
    });

    it('takes the rules of the server and of the project', async (t) => {
        const { api, receiver } = await startBoth(t, { args: ['--failing-after', '2', '--pause-after', '4'] });
        const both = { api, receiver };
        const route = await makeRoute(both, BAD, { retry: NO_RETRY });
        const project = await api.patch('/api/v1/projects/default', { health_rules: { pause_after: 3 } });
        assert.deepEqual(project.health_rules, { pause_after: 3 });
        for (let n = 0; n < 3; n++) {
            await publish(api, route.app, TYPE, { n });
        }
        const disabled = await waitFor('disabled', async () => {
            const endpoint = await api.get(`${route.base}/endpoints/${route.endpoint.id}`);
            return endpoint.status === 'disabled' && endpoint;
        });
        assert.equal(disabled.status_detail, 'Webhook paused after 3 consecutive failures.');
        assert.equal(disabled.health.failing, true);
    });

    it('ends what was held for as long as events are kept, and tells of who had no success for long', async (t) => {
        const { server, receiver } = await startBoth(t);
        const route = await makeRoute({ api: server.api, receiver }, BAD, { retry: { schedule: [3600], max_attempts: 2, jitter_percent: 0 } });
        const stale = await makeRoute({ api: server.api, receiver }, { status: 200 });
        const retrying = await publish(server.api, route.app, TYPE, { n: 0 });
        await waitDelivery(server.api, route.app, retrying, (d) => d.status === 'retrying');
        await server.api.post(`${route.base}/endpoints/${route.endpoint.id}/pause`);
        const old = await publish(server.api, route.app, TYPE, { n: 1 });
        await server.terminate();
        const month = 31 * 86400 * 1000;
        behindItsBack(server, `UPDATE delivery SET created_at = created_at - ${month}`);
        behindItsBack(server, `UPDATE endpoint SET created_at = created_at - ${90 * 86400 * 1000 + 1000}`);
        await server.launch();
        const { api } = server;
        const young = await publish(api, route.app, TYPE, { n: 2 });
        for (const event of [retrying, old]) {
            const ended = await waitDelivery(api, route.app, event);
            assert.equal(ended.status, 'failed');
            assert.equal(ended.reason, 'held_expired');
            assert.equal(ended.next_attempt_at, null);
        }
        assert.equal((await deliveriesOf(api, route.app, young))[0].status, 'pending');
        assert.equal(await server.metric('postern_held_expired_total'), 2);
        const endpoint = await api.get(`${stale.base}/endpoints/${stale.endpoint.id}`);
        assert.equal(endpoint.health.stale, true);
        assert.equal(endpoint.health.state, 'healthy', 'stale is no state');
        const notice = await waitFor('a notice', async () => (await api.get(`${stale.base}/notices`)).data.find((n) => n.kind === 'stale-endpoint'));
        assert.match(notice.title, /no successful delivery for 90 days/);
        await publish(api, stale.app, TYPE, {});
        await waitFor('no longer stale', async () => !(await api.get(`${stale.base}/endpoints/${stale.endpoint.id}`)).health.stale);
    });
});
