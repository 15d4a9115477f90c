// SPDX-License-Identifier: Apache-2.0
//
// No more files: 256 descriptors and more clients than that. It stops accepting, goes on delivering, does not spin.
import assert from 'node:assert/strict';
import net from 'node:net';
import { describe, it } from 'node:test';
import { Postern } from '../lib/postern.mjs';
import { Receiver } from '../lib/receiver.mjs';
import { waitFor } from '../lib/wait.mjs';
import { makeApp } from './support.mjs';

const CLIENTS = 400;
const LOOK_MS = 2000;
const TICKS_MAX = 60;

describe('out of files', () => {
    it('delivers what it took, and takes again when clients leave', async (t) => {
        const receiver = await Receiver.start();
        const server = await Postern.start({ wrap: ['prlimit', '--nofile=256:256'] });
        t.after(() => receiver.close());
        t.after(() => server.close());
        const app = await makeApp(server, 'files', [
            { url: receiver.url('/to'), retry: { schedule: [1], max_attempts: 50, jitter_percent: 0 } },
        ]);
        const where = `/api/v1/apps/${app.id}/events`;
        await server.api.post(where, { type: 'load.alpha', data: 'before' });
        await receiver.wait('/to', 1);
        const sockets = Array.from({ length: CLIENTS }, () => {
            const socket = net.connect({ port: server.port, host: '127.0.0.1' });
            socket.on('error', () => {});
            return socket;
        });
        t.after(() => sockets.forEach((socket) => socket.destroy()));
        await waitFor('they are connected or refused', () => sockets.every((socket) => !socket.connecting));
        const event = await server.api.post(where, { type: 'load.alpha', data: 'meanwhile' });
        await waitFor('it is delivered', () => receiver.at('/to').some((entry) => entry.headers['webhook-id'] === event.id));
        const before = server.cpuTicks();
        const until = Date.now() + LOOK_MS;
        await waitFor('two seconds of it', () => Date.now() > until);
        const ticks = server.cpuTicks() - before;
        console.log(`files: ${ticks} ticks of 10 ms in ${LOOK_MS} ms`);
        assert.ok(ticks < TICKS_MAX, 'it spins');
        sockets.forEach((socket) => socket.destroy());
        server.api.close();
        await waitFor('a new client is served', async () => {
            try {
                return (await server.api.request('GET', '/healthz', { headers: { connection: 'close' } })).status === 200;
            } catch {
                return false;
            }
        });
    });
});
