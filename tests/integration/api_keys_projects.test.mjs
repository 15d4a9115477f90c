// SPDX-License-Identifier: Apache-2.0
//
// Keys, their scopes, and projects: two of them share nothing in any answer.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import {
    assertFieldProblem, assertId, assertProblem, makeApp, makeEndpoint, publish, useBoth, unique, waitDelivery,
} from './support.mjs';
import { assertList, assertListRefusals } from './lists.mjs';

const KEYS = '/api/v1/keys';
const PROJECTS = '/api/v1/projects';

describe('keys', () => {
    const both = useBoth();
    let api;
    let receiver;

    before(async () => {
        ({ api, receiver } = both);
    });

    it('are shown once', async () => {
        const answer = await api.request('POST', KEYS, { body: { name: 'ci', scopes: ['publish'] } });
        assert.equal(answer.status, 201, answer.text);
        assertId(answer.json.id, 'key');
        assert.match(answer.json.key, /^pst_[0-9A-Za-z]{38}$/);
        for (const path of [`${KEYS}/${answer.json.id}`, KEYS]) {
            const read = await api.request('GET', path);
            assert.equal(read.status, 200, read.text);
            assert.ok(!read.text.includes(answer.json.key));
        }
    });

    it('open only what their scopes say', async () => {
        const app = await makeApp(api);
        const { id: endpoint } = await makeEndpoint(api, app, { url: receiver.url('/scopes') });
        const event = await publish(api, app, 'scope.test', {});
        const delivery = await waitDelivery(api, app, event);
        const where = `/api/v1/apps/${app.id}`;
        const calls = [
            ['publish', 'POST', `${where}/events`, { type: 'scope.test', data: {} }],
            ['publish', 'POST', `${where}/events/batch`, { events: [{ type: 'scope.test', data: {} }] }],
            ['read', 'GET', `${where}/events`],
            ['read', 'GET', `${where}/events/${event.id}`],
            ['read', 'GET', `${where}/deliveries`],
            ['read', 'GET', `${where}/deliveries/${delivery.id}`],
            ['read', 'GET', `${where}/endpoints`],
            ['read', 'GET', `${where}/endpoints/${endpoint}`],
            ['read', 'GET', '/api/v1/apps'],
            ['read', 'GET', '/api/v1/event-types'],
            ['read', 'GET', '/api/v1/event-types/scope.test'],
            ['read', 'GET', PROJECTS],
            ['admin', 'POST', '/api/v1/apps', { name: 'x' }],
            ['admin', 'PATCH', where, { name: 'x' }],
            ['admin', 'POST', `${where}/endpoints`, { url: receiver.url('/scopes/2') }],
            ['admin', 'PATCH', `${where}/endpoints/${endpoint}`, { name: 'x' }],
            ['admin', 'POST', `${where}/endpoints/${endpoint}/pause`],
            ['admin', 'POST', `${where}/endpoints/${endpoint}/resume`],
            ['admin', 'POST', '/api/v1/event-types', { name: 'scope.new' }],
            ['admin', 'GET', KEYS],
            ['admin', 'POST', KEYS, { name: 'x', scopes: ['read'] }],
            ['admin', 'DELETE', `${where}/endpoints/${endpoint}`],
        ];
        for (const scope of ['publish', 'read', 'admin']) {
            const { key } = await api.post(KEYS, { name: scope, scopes: [scope] });
            for (const [needed, method, path, body] of calls) {
                const answer = await api.withKey(key).request(method, path, { body });
                if (scope === needed || scope === 'admin') {
                    assert.ok(answer.status < 300, `${scope}: ${method} ${path} ${answer.status} ${answer.text}`);
                } else {
                    assertProblem(answer, 403, 'forbidden');
                }
            }
        }
    });

    it('are refused when a field is bad', async () => {
        const bad = [
            [{ scopes: ['read'] }, 'name'],
            [{ name: 'x', scopes: ['root'] }, 'scopes'],
            [{ name: 'x', scopes: 'read' }, 'scopes'],
            [{ name: 'x', scopes: [] }, 'scopes'],
            [{ name: 'x', scopes: ['read'], expires_at: 'soon' }, 'expires_at'],
            [{ name: 'x', scopes: ['read'], key: 'mine' }, 'key'],
        ];
        for (const [body, field] of bad) {
            assertFieldProblem(await api.request('POST', KEYS, { body }), field);
        }
    });

    it('end when they are revoked', async () => {
        const { id, key } = await api.post(KEYS, { name: 'short', scopes: ['read'] });
        assert.equal((await api.withKey(key).request('GET', '/api/v1/apps')).status, 200);
        assert.equal((await api.request('DELETE', `${KEYS}/${id}`)).status, 204);
        assertProblem(await api.withKey(key).request('GET', '/api/v1/apps'), 401, 'unauthorized');
        assertProblem(await api.request('GET', `${KEYS}/${id}`), 404, 'not_found');
    });

    it('are asked for by every route; a wrong one opens none', async () => {
        const app = await makeApp(api);
        const good = (await api.post(KEYS, { name: 'x', scopes: ['read'] })).key;
        const wrong = [null, '', 'x', 'pst_' + 'A'.repeat(38), good.slice(0, -1), good + 'A',
            good.slice(0, -1) + (good.endsWith('A') ? 'B' : 'A'), good.toLowerCase(), 'x'.repeat(5000)];
        for (const path of ['/api/v1/apps', `/api/v1/apps/${app.id}/events`, '/api/v1/keys']) {
            for (const key of wrong) {
                const answer = await api.withKey(key).request('GET', path);
                assertProblem(answer, 401, 'unauthorized');
                assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer/);
            }
        }
        for (const authorization of ['Basic abc', `bearer`, `Token ${api.key}`, `Bearer ${api.key} x`]) {
            const answer = await api.request('GET', '/api/v1/apps', { headers: { authorization } });
            assertProblem(answer, 401, 'unauthorized');
        }
        assert.equal((await api.request('GET', '/api/v1/apps', { headers: { authorization: `bearer ${api.key}` } })).status, 200);
    });

    it('are listed page by page', async () => {
        const keys = (await api.all(`${KEYS}?order=asc`)).map((row) => row.id);
        for (let n = 0; n < 5; n++) {
            keys.push((await api.post(KEYS, { name: `list ${n}`, scopes: ['read'] })).id);
        }
        await assertList(api, KEYS, keys);
        await assertListRefusals(api, KEYS);
    });
});

describe('projects', () => {
    const both = useBoth();
    let api;
    let receiver;
    let project;
    let theirs;

    before(async () => {
        ({ api, receiver } = both);
        const answer = await api.request('POST', PROJECTS, { body: { name: 'Other', auto_register: true } });
        assert.equal(answer.status, 201, answer.text);
        project = answer.json;
        theirs = api.withKey(project.key.key);
    });

    it('are made, read and changed', async () => {
        assert.equal(project.name, 'Other');
        const read = await theirs.request('GET', `${PROJECTS}/${project.id}`);
        assert.equal(read.status, 200, read.text);
        assert.equal(read.json.name, 'Other');
        const patched = await theirs.request('PATCH', `${PROJECTS}/${project.id}`, { body: { name: 'New' }, headers: { 'if-match': read.headers.etag } });
        assert.equal(patched.status, 200, patched.text);
        assert.equal(patched.json.name, 'New');
        assertFieldProblem(await theirs.request('PATCH', `${PROJECTS}/${project.id}`, { body: { name: 5 } }), 'name');
        assertFieldProblem(await api.request('POST', PROJECTS, { body: { name: 'x', colour: 1 } }), 'colour');
        await assertListRefusals(api, PROJECTS);
    });

    it('share neither apps, slugs, types, events, deliveries nor keys', async () => {
        const slug = unique('same');
        const secret = 'whsec_' + Buffer.alloc(32, 5).toString('base64');
        const [ours, other] = [await makeApp(api, { slug }), await makeApp(theirs, { slug })];
        assert.notEqual(ours.id, other.id);
        assert.equal((await theirs.get(`/api/v1/apps/${slug}`)).id, other.id);
        await makeEndpoint(api, ours, { url: receiver.url('/ours'), secret });
        await makeEndpoint(theirs, other, { url: receiver.url('/theirs'), secret });
        const event = await publish(api, ours, 'only.ours', 'for us');
        const delivery = await waitDelivery(api, ours, event);
        const endpoint = (await api.get(`/api/v1/apps/${ours.id}/endpoints`)).data[0];
        const key = (await api.get(KEYS)).data[0];
        const hidden = [
            `/api/v1/apps/${ours.id}`,
            `/api/v1/apps/${ours.id}/endpoints`,
            `/api/v1/apps/${ours.id}/endpoints/${endpoint.id}`,
            `/api/v1/apps/${ours.id}/events/${event.id}`,
            `/api/v1/apps/${ours.id}/deliveries`,
            `/api/v1/apps/${other.id}/endpoints/${endpoint.id}`,
            `/api/v1/apps/${other.id}/events/${event.id}`,
            `/api/v1/apps/${other.id}/deliveries/${delivery.id}`,
            '/api/v1/event-types/only.ours',
            `${KEYS}/${key.id}`,
        ];
        for (const path of hidden) {
            assertProblem(await theirs.request('GET', path), 404, 'not_found');
        }
        const foreign = await theirs.request('POST', `/api/v1/apps/${ours.id}/events`, { body: { type: 'only.ours', data: 1 } });
        assertProblem(foreign, 404, 'not_found');
        for (const list of ['/api/v1/apps', '/api/v1/event-types', KEYS]) {
            const answer = await theirs.request('GET', `${list}?limit=250`);
            assert.equal(answer.status, 200, answer.text);
            for (const word of [ours.id, 'only.ours', key.id]) {
                assert.ok(!answer.text.includes(word), `${list} shows ${word}`);
            }
        }
        assert.equal(receiver.at('/theirs').length, 0);
    });

    it('take everything with them when they are deleted', async () => {
        const made = await api.request('POST', PROJECTS, { body: { name: 'Short', auto_register: true } });
        const own = api.withKey(made.json.key.key);
        const app = await makeApp(own);
        await makeEndpoint(own, app, { url: receiver.url('/short') });
        const answer = await own.request('DELETE', `${PROJECTS}/${made.json.id}`);
        assert.equal(answer.status, 204, answer.text);
        assertProblem(await own.request('GET', '/api/v1/apps'), 401, 'unauthorized');
        assert.equal((await api.request('GET', '/api/v1/apps')).status, 200);
    });
});
