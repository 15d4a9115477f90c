// SPDX-License-Identifier: Apache-2.0
//
// The catalogue: schemas and examples checked when saved, versions, what breaks, enforcement on publish, pins of
// endpoints, internal types.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { assertFieldProblem, assertProblem, makeApp, makeEndpoint, publish, unique, useServer } from './support.mjs';

const WHERE = '/api/v1/event-types';
const ORDER = {
    type: 'object',
    properties: { id: { type: 'string' }, total: { type: 'number', minimum: 0 } },
    required: ['id'],
};

function assertPointer(answer, pointer) {
    assertProblem(answer, 422, 'invalid_field');
    assert.ok(answer.json.errors.some((fault) => fault.pointer === pointer), `names ${pointer}: ${answer.text}`);
}

/** A name that no other test uses. */
function typeName(stem) {
    return `catalogue.${unique(stem).replaceAll('-', '_')}`;
}

describe('the catalogue', () => {
    const box = useServer();
    let api;

    before(async () => {
        ({ api } = box);
    });

    it('keeps what receivers need to know of a type', async () => {
        const fields = {
            name: typeName('full'), description: 'An order was paid', group: 'Orders', category: 'orders',
            fires_when: 'When the money is there', payload_shape: 'diff', frequency: 'very_high',
            frequency_text: 'Several a second', criticality: 'critical', retry_safe: false, typical_use: 'Fulfilment',
            use_cases: ['Ship it', 'Book it'], related: ['order.made'], search: ['/contact/email', '/a~1b/0'],
            visibility: 'internal', enforce_schema: 'reject', schema: ORDER, example: { id: 'o1', total: 9007199254740992 },
        };
        const made = await api.post(WHERE, fields);
        for (const [name, value] of Object.entries(fields)) {
            assert.deepEqual(made[name], value, name);
        }
        assert.equal(made.version, 1);
        assert.deepEqual(made.versions.map(({ version }) => version), [1]);
        const cleared = await api.patch(`${WHERE}/${fields.name}`, Object.fromEntries(
            Object.keys(fields).filter((name) => !['name', 'schema', 'example'].includes(name)).map((name) => [name, null])));
        assert.equal(cleared.visibility, 'customer');
        assert.equal(cleared.retry_safe, true);
        assert.deepEqual([cleared.frequency, cleared.payload_shape, cleared.criticality, cleared.enforce_schema], [null, null, null, null]);
        assert.deepEqual([cleared.use_cases, cleared.related, cleared.search], [[], [], []]);
        assert.deepEqual(cleared.schema, ORDER);
    });

    it('refuses fields that are not right', async () => {
        const bad = [
            [{ payload_shape: 'half' }, 'payload_shape'],
            [{ frequency: 'often' }, 'frequency'],
            [{ criticality: 3 }, 'criticality'],
            [{ visibility: 'secret' }, 'visibility'],
            [{ enforce_schema: 'warn' }, 'enforce_schema'],
            [{ use_cases: [''] }, 'use_cases/0'],
            [{ use_cases: Array(21).fill('x') }, 'use_cases'],
            [{ related: ['Not A Name'] }, 'related/0'],
            [{ search: ['contact.email'] }, 'search/0'],
            [{ search: ['/a', '/b', '/c', '/d', '/e', '/f'] }, 'search'],
            [{ retry_safe: 'yes' }, 'retry_safe'],
        ];
        for (const [fields, pointer] of bad) {
            assertPointer(await api.request('POST', WHERE, { body: { name: typeName('bad'), ...fields } }), `/${pointer}`);
        }
    });

    it('refuses a schema that does not compile, with its place', async () => {
        const schema = { type: 'object', properties: { a: { type: 'text' }, b: { pattern: '(' } } };
        const answer = await api.request('POST', WHERE, { body: { name: typeName('broken'), schema } });
        assertProblem(answer, 422, 'invalid_field');
        const faults = answer.json.errors.map(({ pointer, code, keyword }) => `${pointer} ${code} ${keyword}`).sort();
        assert.deepEqual(faults, ['/schema/properties/a/type schema type', '/schema/properties/b/pattern schema pattern']);
        assertPointer(await api.request('POST', WHERE, { body: { name: typeName('far'), schema: { $ref: 'https://example.com/x.json' } } }), '/schema/$ref');
    });

    it('refuses an example that does not fit its schema', async () => {
        const name = typeName('example');
        const answer = await api.request('POST', WHERE, { body: { name, schema: ORDER, example: { total: -1 } } });
        assertProblem(answer, 422, 'invalid_field');
        assert.deepEqual(answer.json.errors.map(({ pointer, schema_pointer }) => [pointer, schema_pointer]).sort(), [
            ['/example', '#/required'], ['/example/total', '#/properties/total/minimum'],
        ]);
        await api.post(WHERE, { name, schema: ORDER, example: { id: 'a' } });
        const narrower = { ...ORDER, required: ['id', 'total'] };
        assertFieldProblem(await api.request('PATCH', `${WHERE}/${name}`, { body: { schema: narrower } }), 'example');
        await api.patch(`${WHERE}/${name}`, { schema: narrower, example: { id: 'a', total: 1 } });
    });

    it('lets a schema promise more under the same version, and not less', async () => {
        const name = typeName('change');
        await api.post(WHERE, { name, schema: ORDER });
        const more = { ...ORDER, properties: { ...ORDER.properties, note: { type: 'string' } } };
        assert.equal((await api.patch(`${WHERE}/${name}`, { schema: more })).version, 1);
        const less = { ...ORDER, properties: { id: { type: ['string', 'null'] }, total: more.properties.total } };
        const answer = await api.request('PATCH', `${WHERE}/${name}`, { body: { schema: less } });
        assertProblem(answer, 409, 'breaking_change');
        assert.deepEqual(answer.json.errors.map(({ pointer, code }) => `${code} ${pointer}`).sort(), [
            'breaking /schema/properties/id/type', 'breaking /schema/properties/note',
        ]);
        assertProblem(await api.request('PATCH', `${WHERE}/${name}`, { body: { schema: null } }), 409, 'breaking_change');
        assert.deepEqual((await api.get(`${WHERE}/${name}`)).schema, more);
    });

    it('has versions: made, listed, published by number', async () => {
        const name = typeName('versions');
        await api.post(WHERE, { name, schema: ORDER, example: { id: '1' } });
        const schema = { type: 'object', required: ['order_id'], properties: { order_id: { type: 'string' } } };
        const made = await api.request('POST', `${WHERE}/${name}/versions`, { body: { schema, example: { order_id: '1' }, notes: 'id is order_id now' } });
        assert.equal(made.status, 201, made.text);
        assert.equal(made.headers.location, `${WHERE}/${name}/versions/2`);
        assert.deepEqual(await api.get(`${WHERE}/${name}/versions/2`), made.json);
        assert.deepEqual((await api.get(`${WHERE}/${name}/versions/1`)).schema, ORDER);
        assert.deepEqual((await api.get(`${WHERE}/${name}/versions`)).data.map((v) => [v.version, v.notes]), [[1, ''], [2, 'id is order_id now']]);
        const type = await api.get(`${WHERE}/${name}`);
        assert.deepEqual([type.version, type.schema, type.example], [2, schema, { order_id: '1' }]);
        for (const number of ['0', '3', '-1', 'x', '1.0']) {
            assertProblem(await api.request('GET', `${WHERE}/${name}/versions/${number}`), 404, 'not_found');
        }
        const app = await makeApp(api);
        const where = `/api/v1/apps/${app.id}/events`;
        const latest = await publish(api, app, name, { order_id: '1' });
        const old = await publish(api, app, name, { id: '1' }, { version: 1 });
        assert.equal((await api.get(`${where}/${latest.id}`)).version, 2);
        assert.equal((await api.get(`${where}/${old.id}`)).version, 1);
        assert.deepEqual((await api.get(`${where}?order=asc`)).data.map(({ version }) => version), [2, 1]);
        assertFieldProblem(await api.request('POST', where, { body: { type: name, data: {}, version: 3 } }), 'version');
        assertFieldProblem(await api.request('POST', where, { body: { type: name, data: {}, version: 0 } }), 'version');
    });

    it('has at most 50 versions of a type', async () => {
        const name = typeName('many');
        await api.post(WHERE, { name });
        for (let n = 2; n <= 50; n++) {
            await api.post(`${WHERE}/${name}/versions`, {});
        }
        assertProblem(await api.request('POST', `${WHERE}/${name}/versions`, { body: {} }), 409, 'limit_reached');
    });

    it('keeps schemas and examples within their bytes and levels', async () => {
        const deep = (levels) => (levels === 0 ? true : { not: deep(levels - 1) });
        const large = { $comment: 'x'.repeat(66000) };
        for (const [schema, code] of [[deep(49), 'too_deep'], [large, 'too_long']]) {
            const answer = await api.request('POST', WHERE, { body: { name: typeName('large'), schema } });
            assertFieldProblem(answer, 'schema');
            assert.equal(answer.json.errors[0].code, code);
        }
        const name = typeName('heavy');
        await api.post(WHERE, { name, example: 'x'.repeat(60000) });
        let answer;
        for (let n = 2; n < 12; n++) {
            answer = await api.request('POST', `${WHERE}/${name}/versions`, { body: { example: 'x'.repeat(60000) } });
            if (answer.status !== 201) {
                break;
            }
        }
        assertProblem(answer, 409, 'limit_reached');
    });

    it('refuses events that do not fit, where that is asked for', async () => {
        const app = await makeApp(api);
        const name = typeName('enforced');
        const where = `/api/v1/apps/${app.id}/events`;
        await api.post(WHERE, { name, schema: ORDER });
        await publish(api, app, name, { total: -1 });
        await api.patch(`${WHERE}/${name}`, { enforce_schema: 'reject' });
        const answer = await api.request('POST', where, { body: { type: name, data: { total: -1 } } });
        assertProblem(answer, 422, 'schema_mismatch');
        assert.deepEqual(answer.json.errors.map((e) => [e.pointer, e.keyword, e.schema_pointer]).sort(), [
            ['/data', 'required', '#/required'], ['/data/total', 'minimum', '#/properties/total/minimum'],
        ]);
        await publish(api, app, name, { id: '1', total: 0 });
        const batch = await api.request('POST', `${where}/batch`, { body: { events: [
            { type: name, data: { id: '1' } }, { type: name, data: { id: 2 } },
        ] } });
        assertProblem(batch, 422, 'schema_mismatch');
        assert.deepEqual(batch.json.errors.map(({ pointer }) => pointer), ['/events/1/data/id']);
        assert.equal((await api.get(where)).data.length, 2, 'nothing of a refused request is stored');
        await api.post(`${WHERE}/${name}/versions`, { schema: { type: 'array' } });
        await publish(api, app, name, []);
        await publish(api, app, name, { id: '1' }, { version: 1 });
        assertProblem(await api.request('POST', where, { body: { type: name, data: [], version: 1 } }), 422, 'schema_mismatch');
    });

    it('refuses an event whose check would take too long', async () => {
        const app = await makeApp(api);
        const name = typeName('slow');
        await api.post(WHERE, { name, enforce_schema: 'reject', schema: { properties: { a: { pattern: '^(a+)+$' } } } });
        await publish(api, app, name, { a: 'aaaaaaaa' });
        const answer = await api.request('POST', `/api/v1/apps/${app.id}/events`, { body: { type: name, data: { a: 'a'.repeat(60) + '!' } } });
        assertProblem(answer, 422, 'schema_mismatch');
        assert.equal(answer.json.errors[0].keyword, 'limit');
    });

    it('sends an endpoint only the version that it pins', async () => {
        const app = await makeApp(api);
        const name = typeName('pinned');
        await api.post(WHERE, { name });
        await api.post(`${WHERE}/${name}/versions`, {});
        const all = await makeEndpoint(api, app, { url: 'http://127.0.0.1:9/all', status: 'paused' });
        const first = await makeEndpoint(api, app, { url: 'http://127.0.0.1:9/one', status: 'paused', event_versions: { [name]: 1 } });
        assert.deepEqual(first.event_versions, { [name]: 1 });
        assert.deepEqual(all.event_versions, {});
        const event = await publish(api, app, name, {});
        const stored = await api.get(`/api/v1/apps/${app.id}/events/${event.id}`);
        const fate = Object.fromEntries(stored.deliveries.map((d) => [d.endpoint_id, [d.status, d.reason]]));
        assert.deepEqual(fate[first.id], ['not_matched', 'version']);
        assert.equal(fate[all.id][0], 'pending');
        assert.equal((await publish(api, app, name, {}, { version: 1 })).deliveries, 2);
        const where = `/api/v1/apps/${app.id}/endpoints/${first.id}`;
        for (const pin of [{ [name]: 3 }, { [name]: 0 }, { [name]: '1' }, { 'never.seen': 1 }]) {
            assertPointer(await api.request('PATCH', where, { body: { event_versions: pin } }), `/event_versions/${Object.keys(pin)[0]}`);
        }
        assert.deepEqual((await api.patch(where, { event_versions: null })).event_versions, {});
        assert.equal((await publish(api, app, name, {})).deliveries, 2);
    });

    it('stores events of an internal type and delivers them to nobody', async () => {
        const app = await makeApp(api);
        const name = typeName('internal');
        await api.post(WHERE, { name, visibility: 'internal' });
        const endpoint = await makeEndpoint(api, app, { url: 'http://127.0.0.1:9/', status: 'paused' });
        const event = await publish(api, app, name, { seen: 'by nobody' });
        assert.equal(event.deliveries, 0);
        const stored = await api.get(`/api/v1/apps/${app.id}/events/${event.id}`);
        assert.deepEqual(stored.data, { seen: 'by nobody' });
        assert.deepEqual(stored.deliveries, [{ endpoint_id: endpoint.id, id: null, status: 'not_matched', reason: 'internal_event_type', reason_detail: null }]);
    });
});

describe('a project that enforces schemas', () => {
    const box = useServer();

    it('refuses what does not fit, unless the type says otherwise', async () => {
        const { api } = box;
        const app = await makeApp(api);
        const strict = typeName('strict');
        const loose = typeName('loose');
        const project = (await api.get('/api/v1/projects')).data[0];
        await api.post(WHERE, { name: strict, schema: ORDER });
        await api.post(WHERE, { name: loose, schema: ORDER, enforce_schema: 'off' });
        assert.equal(project.enforce_schema, 'off');
        assert.equal((await api.patch(`/api/v1/projects/${project.id}`, { enforce_schema: 'reject' })).enforce_schema, 'reject');
        assertFieldProblem(await api.request('PATCH', `/api/v1/projects/${project.id}`, { body: { enforce_schema: 'warn' } }), 'enforce_schema');
        await publish(api, app, loose, {});
        const refused = await api.request('POST', `/api/v1/apps/${app.id}/events`, { body: { type: strict, data: {} } });
        assertProblem(refused, 422, 'schema_mismatch');
        await publish(api, app, typeName('new'), {});
        assert.equal((await api.patch(`/api/v1/projects/${project.id}`, { enforce_schema: null })).enforce_schema, 'off');
        await publish(api, app, strict, {});
    });
});
