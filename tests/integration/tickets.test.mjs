// SPDX-License-Identifier: Apache-2.0
//
// Tickets: one customer, one app, one session. And keys of one app, integrations and the endpoints they leave behind.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import {
    assertFieldProblem, assertId, assertProblem, makeApp, makeEndpoint, publish, startServer, useBoth, waitDelivery,
} from './support.mjs';
import { assertList, assertListRefusals } from './lists.mjs';
import { waitFor } from '../lib/wait.mjs';
import { browserOf, makeMember, signIn } from './people.mjs';

const KEYS = '/api/v1/keys';
const SESSION = '/api/v1/session';

async function ticket(api, app, body = {}) {
    return api.post(`/api/v1/apps/${app.id}/tickets`, body);
}

function exchange(api, text, more = {}) {
    return api.withKey(null).request('POST', `${SESSION}/exchange`, { body: { ticket: text, ...more } });
}

describe('tickets', () => {
    const box = useBoth();
    let api;
    let receiver;

    before(() => {
        ({ api, receiver } = box);
    });

    it('open one session of one app, once', async () => {
        const app = await makeApp(api);
        const made = await ticket(api, app, { role: 'manage', ttl: 60, next: '/portal/endpoints' });
        assertId(made.id, 'tkt');
        assert.equal(made.url, `${box.server.url}/portal/enter#t=${made.ticket}`);
        const left = Date.parse(made.expires_at) - Date.now();
        assert.ok(left > 50_000 && left <= 60_000, `${left} ms`);
        const taken = await exchange(api, made.ticket);
        assert.equal(taken.status, 200, taken.text);
        assert.equal(taken.json.next, '/portal/endpoints');
        assert.deepEqual([taken.json.kind, taken.json.id, taken.json.role, taken.json.app_id],
            ['ticket', made.id, 'manage', app.id]);
        assertProblem(await exchange(api, made.ticket), 401, 'ticket_invalid');
        assertProblem(await exchange(api, 'ptk_nonsense'), 401, 'ticket_invalid');
        const browser = browserOf(api, taken);
        const mine = await browser.request('POST', `/api/v1/apps/${app.id}/endpoints`, { body: { url: receiver.url('/mine') } });
        assert.equal(mine.status, 201, mine.text);
        assert.deepEqual(mine.json.origin, { kind: 'ticket', id: made.id, name: app.name });
        assertProblem(await browser.request('POST', `/api/v1/apps/${app.id}/endpoints`,
            { body: { url: receiver.url('/x') }, headers: { 'postern-csrf': null } }), 403, 'csrf_failed');
        const actions = (await api.get(`/api/v1/audit?app=${app.id}&order=asc`)).data.map((row) => [row.actor.kind, row.action]);
        assert.deepEqual(actions, [['key', 'app.created'], ['key', 'ticket.issued'], ['ticket', 'ticket.exchanged'],
            ['ticket', 'endpoint.created']]);
    });

    it('reach nothing but their app, and view only reads', async () => {
        const app = await makeApp(api);
        const other = await makeApp(api);
        const endpoint = await makeEndpoint(api, app, { url: receiver.url('/view') });
        const event = await publish(api, app, 'ticket.seen', { secret: 'shown to its customer' });
        const delivery = await waitDelivery(api, app, event);
        const base = `/api/v1/apps/${app.id}`;
        for (const role of ['view', 'manage']) {
            const made = await ticket(api, app, { role });
            const browser = browserOf(api, await exchange(api, made.ticket));
            for (const path of [base, `${base}/endpoints`, `${base}/deliveries/${delivery.id}`, `${base}/events/${event.id}`,
                '/api/v1/event-types', '/api/v1/event-types/ticket.seen', SESSION]) {
                assert.equal((await browser.request('GET', path)).status, 200, `${role} ${path}`);
            }
            const data = await browser.request('GET', `${base}/events/${event.id}`);
            assert.deepEqual(data.json.data, { secret: 'shown to its customer' });
            for (const path of [`/api/v1/apps/${other.id}`, `/api/v1/apps/${other.slug}/endpoints`, '/api/v1/apps/app_nonsense']) {
                assertProblem(await browser.request('GET', path), 404, 'not_found');
            }
            for (const [method, path] of [['GET', '/api/v1/apps'], ['GET', '/api/v1/projects'], ['GET', KEYS],
                ['GET', '/api/v1/audit'], ['GET', '/api/v1/members'], ['GET', '/api/v1/endpoints'], ['POST', `${base}/tickets`],
                ['PATCH', base], ['DELETE', base], ['POST', `${base}/events`], ['POST', '/api/v1/event-types']]) {
                assertProblem(await browser.request(method, path, method === 'GET' ? {} : { body: {} }), 403, 'forbidden');
            }
            const pause = await browser.request('POST', `${base}/endpoints/${endpoint.id}/pause`);
            assert.equal(pause.status, role === 'manage' ? 200 : 403, pause.text);
        }
    });

    it('may be framed by the origin they name, or become a bearer token', async (t) => {
        const server = await startServer(t, { dev: false });
        const app = await makeApp(server.api);
        const made = await ticket(server.api, app, { origin: 'https://app.example:8443' });
        const framed = await exchange(server.api, made.ticket);
        assert.match(framed.headers['set-cookie'][0],
            /^__Host-postern-portal=pss_\w{43}; Path=\/; HttpOnly; SameSite=None; Partitioned; Secure$/);
        assert.equal(framed.json.origin, 'https://app.example:8443');
        const second = await ticket(server.api, app);
        const bearer = await exchange(server.api, second.ticket, { transport: 'bearer' });
        assert.equal(bearer.headers['set-cookie'], undefined);
        assert.match(bearer.json.token, /^pss_[0-9A-Za-z]{43}$/);
        const by = server.api.withKey(bearer.json.token);
        assert.equal((await by.get(SESSION)).app_id, app.id);
        assert.equal((await by.request('DELETE', SESSION)).status, 204);
        assertProblem(await by.request('GET', SESSION), 401);
    });

    it('stand beside a member in one browser; the page says which it is', async () => {
        const app = await makeApp(api);
        const { email } = await makeMember(api, 'viewer');
        const member = await signIn(api, email);
        const customer = browserOf(api, await exchange(api, (await ticket(api, app)).ticket));
        const cookie = `${member.cookie}; ${customer.cookie}`;
        const who = async (headers) => (await api.withKey(null).request('GET', SESSION, { headers: { cookie, ...headers } })).json.kind;
        assert.equal(await who({}), 'member');
        assert.equal(await who({ 'postern-session': 'portal' }), 'ticket');
    });

    it('are refused when a field is bad, and to keys without the scope', async () => {
        const app = await makeApp(api);
        const at = `/api/v1/apps/${app.id}/tickets`;
        const bad = [
            [{ role: 'owner' }, 'role'], [{ ttl: 59 }, 'ttl'], [{ ttl: 181 }, 'ttl'], [{ ttl: '60' }, 'ttl'],
            [{ origin: 'app.example' }, 'origin'], [{ origin: 'https://app.example/' }, 'origin'],
            [{ origin: 'https://a.example;x' }, 'origin'], [{ origin: 'javascript://x' }, 'origin'],
            [{ next: 'https://evil.example' }, 'next'], [{ next: '//evil.example' }, 'next'],
            [{ next: '/portalx' }, 'next'], [{ next: '/portal/\\evil' }, 'next'],
        ];
        for (const [body, field] of bad) {
            assertFieldProblem(await api.request('POST', at, { body }), field);
        }
        for (const scope of ['publish', 'read', 'manage']) {
            const { id, key } = await api.post(KEYS, { name: scope, scopes: [scope] });
            assertProblem(await api.withKey(key).request('POST', at, { body: {} }), 403, 'forbidden');
            const row = await waitFor('the refusal is in the audit log',
                async () => (await api.get(`/api/v1/audit?actor=${id}`)).data[0]);
            assert.equal(row.action, 'ticket.refused');
        }
        const { key } = await api.post(KEYS, { name: 'tickets', scopes: ['tickets'] });
        assert.equal((await api.withKey(key).request('POST', at, { body: {} })).status, 201);
        assertProblem(await api.withKey(key).request('GET', '/api/v1/apps'), 403, 'forbidden');
    });

    it('end with their app', async () => {
        const app = await makeApp(api);
        const waiting = await ticket(api, app);
        const browser = browserOf(api, await exchange(api, (await ticket(api, app)).ticket));
        await api.delete(`/api/v1/apps/${app.id}`);
        assertProblem(await exchange(api, waiting.ticket), 401, 'ticket_invalid');
        assertProblem(await browser.request('GET', SESSION), 401, 'unauthorized');
    });
});

describe('integrations', () => {
    const box = useBoth();
    let api;
    let receiver;

    before(() => {
        ({ api, receiver } = box);
    });

    const made = async (integration, app, count) => {
        const endpoints = [];
        for (let i = 0; i < count; i++) {
            endpoints.push(await makeEndpoint(api.withKey(integration.key), app, { url: receiver.url(`/i/${i}`) }));
        }
        return endpoints;
    };

    it('may only send events in unless their key says more', async () => {
        const key = await api.post(KEYS, { name: 'shop' });
        assert.deepEqual(key.scopes, ['publish']);
        assert.equal(key.app_id, null);
        const session = await api.withKey(key.key).get(SESSION);
        assert.deepEqual([session.kind, session.id, session.name, session.scopes], ['key', key.id, 'shop', ['publish']]);
    });

    it('may have a key of one app alone', async () => {
        const app = await makeApp(api);
        const other = await makeApp(api);
        const { key } = await api.post(KEYS, { name: 'one app', scopes: ['manage', 'publish'], app: app.slug });
        const own = api.withKey(key);
        await publish(own, app, 'one.app', {});
        assert.equal((await own.get(`/api/v1/apps/${app.id}`)).id, app.id);
        assertProblem(await own.request('GET', `/api/v1/apps/${other.id}`), 404, 'not_found');
        assertProblem(await own.request('POST', `/api/v1/apps/${other.id}/events`, { body: { type: 'one.app', data: {} } }), 404);
        assertProblem(await own.request('GET', '/api/v1/apps'), 403, 'forbidden');
        assertFieldProblem(await api.request('POST', KEYS, { body: { name: 'x', app: 'no-such-app' } }), 'app');
        assertFieldProblem(await api.request('POST', KEYS, { body: { name: 'x', app: app.id, scopes: ['admin'] } }), 'scopes');
        await api.delete(`/api/v1/apps/${app.id}`);
        assertProblem(await own.request('GET', SESSION), 401, 'unauthorized');
    });

    it('leave their endpoints working when they are revoked; they are listed and adopted', async () => {
        const app = await makeApp(api);
        const integration = await api.post(KEYS, { name: 'tagger', scopes: ['manage'] });
        const [one, two] = await made(integration, app, 2);
        const kept = await makeEndpoint(api, app, { url: receiver.url('/kept') });
        assert.equal(one.orphaned_at, null);
        await api.delete(`${KEYS}/${integration.id}`);
        const at = `/api/v1/apps/${app.id}/endpoints/${one.id}`;
        assert.match((await api.get(at)).orphaned_at, /^20/);
        const event = await publish(api, app, 'still.works', {});
        const ids = (await api.get(`/api/v1/apps/${app.id}/deliveries?event=${event.id}`)).data.map((row) => row.endpoint_id);
        assert.deepEqual(ids.sort(), [one.id, two.id, kept.id].sort());
        await assertList(api, '/api/v1/endpoints?orphaned=true', [one.id, two.id]);
        await assertListRefusals(api, '/api/v1/endpoints');
        assertProblem(await api.request('GET', '/api/v1/endpoints?orphaned=1'), 400);
        const adopted = await api.post(`${at}/adopt`);
        assert.equal(adopted.orphaned_at, null);
        assert.equal(adopted.created_by, integration.id);
        assert.equal(adopted.origin.kind, 'key');
        assert.notEqual(adopted.origin.id, integration.id);
        assert.deepEqual((await api.get(`/api/v1/endpoints?key=${integration.id}`)).data.map((row) => row.id), [two.id]);
        assert.deepEqual(await api.post(`${KEYS}/${integration.id}/endpoints/adopt`), { count: 1 });
        assert.deepEqual((await api.get('/api/v1/endpoints?orphaned=true')).data, []);
        assert.equal((await api.get(`/api/v1/endpoints?app=${app.slug}`)).data.length, 3);
    });

    it('take their endpoints along when asked, before or after', async () => {
        const app = await makeApp(api);
        const first = await api.post(KEYS, { name: 'goes with all', scopes: ['manage'] });
        await made(first, app, 3);
        assertProblem(await api.request('DELETE', `${KEYS}/${first.id}?endpoints=all`), 400);
        await api.delete(`${KEYS}/${first.id}?endpoints=delete`);
        assert.deepEqual((await api.get(`/api/v1/apps/${app.id}/endpoints`)).data, []);
        const second = await api.post(KEYS, { name: 'goes first', scopes: ['manage'] });
        await made(second, app, 2);
        await api.delete(`${KEYS}/${second.id}?endpoints=keep`);
        assert.deepEqual(await api.request('DELETE', `${KEYS}/${second.id}/endpoints`).then((a) => a.json), { count: 2 });
        assert.deepEqual((await api.get(`/api/v1/apps/${app.id}/endpoints`)).data, []);
        const actions = (await api.get(`/api/v1/audit?app=${app.id}&action=endpoint.deleted`)).data;
        assert.equal(actions.length, 5);
    });

    it('rotate with two keys at once', async () => {
        const app = await makeApp(api);
        const old = await api.post(KEYS, { name: 'rotating' });
        const next = await api.post(KEYS, { name: 'rotating' });
        for (const { key } of [old, next]) {
            await publish(api.withKey(key), app, 'rotating.key', {});
        }
        await api.delete(`${KEYS}/${old.id}`);
        assertProblem(await api.withKey(old.key).request('POST', `/api/v1/apps/${app.id}/events`,
            { body: { type: 'rotating.key', data: {} } }), 401, 'unauthorized');
        await publish(api.withKey(next.key), app, 'rotating.key', {});
        assert.match((await api.get(`${KEYS}/${next.id}`)).last_used_at, /^20/);
    });
});
