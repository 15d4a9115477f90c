// SPDX-License-Identifier: Apache-2.0
//
// How the server starts and refuses to start: configuration, stores, keys, TLS.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import os from 'node:os';
import path from 'node:path';
import { ADMIN_KEY, Postern, runPostern } from '../lib/postern.mjs';
import { STORE } from '../lib/database.mjs';
import { Receiver } from '../lib/receiver.mjs';
import { observe } from '../lib/contract.mjs';
import { waitFor } from '../lib/wait.mjs';
import { makeApp, makeEndpoint, publish, startServer, waitDelivery } from './support.mjs';

const EXIT_INVALID = 5;
const EXIT_USAGE = 2;

describe('configuration', () => {
    let folder;
    const file = (text) => {
        const at = path.join(folder, 'postern.conf');
        writeFileSync(at, text);
        return at;
    };

    before(() => {
        folder = mkdtempSync(path.join(os.tmpdir(), 'postern-conf.'));
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    it('that is wrong is refused with its line, by serve and by config check', async () => {
        const bad = [
            ['# fine\nlisten = 127.0.0.1:0\nlitsen = 127.0.0.1:0\n', /:3: .*litsen/],
            ['just words\n', /:1: /],
            ['retention_days = soon\n', /:1: .*retention_days/],
            ['retention_days = 0\n', /:1: .*retention_days/],
            ['dev = perhaps\n', /:1: .*dev/],
            ['listen = "127.0.0.1:0\n', /:1: /],
            ['dev = true\ndev = false\n', /:2: .*dev/],
        ];
        for (const [text, pattern] of bad) {
            const at = file(text);
            for (const command of [['serve', '--config', at], ['config', 'check', '--config', at]]) {
                const end = await runPostern(command);
                assert.equal(end.code, EXIT_INVALID, `${command.join(' ')}: ${end.stderr}`);
                assert.match(end.stderr, pattern);
            }
        }
    });

    it('by flag wins over environment, that over the file', async () => {
        const at = file('retention_days = 7\nlog_level = warn\nidempotency_hours = 3\n');
        const env = { POSTERN_LOG_LEVEL: 'error', POSTERN_IDEMPOTENCY_HOURS: '5' };
        const end = await runPostern(['config', 'check', '--config', at, '--idempotency-hours', '9'], { env });
        assert.equal(end.code, 0, end.stderr);
        assert.match(end.stdout, /retention_days.*7/);
        assert.match(end.stdout, /log_level.*error/);
        assert.match(end.stdout, /idempotency_hours.*9/);
    });

    it('flags and environment that are wrong are refused', async () => {
        for (const args of [['--no-such-flag'], ['--listen'], ['stray'], ['--retention-days', 'x']]) {
            const end = await runPostern(['serve', ...args]);
            assert.equal(end.code, EXIT_USAGE, `${args}: ${end.code} ${end.stderr}`);
        }
        const end = await runPostern(['serve'], { env: { POSTERN_RETENTION_DAYS: 'x' } });
        assert.equal(end.code, EXIT_INVALID, end.stderr);
        assert.match(end.stderr, /POSTERN_RETENTION_DAYS/);
    });

    it('hides what is secret', async () => {
        const end = await runPostern(['config', 'check', '--database', 'postgres://u:very-secret@h/d'], { env: { POSTERN_ADMIN_KEY: ADMIN_KEY } });
        assert.ok(!(end.stdout + end.stderr).includes('very-secret'), end.stdout);
        assert.ok(!(end.stdout + end.stderr).includes(ADMIN_KEY), end.stdout);
    });

    it('that cannot work is refused at start', async () => {
        const data = path.join(folder, 'data');
        const bad = [
            ['--listen', 'nowhere'],
            ['--listen', '127.0.0.1:99999'],
            ['--listen', '127.0.0.1:0', '--tls-cert', '/nonexistent'],
            ['--listen', '127.0.0.1:0', '--database', 'mysql://x'],
            ['--listen', '127.0.0.1:0', '--database', 'postgres://postgres@127.0.0.1:9/none'],
            ['--listen', '127.0.0.1:0', '--allow-target', 'everything'],
            ['--listen', '0.0.0.0:0'],
        ];
        for (const args of bad) {
            const end = await runPostern(['serve', '--data', data, ...args], { env: { POSTERN_ADMIN_KEY: ADMIN_KEY } });
            assert.ok(end.code > 0 && end.code < 10, `${args.join(' ')}: ${JSON.stringify(end)}`);
            assert.ok(end.stderr.length > 10, 'it says why');
        }
        const short = await runPostern(['serve', '--data', data, '--listen', '127.0.0.1:0'], { env: { POSTERN_ADMIN_KEY: 'short' } });
        assert.ok(short.code > 0, short.stderr);
    });
});

describe('a store', () => {
    let receiver;

    before(async () => {
        receiver = await Receiver.start();
    });
    after(() => receiver.close());

    it('has one server: the second is refused', async (t) => {
        const first = await startServer(t);
        const dir = STORE === 'sqlite' ? first.dir : undefined;
        const second = new Postern({ dir, databaseUrl: first.database?.url, store: 'sqlite' });
        const end = await second.launch().then(() => undefined, (error) => error);
        await second.kill().catch(() => {});
        assert.ok(end instanceof Error, 'the second one started');
        assert.match(end.message, /[Aa]nother Postern/);
        assert.equal((await first.api.request('GET', '/readyz')).status, 200);
        await makeApp(first.api);
        if (!dir) rmSync(second.dir, { recursive: true, force: true });
    });

    it('keeps everything over a restart, also over kill -9', async (t) => {
        const server = await startServer(t);
        const app = await makeApp(server.api);
        const endpoint = await makeEndpoint(server.api, app, { url: receiver.url('/kept') });
        const event = await publish(server.api, app, 'kept.event', { a: 1 });
        const before = await waitDelivery(server.api, app, event);
        for (const how of ['terminate', 'kill']) {
            await server[how]();
            await server.launch();
            assert.deepEqual(await server.api.get(`/api/v1/apps/${app.id}/deliveries/${before.id}`), before);
            const { secret, ...rest } = endpoint;
            const read = await server.api.get(`/api/v1/apps/${app.id}/endpoints/${endpoint.id}`);
            assert.equal(read.url, rest.url);
            assert.equal(read.secret, undefined);
            const again = await publish(server.api, app, 'kept.event', { how });
            await waitDelivery(server.api, app, again, (d) => d.status === 'delivered');
        }
        assert.equal(receiver.at('/kept').length, 3, 'nothing was sent twice');
    });

    it('without its key file refuses to start, and starts again with it', async (t) => {
        const server = await startServer(t);
        const app = await makeApp(server.api);
        const key = path.join(server.dir, 'postern.key');
        assert.equal(statSync(key).mode & 0o777, 0o600);
        await server.terminate();
        renameSync(key, `${key}.away`);
        await assert.rejects(server.launch(), /ended at start/);
        assert.match(server.tail(), /key file/);
        writeFileSync(key, readFileSync(`${key}.away`, 'utf8').replace(/[0-9a-f]/g, '7'), { mode: 0o600 });
        await assert.rejects(server.launch(), /ended at start/);
        renameSync(`${key}.away`, key);
        server.fault = undefined; // the two refusals were meant
        await server.launch();
        assert.equal((await server.api.get(`/api/v1/apps/${app.id}`)).id, app.id);
    });

    it('holds no secret in the clear', { skip: STORE !== 'sqlite' && 'embedded store only' }, async (t) => {
        const server = await startServer(t, { dev: false }); // with dev, dev.key is meant to be there
        const app = await makeApp(server.api);
        const endpoint = await makeEndpoint(server.api, app, { url: 'https://example.com/sealed', headers: { 'X-Own': 'header-in-the-clear' } });
        await server.terminate();
        const text = execFileSync('sh', ['-c', `cat ${server.dir}/*`], { encoding: 'latin1', maxBuffer: 1 << 28 });
        for (const secret of [ADMIN_KEY, endpoint.secret, endpoint.secret.slice(6), 'header-in-the-clear']) {
            assert.ok(!text.includes(secret), `${secret.slice(0, 12)}... lies in the data folder`);
        }
    });
});

describe('the first key', () => {
    it('is made and printed once when none is given', async (t) => {
        const server = await Postern.start({ key: null, dev: false, onAnswer: observe });
        t.after(() => server.close());
        const printed = () => /pst_[0-9A-Za-z]{38}/.exec(server.stdout + server.log.join('\n'))?.[0];
        const key = await waitFor('the key is printed', printed);
        assert.equal((await server.api.withKey(key).request('GET', '/api/v1/apps')).status, 200);
        await server.terminate();
        server.stdout = '';
        server.log.length = 0;
        await server.launch();
        assert.equal(printed(), undefined, 'not printed again');
        assert.equal((await server.api.withKey(key).request('GET', '/api/v1/apps')).status, 200);
    });

    it('comes from a file when that is given, and is installed at the first start only', async (t) => {
        const folder = mkdtempSync(path.join(os.tmpdir(), 'postern-key.'));
        t.after(() => rmSync(folder, { recursive: true, force: true }));
        const file = path.join(folder, 'key');
        writeFileSync(file, `${'k'.repeat(40)}\n`);
        const server = await Postern.start({ key: null, args: ['--admin-key-file', file], onAnswer: observe });
        t.after(() => server.close());
        assert.equal((await server.api.withKey('k'.repeat(40)).request('GET', '/api/v1/apps')).status, 200);
        await server.terminate();
        writeFileSync(file, `${'n'.repeat(40)}\n`);
        await server.launch();
        assert.equal((await server.api.withKey('k'.repeat(40)).request('GET', '/api/v1/apps')).status, 200);
        assert.equal((await server.api.withKey('n'.repeat(40)).request('GET', '/api/v1/apps')).status, 401);
    });
});

describe('TLS', () => {
    it('is spoken with certificate and key files', async (t) => {
        const folder = mkdtempSync(path.join(os.tmpdir(), 'postern-tls.'));
        t.after(() => rmSync(folder, { recursive: true, force: true }));
        execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'key.pem',
            '-out', 'cert.pem', '-days', '2', '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'], { cwd: folder, stdio: 'ignore' });
        const server = await startServer(t, {
            scheme: 'https',
            ca: readFileSync(path.join(folder, 'cert.pem')),
            args: ['--tls-cert', path.join(folder, 'cert.pem'), '--tls-key', path.join(folder, 'key.pem')],
        });
        const answer = await server.api.request('GET', '/api/v1/apps');
        assert.equal(answer.status, 200);
        assert.match(answer.headers['strict-transport-security'] ?? '', /max-age=\d+/);
        await makeApp(server.api);
    });
});
