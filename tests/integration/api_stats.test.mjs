// SPDX-License-Identifier: Apache-2.0
//
// Statistics of endpoints, apps and the project: what they count, over which time, and for whom.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { waitFor } from '../lib/wait.mjs';
import { assertProblem, makeApp, makeEndpoint, makeRoute, publish, unique, useBoth, waitDelivery } from './support.mjs';

const GOOD = 'stats.good';
const BAD = 'stats.bad';
const FAST = { retry: { schedule: [1], max_attempts: 2, jitter_percent: 0 } };

// Statistics come some seconds later: wait for the number that is expected.
async function waitStats(api, path, look) {
    let last;
    return waitFor(
        () => `${path}; last seen ${JSON.stringify({ ...last, series: undefined })}`,
        async () => {
            last = await api.get(path);
            return look(last) && last;
        },
    );
}

describe('statistics', () => {
    const both = useBoth();
    let api;
    let good;
    let bad;
    let base;

    before(async () => {
        ({ api } = both);
        // One app: an endpoint that answers, and one that fails always (2 attempts).
        good = await makeRoute(both, { status: 200 }, { event_types: [GOOD] });
        base = good.base;
        both.receiver.on(`${good.path}/never`, { status: 500 });
        bad = await makeEndpoint(api, good.app, { url: both.receiver.url(`${good.path}/never`), event_types: [BAD], ...FAST });
        for (let i = 0; i < 3; i++) {
            await waitDelivery(api, good.app, await publish(api, good.app, GOOD, { i, text: 'x'.repeat(100) }));
        }
        await waitDelivery(api, good.app, await publish(api, good.app, BAD, {}));
    });

    it('of an app count events, deliveries, attempts, faults, types and times', async () => {
        const stats = await waitStats(api, `${base}/stats`, (s) => s.attempts.total === 5 && s.events.total === 4 && s.deliveries.created === 4);
        assert.equal(stats.window, '24h');
        assert.deepEqual(stats.deliveries, {
            created: 4, delivered: 3, failed: 1, filtered: 0, skipped: 0, first_attempt: 3, after_retry: 0,
            success_rate: 0.75, first_attempt_rate: 0.75, after_retry_rate: 0, failed_rate: 0.25,
        });
        assert.deepEqual(stats.attempts, { total: 5, succeeded: 3, failed: 2, retries: 1, success_rate: 0.6, retry_rate: 0.2 });
        const { min, avg, max, p50, p95, p99 } = stats.latency_ms;
        assert.ok(min <= p50 && p50 <= p95 && p95 <= p99 && p99 <= max && min <= avg && avg <= max, JSON.stringify(stats.latency_ms));
        assert.deepEqual(stats.most_common_error, { token: 'server_error', code: 500, count: 2 });
        assert.deepEqual(stats.failure_breakdown, [stats.most_common_error]);
        assert.deepEqual(stats.by_type, [
            { type: GOOD, events: 3, delivered: 3, failed_attempts: 0 },
            { type: BAD, events: 1, delivered: 0, failed_attempts: 2 },
        ]);
        assert.ok(stats.events.average_bytes > 100);
        assert.deepEqual(stats.endpoints, { total: 2, active: 2, paused: 0, disabled: 0 });
        assert.equal(stats.queue_depth, 0);
        assert.equal(stats.exhausted, 1);
        const sum = (name) => stats.series.reduce((all, point) => all + point[name], 0);
        assert.equal(stats.interval_s, 3600);
        assert.ok([24, 25].includes(stats.series.length), `${stats.series.length} points`);
        assert.equal(sum('attempts'), 5);
        assert.equal(sum('failed_attempts'), 2);
        assert.equal(sum('delivered'), 3);
        assert.equal(sum('failed'), 1);
    });

    it('of an endpoint are its own, in every window', async () => {
        const path = `${base}/endpoints/${bad.id}/stats`;
        await waitStats(api, path, (s) => s.attempts.total === 2);
        const points = { '1h': [60, 61], '24h': [24, 25], '7d': [168, 169], '30d': [30, 31] };
        for (const window of ['1h', '24h', 'today', '7d', '30d']) {
            const stats = await api.get(`${path}?window=${window}`);
            assert.equal(stats.window, window);
            assert.equal(stats.attempts.failed, 2, window);
            assert.equal(stats.deliveries.failed, 1, window);
            assert.equal(stats.deliveries.success_rate, 0, window);
            assert.equal(stats.most_common_error.count, 2, window);
            assert.deepEqual(stats.last_100, { n: 1, ok: 0 });
            assert.ok(!points[window] || points[window].includes(stats.series.length), `${window}: ${stats.series.length}`);
            assert.equal(stats.series.at(-1).failed_attempts + (stats.series.at(-2)?.failed_attempts ?? 0), 2, window);
        }
        const none = await api.get(`${base}/endpoints/${good.endpoint.id}/stats?window=1h`);
        assert.equal(none.most_common_error, null);
        assert.equal(none.deliveries.success_rate, 1);
    });

    it('take an interval and the distance to UTC', async () => {
        const minutes = await api.get(`${base}/stats?window=1h&interval=minute`);
        assert.equal(minutes.interval_s, 60);
        assert.ok((await api.get(`${base}/stats?window=24h&interval=minute`)).series.length >= 1440);
        const days = await api.get(`${base}/stats?window=7d&interval=day&tz=%2B05:30`);
        assert.equal(days.interval_s, 86_400);
        assert.ok([7, 8].includes(days.series.length));
        assert.ok(days.series.every(({ at }) => at.endsWith('T18:30:00.000Z')), 'days begin at local midnight');
        const today = await api.get(`${base}/stats?window=today&tz=-11:00`);
        assert.ok(today.from.endsWith('T11:00:00.000Z'), today.from);
        assert.ok(Date.now() - Date.parse(today.from) < 86_400_000);
        for (const query of ['window=2h', 'interval=second', 'tz=Mars', 'tz=%2B25:00', 'window=7d&interval=minute']) {
            assertProblem(await api.request('GET', `${base}/stats?${query}`), 400, 'invalid_request');
        }
    });

    it('count retries that helped, and what waits', async () => {
        const app = await makeApp(api, {});
        const path = `/${unique('wait')}`;
        let n = 0;
        both.receiver.on(path, () => ({ status: n++ === 0 ? 503 : 200 }));
        const endpoint = await makeEndpoint(api, app, { url: both.receiver.url(path), ...FAST });
        await waitDelivery(api, app, await publish(api, app, GOOD, {}));
        const helped = await waitStats(api, `/api/v1/apps/${app.id}/endpoints/${endpoint.id}/stats`, (s) => s.attempts.total === 2);
        assert.equal(helped.deliveries.first_attempt, 0);
        assert.equal(helped.deliveries.after_retry, 1);
        assert.equal(helped.deliveries.after_retry_rate, 1);
        await api.post(`/api/v1/apps/${app.id}/endpoints/${endpoint.id}/pause`);
        await publish(api, app, GOOD, {});
        const waiting = await api.get(`/api/v1/apps/${app.id}/stats`);
        assert.equal(waiting.queue_depth, 1);
        assert.equal(waiting.queue_depth_exact, true);
        assert.equal(waiting.pending_retry, 0);
        assert.equal(waiting.endpoints.paused, 1);
    });

    it('of the project sum up all apps, and rank them', async () => {
        const project = await api.post('/api/v1/projects', { name: unique('stats'), auto_register: true });
        const own = { ...both, api: api.withKey(project.key.key), receiver: both.receiver };
        const many = await makeRoute(own, { status: 200 });
        const few = await makeRoute(own, { status: 404 });
        for (let i = 0; i < 3; i++) {
            await waitDelivery(own.api, many.app, await publish(own.api, many.app, GOOD, {}));
        }
        await waitDelivery(own.api, few.app, await publish(own.api, few.app, GOOD, {}));
        const stats = await waitStats(own.api, '/api/v1/stats?window=1h', (s) => s.attempts.total === 4);
        assert.equal(stats.deliveries.delivered, 3);
        assert.equal(stats.deliveries.failed, 1);
        assert.equal(stats.endpoints.total, 2);
        assert.ok(stats.apps >= 2);
        for (const window of ['1h', '24h', 'today', '7d', '30d']) {
            const order = async (sort) => (await own.api.get(`/api/v1/stats/apps?window=${window}&sort=${sort}`)).data.map((row) => row.app_id);
            assert.deepEqual(await order('volume'), [many.app.id, few.app.id], window);
            assert.deepEqual(await order('failed'), [few.app.id, many.app.id], window);
            assert.equal((await order('p95')).length, 2, window);
        }
        const [first, ...rest] = (await own.api.get('/api/v1/stats/apps?limit=1')).data;
        assert.deepEqual(rest, []);
        assert.equal(first.attempts, 3);
        assertProblem(await api.request('GET', '/api/v1/stats/apps?sort=name'), 400);
        assertProblem(await api.request('GET', '/api/v1/stats/apps?limit=0'), 400);
        assertProblem(await own.api.request('GET', `${base}/stats`), 404, 'not_found');
    });

    it('draw two series for every endpoint of an app in one answer', async () => {
        await waitStats(api, `${base}/stats`, (s) => s.attempts.total === 5);
        const lengths = { '1h': [30, 31], '24h': [24, 25], '7d': [42, 43], '30d': [30, 31] };
        for (const window of ['1h', '24h', 'today', '7d']) {
            const lines = await api.get(`${base}/endpoints/sparklines?window=${window}`);
            const row = (id) => lines.data.find((one) => one.endpoint_id === id);
            const sum = (list) => list.reduce((a, b) => a + b, 0);
            assert.equal(lines.data.length, 2);
            for (const one of lines.data) {
                assert.equal(one.total.length, one.failures.length);
                assert.ok(!lengths[window] || lengths[window].includes(one.total.length), `${window}: ${one.total.length}`);
            }
            assert.equal(sum(row(good.endpoint.id).total), 3, window);
            assert.equal(sum(row(good.endpoint.id).failures), 0, window);
            assert.equal(sum(row(bad.id).total), 2, window);
            assert.equal(sum(row(bad.id).failures), 2, window);
            assert.equal(row(bad.id).success_rate, 0);
        }
        const month = await api.get(`${base}/endpoints/sparklines?window=30d`);
        assert.ok(lengths['30d'].includes(month.data[0].total.length));
    });

    it('sort and filter the list of endpoints', async () => {
        const app = await makeApp(api, { name: 'list' });
        const list = `/api/v1/apps/${app.id}/endpoints`;
        const make = async (name, status, event_types) => {
            const path = `/${unique(name.replace(' ', '-'))}`;
            both.receiver.on(path, { status });
            return makeEndpoint(api, app, { name, url: both.receiver.url(path), event_types, retry: { enabled: false } });
        };
        const quiet = await make('Quiet', 200, ['list.none']);
        const busy = await make('Busy one', 200, ['list.busy']);
        const broken = await make('Broken', 500, ['list.broken']);
        for (const type of ['list.busy', 'list.busy', 'list.busy', 'list.busy', 'list.broken', 'list.broken', 'list.broken']) {
            await waitDelivery(api, app, await publish(api, app, type, {}));
        }
        await waitStats(api, `/api/v1/apps/${app.id}/stats`, (s) => s.attempts.total === 7);
        const names = async (query) => (await api.get(`${list}?${query}`)).data.map(({ name }) => name);
        assert.deepEqual(await names(''), ['Broken', 'Busy one', 'Quiet']);
        assert.deepEqual(await names('order=asc&sort=created'), ['Quiet', 'Busy one', 'Broken']);
        assert.deepEqual(await names('sort=volume'), ['Busy one', 'Broken', 'Quiet']);
        assert.deepEqual(await names('sort=failing'), ['Broken', 'Busy one', 'Quiet']);
        assert.deepEqual(await names('health=failing'), ['Broken']);
        assert.deepEqual(await names('health=ok'), ['Busy one', 'Quiet']);
        assert.deepEqual(await names('q=busy'), ['Busy one']);
        assert.deepEqual(await names(`q=${encodeURIComponent(new URL(broken.url).pathname)}`), ['Broken']);
        assert.deepEqual(await names('type=list.none'), ['Quiet']);
        assert.deepEqual(await names('type=list.other'), []);
        assert.deepEqual(await names('source=key&type=list.busy'), ['Busy one']);
        assert.deepEqual(await names(`source=${busy.origin.id}&sort=volume`), ['Busy one', 'Broken', 'Quiet']);
        assert.deepEqual(await names('source=nobody'), []);
        await api.post(`${list}/${quiet.id}/pause`);
        assert.deepEqual(await names('status=paused'), ['Quiet']);
        const first = await api.get(`${list}?limit=1&status=active`);
        const second = await api.get(`${list}?limit=1&status=active&cursor=${first.next_cursor}`);
        assert.deepEqual([first.data[0].name, second.data[0].name, second.next_cursor], ['Broken', 'Busy one', null]);
        for (const query of ['status=gone', 'health=fine', 'sort=name', 'type=UPPER', `sort=volume&cursor=${first.next_cursor}`]) {
            assertProblem(await api.request('GET', `${list}?${query}`), 400, 'invalid_request');
        }
    });

    it('may be kept for a minute', async () => {
        const answer = await api.request('GET', `${base}/stats`);
        assert.equal(answer.headers['cache-control'], 'private, max-age=60');
    });
});
