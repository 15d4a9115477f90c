// SPDX-License-Identifier: Apache-2.0
//
// Endpoints: every field, secrets that are shown once, pause and resume, ETags, and every kind of bad input.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import {
    assertFieldProblem, assertId, assertProblem, makeApp, makeEndpoint, makeRoute, publish, useBoth, waitDelivery,
} from './support.mjs';
import { assertList, assertListRefusals } from './lists.mjs';

describe('endpoints', () => {
    const both = useBoth();
    let api;
    let receiver;

    before(async () => {
        ({ api, receiver } = both);
    });

    it('need only a URL', async () => {
        const app = await makeApp(api);
        const answer = await api.request('POST', `/api/v1/apps/${app.id}/endpoints`, { body: { url: receiver.url('/a') } });
        assert.equal(answer.status, 201, answer.text);
        const endpoint = answer.json;
        assertId(endpoint.id, 'ep');
        assert.match(endpoint.name, /^[a-z]+-[a-z]+$/);
        assert.equal(endpoint.url, receiver.url('/a'));
        assert.equal(endpoint.status, 'active');
        assert.deepEqual(endpoint.event_types, []);
        assert.deepEqual(endpoint.signature_profiles, ['standard', 'timestamped']);
        assert.equal(endpoint.timeout_ms, 15_000);
        assert.equal(endpoint.retry.enabled, true);
        assert.equal(endpoint.retry.schedule, 'default');
        assert.equal(endpoint.retry.max_attempts, 24);
        assert.equal(endpoint.retry.on, 'strict');
        assert.match(endpoint.secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
        assert.equal(endpoint.origin.kind, 'key');
        assert.equal(endpoint.last_success_at, null);
        assert.equal(answer.headers.etag, '"1"');
    });

    it('never show a secret or a header value of theirs again', async () => {
        const app = await makeApp(api);
        const endpoint = await makeEndpoint(api, app, {
            url: receiver.url('/secret'),
            headers: { 'X-Token': 'very-hidden-token' },
        });
        const where = `/api/v1/apps/${app.id}/endpoints`;
        const answers = [
            await api.request('GET', `${where}/${endpoint.id}`),
            await api.request('GET', where),
            await api.request('PATCH', `${where}/${endpoint.id}`, { body: { description: 'x' } }),
            await api.request('POST', `${where}/${endpoint.id}/pause`),
            await api.request('POST', `${where}/${endpoint.id}/resume`),
        ];
        for (const answer of answers) {
            assert.equal(answer.status, 200, answer.text);
            assert.ok(!answer.text.includes(endpoint.secret), `${answer.method} ${answer.path} shows the secret`);
            assert.ok(!/whsec_[A-Za-z0-9+/]/.test(answer.text), `${answer.method} ${answer.path}`);
        }
    });

    it('keep all fields that are given', async () => {
        const app = await makeApp(api);
        const fields = {
            name: 'CRM sync', description: 'two words', url: receiver.url('/all?x=1&y=%20'),
            event_types: ['user.created', 'invoice.*'], status: 'paused', metadata: { team: 'billing' },
            timeout_ms: 5000, signature_profiles: ['platform'],
            retry: { enabled: true, schedule: [1, 2, 3], max_attempts: 4, max_age_s: 3600, on: 'lenient', jitter_percent: 0 },
            headers: { 'X-One': '1', 'X-Two': 'zwei' },
            secret: 'whsec_' + Buffer.alloc(32, 7).toString('base64'),
        };
        const endpoint = await makeEndpoint(api, app, fields);
        const read = await api.get(`/api/v1/apps/${app.id}/endpoints/${endpoint.id}`);
        for (const name of ['name', 'description', 'url', 'event_types', 'status', 'metadata', 'timeout_ms', 'signature_profiles', 'retry']) {
            assert.deepEqual(read[name], fields[name], name);
        }
        assert.equal(endpoint.secret, fields.secret);
    });

    it('send their own headers', async () => {
        const route = await makeRoute(both, { status: 200 }, { headers: { 'X-Customer': 'Zoe 7', Authorization: 'Basic abc' } });
        await publish(api, route.app, 'header.test', {});
        const [entry] = await receiver.wait(route.path, 1);
        assert.equal(entry.headers['x-customer'], 'Zoe 7');
        assert.equal(entry.headers.authorization, 'Basic abc');
    });

    const bad = [
        [{}, 'url'],
        [{ url: 5 }, 'url'],
        [{ url: null }, 'url'],
        [{ name: '' }, 'name'],
        [{ name: 'x'.repeat(1000) }, 'name'],
        [{ event_types: 'user.created' }, 'event_types'],
        [{ event_types: ['Not A Type'] }, 'event_types'],
        [{ event_types: ['*'] }, 'event_types'],
        [{ event_types: ['user.*.x'] }, 'event_types'],
        [{ event_types: [7] }, 'event_types'],
        [{ event_types: Array.from({ length: 101 }, (_, n) => `type.n${n}`) }, 'event_types'],
        [{ status: 'asleep' }, 'status'],
        [{ timeout_ms: 999 }, 'timeout_ms'],
        [{ timeout_ms: 30_001 }, 'timeout_ms'],
        [{ timeout_ms: '5000' }, 'timeout_ms'],
        [{ timeout_ms: 1500.5 }, 'timeout_ms'],
        [{ retry: 'default' }, 'retry'],
        [{ retry: { schedule: 'sometimes' } }, 'retry.schedule'],
        [{ retry: { schedule: [-1] } }, 'retry.schedule'],
        [{ retry: { schedule: [7 * 24 * 3600 + 1] } }, 'retry.schedule'],
        [{ retry: { schedule: Array(50).fill(1) } }, 'retry.schedule'],
        [{ retry: { max_attempts: 0 } }, 'retry.max_attempts'],
        [{ retry: { max_attempts: 51 } }, 'retry.max_attempts'],
        [{ retry: { jitter_percent: 51 } }, 'retry.jitter_percent'],
        [{ retry: { on: 'always' } }, 'retry.on'],
        [{ retry: { enabled: 'yes' } }, 'retry.enabled'],
        [{ retry: { max_age_s: -1 } }, 'retry.max_age_s'],
        [{ retry: { colour: 1 } }, 'retry.colour'],
        [{ signature_profiles: ['rot13'] }, 'signature_profiles'],
        [{ signature_profiles: 'standard' }, 'signature_profiles'],
        [{ headers: { Host: 'x' } }, 'headers'],
        [{ headers: { 'Content-Length': '5' } }, 'headers'],
        [{ headers: { 'transfer-encoding': 'chunked' } }, 'headers'],
        [{ headers: { Connection: 'close' } }, 'headers'],
        [{ headers: { 'webhook-id': 'x' } }, 'headers'],
        [{ headers: { 'Postern-Attempt': '9' } }, 'headers'],
        [{ headers: { 'Metadata-Flavor': 'Google' } }, 'headers'],
        [{ headers: { 'X-aws-ec2-metadata-token': 'x' } }, 'headers'],
        [{ headers: { 'X-A': 'a\r\nX-B: b' } }, 'headers'],
        [{ headers: { 'X A': 'a' } }, 'headers'],
        [{ headers: { 'X-A': 'x'.repeat(5000) } }, 'headers'],
        [{ headers: Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`X-${n}`, '1'])) }, 'headers'],
        [{ metadata: { a: {} } }, 'metadata'],
        [{ secret: 'short' }, 'secret'],
        [{ secret: 'whsec_not/base64!' }, 'secret'],
        [{ secret: 'x'.repeat(300) }, 'secret'],
        [{ colour: 'blue' }, 'colour'],
    ];
    it('are refused when a field is bad, at POST, PATCH and PUT, and nothing is changed', async () => {
        const { app, endpoint } = await makeRoute(both, { status: 200 });
        const list = `/api/v1/apps/${app.id}/endpoints`;
        const where = `${list}/${endpoint.id}`;
        const before = await api.get(where);
        for (const [fields, name] of bad) {
            const whole = 'url' in fields || name === 'url' ? fields : { url: receiver.url('/bad'), ...fields };
            assertFieldProblem(await api.request('POST', list, { body: whole }), name);
            assertFieldProblem(await api.request('PUT', where, { body: whole }), name);
            if (Object.keys(fields).length > 0) {
                assertFieldProblem(await api.request('PATCH', where, { body: fields }), name);
            }
        }
        assert.deepEqual(await api.get(where), before);
        assert.equal((await api.get(list)).data.length, 1);
    });

    it('are changed by PATCH in part and by PUT whole, guarded by If-Match', async () => {
        const { app, endpoint } = await makeRoute(both, { status: 200 }, { description: 'old', timeout_ms: 4000 });
        const where = `/api/v1/apps/${app.id}/endpoints/${endpoint.id}`;
        const patched = await api.request('PATCH', where, { body: { name: 'n' }, headers: { 'if-match': '"1"' } });
        assert.equal(patched.status, 200, patched.text);
        assert.equal(patched.json.description, 'old');
        assertProblem(await api.request('PATCH', where, { body: { name: 'm' }, headers: { 'if-match': '"1"' } }), 412);
        assertProblem(await api.request('PUT', where, { body: { url: receiver.url('/x') }, headers: { 'if-match': '"1"' } }), 412);
        const put = await api.request('PUT', where, { body: { url: receiver.url('/put') }, headers: { 'if-match': patched.headers.etag } });
        assert.equal(put.status, 200, put.text);
        assert.equal(put.json.url, receiver.url('/put'));
        assert.equal(put.json.timeout_ms, 15_000, 'what PUT leaves out is the default again');
        assert.equal(put.json.id, endpoint.id);
        const event = await publish(api, app, 'put.test', {});
        const [entry] = await receiver.wait('/put', 1);
        assert.equal(entry.headers['webhook-id'], event.id);
    });

    it('refuse a secret that another endpoint of the project has', async () => {
        const secret = 'whsec_' + Buffer.alloc(32, 9).toString('base64');
        const app = await makeApp(api);
        await makeEndpoint(api, app, { url: receiver.url('/one'), secret });
        const answer = await api.request('POST', `/api/v1/apps/${app.id}/endpoints`, { body: { url: receiver.url('/two'), secret } });
        assertProblem(answer, 409, 'secret_reused');
        assert.ok(!answer.text.includes(secret));
    });

    it('receive only the types they ask for', async () => {
        const app = await makeApp(api);
        const wants = { '/w/all': [], '/w/exact': ['user.created'], '/w/prefix': ['user.*'], '/w/other': ['invoice.paid'] };
        for (const [path, event_types] of Object.entries(wants)) {
            await makeEndpoint(api, app, { url: receiver.url(path), event_types });
        }
        const types = ['user.created', 'user.deleted', 'user.address.changed', 'invoice.paid', 'users.created'];
        const counts = [];
        for (const type of types) {
            counts.push((await publish(api, app, type, {})).deliveries);
        }
        assert.deepEqual(counts, [3, 2, 2, 2, 1]);
        await receiver.wait('/w/all', 5);
        await receiver.wait('/w/prefix', 3);
        const seen = (path) => receiver.at(path).map((entry) => entry.headers['postern-event-type']).sort();
        await receiver.wait('/w/exact', 1);
        await receiver.wait('/w/other', 1);
        assert.deepEqual(seen('/w/exact'), ['user.created']);
        assert.deepEqual(seen('/w/prefix'), ['user.address.changed', 'user.created', 'user.deleted']);
        assert.deepEqual(seen('/w/other'), ['invoice.paid']);
    });

    it('are listed page by page and found only in their app', async () => {
        const [app, other] = [await makeApp(api), await makeApp(api)];
        const keys = [];
        for (let n = 0; n < 6; n++) {
            keys.push((await makeEndpoint(api, app, { url: receiver.url(`/list/${n}`) })).id);
        }
        await assertList(api, `/api/v1/apps/${app.id}/endpoints`, keys);
        await assertListRefusals(api, `/api/v1/apps/${app.id}/endpoints`);
        for (const [method, tail] of [['GET', ''], ['PATCH', ''], ['PUT', ''], ['DELETE', ''], ['POST', '/pause'], ['POST', '/resume']]) {
            const body = ['PATCH', 'PUT'].includes(method) ? { url: receiver.url('/stolen') } : undefined;
            const answer = await api.request(method, `/api/v1/apps/${other.id}/endpoints/${keys[0]}${tail}`, { body });
            assertProblem(answer, 404, 'not_found');
        }
        assert.equal((await api.get(`/api/v1/apps/${app.id}/endpoints/${keys[0]}`)).url, receiver.url('/list/0'));
    });

    it('stop receiving when deleted; open deliveries are cancelled', async () => {
        const route = await makeRoute(both, { status: 500 }, { retry: { schedule: [3600], max_attempts: 3 } });
        const event = await publish(api, route.app, 'del.test', {});
        await waitDelivery(api, route.app, event, (d) => d.status === 'retrying');
        const answer = await api.request('DELETE', `${route.base}/endpoints/${route.endpoint.id}`);
        assert.equal(answer.status, 204, answer.text);
        assertProblem(await api.request('GET', `${route.base}/endpoints/${route.endpoint.id}`), 404);
        assert.equal((await publish(api, route.app, 'del.test', {})).deliveries, 0);
        const delivery = await waitDelivery(api, route.app, event);
        assert.equal(delivery.status, 'cancelled');
        assert.equal(receiver.at(route.path).length, 1);
    });
});
