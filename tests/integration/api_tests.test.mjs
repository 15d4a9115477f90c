// SPDX-License-Identifier: Apache-2.0
//
// Test sends from the server, to stored endpoints and to URLs that are not stored yet; the check of a URL; the
// source addresses; the request of an attempt as a shell command.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { before, describe, it } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { startDns } from './lib/dns.mjs';
import { verifyTimestamped } from '../lib/verify.mjs';
import {
    assertFieldProblem, assertId, assertProblem, deliveriesOf, headerPairs, makeApp, makeEndpoint, makeRoute, publish, startBoth,
    startServer, unique, useBoth, waitDelivery,
} from './support.mjs';

const TYPE = 'thing.tested';

describe('test sends', () => {
    const both = useBoth();
    let api;
    let receiver;

    before(async () => {
        ({ api, receiver } = both);
        await api.post('/api/v1/event-types', { name: TYPE, example: { id: 7, big: 12345678901234567890n.toString(), list: [1.50] } });
        await api.post('/api/v1/event-types', { name: 'thing.bare' });
    });

    const where = (route) => `${route.base}/endpoints/${route.endpoint.id}`;

    it('answer the whole attempt of test.ping at once', async () => {
        const route = await makeRoute(both, { status: 201, headers: { 'x-answer': 'yes' }, body: 'thanks' }, { headers: { 'X-Mine': '1' } });
        const answer = await api.request('POST', `${where(route)}/test`);
        assert.equal(answer.status, 200, answer.text);
        const test = answer.json;
        assert.equal(test.ok, true);
        assert.equal(test.message, 'Test successful.');
        assert.equal(test.failure, null);
        assert.deepEqual(test.causes, []);
        assert.equal(test.event_type, 'test.ping');
        assert.match(test.event_id, /^evt_test_\d{13}$/);
        assert.equal(test.request_line, `POST ${route.path} HTTP/1.1`);
        assert.ok(!('secret' in test));
        const [entry] = receiver.at(route.path);
        const { attempt } = test;
        assert.equal(attempt.request.body, entry.body.toString(), 'the exact bytes');
        const body = JSON.parse(entry.body);
        assert.deepEqual(Object.keys(body), ['id', 'type', 'created_at', 'data']);
        assert.equal(body.id, test.event_id);
        assert.equal(body.data.test, true);
        const sent = headerPairs(attempt.request.headers);
        for (const [name, value] of sent) {
            assert.equal(entry.headers[name], value, name);
        }
        assert.ok(sent.some(([name, value]) => name === 'x-mine' && value === '1'));
        assert.equal(entry.headers['webhook-id'], test.event_id);
        assert.equal(new Webhook(route.endpoint.secret).verify(entry.body, entry.headers).id, test.event_id);
        assert.equal(attempt.number, 1);
        assert.equal(attempt.test, true);
        assert.equal(attempt.status_code, 201);
        assert.equal(attempt.response.status, 201);
        assert.equal(attempt.response.body, 'thanks');
        assert.ok(headerPairs(attempt.response.headers).some(([name, value]) => name === 'x-answer' && value === 'yes'));
        assert.equal(typeof attempt.duration_ms, 'number');
        assert.deepEqual(Object.keys(attempt.phases), ['dns', 'connect', 'tls', 'wait', 'read']);
        assert.equal(attempt.url, receiver.url(route.path));
    });

    it('are flagged in the log, and outside of events, statistics, health and retries', async () => {
        const route = await makeRoute(both, [{ status: 200 }, { status: 500, body: 'no' }]);
        const good = await api.post(`${where(route)}/test`, { event_type: TYPE });
        const bad = await api.post(`${where(route)}/test`, { event_type: TYPE });
        assertId(good.delivery_id, 'dlv');
        const shown = await api.get(`${route.base}/deliveries/${good.delivery_id}`);
        assert.equal(shown.test, true);
        assert.equal(shown.status, 'delivered');
        assert.equal(shown.reason, 'test');
        assert.equal(shown.event_type, TYPE);
        assert.deepEqual(shown.attempts, [good.attempt]);
        const failed = await api.get(`${route.base}/deliveries/${bad.delivery_id}`);
        assert.equal(failed.status, 'failed');
        assert.equal(failed.reason, 'test');
        assert.equal(failed.next_attempt_at, null);
        assert.deepEqual(failed.attempts, [bad.attempt]);
        const list = await deliveriesOf(api, route.app);
        assert.deepEqual(list.map((row) => [row.id, row.test]), [[bad.delivery_id, true], [good.delivery_id, true]]);
        assert.equal((await api.get(`${route.base}/events/${shown.event_id}`)).external_id, good.event_id);
        assert.deepEqual((await api.get(`${route.base}/events`)).data, [], 'no event of the app');
        for (const id of [good.delivery_id, bad.delivery_id]) {
            const answer = await api.request('POST', `${route.base}/deliveries/${id}/retry`);
            assertProblem(answer, 409);
        }
        assert.equal((await api.get(where(route))).last_success_at, null, 'no success of the endpoint');
        const event = await publish(api, route.app, TYPE, {});
        const real = await waitDelivery(api, route.app, event, (d) => d.attempt_count > 0);
        assert.equal(real.test, false);
        assert.equal(real.attempts[0].test, false);
    });

    it('take the sample of a type, data, or that of a past event', async () => {
        const route = await makeRoute(both, { status: 200 });
        const last = () => JSON.parse(receiver.at(route.path).at(-1).body);
        await api.post(`${where(route)}/test`, { event_type: TYPE, sample: true });
        assert.deepEqual(last().data, { id: 7, big: '12345678901234567890', list: [1.5] });
        assert.equal(last().type, TYPE);
        assert.equal(receiver.at(route.path).at(-1).headers['postern-event-type'], TYPE);
        const raw = '{"event_type":"thing.bare","data":{"n":1.0,"big":12345678901234567890}}';
        const answer = await api.request('POST', `${where(route)}/test`, { body: raw });
        assert.equal(answer.status, 200, answer.text);
        assert.match(receiver.at(route.path).at(-1).body.toString(), /"data":\{"n":1\.0,"big":12345678901234567890\}/);
        const event = await publish(api, route.app, TYPE, { real: ['data', null] });
        await waitDelivery(api, route.app, event);
        const past = await api.post(`${where(route)}/test`, { event_id: event.id });
        assert.equal(past.event_type, TYPE);
        assert.deepEqual(last().data, { real: ['data', null] });
        assert.notEqual(last().id, event.id);
        const as = await api.post(`${where(route)}/test`, { event_id: event.id, event_type: 'thing.bare', sample: false });
        assert.equal(as.event_type, 'thing.bare');
        const path = `${where(route)}/test`;
        assertProblem(await api.request('POST', path, { body: { event_type: 'no.such' } }), 422, 'unknown_event_type');
        assertFieldProblem(await api.request('POST', path, { body: { event_type: 'thing.bare' } }), 'event_type');
        assertFieldProblem(await api.request('POST', path, { body: { event_type: 'Nope' } }), 'event_type');
        assertFieldProblem(await api.request('POST', path, { body: { event_id: 'evt_x' } }), 'event_id');
        assertFieldProblem(await api.request('POST', path, { body: { data: 1, sample: true } }), 'data');
        assertFieldProblem(await api.request('POST', path, { body: { url: receiver.url('/x') } }), 'url');
        assertProblem(await api.request('POST', path, { body: { event_type: TYPE, data: 'x'.repeat(300_000) } }), 413, 'too_large');
        const foreign = await makeApp(api);
        const other = await makeEndpoint(api, foreign, { url: receiver.url('/foreign') });
        assertProblem(await api.request('POST', `/api/v1/apps/${foreign.id}/endpoints/${other.id}/test`, { body: { event_id: event.id } }), 404);
    });

    it('say what is wrong and what to do', async () => {
        const app = await makeApp(api);
        const path = `/api/v1/apps/${app.id}/test`;
        const cases = [
            ['/slow', { hang: true }, 'http_response_timeout', 'Endpoint did not respond within 1 seconds. Check your server.', /^Connection timeout after \d+ms$/],
            ['/auth', { status: 401, body: 'invalid signature' }, 'auth', 'Signature verification failed. Check your secret key.', /^Status 401$/],
            ['/broken', { status: 500 }, 'server_error', 'The endpoint answered a 5xx.', /^Status 500$/],
            ['/moved', { status: 301, headers: { location: 'https://example.com/' } }, 'redirect', 'The endpoint answered a redirect; it is not followed.', /^Status 301$/],
            ['/reset', { reset: true }, 'connection_terminated', 'The connection was closed before the response was whole.', /./],
        ];
        for (const [to, script, token, message, failure] of cases) {
            const test = await api.post(path, { url: receiver.on(to, script), timeout_ms: 1000 });
            assert.equal(test.ok, false);
            assert.equal(test.attempt.error, token);
            assert.equal(test.message, message);
            assert.match(test.failure, failure);
            assert.ok(test.causes.length > 0, token);
            assert.ok(test.attempt.error_info.advice.length > 0);
        }
        const slow = await api.post(path, { url: receiver.on('/slow2', { hang: true }), timeout_ms: 1500 });
        assert.equal(slow.message, 'Endpoint did not respond within 1.5 seconds. Check your server.');
        assert.deepEqual(slow.causes, ['Endpoint is unreachable', 'Firewall blocking requests', 'Server not responding']);
        const refused = await api.post(path, { url: 'http://127.0.0.1:1/x' });
        assert.equal(refused.attempt.error, 'connection_refused');
        assert.equal(refused.attempt.response, null);
    });

    it('to a URL that is not stored leave nothing behind', async () => {
        const app = await makeApp(api, { secret: 'generate' });
        const path = `/api/v1/apps/${app.id}/test`;
        const url = receiver.on(`/${unique('loose')}`, { status: 204 });
        const to = new URL(url).pathname;
        const test = await api.post(path, { url, headers: { 'X-Try': 'a' }, event_type: TYPE });
        assert.equal(test.ok, true);
        assert.equal(test.delivery_id, null);
        let entry = receiver.at(to).at(-1);
        assert.equal(entry.headers['x-try'], 'a');
        assert.ok(new Webhook(test.secret).verify(entry.body, entry.headers), 'signed with the secret that is answered');
        const secret = 'whsec_' + Buffer.alloc(32, 3).toString('base64');
        const own = await api.post(path, { url, secret, signature_profiles: ['timestamped'] });
        assert.ok(!('secret' in own));
        entry = receiver.at(to).at(-1);
        assert.ok(verifyTimestamped(secret, entry.headers['postern-signature'], entry.body));
        assert.ok(!('webhook-signature' in entry.headers));
        await api.post(path, { url, secret_scope: 'app' });
        entry = receiver.at(to).at(-1);
        assert.ok(new Webhook(app.secret).verify(entry.body, entry.headers));
        assert.deepEqual(await deliveriesOf(api, app), []);
        assert.deepEqual((await api.get(`/api/v1/apps/${app.id}/endpoints`)).data, []);
        assertFieldProblem(await api.request('POST', path, { body: {} }), 'url');
        assertFieldProblem(await api.request('POST', path, { body: { url, headers: { Host: 'x' } } }), 'headers');
        assertFieldProblem(await api.request('POST', path, { body: { url, timeout_ms: 1 } }), 'timeout_ms');
        assertFieldProblem(await api.request('POST', path, { body: { url, secret: 'short' } }), 'secret');
        assertProblem(await api.request('POST', path, { body: { url: 'ftp://example.com/' } }), 422, 'url_refused');
    });

    it('reach the built-in inbox', async () => {
        const app = await makeApp(api);
        const token = unique('inbox-of-tests');
        const url = `${both.server.url}/catch/${token}`;
        const loose = await api.post(`/api/v1/apps/${app.id}/test`, { url });
        assert.equal(loose.ok, true);
        const endpoint = await makeEndpoint(api, app, { url });
        const test = await api.post(`/api/v1/apps/${app.id}/endpoints/${endpoint.id}/test`, { event_type: TYPE });
        assert.equal(test.attempt.status_code, 200);
        const { data } = await api.get(`/catch/${token}`);
        assert.deepEqual(data.map((one) => [one.event_type, one.valid]), [[TYPE, true], ['test.ping', true]]);
    });

    it('of an endpoint run one at a time, also while it is paused', async () => {
        let open;
        const gate = new Promise((resolve) => { open = resolve; });
        const route = await makeRoute(both, { status: 200, waitFor: gate }, { status: 'paused' });
        const first = api.request('POST', `${where(route)}/test`);
        await receiver.wait(route.path, 1);
        const second = await api.request('POST', `${where(route)}/test`);
        assertProblem(second, 429, 'rate_limited');
        assert.equal(second.headers['retry-after'], '1');
        open();
        assert.equal((await first).json.ok, true);
        assert.equal((await api.post(`${where(route)}/test`)).ok, true);
    });

    it('at once are bounded for the whole server', async () => {
        const app = await makeApp(api, {});
        let open;
        const gate = new Promise((resolve) => { open = resolve; });
        const path = `/${unique('many')}`;
        receiver.on(path, { status: 200, waitFor: gate });
        const running = Array.from({ length: 16 }, () =>
            api.request('POST', `/api/v1/apps/${app.id}/test`, { body: { url: receiver.url(path) } }));
        await receiver.wait(path, 16);
        const other = await makeApp(api);
        assertProblem(await api.request('POST', `/api/v1/apps/${other.id}/test`, { body: { url: receiver.url(path) } }), 503, 'overloaded');
        open();
        for (const answer of await Promise.all(running)) {
            assert.equal(answer.json?.ok, true, answer.text);
        }
    });

    it('do not mind a client that leaves', async () => {
        let open;
        const gate = new Promise((resolve) => { open = resolve; });
        const route = await makeRoute(both, { status: 200, waitFor: gate });
        const controller = new AbortController();
        const gone = fetch(`${both.server.url}${where(route)}/test`, {
            method: 'POST', headers: { authorization: `Bearer ${api.key}` }, signal: controller.signal,
        });
        await receiver.wait(route.path, 1);
        controller.abort();
        await assert.rejects(gone);
        open();
        const event = await publish(api, route.app, TYPE, {});
        await waitDelivery(api, route.app, event);
        assert.equal((await deliveriesOf(api, route.app)).filter((row) => row.test).length, 1, 'it is in the log');
    });

    it('are turned into a command that sends the same bytes', async () => {
        const route = await makeRoute(both, { status: 200 }, { headers: { 'X-Quote': "it's \"$HOME\" `x` \\ é", 'X-Empty': '' } });
        const data = { text: "O'Hara said $(rm -rf /) `id` \\n \"x\" é\u2028\n", n: 1.0 };
        const event = await publish(api, route.app, TYPE, data);
        const delivery = await waitDelivery(api, route.app, event);
        const answer = await api.request('GET', `${route.base}/deliveries/${delivery.id}/attempts/1/curl`);
        assert.equal(answer.status, 200, answer.text);
        assert.match(answer.headers['content-type'], /^text\/plain/);
        const child = spawn('sh', ['-s'], { stdio: ['pipe', 'pipe', 'inherit'] });
        child.stdin.end(answer.text);
        const [code] = await once(child, 'close');
        assert.equal(code, 0, answer.text);
        const [first, second] = receiver.at(route.path);
        assert.deepEqual(second.body, first.body);
        assert.equal(second.headers['x-quote'], first.headers['x-quote']);
        assert.equal(second.headers['x-empty'], '');
        assert.equal(second.headers['webhook-signature'], first.headers['webhook-signature']);
        assert.ok(new Webhook(route.endpoint.secret).verify(second.body, second.headers));
        assert.ok(!answer.text.includes(route.endpoint.secret));
        for (const n of ['2', '0', '01', 'x', '99999999999']) {
            assertProblem(await api.request('GET', `${route.base}/deliveries/${delivery.id}/attempts/${n}/curl`), 404);
        }
        const other = await makeApp(api);
        assertProblem(await api.request('GET', `/api/v1/apps/${other.id}/deliveries/${delivery.id}/attempts/1/curl`), 404);
    });

    it('are sealed in the log of a project that seals payloads', async () => {
        const project = await api.post('/api/v1/projects', { name: unique('sealed'), encrypt_payloads: true });
        const inside = api.withKey(project.key.key);
        const app = await makeApp(inside);
        const endpoint = await makeEndpoint(inside, app, { url: receiver.on(`/${unique('sealed')}`, { status: 200, body: 'sealed answer' }) });
        const test = await inside.post(`/api/v1/apps/${app.id}/endpoints/${endpoint.id}/test`);
        const shown = await inside.get(`/api/v1/apps/${app.id}/deliveries/${test.delivery_id}`);
        assert.deepEqual(shown.attempts, [test.attempt]);
        assert.equal(shown.attempts[0].response.body, 'sealed answer');
    });

    it('have the shape that the endpoint asks for, whatever its filters say', async () => {
        const route = await makeRoute(both, { status: 200 }, {
            filter: { never: 'matches' }, transform: { expression: '{text: data.name}' },
        });
        const test = await api.post(`${where(route)}/test`, { event_type: TYPE, data: { name: 'Zoe' } });
        assert.deepEqual(JSON.parse(receiver.at(route.path)[0].body), { text: 'Zoe' });
        assert.equal(test.attempt.request.body, '{"text":"Zoe"}');
        assert.deepEqual((await api.get(`${route.base}/deliveries/${test.delivery_id}`)).attempts, [test.attempt]);
        const broken = await makeRoute(both, { status: 200 }, { transform: { expression: 'abs(data.name)' } });
        assertFieldProblem(await api.request('POST', `${where(broken)}/test`, { body: { event_type: TYPE, data: { name: 'x' } } }), 'data');
    });

    it('check a URL without sending anything', async () => {
        const check = (url) => api.post('/api/v1/url-check', { url });
        const before = receiver.connections;
        const good = await check(`${receiver.base.replace('127.0.0.1', 'LOCALHOST')}/x#part`);
        assert.equal(good.allowed, true, JSON.stringify(good));
        assert.equal(good.scheme, 'http');
        assert.equal(good.host, 'localhost');
        assert.equal(good.port, receiver.port);
        assert.equal(good.refusal, null);
        assert.deepEqual(good.addresses.map((one) => one.allowed), [true, true]);
        assert.equal(receiver.connections, before);
        for (const url of ['', 'nonsense', 'ftp://example.com/', 'https://user:pw@example.com/', 'http://10.0.0.5/', 'http://[::ffff:10.0.0.1]/']) {
            const bad = await check(url);
            assert.equal(bad.allowed, false, url);
            assert.equal(bad.refusal.code, 'url_refused', url);
            assert.ok(bad.refusal.detail.length > 10);
            assert.deepEqual(bad.addresses, []);
            assert.equal(bad.url, url);
        }
        const inbox = await check(`${both.server.url}/catch/some-token-of-tests`);
        assert.equal(inbox.allowed, true);
        assertFieldProblem(await api.request('POST', '/api/v1/url-check', { body: {} }), 'url');
        assert.deepEqual(await api.get('/api/v1/source-ips'), { data: [] });
    });

    it('the server tells what forms and receivers need: prefix, timeout, what the presets mean', async () => {
        const facts = await api.get('/api/v1/server');
        assert.match(facts.version, /^\d+\.\d+\.\d+/);
        assert.equal(facts.header_prefix, 'Postern');
        assert.equal(facts.secret_reveal, 'never');
        assert.equal(facts.endpoint_timeout_ms, 15_000);
        const presets = Object.fromEntries(facts.retry_presets.map((p) => [p.name, p]));
        assert.deepEqual(presets.platform.delays_s, [60, 300, 900, 3600, 86_400]);
        assert.equal(presets.platform.max_attempts, 5);
        assert.deepEqual(presets.none.delays_s, []);
        assert.equal(presets.default.delays_s.reduce((sum, s) => sum + s, 0), 3 * 86_400);
    });
});

it('test sends and URL checks have a budget', async (t) => {
    const { api, receiver } = await startBoth(t, { args: ['--tests-per-minute', '4', '--url-checks-per-minute', '4', '--source-ips', '203.0.113.7, 2001:db8::/48'] });
    const app = await makeApp(api);
    const tries = async (path, body) => {
        for (let n = 1; n <= 4; n++) {
            const answer = await api.request('POST', path, { body });
            if (answer.status !== 200) {
                return [n, answer];
            }
        }
        return [0];
    };
    for (const [path, body] of [[`/api/v1/apps/${app.id}/test`, { url: receiver.url('/b') }], ['/api/v1/url-check', { url: 'x' }]]) {
        const [n, refused] = await tries(path, body);
        assert.ok(n > 1, `the first passes: ${path}`);
        assertProblem(refused, 429, 'rate_limited');
        assert.ok(Number(refused.headers['retry-after']) >= 1);
    }
    const other = await makeApp(api);
    assert.equal((await api.post(`/api/v1/apps/${other.id}/test`, { url: receiver.url('/b') })).ok, true, 'another app has its own');
    assert.deepEqual(await api.get('/api/v1/source-ips'), { data: ['203.0.113.7', '2001:db8::/48'] });
});

it('a name that leads to a private address is told by the check, and is not sent to by a test', async (t) => {
    const dns = await startDns({
        'public.example.com': { a: ['93.184.216.34'] },
        'mixed.example.com': { a: ['93.184.216.34', '10.0.0.1'] },
        'nothing.example.com': { rcode: 'NXDOMAIN' },
    });
    t.after(() => dns.close());
    const { api } = await startServer(t, { dev: false, args: ['--dns-server', dns.address] });
    const app = await makeApp(api);
    const check = (url) => api.post('/api/v1/url-check', { url });
    assert.deepEqual(await check('https://Public.example.com/a'), {
        allowed: true, url: 'https://Public.example.com/a', canonical: 'https://public.example.com/a', scheme: 'https', host: 'public.example.com',
        port: 443, addresses: [{ ip: '93.184.216.34', allowed: true }], refusal: null,
    });
    const mixed = await check('https://mixed.example.com/');
    assert.equal(mixed.allowed, false);
    assert.equal(mixed.refusal.code, 'destination_ip_prohibited');
    assert.deepEqual(mixed.addresses.sort((a, b) => a.ip < b.ip ? -1 : 1), [{ ip: '10.0.0.1', allowed: false }, { ip: '93.184.216.34', allowed: true }]);
    const nothing = await check('https://nothing.example.com/');
    assert.equal(nothing.refusal.code, 'dns_error');
    assert.ok(nothing.refusal.advice.length > 0);
    const http = await check('http://public.example.com/');
    assert.equal(http.refusal.code, 'url_refused');
    const test = await api.post(`/api/v1/apps/${app.id}/test`, { url: 'https://mixed.example.com/' });
    assert.equal(test.ok, false);
    assert.equal(test.attempt.error, 'destination_ip_prohibited');
    assert.equal(test.attempt.status_code, null);
});
