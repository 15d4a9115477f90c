// SPDX-License-Identifier: Apache-2.0
//
// PostgreSQL that crashes, cuts connections, and commits late. Each on a cluster of its own.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Cluster, STORE, freshDatabase, sql } from '../lib/database.mjs';
import { Postern } from '../lib/postern.mjs';
import { HoldingProxy } from '../lib/proxy.mjs';
import { Receiver } from '../lib/receiver.mjs';
import { waitFor } from '../lib/wait.mjs';
import { assertAllArrive, assertDrained, countDuplicates, makeApp, startPublisher } from './support.mjs';

const CRASHES = 3;
const UP_MS = 800;
const CUTS = 6;
const CUT_EVERY_MS = 300;
const BACK_MAX_MS = 10_000;
const ENDPOINT_CONCURRENCY = 10;
const RETRY = { schedule: [1], max_attempts: 50, jitter_percent: 0 };
const LOAD_MS = 300;
const HELD_MS = 1500;

describe('PostgreSQL', { skip: STORE !== 'postgres' && 'PostgreSQL only' }, () => {
    let cluster;
    let receiver;

    before(async () => {
        cluster = Cluster.start();
        receiver = await Receiver.start();
    });
    after(async () => {
        await receiver.close();
        cluster.stop();
    });

    it('crashes and comes back under load: 503 meanwhile, nothing is lost', async (t) => {
        const server = await Postern.start({ databaseUrl: freshDatabase(cluster.url).url });
        t.after(() => server.close());
        const app = await makeApp(server, 'pg', [{ url: receiver.url('/crash'), retry: RETRY }]);
        const publisher = startPublisher(server, app, { pauseMs: 5 });
        for (let n = 0; n < CRASHES; n++) {
            await pause(UP_MS);
            cluster.crash();
            const refused = await waitFor('503 while the database is down', async () => {
                const answer = await server.api.request('POST', `/api/v1/apps/${app.id}/events`, {
                    body: { type: 'load.alpha', data: 'while it is down' },
                });
                return answer.status !== 202 && answer;
            });
            assert.equal(refused.status, 503, refused.text);
            assert.equal((await server.api.request('GET', '/healthz')).status, 200);
            cluster.up();
            const up = Date.now();
            const before = publisher.acked.size;
            await waitFor('events are taken again', () => publisher.acked.size > before);
            const backMs = Date.now() - up;
            console.log(`postgres: taken again ${backMs} ms after it was up`);
            assert.ok(backMs < BACK_MAX_MS, `${backMs} ms`);
            server.check();
        }
        const acked = await publisher.stop();
        await assertAllArrive(receiver, '/crash', acked);
        const duplicates = countDuplicates(receiver, '/crash');
        console.log(`postgres crash: acked ${acked.size}, duplicates ${duplicates}`);
        assert.ok(duplicates <= CRASHES * ENDPOINT_CONCURRENCY, `${duplicates} duplicates`);
    });

    it('cuts connections at random: one key makes one event', async (t) => {
        const database = freshDatabase(cluster.url);
        const server = await Postern.start({ databaseUrl: database.url });
        t.after(() => server.close());
        const app = await makeApp(server, 'cut', [{ url: receiver.url('/cut'), retry: RETRY }]);
        const publisher = startPublisher(server, app);
        for (let n = 0; n < CUTS; n++) {
            await pause(CUT_EVERY_MS);
            sql(database.url, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()`);
        }
        const acked = await publisher.stop();
        await assertAllArrive(receiver, '/cut', acked);
        server.check();
        // A reader finds out that its connection was cut when it is asked: that one read may be a 503.
        const events = await waitFor('the list of events', () =>
            server.api.all(`/api/v1/apps/${app.id}/events`).catch((error) => {
                assert.equal(error.answer?.status, 503, error.message);
            }));
        assert.equal(events.length, acked.size, 'one event for each key');
        assert.ok(countDuplicates(receiver, '/cut') <= CUTS * ENDPOINT_CONCURRENCY);
    });

    it('commits late, after the next process has loaded: the repeated request is delivered', async (t) => {
        const database = freshDatabase(cluster.url);
        const tcp = new URL(cluster.tcpUrl);
        const proxy = await HoldingProxy.start(Number(tcp.port));
        t.after(() => proxy.close());
        const direct = cluster.tcpUrl.replace(tcp.pathname, new URL(database.url.replace('@/', '@x/')).pathname);
        const old = await Postern.start({ databaseUrl: direct.replace(`:${tcp.port}/`, `:${proxy.port}/`) });
        t.after(() => old.close({ graceful: false }));
        const app = await makeApp(old, 'late', [{ url: receiver.url('/late'), retry: RETRY }]);
        const warm = startPublisher(old, app, { keyStem: 'warm', pauseMs: 5 });
        await pause(LOAD_MS);
        const acked = await warm.stop();
        await assertAllArrive(receiver, '/late', acked);

        await assertDrained(old, app); // no other write is under way
        proxy.hold();
        const body = { type: 'load.alpha', data: { late: true } };
        const headers = { 'idempotency-key': 'the-late-one' };
        const where = `/api/v1/apps/${app.id}/events`;
        const unanswered = old.api.request('POST', where, { body, headers }).catch((error) => error);
        await waitFor('its transaction is on the way', () => proxy.heldBytes().includes('the-late-one'));
        await old.kill();
        assert.ok((await unanswered) instanceof Error, 'it was not answered');

        const fresh = new Postern({ databaseUrl: direct, dir: old.dir });
        t.after(() => fresh.close());
        const launched = fresh.launch().catch((error) => error);
        await Promise.race([launched, pause(HELD_MS)]);
        proxy.release();
        const result = await launched;
        assert.ok(!(result instanceof Error), result.message);
        await waitFor('the old session is over', () => proxy.links.size === 0);
        const answer = await fresh.api.post(where, body, headers);
        await assertAllArrive(receiver, '/late', new Map([['late', answer.id]]));
        const late = receiver.at('/late').filter((entry) => JSON.parse(entry.body).data.late);
        assert.equal(new Set(late.map((entry) => entry.headers['webhook-id'])).size, 1, 'one event');
    });
});
