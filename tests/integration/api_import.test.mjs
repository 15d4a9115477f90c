// SPDX-License-Identifier: Apache-2.0
//
// Many event types at once: presets that come with the server, and the webhooks of an OpenAPI document.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { assertProblem, makeApp, publish, useServer } from './support.mjs';

const WHERE = '/api/v1/event-types';
const PENGUIN = [
    'email.sent', 'email.delivered', 'email.opened', 'email.clicked', 'email.bounced', 'email.spam_reported',
    'email.unsubscribed', 'campaign.launched', 'campaign.completed', 'campaign.paused', 'contact.created',
    'contact.updated', 'contact.unsubscribed', 'system.webhook.paused', 'system.secret.rotated',
];

/** An OpenAPI document with these webhooks. */
function document(webhooks, more = {}) {
    return { openapi: '3.1.0', info: { title: 'x', version: '1' }, webhooks, ...more };
}

function webhook(schema, fields = {}, media = {}) {
    return { post: { requestBody: { content: { 'application/json': { schema, ...media } } }, ...fields } };
}

describe('presets', () => {
    const box = useServer();
    let api;

    before(async () => {
        ({ api } = box);
    });

    it('are listed, and one is shown whole', async () => {
        const { data } = await api.get(`${WHERE}/presets`);
        assert.deepEqual(data.map(({ name }) => name), ['penguinmails', 'saas']);
        assert.deepEqual(data[0].event_types, PENGUIN);
        for (const name of ['user.signed_up', 'payment.succeeded', 'invoice.paid', 'subscription.updated', 'subscription.cancelled']) {
            assert.ok(data[1].event_types.includes(name), name);
        }
        const preset = await api.get(`${WHERE}/presets/penguinmails`);
        assert.deepEqual(preset.event_types.map(({ name }) => name), PENGUIN);
        assert.deepEqual(preset.first_five, PENGUIN.slice(0, 5));
        assertProblem(await api.request('GET', `${WHERE}/presets/none`), 404, 'not_found');
        assertProblem(await api.request('POST', `${WHERE}/presets/none`, { body: {} }), 404, 'not_found');
    });

    it('say first what they would do', async () => {
        const result = await api.post(`${WHERE}/presets/penguinmails`, { dry_run: true }, { status: 200 });
        assert.deepEqual(result, { dry_run: true, created: PENGUIN, updated: [], unchanged: [], problems: [] });
        assertProblem(await api.request('GET', `${WHERE}/email.sent`), 404, 'not_found');
    });

    it('register the 15 event types of an e-mail product with the texts of its pages', async () => {
        const result = await api.request('POST', `${WHERE}/presets/penguinmails`);
        assert.equal(result.status, 200, result.text);
        assert.deepEqual(result.json.created, PENGUIN);
        const types = Object.fromEntries((await api.all(WHERE)).map((type) => [type.name, type]));
        const texts = {
            'email.sent': 'Email queued for sending', 'email.delivered': 'Email successfully delivered',
            'email.opened': 'Recipient opened email', 'email.clicked': 'Recipient clicked link',
            'email.bounced': 'Email bounced (hard or soft)', 'email.spam_reported': 'Marked as spam',
            'email.unsubscribed': 'Recipient unsubscribed', 'campaign.launched': 'Campaign started sending',
            'campaign.completed': 'Campaign finished', 'campaign.paused': 'Campaign paused by user',
            'contact.created': 'New contact added', 'contact.updated': 'Contact information updated',
            'contact.unsubscribed': 'Contact unsubscribed from all',
        };
        for (const [name, text] of Object.entries(texts)) {
            assert.equal(types[name].description, text);
        }
        const count = (group) => Object.values(types).filter((type) => type.group === group).length;
        assert.deepEqual(['Email Events', 'Campaign Events', 'Contact Events', 'System Events'].map(count), [7, 3, 3, 2]);
        const table = {
            'email.sent': ['high', 'Track sending status'], 'email.delivered': ['high', 'Confirm delivery'],
            'email.opened': ['very_high', 'Measure engagement'], 'email.clicked': ['high', 'Track link clicks'],
            'email.bounced': ['medium', 'Update contact status'], 'campaign.launched': ['low', 'Trigger notifications'],
            'contact.created': ['medium', 'Sync to CRM'],
        };
        for (const [name, row] of Object.entries(table)) {
            assert.deepEqual([types[name].frequency, types[name].typical_use, types[name].retry_safe], [...row, true], name);
        }
        const opened = types['email.opened'];
        assert.equal(opened.fires_when, 'Triggered when a recipient opens an email. Includes location and device information.');
        assert.equal(opened.frequency_text, 'High - Can be triggered multiple times per email');
        assert.deepEqual(opened.related, ['email.sent', 'email.delivered', 'email.clicked']);
        assert.deepEqual(opened.use_cases, ['Update CRM with engagement data', 'Trigger follow-up workflows', 'Track email performance']);
        assert.deepEqual(Object.keys(opened.schema.properties.location.properties), ['city', 'region', 'country']);
        assert.equal(opened.example.contact.email, 'user@example.com');
        assert.deepEqual(opened.search, ['/contact/email']);
    });

    it('change nothing the second time, and only what differs', async () => {
        assert.deepEqual((await api.post(`${WHERE}/presets/penguinmails`, {}, { status: 200 })).unchanged, PENGUIN);
        await api.patch(`${WHERE}/email.sent`, { typical_use: 'Something else' });
        const result = await api.post(`${WHERE}/presets/penguinmails`, {}, { status: 200 });
        assert.deepEqual(result.updated, ['email.sent']);
        assert.equal((await api.get(`${WHERE}/email.sent`)).typical_use, 'Track sending status');
    });

    it('have examples that can be published under their own schemas', async () => {
        const app = await makeApp(api);
        await api.post(`${WHERE}/presets/saas`, {}, { status: 200 });
        for (const type of await api.all(WHERE)) {
            await api.patch(`${WHERE}/${type.name}`, { enforce_schema: 'reject' });
            await publish(api, app, type.name, type.example);
        }
    });
});

describe('an OpenAPI document', () => {
    const box = useServer();
    let api;

    before(async () => {
        ({ api } = box);
    });

    async function load(openapi, more = {}) {
        const answer = await api.request('POST', `${WHERE}/import`, { body: { openapi, ...more } });
        assert.equal(answer.status, 200, answer.text);
        return answer.json;
    }

    it('becomes event types: names, texts, schemas with their components, examples', async () => {
        const money = { type: 'object', properties: { amount: { type: 'integer' }, of: { $ref: '#/components/schemas/Currency' } }, required: ['amount'] };
        const openapi = document({
            'order.made': webhook({ $ref: '#/components/schemas/OrderMade' }, { summary: 'An order was made', description: 'At check-out', tags: ['orders'] }, {
                example: { id: 'evt_1', type: 'order.made', data: { total: { amount: 1, of: 'EUR' } } },
            }),
            'order.gone': webhook({ type: 'object', required: ['id'] }, { summary: 'Gone' }, { examples: { one: { value: { id: 1 } } } }),
        }, { components: { schemas: {
            OrderMade: { type: 'object', properties: { id: {}, type: { const: 'order.made' }, data: { type: 'object', properties: { total: { $ref: '#/components/schemas/Money' } }, required: ['total'] } } },
            Money: money, Currency: { enum: ['EUR', 'USD'] }, Unused: {},
        } } });
        assert.deepEqual((await load(openapi, { dry_run: true })).created, ['order.made', 'order.gone']);
        assert.deepEqual((await load(openapi)).created, ['order.made', 'order.gone']);
        assert.deepEqual((await load(openapi)).unchanged, ['order.made', 'order.gone']);
        const made = await api.get(`${WHERE}/order.made`);
        assert.deepEqual([made.description, made.fires_when, made.category], ['An order was made', 'At check-out', 'orders']);
        assert.deepEqual(made.schema, {
            type: 'object', properties: { total: { $ref: '#/$defs/Money' } }, required: ['total'],
            $defs: { Money: { ...money, properties: { ...money.properties, of: { $ref: '#/$defs/Currency' } } }, Currency: { enum: ['EUR', 'USD'] } },
        });
        assert.deepEqual(made.example, { total: { amount: 1, of: 'EUR' } });
        const gone = await api.get(`${WHERE}/order.gone`);
        assert.deepEqual([gone.schema, gone.example], [{ type: 'object', required: ['id'] }, { id: 1 }]);
    });

    it('names problems of one webhook and takes the others', async () => {
        const result = await load(document({
            'good.one': webhook({ type: 'object' }),
            NotAName: webhook({}),
            'no.body': { post: {} },
            'bad.schema': webhook({ type: 'text' }),
            'far.away': webhook({ $ref: 'https://example.com/x.json' }),
            'no.component': webhook({ $ref: '#/components/schemas/None' }),
            'bad.example': webhook({ type: 'object' }, {}, { example: 7 }),
        }));
        assert.deepEqual(result.created, ['good.one']);
        assert.deepEqual(result.problems.map(({ name, errors }) => `${name} ${errors[0].code} ${errors[0].pointer}`), [
            'NotAName pattern /name', 'no.body required ', 'bad.schema schema /schema/type', 'far.away pattern /schema',
            'no.component pattern /schema', 'bad.example schema /example',
        ]);
    });

    it('makes a new version of what would break, when that is asked for', async () => {
        await load(document({ 'will.break': webhook({ properties: { a: true } }) }));
        const next = document({ 'will.break': webhook({ properties: { b: true } }) });
        const refused = await load(next);
        assert.deepEqual(refused.problems.map(({ name, errors }) => [name, errors[0].code]), [['will.break', 'breaking']]);
        assert.equal((await api.get(`${WHERE}/will.break`)).version, 1);
        assert.deepEqual((await load(next, { new_versions: true, dry_run: true })).updated, ['will.break']);
        assert.deepEqual((await load(next, { new_versions: true })).updated, ['will.break']);
        const type = await api.get(`${WHERE}/will.break`);
        assert.deepEqual([type.version, type.schema], [2, { properties: { b: true } }]);
    });

    it('is refused as a whole when it is none', async () => {
        const bad = [
            [{}, '/openapi/openapi'], [{ openapi: '3.0.3', webhooks: {} }, '/openapi/openapi'],
            [{ openapi: '3.1.0' }, '/openapi/webhooks'], [{ openapi: '3.1.0', webhooks: [] }, '/openapi/webhooks'], [7, '/openapi'],
        ];
        for (const [openapi, pointer] of bad) {
            const answer = await api.request('POST', `${WHERE}/import`, { body: { openapi } });
            assertProblem(answer, 422, 'invalid_field');
            assert.equal(answer.json.errors[0].pointer, pointer);
        }
    });

    it('takes at most 500 webhooks at once', async () => {
        const many = (n) => document(Object.fromEntries(Array.from({ length: n }, (_, i) => [`many.n${i}`, webhook(true)])));
        assert.equal((await load(many(500), { dry_run: true })).created.length, 500);
        assertProblem(await api.request('POST', `${WHERE}/import`, { body: { openapi: many(501) } }), 422, 'invalid_field');
    });

    it('refuses what is too large, and takes the rest', async () => {
        const part = { properties: Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`property_${i}`, { maxLength: 5 }])) };
        const webhooks = Object.fromEntries(Array.from({ length: 90 }, (_, i) => [`large.n${i}`, webhook({ $ref: '#/components/schemas/Large' })]));
        const result = await load(document({ ...webhooks, 'too.large': webhook({ allOf: [{ $ref: '#/components/schemas/Large' }, part] }) }, { components: { schemas: { Large: part } } }), { dry_run: true });
        assert.ok(result.created.length > 50 && result.created.length < 90, `${result.created.length}`);
        assert.equal(result.problems.length, 91 - result.created.length);
        assert.ok(result.problems.every(({ errors }) => errors[0].code === 'too_long'));
    });
});
