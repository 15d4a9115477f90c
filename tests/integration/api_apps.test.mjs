// SPDX-License-Identifier: Apache-2.0
//
// Apps: made, read by id and slug, changed with ETags, listed, deleted; and every kind of bad input.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import {
    assertFieldProblem, assertId, assertProblem, makeApp, makeEndpoint, publish, useBoth, unique,
} from './support.mjs';
import { assertList, assertListRefusals } from './lists.mjs';

describe('apps', () => {
    const both = useBoth();
    let api;
    let receiver;

    before(async () => {
        ({ api, receiver } = both);
    });

    it('are made with all their fields, and read by id and by slug', async () => {
        const fields = { name: 'Ünïcode 漢字', slug: 'acme-1', description: 'a "customer"', metadata: { plan: 'gold', 'ключ': 'ß' } };
        const answer = await api.request('POST', '/api/v1/apps', { body: fields });
        assert.equal(answer.status, 201, answer.text);
        const app = answer.json;
        assertId(app.id, 'app');
        assert.equal(app.name, fields.name);
        assert.equal(app.slug, 'acme-1');
        assert.equal(app.description, fields.description);
        assert.deepEqual(app.metadata, fields.metadata);
        assert.match(app.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
        assert.equal(answer.headers.etag, '"1"');
        assert.deepEqual(await api.get(`/api/v1/apps/${app.id}`), app);
        assert.deepEqual(await api.get('/api/v1/apps/acme-1'), app);
    });

    it('exist from the start as `default`', async () => {
        const app = await api.get('/api/v1/apps/default');
        assertId(app.id, 'app');
    });

    it('are refused when a field is bad', async () => {
        const bad = [
            [{}, 'name'],
            [{ name: '' }, 'name'],
            [{ name: 'x'.repeat(1000) }, 'name'],
            [{ name: 7 }, 'name'],
            [{ name: 'a\u0000b' }, 'name'],
            [{ name: 'ok', slug: 'Has Blanks' }, 'slug'],
            [{ name: 'ok', slug: '' }, 'slug'],
            [{ name: 'ok', slug: 'x'.repeat(300) }, 'slug'],
            [{ name: 'ok', description: 5 }, 'description'],
            [{ name: 'ok', description: 'x'.repeat(100_000) }, 'description'],
            [{ name: 'ok', metadata: [] }, 'metadata'],
            [{ name: 'ok', metadata: { a: 1 } }, 'metadata'],
            [{ name: 'ok', metadata: { a: 'x'.repeat(100_000) } }, 'metadata'],
            [{ name: 'ok', colour: 'blue' }, 'colour'],
        ];
        const { data: before } = await api.get('/api/v1/apps?limit=250');
        for (const [body, field] of bad) {
            assertFieldProblem(await api.request('POST', '/api/v1/apps', { body }), field);
        }
        const all = await api.request('POST', '/api/v1/apps', { body: { name: 7, slug: 8, colour: 9 } });
        assert.equal(assertProblem(all, 422).errors.length, 3, 'each field has its error');
        assert.equal((await api.get('/api/v1/apps?limit=250')).data.length, before.length, 'none was made');
    });

    it('have unique slugs, which are free again after a delete', async () => {
        const slug = unique('slug');
        const first = await makeApp(api, { slug });
        assertProblem(await api.request('POST', '/api/v1/apps', { body: { name: 'b', slug } }), 409, 'slug_taken');
        const other = await makeApp(api);
        assertProblem(await api.request('PATCH', `/api/v1/apps/${other.id}`, { body: { slug } }), 409, 'slug_taken');
        await api.delete(`/api/v1/apps/${first.id}`);
        const again = await makeApp(api, { slug });
        assert.notEqual(again.id, first.id);
    });

    it('are made only once when two ask for the same slug at once', async () => {
        const slug = unique('race');
        const answers = await Promise.all(Array.from({ length: 8 }, () =>
            api.request('POST', '/api/v1/apps', { body: { name: 'race', slug } })));
        assert.equal(answers.filter(({ status }) => status === 201).length, 1);
        for (const answer of answers.filter(({ status }) => status !== 201)) {
            assertProblem(answer, 409, 'slug_taken');
        }
    });

    it('are changed field by field, guarded by If-Match', async () => {
        const app = await makeApp(api, { metadata: { a: '1' }, description: 'old' });
        const where = `/api/v1/apps/${app.id}`;
        const one = await api.request('PATCH', where, { body: { name: 'new' }, headers: { 'if-match': '"1"' } });
        assert.equal(one.status, 200, one.text);
        assert.equal(one.json.name, 'new');
        assert.equal(one.json.description, 'old');
        assert.deepEqual(one.json.metadata, { a: '1' });
        assert.equal(one.headers.etag, '"2"');
        const late = await api.request('PATCH', where, { body: { name: 'late' }, headers: { 'if-match': '"1"' } });
        assertProblem(late, 412, 'precondition_failed');
        assert.equal((await api.get(where)).name, 'new');
        const any = await api.request('PATCH', where, { body: { name: 'any' }, headers: { 'if-match': '*' } });
        assert.equal(any.status, 200, any.text);
        const got = await api.request('GET', where);
        assert.equal(got.headers.etag, any.headers.etag);
        assertFieldProblem(await api.request('PATCH', where, { body: { id: 'app_x' } }), 'id');
        assertProblem(await api.request('DELETE', where, { headers: { 'if-match': '"1"' } }), 412);
    });

    it('are listed page by page in both orders', async () => {
        const keys = (await api.all('/api/v1/apps?order=asc')).map((app) => app.id);
        for (let n = 0; n < 7; n++) {
            keys.push((await makeApp(api)).id);
        }
        await assertList(api, '/api/v1/apps', keys);
        await assertListRefusals(api, '/api/v1/apps');
        assert.equal((await api.get('/api/v1/apps')).data.length, Math.min(50, keys.length));
    });

    it('are gone after a delete, with what belongs to them', async () => {
        const app = await makeApp(api);
        const endpoint = await makeEndpoint(api, app, { url: receiver.url('/deleted') });
        const event = await publish(api, app, 'app.deleted', {});
        await receiver.wait('/deleted', 1);
        const answer = await api.request('DELETE', `/api/v1/apps/${app.id}`);
        assert.equal(answer.status, 204, answer.text);
        assert.equal(answer.text, '');
        for (const [method, path] of [
            ['GET', ''], ['PATCH', ''], ['DELETE', ''], ['GET', `/endpoints/${endpoint.id}`],
            ['POST', '/events'], ['GET', `/events/${event.id}`], ['GET', '/deliveries'],
        ]) {
            const body = ['PATCH', 'POST'].includes(method) ? { name: 'x' } : undefined;
            assertProblem(await api.request(method, `/api/v1/apps/${app.id}${path}`, { body }), 404, 'not_found');
        }
        assert.ok(!(await api.all('/api/v1/apps')).some(({ id }) => id === app.id));
    });

    it('are not found by what is no id', async () => {
        for (const id of ['app_0000000000000000000000', 'nobody', 'app_', '%00', '%2e%2e', 'x'.repeat(500), 'ep_0000000000000000000000']) {
            const answer = await api.request('GET', `/api/v1/apps/${id}`);
            assert.ok([400, 404].includes(answer.status), `${id}: ${answer.status} ${answer.text}`);
        }
    });

    it('cap their endpoints: 10 by default, raised per app', async () => {
        const app = await makeApp(api);
        for (let n = 0; n < 10; n++) {
            await makeEndpoint(api, app, { url: receiver.url(`/cap/${n}`) });
        }
        const url = receiver.url('/cap/more');
        const where = `/api/v1/apps/${app.id}/endpoints`;
        assertProblem(await api.request('POST', where, { body: { url } }), 409, 'limit_reached');
        await api.patch(`/api/v1/apps/${app.id}`, { max_endpoints: 11 });
        await makeEndpoint(api, app, { url });
        assertProblem(await api.request('POST', where, { body: { url } }), 409, 'limit_reached');
    });

    it('keep what they have for a time of their own', async () => {
        const app = await makeApp(api);
        assert.equal(app.retention_days, 30);
        assert.equal((await api.patch(`/api/v1/apps/${app.id}`, { retention_days: 90 })).retention_days, 90);
        assert.equal((await api.get(`/api/v1/apps/${app.id}`)).retention_days, 90);
        assertFieldProblem(await api.request('PATCH', `/api/v1/apps/${app.id}`, { body: { retention_days: 3651 } }), 'retention_days');
        assert.equal((await api.patch(`/api/v1/apps/${app.id}`, { retention_days: null })).retention_days, 30);
    });
});
