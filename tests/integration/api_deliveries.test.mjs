// SPDX-License-Identifier: Apache-2.0
//
// The delivery log: what it says of each attempt, its filters, retry and cancel by a person.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import {
    assertId, assertProblem, headerPairs, makeApp, makeEndpoint, makeRoute, publish, useBoth, waitDelivery,
} from './support.mjs';
import { assertList, assertListRefusals } from './lists.mjs';

const TYPE = 'log.entry';
const ONCE = { retry: { enabled: false } };

describe('the delivery log', () => {
    const both = useBoth();
    let api;
    let receiver;

    before(async () => {
        ({ api, receiver } = both);
    });

    it('holds request and answer of an attempt as they were', async () => {
        const headers = { 'X-Answer': 'yes', 'Set-Cookie': ['a=1', 'b=2'] };
        const route = await makeRoute(both, { status: 201, headers, body: 'thank you ✓' });
        const event = await publish(api, route.app, TYPE, { 'schlüssel': 'wert' });
        const delivery = await waitDelivery(api, route.app, event);
        const [entry] = receiver.at(route.path);
        assertId(delivery.id, 'dlv');
        assert.equal(delivery.status, 'delivered');
        assert.equal(delivery.event_id, event.id);
        assert.equal(delivery.endpoint_id, route.endpoint.id);
        assert.equal(delivery.next_attempt_at, null);
        assert.equal(delivery.attempt_count, 1);
        assert.equal(delivery.attempts.length, 1);
        const [attempt] = delivery.attempts;
        assert.equal(attempt.number, 1);
        assert.equal(attempt.status_code, 201);
        assert.equal(attempt.error, null);
        assert.equal(attempt.url, receiver.url(route.path));
        assert.ok(Math.abs(Date.parse(attempt.started_at) - entry.at) < 5000);
        assert.ok(attempt.duration_ms >= 0 && attempt.duration_ms < 15_000);
        assert.equal(attempt.request.body, entry.body.toString('utf8'), 'the exact body');
        const sent = entry.rawHeaders.map(([name, value]) => `${name.toLowerCase()}: ${value}`);
        for (const [name, value] of headerPairs(attempt.request.headers)) {
            assert.ok(sent.includes(`${name}: ${value}`), `${name}: ${value} was sent`);
        }
        const logged = new Set(headerPairs(attempt.request.headers).map(([name]) => name));
        for (const name of ['webhook-id', 'webhook-timestamp', 'webhook-signature', 'postern-signature',
            'postern-attempt', 'postern-delivery-id', 'postern-event-type', 'content-type', 'user-agent']) {
            assert.ok(logged.has(name), `${name} is in the log`);
        }
        assert.equal(attempt.response.status, 201);
        assert.equal(attempt.response.body, 'thank you ✓');
        const answered = headerPairs(attempt.response.headers).map(([name, value]) => `${name}: ${value}`);
        for (const line of ['x-answer: yes', 'set-cookie: a=1', 'set-cookie: b=2']) {
            assert.ok(answered.includes(line), `${line} in ${answered}`);
        }
        for (const phase of ['dns', 'connect', 'tls', 'wait', 'read']) {
            assert.ok(phase in attempt.phases, phase);
            const ms = attempt.phases[phase];
            assert.ok(ms === null || (ms >= 0 && ms <= attempt.duration_ms + 1), `${phase} took ${ms}`);
        }
    });

    it('keeps 4 KiB of an answer and says that it was cut', async () => {
        const body = 'y'.repeat(20_000);
        const route = await makeRoute(both, { status: 200, body });
        const event = await publish(api, route.app, TYPE, {});
        const { attempts: [attempt] } = await waitDelivery(api, route.app, event);
        assert.equal(attempt.response.body, body.slice(0, 4096));
        assert.equal(attempt.response.body_truncated ?? attempt.response.truncated ?? attempt.response.is_cut, true);
    });

    it('takes any bytes of an answer', async () => {
        const bytes = Buffer.from([0x00, 0xff, 0xfe, 0x80, 0x41, 0xc3, 0x28, 0x0a]);
        const route = await makeRoute(both, { status: 200, body: bytes, headers: { 'X-Odd': 'caf\u00e9' } });
        const event = await publish(api, route.app, TYPE, {});
        const delivery = await waitDelivery(api, route.app, event);
        assert.equal(delivery.status, 'delivered');
        assert.ok(delivery.attempts[0].response.body.includes('A'));
    });

    it('is filtered by endpoint, event, type, status, time, code and error', async () => {
        const app = await makeApp(api);
        const scripts = { '/f/ok': { status: 200 }, '/f/500': { status: 500 }, '/f/404': { status: 404 }, '/f/reset': { reset: true } };
        const endpoints = {};
        for (const [path, script] of Object.entries(scripts)) {
            endpoints[path] = await makeEndpoint(api, app, { url: receiver.on(path, script), ...ONCE });
        }
        const events = [await publish(api, app, TYPE, 1), await publish(api, app, 'log.other', 2), await publish(api, app, TYPE, 3)];
        for (const event of events) {
            await waitDelivery(api, app, event, () => true);
        }
        const where = `/api/v1/apps/${app.id}/deliveries`;
        let all;
        do {
            all = await api.all(`${where}?order=asc`);
        } while (all.some((row) => ['pending', 'sending', 'retrying'].includes(row.status)));
        assert.equal(all.length, 12);
        await assertList(api, where, all.map((row) => row.id));
        await assertListRefusals(api, where);
        const detail = new Map();
        for (const row of all) {
            detail.set(row.id, (await api.get(`${where}/${row.id}`)).attempts[0]);
        }
        const wanted = {
            [`endpoint=${endpoints['/f/ok'].id}`]: (row) => row.endpoint_id === endpoints['/f/ok'].id,
            [`event=${events[1].id}`]: (row) => row.event_id === events[1].id,
            'type=log.other': (row) => row.event_id === events[1].id,
            'status=delivered': (row) => row.status === 'delivered',
            'status=failed': (row) => row.status === 'failed',
            'code=404': (row) => detail.get(row.id).status_code === 404,
            'error=server_error': (row) => detail.get(row.id).error === 'server_error',
            'error=connection_terminated': (row) => detail.get(row.id).error === 'connection_terminated',
            [`status=failed&type=${TYPE}&code=500`]: (row) => detail.get(row.id).status_code === 500 && row.event_id !== events[1].id,
            [`since=${all[0].created_at}`]: (row) => row.created_at >= all[0].created_at,
            [`until=${all[0].created_at}`]: () => false,
        };
        for (const [query, holds] of Object.entries(wanted)) {
            const ids = (await api.all(`${where}?order=asc&${query}`)).map((row) => row.id);
            assert.deepEqual(ids, all.filter(holds).map((row) => row.id), query);
        }
        assert.equal(all.filter(wanted['status=delivered']).length, 3);
        assert.equal(all.filter(wanted['error=connection_terminated']).length, 3);
        for (const query of ['endpoint=ep_1', 'event=x', 'status=happy', 'code=abc', 'code=99999', 'error=no_such', 'since=x']) {
            const answer = await api.request('GET', `${where}?${query}`);
            assert.ok([400, 404, 422].includes(answer.status), `${query}: ${answer.status}`);
        }
    });

    it('takes a retry by a person: failed becomes delivered', async () => {
        const route = await makeRoute(both, [{ status: 500 }, { status: 200 }], ONCE);
        const event = await publish(api, route.app, TYPE, {});
        const failed = await waitDelivery(api, route.app, event);
        assert.equal(failed.status, 'failed');
        const where = `${route.base}/deliveries/${failed.id}`;
        const answer = await api.request('POST', `${where}/retry`);
        assert.equal(answer.status, 202, answer.text);
        const delivery = await waitDelivery(api, route.app, event, (d) => d.status === 'delivered');
        assert.deepEqual(delivery.attempts.map((a) => [a.number, a.status_code]), [[1, 500], [2, 200]]);
        const [first, second] = receiver.at(route.path);
        assert.ok(first.body.equals(second.body));
        assert.equal(first.headers['webhook-id'], second.headers['webhook-id']);
        assert.equal(second.headers['postern-attempt'], '2');
        assertProblem(await api.request('POST', `${where}/retry`), 409, 'already_delivered');
        assert.equal(receiver.at(route.path).length, 2);
    });

    it('takes a retry while another is planned, without disturbing the plan', async () => {
        const route = await makeRoute(both, { status: 500 }, { retry: { schedule: [3600], max_attempts: 3, jitter_percent: 0 } });
        const event = await publish(api, route.app, TYPE, {});
        const before = await waitDelivery(api, route.app, event, (d) => d.status === 'retrying');
        await api.post(`${route.base}/deliveries/${before.id}/retry`);
        const after = await waitDelivery(api, route.app, event, (d) => d.attempts.length === 2 && d.status !== 'sending');
        assert.equal(after.status, 'retrying');
        assert.equal(after.next_attempt_at, before.next_attempt_at);
    });

    it('takes a cancel, and a retry after that', async () => {
        const route = await makeRoute(both, [{ status: 500 }, { status: 200 }], { retry: { schedule: [3600], max_attempts: 3 } });
        const event = await publish(api, route.app, TYPE, {});
        const waiting = await waitDelivery(api, route.app, event, (d) => d.status === 'retrying');
        const where = `${route.base}/deliveries/${waiting.id}`;
        const answer = await api.request('POST', `${where}/cancel`);
        assert.equal(answer.status, 200, answer.text);
        const cancelled = await waitDelivery(api, route.app, event);
        assert.equal(cancelled.status, 'cancelled');
        assert.equal(cancelled.next_attempt_at, null);
        assert.equal((await api.request('POST', `${where}/cancel`)).status, 409);
        await api.post(`${where}/retry`);
        await waitDelivery(api, route.app, event, (d) => d.status === 'delivered');
        assertProblem(await api.request('POST', `${where}/cancel`), 409);
    });

    it('belongs to its app', async () => {
        const route = await makeRoute(both, { status: 200 });
        const other = await makeApp(api);
        const event = await publish(api, route.app, TYPE, {});
        const delivery = await waitDelivery(api, route.app, event);
        for (const [method, tail] of [['GET', ''], ['POST', '/retry'], ['POST', '/cancel']]) {
            const answer = await api.request(method, `/api/v1/apps/${other.id}/deliveries/${delivery.id}${tail}`);
            assertProblem(answer, 404, 'not_found');
        }
        assert.equal((await api.get(`/api/v1/apps/${other.id}/deliveries`)).data.length, 0);
        const foreign = await api.request('GET', `/api/v1/apps/${other.id}/deliveries?endpoint=${route.endpoint.id}`);
        assert.ok(foreign.status === 404 || foreign.json.data?.length === 0, foreign.text);
    });
});
