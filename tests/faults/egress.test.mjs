// SPDX-License-Identifier: Apache-2.0
//
// The sending processes are killed in a loop under load: nothing that was acknowledged is lost.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Postern } from '../lib/postern.mjs';
import { Receiver } from '../lib/receiver.mjs';
import { waitFor } from '../lib/wait.mjs';
import { assertDrained, countDuplicates, makeApp, missingAt, startPublisher } from './support.mjs';

const KILLS = 12;
const BETWEEN_MS = 250;
const ENDPOINT_CONCURRENCY = 10;

describe('egress killed in a loop', () => {
    it('loses nothing and starts again', async (t) => {
        const receiver = await Receiver.start();
        const server = await Postern.start({ args: ['--egress-processes', '2'] });
        t.after(() => receiver.close());
        t.after(() => server.close());
        receiver.on('/to', (entry) => ({ status: 200, delayMs: entry.number % 5 }));
        const app = await makeApp(server, 'egress', [
            { url: receiver.url('/to'), retry: { schedule: [1], max_attempts: 50, jitter_percent: 0 } },
        ]);
        const publisher = startPublisher(server, app, { pauseMs: 5 });
        const killed = new Set();
        for (let n = 0; n < KILLS; n++) {
            await pause(BETWEEN_MS);
            const [pid] = await waitFor('a sending process that was not killed', () => {
                const fresh = server.egressPids().filter((one) => !killed.has(one));
                return fresh.length > 0 && fresh;
            });
            process.kill(pid, 'SIGKILL');
            killed.add(pid);
        }
        const acked = await publisher.stop();
        server.check();
        await assertDrained(server, app);
        // One that was in flight at three kills is given up, and listed so; nothing else may be missing.
        const missing = missingAt(receiver, '/to', acked);
        for (const id of missing) {
            const { data: [row] } = await server.api.get(`/api/v1/apps/${app.id}/deliveries?event=${id}`);
            const delivery = await server.api.get(`/api/v1/apps/${app.id}/deliveries/${row.id}`);
            assert.equal(delivery.status, 'failed', `${id} is neither delivered nor listed`);
            assert.equal(delivery.attempts.at(-1).error, 'sender_crash', JSON.stringify(delivery));
            assert.ok(delivery.attempts.length >= 3, 'after three of them');
        }
        const duplicates = countDuplicates(receiver, '/to');
        console.log(`egress: acked ${acked.size}, kills ${killed.size}, duplicates ${duplicates}, given up ${missing.length}`);
        assert.ok(acked.size > KILLS, `${acked.size} events`);
        assert.ok(duplicates <= KILLS * ENDPOINT_CONCURRENCY, `${duplicates} duplicates`);
    });

    it('gives up a delivery that takes three of them down, and says why', async (t) => {
        const receiver = await Receiver.start();
        const server = await Postern.start();
        t.after(() => receiver.close());
        t.after(() => server.close());
        receiver.on('/never', { hang: true });
        const app = await makeApp(server, 'poison', [
            { url: receiver.url('/never'), timeout_ms: 30_000, retry: { schedule: [1], max_attempts: 50, jitter_percent: 0 } },
        ]);
        const event = await server.api.post(`/api/v1/apps/${app.id}/events`, { type: 'load.alpha', data: {} });
        for (let n = 1; n <= 3; n++) {
            await receiver.wait('/never', n);
            const pids = await waitFor('a sending process', () => server.egressPids().length > 0 && server.egressPids());
            pids.forEach((pid) => process.kill(pid, 'SIGKILL'));
        }
        const row = await waitFor('the delivery has failed', async () => {
            const { data } = await server.api.get(`/api/v1/apps/${app.id}/deliveries?event=${event.id}`);
            return data[0].status === 'failed' && data[0];
        });
        const delivery = await server.api.get(`/api/v1/apps/${app.id}/deliveries/${row.id}`);
        assert.equal(delivery.attempts.at(-1).error, 'sender_crash');
    });

    it('ends with the server: no process outlives a kill', async (t) => {
        const server = await Postern.start({ args: ['--egress-processes', '2'] });
        t.after(() => server.close());
        const pids = await waitFor('the sending processes', () => server.egressPids().length === 2 && server.egressPids());
        const keepers = new Set(pids.map((pid) => Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1])));
        assert.equal(keepers.size, 1, 'one keeper started them');
        const [keeper] = keepers;
        assert.notEqual(keeper, server.pid);
        // Not by the end of their sockets: those that lost their parent alone end too.
        process.kill(keeper, 'SIGKILL');
        await waitFor('they end with their parent', () => pids.every((pid) => !isAlive(pid)));
        await server.kill();
    });
});

// A zombie has ended.
function isAlive(pid) {
    try {
        return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
        return false;
    }
}
