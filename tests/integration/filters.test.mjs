// SPDX-License-Identifier: Apache-2.0
//
// Which events an endpoint gets beyond its types, and in what shape: filters, simple fields, channels, thin payloads,
// envelopes, transforms; tried before they are saved; what they did stands in the log.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import {
    assertProblem, deliveriesOf, makeApp, makeEndpoint, makeRoute, publish, unique, useBoth, waitDelivery,
} from './support.mjs';

// The filter of the product's own page.
const CAMPAIGN_FILTER = {
    'contact.tags': ['vip', 'premium'],
    'campaign.type': 'promotional',
    'email.opened_count': { $gte: 3 },
};
const WANTED = { contact: { tags: ['new', 'vip'] }, campaign: { type: 'promotional' }, email: { opened_count: 3 } };

async function fanOut(api, app, event) {
    return (await api.get(`/api/v1/apps/${app.id}/events/${event.id}`)).deliveries;
}

// The one delivery of an event, as its list row tells it.
async function rowOf(api, app, event) {
    const [row] = await deliveriesOf(api, app, event);
    return row;
}

// A field problem with just that pointer and code.
function assertFault(answer, pointer, code) {
    const { errors } = assertProblem(answer, 422);
    assert.deepEqual(errors.map((e) => [e.pointer, e.code]), [[pointer, code]], answer.text);
}

function bodyAt(receiver, path, at = 0) {
    return receiver.at(path)[at].body.toString('utf8');
}

describe('filters', () => {
    const both = useBoth();
    let api;
    let receiver;

    before(async () => {
        ({ api, receiver } = both);
    });

    it('of the campaign page let the right events through and name the rule that says no', async () => {
        const { app, endpoint, path } = await makeRoute(both, undefined, { filter: CAMPAIGN_FILTER });
        assert.deepEqual(endpoint.filter, CAMPAIGN_FILTER);
        const wanted = await publish(api, app, 'email.opened', WANTED);
        assert.equal(wanted.deliveries, 1);
        await waitDelivery(api, app, wanted);
        assert.deepEqual(JSON.parse(bodyAt(receiver, path)).data, WANTED);

        const cases = [
            [{ ...WANTED, contact: { tags: ['new'] } }, '/filter/contact.tags'],
            [{ ...WANTED, campaign: { type: 'newsletter' } }, '/filter/campaign.type'],
            [{ ...WANTED, email: { opened_count: 2 } }, '/filter/email.opened_count/$gte'],
            [{ ...WANTED, email: {} }, '/filter/email.opened_count/$gte'],
            ['no object at all', '/filter/contact.tags'],
        ];
        for (const [data, rule] of cases) {
            const event = await publish(api, app, 'email.opened', data);
            assert.equal(event.deliveries, 0);
            const [sent] = await fanOut(api, app, event);
            assert.equal(sent.endpoint_id, endpoint.id);
            assert.deepEqual([sent.status, sent.reason, sent.reason_detail], ['filtered', 'filter', rule]);
            const detail = await api.get(`/api/v1/apps/${app.id}/deliveries/${sent.id}`);
            assert.deepEqual([detail.status, detail.reason, detail.reason_detail], ['filtered', 'filter', rule]);
            assert.deepEqual(detail.attempts, []);
            assert.equal(detail.ended_at, detail.created_at);
            assertProblem(await api.request('POST', `/api/v1/apps/${app.id}/deliveries/${sent.id}/retry`), 409, 'wrong_state');
        }
        assert.equal(receiver.at(path).length, 1);
        const filtered = await api.get(`/api/v1/apps/${app.id}/deliveries?status=filtered`);
        assert.equal(filtered.data.length, cases.length);
    });

    it('are changed, taken away and read after a restart', async () => {
        const { app, endpoint, base } = await makeRoute(both, undefined, { filter: { plan: 'pro' } });
        const where = `${base}/endpoints/${endpoint.id}`;
        assert.equal((await publish(api, app, 'user.created', { plan: 'free' })).deliveries, 0);
        const patched = await api.request('PATCH', where, { body: { filter: { plan: { $in: ['free', 'pro'] } } } });
        assert.equal(patched.status, 200, patched.text);
        assert.equal((await publish(api, app, 'user.created', { plan: 'free' })).deliveries, 1);
        await api.request('PATCH', where, { body: { filter: null, name: 'open' } });
        assert.equal((await publish(api, app, 'user.created', { plan: 'none' })).deliveries, 1);
        assert.equal((await api.get(where)).filter, null);
    });

    it('are refused when they are not understood, with the pointer of the fault', async () => {
        const app = await makeApp(api);
        const url = receiver.url('/refused');
        const cases = [
            [{ filter: { a: { $near: 1 } } }, '/filter/a/$near', 'unknown_operator'],
            [{ filter: { $or: [{ a: 1 }, { b: { $x: 1 } }] } }, '/filter/$or/1/b/$x', 'unknown_operator'],
            [{ filter: [] }, '/filter', 'type'],
            [{ filter: { 'a..b': 1 } }, '/filter/a..b', 'pattern'],
            [{ filter: { a: 'x'.repeat(4096) } }, '/filter', 'too_long'],
            [{ workspaces: 'x' }, '/workspaces', 'type'],
            [{ contact_tags: ['ok', 5] }, '/contact_tags/1', 'pattern'],
            [{ campaigns: Array.from({ length: 101 }, (_, i) => `c${i}`) }, '/campaigns', 'too_long'],
            [{ campaigns: ['x'.repeat(257)] }, '/campaigns/0', 'pattern'],
            [{ campaigns: [''] }, '/campaigns/0', 'pattern'],
            [{ campaigns: ['a\u0000b'] }, '/campaigns/0', 'pattern'],
            [{ channels: ['no blanks'] }, '/channels/0', 'pattern'],
            [{ channels: ['x'.repeat(65)] }, '/channels/0', 'pattern'],
            [{ payload_style: 'fat' }, '/payload_style', 'pattern'],
            [{ envelope: 'brown' }, '/envelope', 'pattern'],
            [{ transform: { language: 'lua', expression: 'a' } }, '/transform/language', 'pattern'],
            [{ transform: { language: 'jmespath' } }, '/transform/expression', 'required'],
            [{ transform: { language: 'jmespath', expression: 'a.' } }, '/transform/expression', 'expression'],
            [{ transform: { expression: 'nope(a)' } }, '/transform/expression', 'expression'],
            [{ transform: { expression: 'a', more: 1 } }, '/transform/more', 'unknown'],
        ];
        for (const [fields, pointer, code] of cases) {
            const answer = await api.request('POST', `/api/v1/apps/${app.id}/endpoints`, { body: { url, ...fields } });
            assertFault(answer, pointer, code);
        }
        assert.deepEqual((await api.get(`/api/v1/apps/${app.id}/endpoints`)).data, []);
    });

    it('by workspace, campaign and tag read where the project says', async () => {
        const { app, path } = await makeRoute(both, undefined, {
            workspaces: ['w1', '7'], campaigns: ['c1'], contact_tags: ['vip', 'premium'],
        });
        const fits = { workspace_id: 7, campaign_id: 'c1', contact: { tags: ['x', 'premium'] } };
        const event = await publish(api, app, 'email.clicked', fits);
        await waitDelivery(api, app, event);
        assert.equal(receiver.at(path).length, 1);
        for (const [data, rule] of [
            [{ ...fits, workspace_id: 'w2' }, '/workspaces'],
            [{ ...fits, workspace_id: undefined }, '/workspaces'],
            [{ ...fits, campaign_id: 'c2' }, '/campaigns'],
            [{ ...fits, contact: { tags: [] } }, '/contact_tags'],
        ]) {
            const no = await publish(api, app, 'email.clicked', data);
            assert.equal((await rowOf(api, app, no)).reason_detail, rule);
        }
    });

    it('wait for one of their channels', async () => {
        const { app } = await makeRoute(both, undefined, { channels: ['project_1', 'project_2'] });
        const cases = [[['project_2', 'x'], 1], [['project_3'], 0], [[], 0], [undefined, 0]];
        for (const [channels, deliveries] of cases) {
            const event = await publish(api, app, 'build.done', {}, { channels });
            assert.equal(event.deliveries, deliveries, JSON.stringify(channels));
            const read = await api.get(`/api/v1/apps/${app.id}/events/${event.id}`);
            assert.deepEqual(read.channels, channels ?? []);
            assert.equal(read.deliveries[0].reason_detail, deliveries ? null : '/channels');
        }
        const many = Array.from({ length: 11 }, (_, i) => `c${i}`);
        for (const [channels, pointer, code] of [[['a b'], '/channels/0', 'pattern'], [many, '/channels', 'too_long']]) {
            const answer = await api.request('POST', `/api/v1/apps/${app.id}/events`, {
                body: { type: 'build.done', data: {}, channels },
            });
            assertFault(answer, pointer, code);
        }
    });

    it('are asked before the endpoint is: a disabled one says filtered, not skipped', async () => {
        const { app, endpoint, path, base } = await makeRoute(both, { status: 410 }, { filter: { n: { $gt: 1 } } });
        await waitDelivery(api, app, await publish(api, app, 'thing.made', { n: 2 }));
        assert.equal((await api.get(`${base}/endpoints/${endpoint.id}`)).status, 'disabled');
        const filtered = await rowOf(api, app, await publish(api, app, 'thing.made', { n: 1 }));
        const skipped = await rowOf(api, app, await publish(api, app, 'thing.made', { n: 2 }));
        assert.deepEqual([filtered.status, skipped.status], ['filtered', 'skipped']);
        assert.equal(receiver.at(path).length, 1);
    });

    it('treat each event of a batch for itself', async () => {
        const { app, path } = await makeRoute(both, undefined, { filter: { n: [1, 3] }, envelope: 'standard' });
        const events = [0, 1, 2, 3].map((n) => ({ type: 'thing.counted', data: { n } }));
        const answer = await api.post(`/api/v1/apps/${app.id}/events/batch`, { events });
        assert.deepEqual(answer.data.map((row) => row.deliveries), [0, 1, 0, 1]);
        await receiver.wait(path, 2);
        const seen = receiver.at(path).map((_, i) => JSON.parse(bodyAt(receiver, path, i)).data.n);
        assert.deepEqual(seen.sort(), [1, 3]);
    });

    it('are tried on a sample, on an event, and for their syntax alone', async () => {
        const { app, endpoint, base } = await makeRoute(both, undefined, { filter: CAMPAIGN_FILTER, campaigns: ['c1'] });
        const test = (body) => api.post('/api/v1/filters/test', body);
        const own = (body) => api.post(`${base}/endpoints/${endpoint.id}/filters/test`, body);

        assert.deepEqual(await test({ filter: CAMPAIGN_FILTER }), { matches: null, failed_rule: null, errors: [] });
        assert.deepEqual(await test({ filter: CAMPAIGN_FILTER, sample: WANTED }), { matches: true, failed_rule: null, errors: [] });
        assert.deepEqual(
            await test({ filter: CAMPAIGN_FILTER, sample: { contact: { tags: ['vip'] } } }),
            { matches: false, failed_rule: '/filter/campaign.type', errors: [] },
        );
        const faulty = await test({ filter: { a: { $near: 1 } }, sample: {} });
        assert.equal(faulty.matches, null);
        assert.deepEqual(faulty.errors.map((e) => [e.pointer, e.code]), [['/filter/a/$near', 'unknown_operator']]);

        assert.equal((await own({ sample: WANTED })).failed_rule, '/campaigns');
        assert.equal((await own({ sample: { ...WANTED, campaign_id: 'c1' } })).matches, true);
        assert.equal((await own({ filter: { x: 1 }, sample: { x: 1 } })).matches, true);

        const event = await publish(api, app, 'email.opened', { ...WANTED, campaign_id: 'c2' });
        assert.equal((await own({ event: event.id })).failed_rule, '/campaigns');
        assert.equal((await test({ filter: { campaign_id: 'c2' }, event: event.id })).matches, true);

        assertFault(
            await api.request('POST', '/api/v1/filters/test', { body: { filter: {}, sample: 1, event: event.id } }),
            '/sample', 'conflict',
        );
        assertProblem(
            await api.request('POST', '/api/v1/filters/test', { body: { filter: {}, event: `evt_${'0'.repeat(22)}` } }),
            404, 'not_found',
        );
        const other = await makeApp(api);
        const otherEvent = await publish(api, other, 'email.opened', {});
        assertProblem(
            await api.request('POST', `${base}/endpoints/${endpoint.id}/filters/test`, { body: { event: otherEvent.id } }),
            404, 'not_found',
        );
        // Who is bound to an app may try filters and transforms, on events of that app alone.
        const { key } = await api.post('/api/v1/keys', { name: 'bound', scopes: ['manage'], app: app.id });
        for (const route of ['/api/v1/filters/test', '/api/v1/transforms/preview']) {
            const ask = (id) => api.withKey(key).request('POST', route, { body: { event: id } });
            assert.equal((await ask(event.id)).status, 200, route);
            assertProblem(await ask(otherEvent.id), 404, 'not_found');
        }
    });

    it('have facets: the values seen lately', async () => {
        const app = await makeApp(api);
        for (const [campaign, tags] of [['c1', ['vip']], ['c2', ['vip', 'new']], ['c1', []], [undefined, undefined]]) {
            await publish(api, app, 'email.sent', { campaign_id: campaign, workspace_id: 5, contact: { tags } });
        }
        const facets = (field) => api.get(`/api/v1/apps/${app.id}/facets?field=${field}`);
        const campaigns = await facets('campaigns');
        assert.deepEqual(campaigns.data, [{ value: 'c1', count: 2 }, { value: 'c2', count: 1 }]);
        assert.deepEqual([campaigns.events, campaigns.truncated, campaigns.pointer], [4, false, '/campaign_id']);
        assert.deepEqual((await facets('contact_tags')).data, [{ value: 'vip', count: 2 }, { value: 'new', count: 1 }]);
        assert.deepEqual((await facets('workspaces')).data, [{ value: '5', count: 4 }]);
        for (const query of ['', '?field=other']) {
            assertProblem(await api.request('GET', `/api/v1/apps/${app.id}/facets${query}`), 400, 'invalid_request');
        }
    });

    it('have facets of the newest 1,000 events', async () => {
        const app = await makeApp(api);
        for (let at = 0; at < 1100; at += 100) {
            const events = Array.from({ length: 100 }, () => ({ type: 'email.sent', data: { campaign_id: `c${at}` } }));
            await api.post(`/api/v1/apps/${app.id}/events/batch`, { events });
        }
        const facets = await api.get(`/api/v1/apps/${app.id}/facets?field=campaigns`);
        assert.equal(facets.events, 1000);
        assert.deepEqual(facets.data.map((v) => v.count), Array(10).fill(100));
        assert.equal(facets.data[0].value, 'c1000');
        assert.ok(!facets.data.some((v) => v.value === 'c0'));
    });

    it('have facets that stop at 500 values', async () => {
        const app = await makeApp(api);
        for (let at = 0; at < 510; at += 102) {
            const events = Array.from({ length: 2 }, (_, half) => ({
                type: 'email.sent',
                data: { contact: { tags: Array.from({ length: 51 }, (_, i) => `t${at + half * 51 + i}`) } },
            }));
            await api.post(`/api/v1/apps/${app.id}/events/batch`, { events });
        }
        const facets = await api.get(`/api/v1/apps/${app.id}/facets?field=contact_tags`);
        assert.equal(facets.data.length, 500);
        assert.equal(facets.truncated, true);
    });
});

describe('payloads', () => {
    const both = useBoth();
    let api;
    let receiver;

    before(async () => {
        ({ api, receiver } = both);
    });

    // A type of its own with a resource, so that a thin endpoint for it may be saved.
    async function makeType(resource) {
        const name = `${unique('kind').replaceAll('-', '_')}.changed`;
        const answer = await api.request('POST', '/api/v1/event-types', { body: { name, resource } });
        assert.equal(answer.status, 201, answer.text);
        assert.deepEqual(answer.json.resource, resource ?? null);
        return name;
    }

    it('are thin: the resource that the type finds in data, and no data', async () => {
        const resource = { type: 'contact', id_pointer: '/contact/id', url: 'https://api.example.com/contacts/{id}' };
        const type = await makeType(resource);
        const { app, path, endpoint } = await makeRoute(both, undefined, { event_types: [type], payload_style: 'thin' });
        assert.equal(endpoint.payload_style, 'thin');
        const event = await publish(api, app, type, { contact: { id: 'a b/1', name: 'Ann' } });
        const delivery = await waitDelivery(api, app, event);
        const sent = JSON.parse(bodyAt(receiver, path));
        assert.deepEqual(Object.keys(sent), ['id', 'type', 'created_at', 'resource']);
        assert.equal(sent.id, event.id);
        assert.deepEqual(sent.resource, { type: 'contact', id: 'a b/1', url: 'https://api.example.com/contacts/a%20b%2F1' });
        assert.equal(delivery.attempts[0].request.body, bodyAt(receiver, path));
        assert.deepEqual((await api.get(`/api/v1/apps/${app.id}/events/${event.id}`)).data.contact.name, 'Ann');
    });

    it('are thin: the resource that the publisher names', async () => {
        const type = await makeType({ type: 'order' });
        const { app, path } = await makeRoute(both, undefined, { event_types: [type], payload_style: 'thin' });
        const full = receiver.on(`${path}/full`, undefined);
        await makeEndpoint(api, app, { url: full, event_types: [type] });
        const resource = { type: 'order', id: '9007199254740993', url: 'https://api.example.com/o/9' };
        const event = await publish(api, app, type, { n: 1 }, { resource });
        await receiver.wait(path, 1);
        await receiver.wait(`${path}/full`, 1);
        assert.deepEqual(JSON.parse(bodyAt(receiver, path)).resource, resource);
        const snapshot = JSON.parse(bodyAt(receiver, `${path}/full`));
        assert.deepEqual([snapshot.resource, snapshot.data], [resource, { n: 1 }]);
        assert.deepEqual((await api.get(`/api/v1/apps/${app.id}/events/${event.id}`)).resource, resource);

        // Not named: the delivery fails and the raw event is not sent; a person cannot send it either.
        const bare = await publish(api, app, type, { n: 2 });
        assert.equal(bare.deliveries, 1);
        const failed = (await deliveriesOf(api, app, bare)).find((row) => row.status === 'failed');
        assert.equal(failed.error, 'transform_error');
        assert.equal(failed.reason, 'transform_error');
        assert.match(failed.reason_detail, /names no resource/);
        assertProblem(await api.request('POST', `/api/v1/apps/${app.id}/deliveries/${failed.id}/retry`), 409, 'wrong_state');
        await receiver.wait(`${path}/full`, 2);
        assert.equal(receiver.at(path).length, 1);
    });

    it('cannot be thin for a type without a resource', async () => {
        const bare = await makeType();
        const named = await makeType({ type: 'order' });
        const app = await makeApp(api);
        const url = receiver.url('/thin');
        for (const event_types of [[bare], [named, bare], undefined]) {
            const answer = await api.request('POST', `/api/v1/apps/${app.id}/endpoints`, {
                body: { url, event_types, payload_style: 'thin' },
            });
            assertFault(answer, '/payload_style', 'no_resource');
        }
        const endpoint = await makeEndpoint(api, app, { url, event_types: [named], payload_style: 'thin' });
        const where = `/api/v1/apps/${app.id}/endpoints/${endpoint.id}`;
        assertFault(await api.request('PATCH', where, { body: { event_types: [bare] } }), '/payload_style', 'no_resource');
        assert.equal((await api.request('PATCH', where, { body: { event_types: [bare], payload_style: 'snapshot' } })).status, 200);
    });

    it('refuse a resource that is not one', async () => {
        const app = await makeApp(api);
        const cases = [
            [{ type: 'x' }, '/resource/id', 'required'],
            [{ type: 'x', id: 5 }, '/resource/id', 'type'],
            [{ type: 'x', id: '1', more: 1 }, '/resource/more', 'unknown'],
            [{ type: 'x'.repeat(65), id: '1' }, '/resource/type', 'too_long'],
            [{ type: 'x', id: '1'.repeat(257) }, '/resource/id', 'too_long'],
            [{ type: 'x', id: '1', url: 'u'.repeat(2049) }, '/resource/url', 'too_long'],
            ['x', '/resource', 'type'],
        ];
        for (const [resource, pointer, code] of cases) {
            const answer = await api.request('POST', `/api/v1/apps/${app.id}/events`, { body: { type: 'a.b', data: 1, resource } });
            assertFault(answer, pointer, code);
        }
        for (const [resource, pointer, code] of [
            [{ id_pointer: '/a' }, '/resource/type', 'required'],
            [{ type: 'x', id_pointer: 'a' }, '/resource/id_pointer', 'pattern'],
        ]) {
            const answer = await api.request('POST', '/api/v1/event-types', { body: { name: 'res.faulty', resource } });
            assertFault(answer, pointer, code);
        }
    });

    it('wear the standard envelope, thin or not', async () => {
        const type = await makeType({ type: 'contact', id_pointer: '/id' });
        const { app, path } = await makeRoute(both, undefined, { event_types: [type], envelope: 'standard' });
        const thin = receiver.on(`${path}/thin`, undefined);
        await makeEndpoint(api, app, { url: thin, event_types: [type], envelope: 'standard', payload_style: 'thin' });
        const occurred_at = '2026-01-31T12:00:00.000Z';
        await publish(api, app, type, { id: 12, big: 1 }, { occurred_at });
        await receiver.wait(path, 1);
        await receiver.wait(`${path}/thin`, 1);
        assert.deepEqual(JSON.parse(bodyAt(receiver, path)), { type, timestamp: occurred_at, data: { id: 12, big: 1 } });
        assert.deepEqual(JSON.parse(bodyAt(receiver, `${path}/thin`)), {
            type, timestamp: occurred_at, data: { type: 'contact', id: '12', url: null },
        });
    });

    it('are transformed: those bytes are stored, sent on every attempt and shown', async () => {
        const expression = '{text: join(\' \', [data.name, type]), n: data.n, id: id}';
        const { app, path, endpoint } = await makeRoute(both, [{ status: 500 }, { status: 200 }], {
            transform: { language: 'jmespath', expression },
            retry: { schedule: [0], jitter_percent: 0 },
        });
        assert.deepEqual(endpoint.transform, { language: 'jmespath', expression });
        const event = await publish(api, app, 'user.created', { name: 'Ann', n: 1 });
        const delivery = await waitDelivery(api, app, event);
        assert.equal(delivery.status, 'delivered');
        const bytes = `{"text":"Ann user.created","n":1,"id":"${event.id}"}`;
        assert.deepEqual([bodyAt(receiver, path, 0), bodyAt(receiver, path, 1)], [bytes, bytes]);
        assert.deepEqual(delivery.attempts.map((a) => a.request.body), [bytes, bytes]);
    });

    it('whose transform fails are failed, and the raw event is never sent', async () => {
        const { app, path } = await makeRoute(both, undefined, { transform: { expression: 'abs(data.secret)' } });
        const event = await publish(api, app, 'user.created', { secret: 'do not tell' });
        assert.equal(event.deliveries, 0);
        const row = await rowOf(api, app, event);
        assert.deepEqual([row.status, row.error, row.reason], ['failed', 'transform_error', 'transform_error']);
        assert.equal(row.reason_detail, 'transform: invalid-type: abs takes number, not string.');
        assert.equal(row.attempt_count, 0);
        assertProblem(await api.request('POST', `/api/v1/apps/${app.id}/deliveries/${row.id}/retry`), 409, 'wrong_state');
        const fine = await publish(api, app, 'user.created', { secret: -5 });
        await waitDelivery(api, app, fine);
        assert.equal(bodyAt(receiver, path), '5');
        assert.equal(receiver.at(path).length, 1);
        const failed = await api.get(`/api/v1/apps/${app.id}/deliveries?error=transform_error`);
        assert.deepEqual(failed.data.map((d) => d.id), [row.id]);
    });

    it('are bounded: an expression that doubles fails its delivery alone', async () => {
        const expression = Array(40).fill('[@,@]').join('|');
        const { app, path } = await makeRoute(both, undefined, {});
        const doubled = await makeEndpoint(api, app, { url: receiver.url(`${path}/doubled`), transform: { expression } });
        const event = await publish(api, app, 'user.created', {});
        assert.equal(event.deliveries, 1);
        const rows = await fanOut(api, app, event);
        const row = rows.find((r) => r.endpoint_id === doubled.id);
        assert.match(row.reason_detail, /^transform: limit: /);
        await receiver.wait(path, 1);
        assert.equal(receiver.at(`${path}/doubled`).length, 0);
    });

    it('are bounded together: the deliveries of one publish have 32 MiB of their own', async () => {
        const app = await makeApp(api, { max_endpoints: 140 });
        for (let i = 0; i < 132; i++) {
            await makeEndpoint(api, app, { url: receiver.url('/many'), envelope: 'standard', status: 'paused' });
        }
        const event = await publish(api, app, 'file.made', 'x'.repeat(262_000));
        assert.ok(event.deliveries > 100 && event.deliveries < 132, String(event.deliveries));
        const rows = await fanOut(api, app, event);
        const failed = rows.filter((r) => r.status === 'failed');
        assert.equal(failed.length, 132 - event.deliveries);
        assert.match(failed[0].reason_detail, /too many bytes/);
    });

    it('are previewed before they are saved', async () => {
        const { app, endpoint, base } = await makeRoute(both, undefined, {
            transform: { expression: 'data' }, filter: { never: 1 },
        });
        const preview = (body) => api.post('/api/v1/transforms/preview', body);
        const own = (body) => api.post(`${base}/endpoints/${endpoint.id}/transforms/preview`, body);

        const made = await preview({ transform: { expression: '{n: data.n, t: type}' }, sample: { n: 1.0 }, type: 'user.created' });
        assert.deepEqual(made, { body: '{"n":1,"t":"user.created"}', bytes: 26, errors: [] });
        assert.equal((await own({ sample: { a: 1 } })).body, '{"a":1}');
        assert.deepEqual(JSON.parse((await own({ transform: null, envelope: 'standard', sample: 5, type: 'a.b' })).body).data, 5);
        const event = await publish(api, app, 'user.created', { from: 'store' });
        assert.equal((await own({ event: event.id })).body, '{"from":"store"}');

        const thin = await preview({ payload_style: 'thin', sample: {}, type: 'user.created' });
        assert.deepEqual([thin.body, thin.errors[0].pointer, thin.errors[0].code], [null, '/payload_style', 'transform_error']);
        const named = await preview({ payload_style: 'thin', sample: {}, resource: { type: 'user', id: 'u1' } });
        assert.deepEqual(JSON.parse(named.body).resource, { type: 'user', id: 'u1' });

        const faulty = await preview({ transform: { expression: 'a.' }, sample: {} });
        assert.deepEqual(faulty.errors.map((e) => [e.pointer, e.code]), [['/transform/expression', 'expression']]);
        const fails = await preview({ transform: { expression: 'abs(data)' }, sample: 'x' });
        assert.deepEqual(fails.errors.map((e) => [e.pointer, e.code]), [['/transform/expression', 'transform_error']]);
        assert.deepEqual(await preview({ transform: { expression: 'a' } }), { body: null, bytes: 0, errors: [] });
        assertFault(
            await api.request('POST', '/api/v1/transforms/preview', { body: { sample: 1, filter: {} } }), '/filter', 'unknown',
        );
    });
});

describe('sealed payloads', () => {
    const both = useBoth();

    it('of an endpoint are sealed in the store, sent and shown plain', async () => {
        const { api, receiver, server } = both;
        const project = await api.get('/api/v1/projects/default');
        const patched = await api.request('PATCH', `/api/v1/projects/${project.id}`, {
            body: { encrypt_payloads: true, facets: { contact_tags: '/labels' } },
        });
        assert.equal(patched.status, 200, patched.text);
        assert.deepEqual(patched.json.facets, { workspaces: '/workspace_id', campaigns: '/campaign_id', contact_tags: '/labels' });

        const { app, path } = await makeRoute(both, [{ status: 500 }, { status: 200 }], {
            transform: { expression: '{word: data.word}' }, contact_tags: ['a'],
            retry: { schedule: [0], jitter_percent: 0 },
        });
        const event = await publish(api, app, 'user.created', { word: 'xyzzy-sealed', labels: ['a'] });
        const delivery = await waitDelivery(api, app, event);
        assert.equal(delivery.status, 'delivered');
        assert.equal(bodyAt(receiver, path, 0), '{"word":"xyzzy-sealed"}');
        assert.equal(bodyAt(receiver, path, 1), '{"word":"xyzzy-sealed"}');
        assert.equal(delivery.attempts[1].request.body, '{"word":"xyzzy-sealed"}');
        assert.deepEqual((await api.get(`/api/v1/apps/${app.id}/facets?field=contact_tags`)).data, [{ value: 'a', count: 1 }]);
        assert.ok(server);
    });
});

describe('filters and transforms', () => {
    const both = useBoth();

    it('outlive a restart, and so do the bytes that wait', async () => {
        const { receiver, server } = both;
        let { api } = server;
        const { app, path, base, endpoint } = await makeRoute({ api, receiver }, undefined, {
            filter: { n: { $gte: 2 } }, transform: { expression: 'data.n' }, status: 'paused',
        });
        const event = await publish(api, app, 'thing.counted', { n: 9007199254740993 });
        assert.equal(event.deliveries, 1);
        await api.request('PATCH', `${base}/endpoints/${endpoint.id}`, { body: { transform: { expression: '`"other"`' } } });
        await server.terminate();
        await server.launch();
        ({ api } = server);
        assert.equal((await publish(api, app, 'thing.counted', { n: 1 })).deliveries, 0);
        await api.post(`${base}/endpoints/${endpoint.id}/resume`);
        await waitDelivery(api, app, event);
        assert.equal(bodyAt(receiver, path), '9007199254740992');
    });
});
