// SPDX-License-Identifier: Apache-2.0
//
// A disk that fills up and is freed again: 507 while it is full, the process stays, nothing acknowledged is lost.
// Needs root (a tmpfs of its own) and the embedded store.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, openSync, writeSync, closeSync, fsyncSync } from 'node:fs';
import { describe, it } from 'node:test';
import os from 'node:os';
import path from 'node:path';
import { STORE } from '../lib/database.mjs';
import { Postern } from '../lib/postern.mjs';
import { Receiver } from '../lib/receiver.mjs';
import { waitFor } from '../lib/wait.mjs';
import { assertAllArrive, makeApp } from './support.mjs';

const SIZE_MIB = 24;
const BLOCK = 64 * 1024;
const BACK_MAX_MS = 5000;
const skip = STORE !== 'sqlite' ? 'embedded store only' : process.getuid() !== 0 ? 'needs root' : false;

function mountTmpfs(t) {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'postern-full.'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MIB}m,mode=0700`, 'tmpfs', folder]);
    t.after(() => {
        execFileSync('umount', ['-l', folder]);
        rmSync(folder, { recursive: true, force: true });
    });
    return folder;
}

function fill(file) {
    const fd = openSync(file, 'w');
    const block = Buffer.alloc(BLOCK, 1);
    try {
        for (;;) {
            writeSync(fd, block);
        }
    } catch (error) {
        assert.equal(error.code, 'ENOSPC');
    } finally {
        fsyncSync(fd);
        closeSync(fd);
    }
}

describe('disk full', { skip }, () => {
    it('answers 507, stays up, and recovers when there is room', async (t) => {
        const folder = mountTmpfs(t);
        const receiver = await Receiver.start();
        const server = await Postern.start({ dir: folder });
        t.after(() => receiver.close());
        t.after(() => server.close());
        const app = await makeApp(server, 'full', [
            { url: receiver.url('/to'), retry: { schedule: [1], max_attempts: 50, jitter_percent: 0 } },
        ]);
        const acked = new Map();
        const post = async (n) => {
            const answer = await server.api.request('POST', `/api/v1/apps/${app.id}/events`, {
                body: { type: 'load.alpha', data: { n, pad: 'x'.repeat(8000) } },
                headers: { 'idempotency-key': `full-${n}` },
            });
            if (answer.status === 202) {
                acked.set(n, answer.json.id);
            }
            return answer;
        };
        for (let n = 0; n < 20; n++) {
            assert.equal((await post(n)).status, 202);
        }
        const ballast = path.join(folder, 'ballast');
        fill(ballast);
        let n = 20;
        const refused = await waitFor('an answer other than 202', async () => {
            const answer = await post(n++);
            return answer.status !== 202 && answer;
        });
        assert.equal(refused.status, 507, refused.text);
        assert.equal(refused.json.code, 'insufficient_storage');
        assert.equal((await server.api.request('GET', '/healthz')).status, 200);
        assert.equal((await server.api.request('GET', `/api/v1/apps/${app.id}`)).status, 200);
        for (let again = 0; again < 20; again++) {
            assert.equal((await post(n - 1)).status, 507, 'full is full');
        }
        server.check();
        rmSync(ballast);
        const freed = Date.now();
        await waitFor('202 again', async () => (await post(n - 1)).status === 202);
        const backMs = Date.now() - freed;
        console.log(`disk full: 202 again after ${backMs} ms`);
        assert.ok(backMs < BACK_MAX_MS, `${backMs} ms`);
        await assertAllArrive(receiver, '/to', acked);
        await server.kill();
        await server.launch();
        const listed = await server.api.all(`/api/v1/apps/${app.id}/events`);
        const ids = new Set(listed.map((row) => row.id));
        for (const id of acked.values()) {
            assert.ok(ids.has(id), `${id} is in the log`);
        }
        assert.equal(ids.size, acked.size, 'what was refused with 507 is not there');
    });
});
