// SPDX-License-Identifier: Apache-2.0
//
// The live stream: what it shows and to whom, coming back, its limits, its end.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Stream } from '../lib/sse.mjs';
import { waitFor } from '../lib/wait.mjs';
import { assertProblem, makeApp, makeEndpoint, makeRoute, publish, startServer, unique, useBoth, waitDelivery } from './support.mjs';

const TYPE = 'live.happened';
const BEAT = { args: ['--stream-heartbeat-ms', '200'] };

async function open(t, api, query, headers) {
    const stream = await Stream.open(api, query, headers);
    t.after(() => stream.close());
    return stream;
}

describe('GET /api/v1/stream', () => {
    const both = useBoth(BEAT);

    it('shows a delivery from its making to its end, the counts, and the status of endpoints', async (t) => {
        const { api } = both;
        const route = await makeRoute(both, { status: 200 });
        const stream = await open(t, api, `?app=${route.app.slug}`);
        assert.equal(stream.status, 200);
        assert.match(stream.headers['content-type'], /^text\/event-stream/);
        assert.equal(stream.headers['cache-control'], 'no-store');
        assert.equal(stream.headers['x-accel-buffering'], 'no');
        assert.equal((await api.request('HEAD', '/api/v1/stream')).status, 200);
        const event = await publish(api, route.app, TYPE, {});
        const delivery = await waitDelivery(api, route.app, event);
        const made = await stream.wait('created', (m) => m.event === 'delivery.created');
        const done = await stream.wait('updated', (m) => m.event === 'delivery.updated');
        assert.ok(BigInt(done.id) > BigInt(made.id), 'ids go up');
        assert.equal(made.data.status, 'pending');
        assert.equal(made.data.created_at, delivery.created_at);
        const { id, status, status_code: code, latency_ms: ms, ended_at: ended } = delivery;
        assert.deepEqual(done.data, {
            id, app_id: route.app.id, endpoint_id: route.endpoint.id, event_id: event.id, event_type: TYPE, status,
            attempt_count: 1, next_attempt_at: null, ended_at: ended, status_code: code,
            error: null, latency_ms: ms,
        });
        const sum = () => stream.named('counted').reduce((all, { data }) => ({
            accepted: all.accepted + data.accepted, attempts: all.attempts + data.attempts, delivered: all.delivered + data.delivered,
        }), { accepted: 0, attempts: 0, delivered: 0 });
        await waitFor(() => `the counts, ${JSON.stringify(sum())}`, () => sum().delivered === 1);
        assert.deepEqual(sum(), { accepted: 1, attempts: 1, delivered: 1 });
        await api.post(`${route.base}/endpoints/${route.endpoint.id}/pause`);
        const paused = await stream.wait('paused', (m) => m.event === 'endpoint.updated');
        assert.equal(paused.data.status, 'paused');
        assert.equal(paused.data.id, route.endpoint.id);
    });

    it('shows each what it asked for, and nothing of another project', async (t) => {
        const { api } = both;
        const project = await api.post('/api/v1/projects', { name: unique('other') });
        const foreign = await open(t, api.withKey(project.key.key));
        const route = await makeRoute(both, { status: 200 });
        const second = await makeRoute(both, { status: 200 });
        const other = await open(t, api, `?app=${second.app.id}`);
        const endpoint = await open(t, api, `?endpoint=${route.endpoint.id}&topics=deliveries`);
        const events = await open(t, api, `?topics=endpoints,events&app=${route.app.id}`);
        await publish(api, route.app, TYPE, {});
        await endpoint.wait('the delivery', (m) => m.event === 'delivery.updated');
        await events.wait('the count', (m) => m.event === 'counted');
        assert.deepEqual(other.messages, []);
        assert.deepEqual(foreign.messages, []);
        assert.deepEqual([...new Set(endpoint.messages.map((m) => m.event))], ['delivery.created', 'delivery.updated']);
        assert.deepEqual(events.named('delivery.updated'), []);
        assertProblem(await api.request('GET', '/api/v1/stream?topics=nonsense'), 400, 'invalid_request');
        assertProblem(await api.request('GET', '/api/v1/stream?after=x'), 400, 'invalid_request');
        assertProblem(await api.request('GET', '/api/v1/stream?app=none-such'), 404, 'not_found');
        assertProblem(await api.request('GET', '/api/v1/stream?endpoint=ep_0000000000000000000000'), 404, 'not_found');
        assertProblem(await api.withKey(project.key.key).request('GET', `/api/v1/stream?endpoint=${route.endpoint.id}`), 404, 'not_found');
    });

    it('goes on behind Last-Event-ID, and says reset when what was missed is gone', async (t) => {
        const { api } = both;
        const app = await makeApp(api, { max_endpoints: 100 });
        const base = `/api/v1/apps/${app.id}/endpoints`;
        const endpoints = [];
        for (let i = 0; i < 60; i++) {
            endpoints.push(await makeEndpoint(api, app, { url: both.receiver.url('/none') }));
        }
        const first = await open(t, api, `?app=${app.id}&topics=endpoints`);
        await api.post(`${base}/${endpoints[0].id}/pause`);
        const seen = await first.wait('the pause', (m) => m.data.status === 'paused');
        first.close();
        await api.post(`${base}/${endpoints[1].id}/pause`);
        await api.post(`${base}/${endpoints[2].id}/pause`);
        for (const how of [['', { 'last-event-id': seen.id }], [`&after=${seen.id}`, {}]]) {
            const back = await open(t, api, `?app=${app.id}&topics=endpoints${how[0]}`, how[1]);
            await back.wait('the second', (m) => m.data.id === endpoints[2].id);
            assert.deepEqual(back.messages.map((m) => m.data.id), [endpoints[1].id, endpoints[2].id]);
        }
        for (const id of ['1', 'nonsense', `${BigInt(seen.id) + 10n ** 12n}`]) {
            const lost = await open(t, api, `?app=${app.id}`, { 'last-event-id': id });
            await lost.wait(`reset after ${id}`, (m) => m.event === 'reset');
        }
        // More than the ring holds.
        await Promise.all(endpoints.map(async ({ id }) => {
            for (let i = 0; i < 18; i++) {
                await api.post(`${base}/${id}/pause`);
                await api.post(`${base}/${id}/resume`);
            }
        }));
        const late = await open(t, api, `?app=${app.id}`, { 'last-event-id': seen.id });
        const reset = await late.wait('reset', (m) => m.event === 'reset');
        assert.equal(late.messages[0].event, 'reset');
        await api.post(`${base}/${endpoints[5].id}/pause`);
        const next = await late.wait('what follows', (m) => m.event === 'endpoint.updated');
        assert.ok(BigInt(next.id) > BigInt(reset.id));
    });

    it('shows at most 20 deliveries a second of an app, and how many it left out', async (t) => {
        const { api } = both;
        const route = await makeRoute(both, { status: 200 });
        const stream = await open(t, api, `?app=${route.app.id}`);
        const events = Array.from({ length: 100 }, () => ({ type: TYPE, data: {} }));
        const answer = await api.post(`${route.base}/events/batch`, { events });
        assert.equal(answer.data.length, 100);
        const counted = await stream.wait('what was left out', (m) => m.event === 'counted' && m.data.skipped > 0);
        assert.ok(stream.messages.filter((m) => m.event.startsWith('delivery.') && BigInt(m.id) < BigInt(counted.id)).length <= 20);
        await waitFor('all accepted', () => stream.named('counted').reduce((n, { data }) => n + data.accepted, 0) === 100);
    });

    it('beats while nothing happens, and ends when its key is revoked', async (t) => {
        const { api } = both;
        const key = await api.post('/api/v1/keys', { name: 'watcher', scopes: ['read'] });
        const stream = await open(t, api.withKey(key.key), '?topics=jobs');
        await waitFor('heartbeats', () => stream.comments >= 2);
        assert.deepEqual(stream.messages, []);
        await api.delete(`/api/v1/keys/${key.id}`);
        await stream.waitEnd();
        const publisher = await api.post('/api/v1/keys', { name: 'publisher', scopes: ['publish'] });
        assertProblem(await api.withKey(publisher.key).request('GET', '/api/v1/stream'), 403);
    });
});

describe('many live streams', () => {
    it('are 1,000; the next is refused until one ends; a stop ends them all', async (t) => {
        const server = await startServer(t, BEAT);
        const { api } = server;
        const streams = [];
        for (let i = 0; i < 1000; i += 50) {
            streams.push(...await Promise.all(Array.from({ length: 50 }, () => Stream.open(api, '?topics=jobs'))));
        }
        assert.ok(streams.every(({ status }) => status === 200));
        const refused = await Stream.open(api, '?topics=jobs');
        await refused.waitEnd();
        assert.equal(refused.status, 503);
        assert.match(refused.headers['retry-after'], /^\d+$/);
        assert.equal(JSON.parse(refused.text).code, 'overloaded');
        assert.equal(await server.metric('postern_http_streams'), 1000);
        streams.pop().close();
        await waitFor('room', async () => await server.metric('postern_http_streams') === 999);
        const again = await Stream.open(api, '?topics=jobs');
        assert.equal(again.status, 200);
        streams.push(again);
        const { code } = await server.terminate();
        assert.equal(code, 0);
        for (const stream of streams) {
            await stream.waitEnd();
            assert.equal(stream.complete, true, 'it ended, it did not break');
        }
    });
});
