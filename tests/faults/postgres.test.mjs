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

    // A server whose connections pass a proxy, with one app of one endpoint.
    async function startBehindProxy(t, database) {
        const tcp = new URL(cluster.tcpUrl);
        const proxy = await HoldingProxy.start(Number(tcp.port));
        t.after(() => proxy.close());
        const direct = cluster.tcpUrl.replace(tcp.pathname, new URL(database.url.replace('@/', '@x/')).pathname);
        const server = await Postern.start({ databaseUrl: direct.replace(`:${tcp.port}/`, `:${proxy.port}/`) });
        t.after(() => server.close());
        const app = await makeApp(server, `proxy-${++proxied}`, []);
        await server.api.post(`/api/v1/apps/${app.id}/endpoints`, { url: receiver.url(`/cut-${app.id}`), retry: RETRY });
        return { proxy, server, app };
    }
    let proxied = 0;

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

    for (const when of ['before', 'after']) {
        it(`loses the connection ${when} a COMMIT has arrived: 503, and the repeated request makes one event`, async (t) => {
            const database = freshDatabase(cluster.url);
            const { proxy, server, app } = await startBehindProxy(t, database);
            const body = { type: 'load.alpha', data: { cut: when } };
            const headers = { 'idempotency-key': `cut-${when}` };
            const where = `/api/v1/apps/${app.id}/events`;

            // The first event registers its type, which is a write of its own.
            const first = await server.api.post(where, { type: 'load.alpha', data: 'first' });
            await assertAllArrive(receiver, `/cut-${app.id}`, new Map([['first', first.id]]));
            await assertDrained(server, app);
            const stored = () => Number(sql(database.url, `SELECT count(*) FROM event`));
            const before = stored();
            if (when === 'before') {
                proxy.hold();
            } else {
                proxy.mute();
            }
            const asked = server.api.request('POST', where, { body, headers });
            await waitFor('its transaction is on the way', () =>
                when === 'before' ? proxy.heldBytes().includes(`cut-${when}`) : stored() === before + 1);
            proxy.cut();
            const refused = await asked;
            assert.equal(refused.status, 503, refused.text);
            assert.ok(refused.headers['retry-after'], 'it says when to come back');

            const answer = await waitFor('the repeated request', async () => {
                const again = await server.api.request('POST', where, { body, headers });
                return again.status === 202 && again;
            });
            assert.equal(answer.headers['idempotent-replayed'], when === 'after' ? 'true' : undefined);
            await assertAllArrive(receiver, `/cut-${app.id}`, new Map([['cut', answer.json.id]]));
            assert.equal(stored(), before + 1, 'one event');
            server.check();
        });
    }

    it('freezes: no answer is a lie, and all goes on when it wakes', async (t) => {
        const database = freshDatabase(cluster.url);
        const server = await Postern.start({ databaseUrl: database.url });
        t.after(() => server.close());
        const app = await makeApp(server, 'frozen', [{ url: receiver.url('/frozen'), retry: RETRY }]);
        const publisher = startPublisher(server, app, { pauseMs: 5 });
        await waitFor('a few events', () => publisher.acked.size > 20);
        const pids = sql(database.url, `SELECT string_agg(pid::text, ' ') FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()`).trim().split(' ').map(Number);
        assert.ok(pids.length >= 2 && pids.every((pid) => pid > 1), pids.join());
        pids.forEach((pid) => process.kill(pid, 'SIGSTOP'));
        t.after(() => pids.forEach((pid) => { try { process.kill(pid, 'SIGCONT'); } catch { /* it ended */ } }));
        await pause(UP_MS);
        const during = publisher.acked.size;
        await pause(UP_MS);
        assert.equal(publisher.acked.size, during, 'nothing is acknowledged by a database that sleeps');
        assert.equal((await server.api.request('GET', '/healthz')).status, 200, 'the main loop goes on');
        pids.forEach((pid) => process.kill(pid, 'SIGCONT'));
        await waitFor('events are taken again', () => publisher.acked.size > during);
        await assertAllArrive(receiver, '/frozen', await publisher.stop());
        server.check();
    });
});
