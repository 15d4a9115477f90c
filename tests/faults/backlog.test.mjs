// SPDX-License-Identifier: Apache-2.0
//
// A restart with 100,000 deliveries pending: ready at once, memory flat, and a healthy endpoint does not wait.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Postern, isSanitized } from '../lib/postern.mjs';
import { Receiver } from '../lib/receiver.mjs';
import { waitFor } from '../lib/wait.mjs';
import { makeApp } from './support.mjs';

const ENDPOINTS = 10;
const PENDING = 100_000;
const BATCH = 100;
const READY_MAX_MS = 3000;
const HEALTHY_MAX_MS = 5000;
const MIB = 1024 * 1024;
const SAMPLE = 10;
const RESIDENT_MAX = 600 * MIB;

describe('100,000 pending deliveries', () => {
    it('do not hold up a restart', async (t) => {
        const receiver = await Receiver.start();
        const server = await Postern.start();
        t.after(() => receiver.close());
        t.after(() => server.close());
        // Nothing listens at port 9 of loopback; half of the endpoints are paused.
        const app = await makeApp(server, 'backlog', Array.from({ length: ENDPOINTS }, (_, n) => ({
            url: `http://127.0.0.1:9/${n}`,
            status: n % 2 ? 'paused' : 'active',
            retry: { schedule: [3600], max_attempts: 5 },
        })));
        const healthy = await makeApp(server, 'healthy', [{ url: receiver.url('/healthy') }]);
        const publishBatch = (first) => server.api.post(`/api/v1/apps/${app.id}/events/batch`, {
            events: Array.from({ length: BATCH }, (_, n) => ({ type: 'load.alpha', data: { n: first + n } })),
        });
        for (let n = 0; n < PENDING / ENDPOINTS; n += 4 * BATCH) {
            await Promise.all([0, 1, 2, 3].map((part) => publishBatch(n + part * BATCH)));
        }
        await server.kill();
        await server.launch();
        console.log(`backlog: ready after ${Math.round(server.readyAfterMs)} ms`);
        const event = await server.api.post(`/api/v1/apps/${healthy.id}/events`, { type: 'load.alpha', data: 1 });
        const published = Date.now();
        const [entry] = await receiver.wait('/healthy', 1);
        console.log(`backlog: healthy delivery after ${entry.at - published} ms`);
        assert.equal(entry.headers['webhook-id'], event.id);
        assert.ok(entry.at - published < HEALTHY_MAX_MS);
        const { data } = await server.api.get(
            `/api/v1/apps/${app.id}/deliveries?status=pending&endpoint=${app.endpoints[1].id}`);
        assert.equal(data.length, 50, 'the paused ones are still pending');
        const resident = server.residentBytes();
        console.log(`backlog: resident ${Math.round(resident / MIB)} MiB`);
        if (!isSanitized()) {
            assert.ok(server.readyAfterMs < READY_MAX_MS, `ready after ${server.readyAfterMs} ms`);
            assert.ok(resident < RESIDENT_MAX, `resident ${resident}`);
        }
    });

    it('are sent in order of publishing when the endpoint is resumed', async (t) => {
        const receiver = await Receiver.start();
        const server = await Postern.start();
        t.after(() => receiver.close());
        t.after(() => server.close());
        const app = await makeApp(server, 'resume', [{ url: receiver.url('/to'), status: 'paused' }]);
        const sent = [];
        for (let n = 0; n < 30; n++) {
            const { data } = await server.api.post(`/api/v1/apps/${app.id}/events/batch`, {
                events: Array.from({ length: BATCH }, () => ({ type: 'load.alpha', data: n })),
            });
            sent.push(...data.map((event) => event.id));
        }
        await server.kill();
        await server.launch();
        const where = `/api/v1/apps/${app.id}/endpoints/${app.endpoints[0].id}`;
        await server.api.post(`${where}/resume`);
        await receiver.wait('/to', sent.length, 60_000);
        await waitFor('nothing is pending', async () => {
            const { data } = await server.api.get(`/api/v1/apps/${app.id}/deliveries?status=pending`);
            return data.length === 0;
        });
        // First attempts start in the order of publishing.
        let before = 0;
        for (const id of sent.filter((_, at) => at % SAMPLE === 0)) {
            const { data: [row] } = await server.api.get(`/api/v1/apps/${app.id}/deliveries?event=${id}`);
            const { attempts } = await server.api.get(`/api/v1/apps/${app.id}/deliveries/${row.id}`);
            const at = Date.parse(attempts[0].started_at);
            assert.ok(at >= before, `${id} started ${before - at} ms before an older one`);
            before = at;
        }
    });
});
