// SPDX-License-Identifier: Apache-2.0
//
// A new certificate while serving: SIGHUP reads the files again. New connections get the new certificate, those
// that are open go on under theirs, and files that do not fit change nothing.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { Receiver } from '../lib/receiver.mjs';
import { waitFor } from '../lib/wait.mjs';
import { makeApp, startServer } from './support.mjs';

describe('certificates', () => {
    let folder;
    let pairs;

    before(() => {
        folder = mkdtempSync(path.join(os.tmpdir(), 'postern-tls.'));
        pairs = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => {
            const at = path.join(folder, name);
            mkdirSync(at);
            execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'key.pem',
                '-out', 'cert.pem', '-days', '2', '-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'], { cwd: at, stdio: 'ignore' });
            return at;
        });
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    function install(pair, files = ['cert.pem', 'key.pem']) {
        for (const file of files) {
            copyFileSync(path.join(pair, file), path.join(folder, file));
        }
    }

    async function start(t) {
        install(pairs[0]);
        return startServer(t, {
            scheme: 'https',
            ca: pairs.map((pair) => readFileSync(path.join(pair, 'cert.pem'))),
            args: ['--tls-cert', path.join(folder, 'cert.pem'), '--tls-key', path.join(folder, 'key.pem')],
        });
    }

    // The name in the certificate that a new connection gets.
    function nameNow(server) {
        const { hostname, port } = new URL(server.url);
        return new Promise((resolve, reject) => {
            const socket = tls.connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
                resolve(socket.getPeerCertificate().subject.CN);
                socket.destroy();
            });
            socket.on('error', reject);
        });
    }

    // One connection that stays open: {get(path), name, close()}.
    function keep(t, server) {
        const agent = new https.Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
        const used = new Set();
        t.after(() => agent.destroy());
        const ask = (method, to, body) => new Promise((resolve, reject) => {
            const request = https.request(server.url + to, {
                method, agent, headers: { authorization: `Bearer ${server.api.key}`, 'content-type': 'application/json' },
            }, (response) => {
                const name = response.socket.getPeerCertificate().subject.CN;
                used.add(response.socket);
                const parts = [];
                response.on('data', (part) => parts.push(part));
                response.on('end', () => resolve({ status: response.statusCode, name, text: Buffer.concat(parts).toString() }));
            });
            request.on('error', reject);
            request.end(body);
        });
        return { ask, sockets: used, close: () => agent.destroy() };
    }

    it('are taken over by SIGHUP, and open connections go on under the earlier one', async (t) => {
        const server = await start(t);
        const receiver = await Receiver.start();
        t.after(() => receiver.close());
        let open;
        receiver.on('/gate', { status: 200, waitFor: new Promise((resolve) => { open = resolve; }) });
        const app = await makeApp(server.api);
        const kept = keep(t, server);
        const waiting = keep(t, server);
        assert.equal((await kept.ask('GET', '/api/v1/apps')).name, 'a');
        // A request that is on its way while the certificate changes.
        const slow = waiting.ask('POST', `/api/v1/apps/${app.id}/test`, JSON.stringify({ url: receiver.url('/gate') }));
        await receiver.wait('/gate', 1);

        install(pairs[1]);
        process.kill(server.pid, 'SIGHUP');
        await waitFor('the new certificate', async () => (await nameNow(server)) === 'b');
        for (let n = 0; n < 3; n++) {
            const answer = await kept.ask('GET', '/api/v1/apps');
            assert.deepEqual([answer.status, answer.name], [200, 'a']);
        }
        assert.equal(kept.sockets.size, 1, 'one connection all the time');
        open();
        const answer = await slow;
        assert.deepEqual([answer.status, answer.name], [200, 'a']);
        assert.equal(JSON.parse(answer.text).ok, true);
        assert.equal((await keep(t, server).ask('GET', '/healthz')).name, 'b');

        // Files that do not fit, or are none: the present one stays.
        install(pairs[2], ['cert.pem']);
        process.kill(server.pid, 'SIGHUP');
        await waitFor('the refusal in the log', () => server.tail(2000).includes('the certificate was not reloaded'));
        writeFileSync(path.join(folder, 'cert.pem'), 'nonsense');
        process.kill(server.pid, 'SIGHUP');
        await waitFor('the second refusal', () => server.tail(2000).split('the certificate was not reloaded').length === 3);
        assert.equal(await nameNow(server), 'b');
        assert.equal((await kept.ask('GET', '/api/v1/apps')).name, 'a');
        // It ends in order with connections of both certificates open: startServer looks at that.
    });

    it('are refused while connections of four earlier ones are open, and taken when one has ended', async (t) => {
        const server = await start(t);
        const kept = [];
        for (const [n, pair] of pairs.slice(1, 5).entries()) {
            const connection = keep(t, server);
            await connection.ask('GET', '/healthz');
            kept.push(connection);
            install(pair);
            process.kill(server.pid, 'SIGHUP');
            await waitFor(`certificate ${n + 1}`, async () => (await nameNow(server)) === path.basename(pair));
        }
        server.api.close();
        install(pairs[5]);
        process.kill(server.pid, 'SIGHUP');
        await waitFor('the refusal in the log', () => server.tail(2000).includes('earlier certificates are still open'));
        assert.equal(await nameNow(server), 'e');
        for (const connection of kept) {
            assert.equal((await connection.ask('GET', '/healthz')).status, 200);
        }
        kept[0].close();
        await waitFor('the last certificate', async () => {
            process.kill(server.pid, 'SIGHUP');
            return (await nameNow(server)) === 'f';
        });
        assert.equal((await kept[1].ask('GET', '/healthz')).name, 'b');
    });
});
