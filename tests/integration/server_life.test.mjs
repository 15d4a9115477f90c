// SPDX-License-Identifier: Apache-2.0
//
// The server while it runs: health, metrics, signals, limits on connections, drips.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { isSanitized } from '../lib/postern.mjs';
import { waitFor } from '../lib/wait.mjs';
import { makeApp, makeRoute, publish, startBoth, startServer, useBoth } from './support.mjs';
import { RawSocket } from './raw.mjs';

describe('a running server', () => {
    const both = useBoth();
    let api;
    let receiver;

    before(() => {
        ({ api, receiver } = both);
    });

    it('tells its health without a key', async () => {
        for (const path of ['/healthz', '/readyz']) {
            const answer = await api.withKey(null).request('GET', path);
            assert.equal(answer.status, 200, answer.text);
        }
    });

    it('has metrics in Prometheus text', async () => {
        const route = await makeRoute(both, { status: 200 });
        await publish(api, route.app, 'metric.test', {});
        await receiver.wait(route.path, 1);
        const answer = await api.withKey(null).request('GET', '/metrics', { headers: { accept: '*/*' } });
        assert.equal(answer.status, 200);
        assert.match(answer.headers['content-type'], /^text\/plain/);
        const lines = answer.text.trimEnd().split('\n');
        assert.ok(lines.length > 10);
        for (const line of lines) {
            assert.match(line, /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[^}]*\})? -?[0-9.e+]+(Inf)?)$/, line);
        }
        assert.ok(answer.text.includes('postern_'));
        assert.ok(!answer.text.includes(both.server.key));
        assert.equal(await both.server.metric('postern_sweep_found_total'), 0);
    });

    it('answers its contract as JSON, the one of api/openapi.yaml', async () => {
        const { parse } = await import('yaml');
        const answer = await api.withKey(null).request('GET', '/openapi.json');
        assert.equal(answer.status, 200);
        assert.deepEqual(answer.json, parse(readFileSync(new URL('../../api/openapi.yaml', import.meta.url), 'utf8')));
    });

    it('has a test inbox that tells the verdict on a signature', async () => {
        const app = await makeApp(api);
        const token = `inbox-${process.pid}-token`;
        await api.post(`/api/v1/apps/${app.id}/endpoints`, { url: `${both.server.url}/catch/${token}` });
        const event = await publish(api, app, 'inbox.test', { hello: 'inbox' });
        const inbox = await waitFor('the inbox has it', async () => {
            const answer = await api.withKey(null).request('GET', `/catch/${token}`);
            return answer.status === 200 && answer.json.data.length > 0 && answer;
        });
        assert.equal(inbox.json.data[0].verdict, 'valid');
        assert.ok(inbox.text.includes(event.id));
        assert.ok(inbox.text.includes('hello'));
    });

    it('sends from a process that may do little and holds no file of the store', () => {
        for (const pid of both.server.egressPids()) {
            const status = readFileSync(`/proc/${pid}/status`, 'utf8');
            assert.match(status, /^NoNewPrivs:\t1$/m);
            if (!isSanitized()) {
                assert.match(status, /^Seccomp:\t2$/m);
            }
            const files = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
            assert.deepEqual(files.filter((file) => file.startsWith(both.server.dir)), []);
        }
        assert.ok(both.server.egressPids().length > 0);
    });

    it('does not spin when it has nothing to do', async () => {
        const start = both.server.cpuTicks();
        const until = Date.now() + 2000;
        await waitFor('two idle seconds', () => Date.now() > until);
        const used = both.server.cpuTicks() - start;
        assert.ok(used < 40, `${used} ticks of 10 ms in 2 s`);
    });
});

describe('SIGTERM', () => {
    it('lets attempts in flight end, takes no new work, and ends with 0', async (t) => {
        const both = await startBoth(t);
        const { server, api, receiver } = both;
        let open;
        const gate = new Promise((resolve) => (open = resolve));
        const route = await makeRoute(both, { status: 200, waitFor: gate });
        const event = await publish(api, route.app, 'drain.test', {});
        await receiver.wait(route.path, 1);
        const idle = await RawSocket.connect(server.port);
        const end = server.terminate();
        await waitFor('draining is in the log', () => server.log.some((line) => /draining/.test(line)));
        idle.destroy();
        open();
        assert.deepEqual(await end, { code: 0, signal: null });
        await server.launch();
        const { data: [row] } = await server.api.get(`/api/v1/apps/${route.app.id}/deliveries?event=${event.id}`);
        assert.equal(row.status, 'delivered', 'its outcome was stored');
        assert.equal(receiver.at(route.path).length, 1, 'no duplicate');
    });

    it('under load loses and repeats nothing', async (t) => {
        const both = await startBoth(t);
        const { server, api, receiver } = both;
        const route = await makeRoute(both, { status: 200, delayMs: 5 });
        const acked = [];
        let stop = false;
        const load = Promise.all(Array.from({ length: 8 }, async () => {
            while (!stop) {
                try {
                    acked.push((await publish(api, route.app, 'drain.load', {})).id);
                } catch {
                    stop = true; // refused or gone: it is draining
                }
            }
        }));
        await receiver.wait(route.path, 100);
        assert.deepEqual(await server.terminate(), { code: 0, signal: null });
        stop = true;
        await load;
        await server.launch();
        await receiver.wait(route.path, acked.length, 60_000);
        const ids = receiver.at(route.path).map((entry) => entry.headers['webhook-id']);
        assert.equal(new Set(ids).size, ids.length, 'no duplicate');
        const missing = acked.filter((id) => !ids.includes(id));
        assert.deepEqual(missing, []);
    });

    it('a second time ends at once', async (t) => {
        const both = await startBoth(t);
        const { server, api, receiver } = both;
        const route = await makeRoute(both, { hang: true }, { timeout_ms: 30_000 });
        await publish(api, route.app, 'drain.twice', {});
        await receiver.wait(route.path, 1);
        const end = server.terminate(20_000);
        await waitFor('draining is in the log', () => server.log.some((line) => /draining/.test(line)));
        process.kill(server.pid, 'SIGTERM');
        await end;
        await server.launch();
    });
});

describe('SIGHUP', () => {
    it('takes over what can be reloaded', async (t) => {
        const server = await startServer(t);
        process.kill(server.pid, 'SIGHUP');
        await waitFor('it says so', () => server.log.some((line) => /configuration reloaded/.test(line)));
        assert.equal((await server.api.request('GET', '/readyz')).status, 200);
    });
});

describe('limits of connections', () => {
    it('refuse more than the maximum and serve those that are there', async (t) => {
        const server = await startServer(t, { args: ['--connections-max', '20', '--request-header-ms', '1500', '--request-idle-ms', '60000'] });
        await server.api.request('GET', '/healthz');
        const sockets = [];
        for (let n = 0; n < 40; n++) {
            sockets.push(await RawSocket.connect(server.port));
        }
        assert.equal((await server.api.request('GET', '/healthz')).status, 200, 'the open connection goes on');
        await waitFor('some are closed', () => sockets.filter(({ isClosed }) => isClosed).length >= 20);
        sockets.forEach((socket) => socket.destroy());
        await waitFor('new ones are taken again', async () => {
            const raw = await RawSocket.connect(server.port).catch(() => undefined);
            raw?.write('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
            await raw?.end().catch(() => {});
            return raw?.statuses[0] === 200;
        });
    });

    it('end a head and a body that drip', async (t) => {
        const server = await startServer(t, { args: ['--request-header-ms', '1000'] });
        const head = await RawSocket.connect(server.port);
        const body = await RawSocket.connect(server.port);
        const app = await makeApp(server.api);
        head.write('GET /healthz HTTP/1.1\r\nHost: x\r\n');
        body.write(`POST /api/v1/apps/${app.id}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.key}\r\n` +
            'Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n');
        const timer = setInterval(() => {
            head.isClosed || head.write('X-Drip: 1\r\n');
            body.isClosed || body.write('x');
        }, 100);
        try {
            await head.end(10_000);
            await body.end(30_000);
        } finally {
            clearInterval(timer);
        }
        assert.ok(head.statuses.every((status) => status === 408), head.text);
        assert.ok(body.statuses.every((status) => status === 408), body.text);
        assert.equal((await server.api.request('GET', '/healthz')).status, 200);
    });
});
