// SPDX-License-Identifier: Apache-2.0
//
// The commands against a real server: each verb, each output form, each exit code; that keys never come from argv;
// that bench counts what a receiver got. The server's side of the same calls is tested in the api_ files.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ADMIN_KEY, runPostern } from '../lib/postern.mjs';
import { waitFor } from '../lib/wait.mjs';
import { useBoth } from './support.mjs';

const OK = 0, ERROR = 1, USAGE = 2, AUTH = 3, NOT_FOUND = 4, INVALID = 5, UNREACHABLE = 6, FAILED = 7, PARTLY = 8;
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const BENCH_DEADLINE_MS = 120_000;

let folder;
before(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'postern-cli.'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

function file(name, text) {
    const at = path.join(folder, name);
    writeFileSync(at, text);
    return at;
}

describe('commands that talk to a server', () => {
    const box = useBoth();
    const run = (args, options = {}) =>
        runPostern(args, {
            cwd: folder,
            ...options,
            env: { POSTERN_URL: box.server.url, POSTERN_KEY: ADMIN_KEY, ...options.env },
        });
    // Runs, demands the code, and gives stdout as JSON.
    const json = async (args, options) => {
        const end = await run([...args, '--json'], options);
        assert.equal(end.code, OK, `${args.join(' ')}: ${end.stderr}`);
        return JSON.parse(end.stdout);
    };
    const fails = async (code, args, options) => {
        const end = await run(args, options);
        assert.equal(end.code, code, `${args.join(' ')}: ${end.code} ${end.stdout} ${end.stderr}`);
        assert.match(end.stderr, /^error: /);
        return end;
    };

    it('replay what failed: dry run, consent, progress to the end', async () => {
        const app = ['--app', (await json(['apps', 'create', '--name', 'cli-replay'])).slug];
        const url = box.receiver.on('/cli-replay', [{ status: 500 }, { status: 500 }, { status: 200 }]);
        await json(['endpoints', 'create', ...app, '--url', url, '--retry', '{"enabled":false}']);
        for (let i = 0; i < 2; i++) {
            assert.equal((await run(['send', 'cli.replay', ...app, '--data', '{}', '--wait'])).code, FAILED);
        }
        const base = ['replay', 'create', ...app, '--since', '1h', '--reason', 'down'];
        assert.equal((await json([...base, '--dry-run'])).count, 2);
        const refused = await fails(USAGE, base);
        assert.match(refused.stderr, /--yes/);
        const end = await run([...base, '--yes', '--wait', '--json']);
        assert.equal(end.code, OK, end.stderr);
        const job = JSON.parse(end.stdout);
        assert.deepEqual([job.state, job.replayed, job.reason], ['completed', 2, 'down']);
        await box.receiver.wait('/cli-replay', 4);
        const table = await run(['replay', 'list', ...app]);
        assert.match(table.stdout, /completed/);
        assert.equal((await json(['replay', 'get', ...app, job.id])).id, job.id);
        await fails(NOT_FOUND, ['replay', 'get', ...app, 'rpl_0000000000000000000000']);
        await fails(INVALID, ['replay', 'create', ...app, 'dlv_x', '--reason', 'r']);
        assert.equal((await run(['replay', 'create', ...app, '--mode', 'all', '--merge-patch', '{"a":1}', '--reason', 'r', '--yes'])).code, OK);
    });

    it('test an endpoint, roll its secret, and print an attempt as a command', async () => {
        const app = ['--app', (await json(['apps', 'create', '--name', 'cli-try'])).slug];
        const endpoint = await json(['endpoints', 'create', ...app, '--url', box.receiver.on('/cli-try', [{ status: 200 }, { status: 500 }, { status: 200 }])]);
        const test = await json(['endpoints', 'test', ...app, endpoint.id, '--payload', '{"n":1}']);
        assert.equal(test.ok, true);
        assert.deepEqual(JSON.parse(box.receiver.at('/cli-try')[0].body).data, { n: 1 });
        const failed = await run(['endpoints', 'test', ...app, endpoint.id, '--json']);
        assert.equal(failed.code, 7, failed.stderr);
        assert.equal(JSON.parse(failed.stdout).attempt.status_code, 500);
        const rolled = await json(['endpoints', 'roll-secret', ...app, endpoint.id, '--overlap-seconds', '60']);
        assert.match(rolled.secret, /^whsec_/);
        assert.notEqual((await run(['endpoints', 'roll-secret', ...app, endpoint.id])).code, 0, 'the window is open');
        await json(['endpoints', 'roll-secret', ...app, endpoint.id, '--force']);
        const revoked = await json(['endpoints', 'revoke-previous-secret', ...app, endpoint.id]);
        assert.equal(revoked.previous_secret_expires_at, null);
        const command = await run(['deliveries', 'curl', ...app, test.delivery_id]);
        assert.equal(command.code, 0, command.stderr);
        assert.match(command.stdout, /^# Signed at .*\nprintf '%s' '\{/);
        assert.equal((await run(['deliveries', 'curl', ...app, test.delivery_id, '--attempt', '2'])).code, 4);
    });

    it('show statistics, and follow the live stream', async () => {
        const app = await box.api.post('/api/v1/apps', { name: 'tailed', slug: 'tailed' });
        const endpoint = await box.api.post(`/api/v1/apps/${app.id}/endpoints`, { url: box.receiver.url('/tailed') });
        const tails = [
            run(['tail', '--app', 'tailed', '--topics', 'deliveries', '--count', '2', '--json']),
            run(['tail', '--app', 'tailed', '--endpoint', endpoint.id, '--topics', 'deliveries', '--count', '2']),
        ];
        await waitFor('both watch', async () => await box.server.metric('postern_http_streams') === 2);
        const event = await box.api.post(`/api/v1/apps/${app.id}/events`, { type: 'tail.some', data: {} });
        const [lines, text] = await Promise.all(tails);
        assert.equal(lines.code, OK, lines.stderr);
        const messages = lines.stdout.trimEnd().split('\n').map((line) => JSON.parse(line));
        assert.deepEqual(messages.map((one) => one.event), ['delivery.created', 'delivery.updated']);
        assert.equal(messages[1].data.event_id, event.id);
        assert.equal(text.code, OK, text.stderr);
        assert.match(text.stdout.split('\n')[1], /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d delivery\.updated delivered 200 1 tail\.some dlv_/);
        await fails(NOT_FOUND, ['tail', '--app', 'no-such-app']);
        await fails(INVALID, ['tail', '--topics', 'nonsense']);
        await waitFor('the statistics', async () => (await json(['stats', '--app', 'tailed', '--window', '1h'])).attempts.total === 1);
        const own = await json(['stats', '--app', 'tailed', '--endpoint', endpoint.id]);
        assert.equal(own.deliveries.delivered, 1);
        const all = await run(['stats', '--window', 'today', '--tz', '+02:00']);
        assert.equal(all.code, OK, all.stderr);
        assert.match(all.stdout, /^window +today$/m);
        await fails(NOT_FOUND, ['stats', '--app', 'no-such-app']);
        await fails(INVALID, ['stats', '--window', '2h']);
    });

    it('set filters, channels and shapes of endpoints, and publish with a resource', async () => {
        const app = ['--app', (await json(['apps', 'create', '--name', 'cli-filters'])).slug];
        const endpoint = await json(['endpoints', 'create', ...app, '--url', box.receiver.url('/cli-filters'),
            '--filter', '{"plan": ["pro"]}', '--channels', 'one,two', '--envelope', 'standard',
            '--transform', '{"expression": "data"}']);
        assert.deepEqual(endpoint.filter, { plan: ['pro'] });
        assert.deepEqual([endpoint.channels, endpoint.envelope, endpoint.payload_style], [['one', 'two'], 'standard', 'snapshot']);
        assert.deepEqual(endpoint.transform, { language: 'jmespath', expression: 'data' });
        const event = await json(['events', 'create', ...app, '--type', 'user.created', '--data', '{"plan": "pro"}',
            '--channels', 'two', '--resource', '{"type": "user", "id": "7"}']);
        assert.equal(event.deliveries, 1);
        await box.receiver.wait('/cli-filters', 1);
        assert.equal(box.receiver.at('/cli-filters')[0].body.toString(), '{"plan":"pro"}');
        const read = await json(['events', 'get', event.id, ...app]);
        assert.deepEqual([read.channels, read.resource], [['two'], { type: 'user', id: '7' }]);
        const open = await json(['endpoints', 'update', endpoint.id, ...app, '--filter', 'null', '--transform', 'null']);
        assert.deepEqual([open.filter, open.transform], [null, null]);
    });

    it('make, read, change and delete apps', async () => {
        const app = await json(['apps', 'create', '--name', 'Acme', '--slug', 'cli-acme', '--metadata', 'plan=gold']);
        assert.equal(app.slug, 'cli-acme');
        assert.deepEqual(app.metadata, { plan: 'gold' });
        const body = file('app.json', JSON.stringify({ name: 'from the file', description: 'kept' }));
        const changed = await json(['apps', 'update', 'cli-acme', '--data', `@${body}`, '--name', 'from the flag']);
        assert.equal(changed.name, 'from the flag');
        assert.equal(changed.description, 'kept');
        const lines = await run(['apps', 'get', 'cli-acme']);
        assert.match(lines.stdout, /^name {17}from the flag$/m);
        const compact = await run(['apps', 'list', '-o', 'compact']);
        assert.match(compact.stdout, new RegExp(`^${app.id}\tcli-acme\tfrom the flag\t`, 'm'));
        const asked = await fails(USAGE, ['apps', 'delete', 'cli-acme']);
        assert.match(asked.stderr, /--yes/);
        const partly = await run(['apps', 'delete', 'cli-acme', 'cli-nobody', '--yes']);
        assert.equal(partly.code, PARTLY, partly.stderr);
        await fails(NOT_FOUND, ['apps', 'get', 'cli-acme']);
    });

    it('imports event types from an OpenAPI document and from presets', async () => {
        const file = path.join(folder, 'openapi.json');
        const hook = (schema) => ({ post: { requestBody: { content: { 'application/json': { schema } } } } });
        writeFileSync(file, JSON.stringify({ openapi: '3.1.0', webhooks: { 'cli.imported': hook(true), 'cli.broken': hook({ type: 7 }) } }));
        const dry = await json(['event-types', 'preset', 'saas', '--dry-run']);
        assert.equal(dry.dry_run, true);
        assert.ok(dry.created.includes('invoice.paid'));
        const made = await json(['event-types', 'preset', 'saas']);
        assert.deepEqual(made.created, dry.created);
        await fails(NOT_FOUND, ['event-types', 'preset', 'none']);
        await fails(USAGE, ['event-types', 'import']);
        const partly = await run(['event-types', 'import', file, '--json']);
        assert.equal(partly.code, 8, partly.stderr);
        assert.deepEqual(JSON.parse(partly.stdout).created, ['cli.imported']);
        assert.match(partly.stderr, /1 event types could not be taken/);
        const stdin = await run(['event-types', 'import', '-', '--json'], { input: JSON.stringify({ openapi: '3.1.0', webhooks: { 'cli.imported': hook(true) } }) });
        assert.deepEqual(JSON.parse(stdin.stdout).unchanged, ['cli.imported']);
    });

    it('page through lists', async () => {
        for (let i = 0; i < 5; i++) {
            await json(['apps', 'create', '--name', `page ${i}`, '--slug', `cli-page-${i}`]);
        }
        const page = await json(['apps', 'list', '--limit', '2']);
        assert.equal(page.data.length, 2);
        assert.ok(page.next_cursor);
        const next = await json(['apps', 'list', '--limit', '2', '--cursor', page.next_cursor]);
        assert.notEqual(next.data[0].id, page.data[0].id);
        const all = await run(['apps', 'list', '--limit', '2', '--all', '--json']);
        const rows = all.stdout.trim().split('\n').map((line) => JSON.parse(line));
        assert.ok(rows.length >= 5);
        assert.equal(new Set(rows.map((row) => row.id)).size, rows.length);
        const table = await run(['apps', 'list', '--limit', '2']);
        assert.match(table.stdout, /^ID +SLUG +NAME +CREATED AT\n/);
        assert.match(table.stderr, /--cursor/);
    });

    it('make keys that are refused after they are revoked', async () => {
        const key = await json(['keys', 'create', '--name', 'cli', '--scopes', 'publish,read']);
        assert.match(key.key, /^pst_/);
        await json(['apps', 'list'], { env: { POSTERN_KEY: key.key } });
        await fails(AUTH, ['apps', 'create', '--name', 'x'], { env: { POSTERN_KEY: key.key } });
        const viaFile = file('key.txt', `${key.key}\n`);
        await json(['apps', 'list', '--key-file', viaFile], { env: { POSTERN_KEY: '' } });
        await json(['apps', 'list', '--key-file', '-'], { env: { POSTERN_KEY: '' }, input: `${key.key}\n` });
        const gone = await run(['keys', 'revoke', key.id, '--yes']);
        assert.equal(gone.code, OK, gone.stderr);
        await fails(AUTH, ['apps', 'list'], { env: { POSTERN_KEY: key.key } });
    });

    it('describe event types, and send their examples', async () => {
        const example = file('user.json', '{"id":7}');
        await json(['event-types', 'create', '--name', 'cli.made', '--group', 'cli', '--example', `@${example}`]);
        const type = await json(['event-types', 'update', 'cli.made', '--description', 'by the command line']);
        assert.equal(type.description, 'by the command line');
        await json(['apps', 'create', '--name', 'types', '--slug', 'cli-types']);
        const event = await json(['send', 'cli.made', '--app', 'cli-types']);
        const stored = await json(['events', 'get', event.id, '--app', 'cli-types']);
        assert.deepEqual(stored.data, { id: 7 });
        const none = await fails(USAGE, ['send', 'cli.unknown', '--app', 'cli-types']);
        assert.match(none.stderr, /--data/);
    });

    it('send and wait: 0 delivered, 7 failed, 8 in part', async () => {
        const app = ['--app', 'cli-wait'];
        await json(['apps', 'create', '--name', 'wait', '--slug', 'cli-wait']);
        const nobody = await run(['send', 'cli.wait', ...app, '--data', '1', '--wait']);
        assert.equal(nobody.code, OK, nobody.stderr);
        assert.match(nobody.stderr, /No endpoint/);
        const good = await json(['endpoints', 'create', ...app, '--url', box.receiver.url('/cli-good'),
            '--event-types', 'cli.*', '--header', 'X-Test=1']);
        assert.match(good.secret, /^whsec_/);
        const fine = await run(['send', 'cli.wait', ...app, '--data', '-', '--wait', '--json'], { input: '{"n":1}' });
        assert.equal(fine.code, OK, fine.stderr);
        const lines = fine.stdout.trim().split('\n').map((line) => JSON.parse(line));
        assert.equal(lines[0].deliveries, 1);
        assert.equal(lines[1].attempt.status_code, 200);
        assert.equal(lines[1].endpoint_id, good.id);
        const bad = await json(['endpoints', 'create', ...app, '--url', `${box.server.url}/nothing-here`,
            '--retry', '{"enabled":false}', '--timeout-ms', '2000']);
        const partly = await run(['send', 'cli.wait', ...app, '--data', '{}', '--wait']);
        assert.equal(partly.code, PARTLY, partly.stderr);
        await json(['endpoints', 'pause', ...app, good.id]);
        const paused = await run(['send', 'cli.wait', ...app, '--data', '{}', '--wait', '--timeout', '1s']);
        assert.equal(paused.code, FAILED, paused.stderr);
        await json(['endpoints', 'resume', ...app, good.id]);
        const failed = await json(['deliveries', 'list', ...app, '--status', 'failed', '--since', '1h']);
        assert.ok(failed.data.length > 0);
        const one = await run(['deliveries', 'get', ...app, failed.data[0].id]);
        assert.match(one.stdout, /^attempts\nNUMBER/m);
        const again = await run(['deliveries', 'retry', ...app, failed.data[0].id]);
        assert.equal(again.code, OK, again.stderr);
        await fails(NOT_FOUND, ['deliveries', 'retry', ...app, 'dlv_0000000000000000000000']);
        const updated = await json(['endpoints', 'update', ...app, bad.id, '--description', 'broken']);
        assert.equal(updated.description, 'broken');
        const removed = await run(['endpoints', 'delete', ...app, bad.id, '--yes']);
        assert.equal(removed.code, OK, removed.stderr);
    });

    it('tell an invalid request from a wrong command line', async () => {
        const invalid = await fails(INVALID, ['apps', 'create', '--data', '{"nmae":"x"}']);
        assert.match(invalid.stderr, /nmae/);
        await fails(INVALID, ['apps', 'create', '--data', '{not json']);
        await fails(USAGE, ['apps', 'create']);
        await fails(USAGE, ['apps', 'get']);
        await fails(USAGE, ['apps', 'list', 'extra']);
        await fails(USAGE, ['apps', 'lits']);
        await fails(USAGE, ['deliveries', 'list', '--since', 'yesterday']);
        const typo = await fails(USAGE, ['apps', 'list', '--lmit', '3']);
        assert.match(typo.stderr, /did you mean --limit/);
        const conflict = await json(['apps', 'create', '--name', 'a', '--slug', 'cli-twice']);
        assert.ok(conflict.id);
        await fails(ERROR, ['apps', 'create', '--name', 'a', '--slug', 'cli-twice']);
    });

    it('refuse to send a key where it does not belong', async () => {
        await fails(AUTH, ['apps', 'list'], { env: { POSTERN_KEY: '' } });
        await fails(AUTH, ['apps', 'list'], { env: { POSTERN_KEY: 'short' } });
        await fails(USAGE, ['apps', 'list', '--server', 'http://198.51.100.1']);
        await fails(USAGE, ['apps', 'list', '--server', 'ftp://127.0.0.1']);
        await fails(UNREACHABLE, ['apps', 'list', '--server', 'http://127.0.0.1:1']);
    });

    it('find ./var/dev.key by themselves', async () => {
        const cwd = path.join(folder, 'dev');
        mkdirSync(path.join(cwd, 'var'), { recursive: true });
        writeFileSync(path.join(cwd, 'var/dev.key'), `${ADMIN_KEY}\n`);
        await json(['apps', 'list'], { cwd, env: { POSTERN_KEY: '' } });
        // The key in the environment is stronger.
        await fails(AUTH, ['apps', 'list'], { cwd, env: { POSTERN_KEY: 'x'.repeat(40) } });
    });

    it('doctor says that all is well', async () => {
        const env = { POSTERN_DATA: box.server.dir };
        if (box.server.database) {
            env.POSTERN_DATABASE = box.server.database.url;
        }
        const end = await run(['doctor', '--json'], { env });
        const report = JSON.parse(end.stdout);
        const of = (check) => report.checks.filter((row) => row.check === check).map((row) => row.result);
        assert.deepEqual(of('server'), ['ok']);
        assert.deepEqual(of('ready'), ['ok']);
        assert.deepEqual(of('key'), ['ok']);
        assert.deepEqual(of('key file'), ['ok']);
        assert.ok(of('database').length > 0 && of('database').includes('ok'));
        const text = await run(['doctor'], { env });
        assert.match(text.stdout, /^ok +server /m);
    });

    it('bench: everything that was accepted arrives, and what it made is gone', { timeout: BENCH_DEADLINE_MS }, async () => {
        const bench = (args) => run(['bench', '--apps', '3', '--connections', '4', ...args], { deadlineMs: BENCH_DEADLINE_MS });
        const end = await bench(['--events', '200', '--json', '--pid', String(box.server.pid)]);
        assert.equal(end.code, OK, end.stderr);
        const report = JSON.parse(end.stdout);
        assert.equal(report.accepted, 200);
        assert.equal(report.delivered, 200);
        assert.equal(report.lost, 0);
        assert.ok(report.accept_us.p50 > 0);
        assert.ok(report.memory_bytes.serve > 0);
        const slow = await bench(['--seconds', '1', '--rate', '50', '--min-rate', '1000000']);
        assert.equal(slow.code, FAILED, slow.stderr);
        assert.match(slow.stdout, /^CPU per event/m);
        const hung = await bench(['--events', '20', '--receiver', 'hang', '--json']);
        assert.equal(JSON.parse(hung.stdout).accepted, 20);
        const left = await run(['apps', 'list', '--all', '-o', 'compact']);
        assert.doesNotMatch(left.stdout, /\tbench-/);
        const far = await run(['bench', '--server', 'https://127.0.0.1:1']);
        assert.equal(far.code, USAGE);
    });
});

describe('commands on their own', () => {
    it('sign what verify takes, and verify says what is wrong', async () => {
        const body = file('body.json', '{"test": 2432232314}');
        const env = { SECRET };
        const known = ['--secret-env', 'SECRET', '--body', body];
        const signed = await runPostern(['sign', ...known, '--profile', 'standard,timestamped,platform',
            '--id', 'msg_p5jXN8AQM9LWM0D4loKWxJek', '--timestamp', '1614265330'], { env });
        assert.equal(signed.code, OK, signed.stderr);
        assert.match(signed.stdout, /^webhook-signature: v1,g0hM9SsE\+OTPJTGt\/tmIKtSyZlE3uFJELVlNIOLJ1OE=$/m);
        const headers = file('headers.txt', `POST / HTTP/1.1\r\n${signed.stdout}`);
        const verify = (args, options = {}) => runPostern(['verify', '--headers-file', headers, ...args], { env, ...options });
        const good = await verify([...known, '--at', '1614265330', '--json']);
        assert.equal(good.code, OK, good.stderr);
        assert.equal(JSON.parse(good.stdout).checks.length, 3);
        const old = await verify([...known]);
        assert.equal(old.code, FAILED);
        assert.match(old.stdout, /too old/);
        const newline = await verify(['--secret-env', 'SECRET', '--at', '1614265330'],
            { input: '{"test": 2432232314}\n' });
        assert.equal(newline.code, FAILED);
        assert.match(newline.stdout, /newline/);
        const bare = await runPostern(['verify', ...known, '-H', 'Content-Type: text/plain'], { env });
        assert.equal(bare.code, FAILED);
        const noSecret = await runPostern(['verify', '--body', body], { env });
        assert.equal(noSecret.code, USAGE);
        const broken = await runPostern(['verify', ...known, '-H', 'no colon'], { env });
        assert.equal(broken.code, USAGE);
        const asJson = await runPostern(['sign', ...known, '--json'], { env });
        assert.match(JSON.parse(asJson.stdout)['webhook-signature'], /^v1,/);
        const selftest = await runPostern(['verify', '--selftest']);
        assert.equal(selftest.code, OK);
        assert.doesNotMatch(selftest.stdout, /FAILED/);
    });

    it('help, version, completion', async () => {
        const bare = await runPostern([]);
        assert.equal(bare.code, USAGE);
        for (const args of [['--help'], ['help'], ['help', 'apps'], ['apps', '--help'], ['serve', '--help'],
            ['config', '--help'], ['config', 'check', '--help']]) {
            const end = await runPostern(args);
            assert.equal(end.code, OK, args.join(' '));
            assert.match(end.stdout, /^Examples:\n {2}postern /, args.join(' '));
        }
        const unknown = await runPostern(['sevre']);
        assert.equal(unknown.code, USAGE);
        assert.match(unknown.stderr, /did you mean `serve`/);
        const version = await runPostern(['version', '--json']);
        assert.ok(JSON.parse(version.stdout).libraries.libcurl);
        assert.equal((await runPostern(['--version'])).code, OK);
        assert.match((await runPostern(['version', '-o', 'compact'])).stdout, /^\d+\.\d+\.\d+\n$/);
        for (const shell of ['bash', 'zsh', 'fish']) {
            const end = await runPostern(['completion', shell]);
            assert.match(end.stdout, /postern complete /);
        }
        assert.equal((await runPostern(['completion', 'tcsh'])).code, USAGE);
        assert.equal((await runPostern(['complete', 'endpoints', 'pa'])).stdout, 'pause\n');
    });

    it('the workers are no commands for people', async () => {
        for (const args of [['egress'], ['bench-worker', 'load'], ['bench-worker']]) {
            const end = await runPostern(args);
            assert.equal(end.code, USAGE, args.join(' '));
        }
    });

    it('doctor finds what is wrong, here and at a URL', async () => {
        const bad = file('bad.conf', 'litsen = x\n');
        const config = await runPostern(['doctor', '--config', bad]);
        assert.equal(config.code, FAILED);
        assert.match(config.stdout, /litsen/);
        const missing = await runPostern(['doctor'], {
            env: { POSTERN_DATA: path.join(folder, 'nothing'), SSL_CERT_FILE: '/nonexistent', POSTERN_URL: 'http://127.0.0.1:1' },
        });
        assert.equal(missing.code, FAILED);
        assert.match(missing.stdout, /^failed +certificates /m);
        assert.match(missing.stdout, /^skipped +server /m);
        const database = await runPostern(['doctor'], { env: { POSTERN_DATABASE: 'postgres://u:s3cret@127.0.0.1:1/x' } });
        assert.match(database.stdout, /^failed +database /m);
        assert.doesNotMatch(database.stdout + database.stderr, /s3cret/);
        for (const url of ['http://10.0.0.1/x', 'https://10.0.0.1/x', 'nonsense']) {
            assert.equal((await runPostern(['doctor', url])).code, FAILED, url);
        }
        const refused = await runPostern(['doctor', 'http://127.0.0.1:1/x'], { env: { POSTERN_DEV: 'true' } });
        assert.match(refused.stdout, /^failed +connection /m);
    });

    it('config check --json and config example', async () => {
        const end = await runPostern(['config', 'check', '--json', '--dev'], {
            env: { POSTERN_ADMIN_KEY: '0123456789abcdef0123456789abcdef', POSTERN_DATABASE: 'postgres://u:s3cret@h/d' },
        });
        assert.equal(end.code, OK, end.stderr);
        const all = JSON.parse(end.stdout);
        assert.deepEqual(all.dev, { value: 'true', origin: 'flag' });
        assert.equal(all.admin_key.value, '***');
        assert.doesNotMatch(end.stdout, /s3cret|0123456789abcdef/);
        assert.match((await runPostern(['config', 'example'])).stdout, /^#listen = /m);
        assert.equal((await runPostern(['config', 'shout'])).code, USAGE);
        const argv = await runPostern(['serve', '--admin-key', '0123456789abcdef0123456789abcdef']);
        assert.equal(argv.code, USAGE);
        assert.doesNotMatch(argv.stderr, /0123456789abcdef/);
    });
});
