// SPDX-License-Identifier: Apache-2.0
//
// The catalogue: made, changed, archived, deleted; types that nobody registered, with and without auto_register.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { assertFieldProblem, assertProblem, makeApp, publish, useServer } from './support.mjs';
import { assertList, assertListRefusals } from './lists.mjs';

const WHERE = '/api/v1/event-types';

describe('event types', () => {
    const box = useServer();
    let api;

    before(async () => {
        ({ api } = box);
    });

    it('keep all their fields', async () => {
        const fields = {
            name: 'invoice.paid', description: 'An invoice was paid', group: 'billing',
            schema: { type: 'object', properties: { id: { type: 'string' } } },
            example: { id: 'in_1', big: 9007199254740992 }, frequency: 'high',
        };
        const answer = await api.request('POST', WHERE, { body: fields });
        assert.equal(answer.status, 201, answer.text);
        for (const [name, value] of Object.entries(fields)) {
            assert.deepEqual(answer.json[name], value, name);
        }
        assert.equal(answer.json.archived, false);
        assert.equal(answer.headers.etag, '"1"');
        assert.deepEqual(await api.get(`${WHERE}/invoice.paid`), answer.json);
        assertProblem(await api.request('POST', WHERE, { body: fields }), 409, 'slug_taken');
    });

    it('are refused when a field is bad', async () => {
        const names = ['', 'Invoice.paid', 'invoice', '.paid', 'invoice.', 'invoice..paid', 'a.b.c.d.e.f', '1a.b', 'a b.c', 'a-b.c', 'ä.b', 'x'.repeat(300) + '.y', 7, null];
        for (const name of names) {
            assertFieldProblem(await api.request('POST', WHERE, { body: { name } }), 'name');
        }
        const bad = [
            [{}, 'name'],
            [{ name: 'bad.field', description: 7 }, 'description'],
            [{ name: 'bad.field', group: [] }, 'group'],
            [{ name: 'bad.field', archived: 'no' }, 'archived'],
            [{ name: 'bad.field', frequency: 7 }, 'frequency'],
            [{ name: 'bad.field', colour: 'blue' }, 'colour'],
        ];
        for (const [body, field] of bad) {
            assertFieldProblem(await api.request('POST', WHERE, { body }), field);
        }
        assertProblem(await api.request('GET', `${WHERE}/bad.field`), 404, 'not_found');
    });

    it('are changed with ETags; the name is for ever', async () => {
        await api.post(WHERE, { name: 'change.me', description: 'old', group: 'g' });
        const one = await api.request('PATCH', `${WHERE}/change.me`, { body: { description: 'new' }, headers: { 'if-match': '"1"' } });
        assert.equal(one.status, 200, one.text);
        assert.equal(one.json.description, 'new');
        assert.equal(one.json.group, 'g');
        assertProblem(await api.request('PATCH', `${WHERE}/change.me`, { body: { description: 'x' }, headers: { 'if-match': '"1"' } }), 412);
        assertFieldProblem(await api.request('PATCH', `${WHERE}/change.me`, { body: { name: 'other.name' } }), 'name');
    });

    it('are listed page by page', async () => {
        const keys = (await api.all(`${WHERE}?order=asc`)).map((row) => row.name);
        for (let n = 0; n < 5; n++) {
            keys.push((await api.post(WHERE, { name: `list.n${n}` })).name);
        }
        await assertList(api, WHERE, keys, { keyOf: (row) => row.name });
        await assertListRefusals(api, WHERE);
    });

    it('are gone after a delete and may come again', async () => {
        await api.post(WHERE, { name: 'gone.soon' });
        const answer = await api.request('DELETE', `${WHERE}/gone.soon`);
        assert.equal(answer.status, 204, answer.text);
        assertProblem(await api.request('GET', `${WHERE}/gone.soon`), 404, 'not_found');
        assertProblem(await api.request('DELETE', `${WHERE}/gone.soon`), 404, 'not_found');
        await api.post(WHERE, { name: 'gone.soon' });
    });

    it('register themselves where the project has auto_register', async () => {
        const app = await makeApp(api);
        await publish(api, app, 'came.by.itself', {});
        assert.equal((await api.get(`${WHERE}/came.by.itself`)).name, 'came.by.itself');
        const bad = await api.request('POST', `/api/v1/apps/${app.id}/events`, { body: { type: 'Not A Name', data: {} } });
        assertFieldProblem(bad, 'type');
    });

    it('register themselves once when many publish the first event at once', async () => {
        const app = await makeApp(api);
        const answers = await Promise.all(Array.from({ length: 10 }, () => publish(api, app, 'first.at.once', {})));
        assert.equal(new Set(answers.map(({ id }) => id)).size, 10);
        assert.equal((await api.all(WHERE)).filter(({ name }) => name === 'first.at.once').length, 1);
    });
});

describe('event types without --dev', () => {
    const box = useServer({ dev: false });
    let api;

    before(async () => {
        ({ api } = box);
    });

    it('must be registered before they are published', async () => {
        const app = await makeApp(api);
        const where = `/api/v1/apps/${app.id}/events`;
        const answer = await api.request('POST', where, { body: { type: 'never.seen', data: {} } });
        assertProblem(answer, 422, 'unknown_event_type');
        assert.equal((await api.get(where)).data.length, 0);
        await api.post(WHERE, { name: 'never.seen' });
        await publish(api, app, 'never.seen', {});
        assert.equal((await api.get(where)).data.length, 1);
    });

    it('are refused for publishing while archived', async () => {
        const app = await makeApp(api);
        await api.post(WHERE, { name: 'old.type' });
        await api.patch(`${WHERE}/old.type`, { archived: true });
        const answer = await api.request('POST', `/api/v1/apps/${app.id}/events`, { body: { type: 'old.type', data: {} } });
        assert.equal(answer.status, 422, answer.text);
        await api.patch(`${WHERE}/old.type`, { archived: false });
        await publish(api, app, 'old.type', {});
    });
});
