// SPDX-License-Identifier: Apache-2.0
//
// Publishing: keys that make an event once, batches that are all or nothing, the fan-out, bad input.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import {
    assertFieldProblem, assertId, assertProblem, makeApp, makeEndpoint, makeRoute, publish, useBoth, unique, waitDelivery,
} from './support.mjs';
import { assertList, assertListRefusals } from './lists.mjs';

const TYPE = 'thing.made';

describe('events', () => {
    const both = useBoth();
    let api;
    let receiver;

    before(async () => {
        ({ api, receiver } = both);
    });

    const post = (app, body, headers = {}) => api.request('POST', `/api/v1/apps/${app.id}/events`, { body, headers });

    it('are answered 202 with id, type and the number of deliveries', async () => {
        const { app } = await makeRoute(both, { status: 200 });
        await makeEndpoint(api, app, { url: receiver.url('/second') });
        const answer = await post(app, { type: TYPE, data: { a: 1 } });
        assert.equal(answer.status, 202, answer.text);
        assertId(answer.json.id, 'evt');
        assert.equal(answer.json.type, TYPE);
        assert.equal(answer.json.deliveries, 2);
        const none = await publish(api, await makeApp(api), TYPE, {});
        assert.equal(none.deliveries, 0);
    });

    it('carry occurred_at as created_at of the body', async () => {
        const route = await makeRoute(both, { status: 200 });
        await publish(api, route.app, TYPE, {}, { occurred_at: '2026-01-02T03:04:05.678Z' });
        await publish(api, route.app, TYPE, {}, { occurred_at: '2026-01-02T05:04:05.678+02:00' });
        for (const entry of await receiver.wait(route.path, 2)) {
            assert.equal(JSON.parse(entry.body).created_at, '2026-01-02T03:04:05.678Z');
        }
    });

    it('of the same key and body are one event, answered alike', async () => {
        const route = await makeRoute(both, { status: 200 });
        const key = unique('key');
        const first = await post(route.app, { type: TYPE, data: { a: 1 } }, { 'idempotency-key': key });
        const again = await post(route.app, { type: TYPE, data: { a: 1 } }, { 'idempotency-key': key });
        assert.equal(again.status, 202);
        assert.deepEqual(again.json, first.json);
        const other = await post(route.app, { type: TYPE, data: { a: 2 } }, { 'idempotency-key': key });
        assertProblem(other, 409, 'idempotency_conflict');
        const elsewhere = await post(await makeApp(api), { type: TYPE, data: { a: 2 } }, { 'idempotency-key': key });
        assert.equal(elsewhere.status, 202, 'keys belong to an app');
        await receiver.wait(route.path, 1);
        assert.equal((await api.get(`${route.base}/events`)).data.length, 1);
        assert.equal((await api.get(`${route.base}/deliveries`)).data.length, 1);
    });

    it('of the same key at the same moment are one event', async () => {
        const route = await makeRoute(both, { status: 200 });
        const key = unique('race');
        const answers = await Promise.all(Array.from({ length: 20 }, (_, n) =>
            post(route.app, { type: TYPE, data: { n: n % 2 } }, { 'idempotency-key': key })));
        const taken = answers.filter(({ status }) => status === 202);
        const refused = answers.filter(({ status }) => status !== 202);
        assert.equal(new Set(taken.map(({ json }) => json.id)).size, 1);
        assert.equal(taken.length, 10);
        refused.forEach((answer) => assertProblem(answer, 409, 'idempotency_conflict'));
        assert.equal((await api.get(`${route.base}/events`)).data.length, 1);
    });

    it('of the same publisher id are one event', async () => {
        const route = await makeRoute(both, { status: 200 });
        const id = unique('order');
        const first = await post(route.app, { type: TYPE, data: 1, id });
        const again = await post(route.app, { type: TYPE, data: 1, id });
        assert.equal(first.status, 202, first.text);
        assert.deepEqual(again.json, first.json);
        assert.notEqual(first.json.id, id);
        assertProblem(await post(route.app, { type: TYPE, data: 2, id }), 409, 'idempotency_conflict');
        const event = await api.get(`${route.base}/events/${first.json.id}`);
        assert.equal(event.external_id, id);
        const [entry] = await receiver.wait(route.path, 1);
        assert.equal(JSON.parse(entry.body).id, first.json.id);
    });

    it('survive a restart of the memory: the key is still known', async () => {
        const route = await makeRoute(both, { status: 200 });
        const key = unique('restart');
        const first = await post(route.app, { type: TYPE, data: { a: 1 } }, { 'idempotency-key': key });
        await both.server.kill();
        await both.server.launch();
        api = both.api = both.server.api;
        const again = await post(route.app, { type: TYPE, data: { a: 1 } }, { 'idempotency-key': key });
        assert.deepEqual(again.json, first.json);
        assertProblem(await post(route.app, { type: TYPE, data: { a: 2 } }, { 'idempotency-key': key }), 409);
    });

    it('are refused when bad, and leave nothing', async () => {
        const app = await makeApp(api);
        const bad = [
            [{ data: {} }, 'type'],
            [{ type: TYPE }, 'data'],
            [{ type: 7, data: {} }, 'type'],
            [{ type: 'No Type', data: {} }, 'type'],
            [{ type: TYPE, data: {}, id: 'with.dot' }, 'id'],
            [{ type: TYPE, data: {}, id: 'x'.repeat(65) }, 'id'],
            [{ type: TYPE, data: {}, id: '' }, 'id'],
            [{ type: TYPE, data: {}, occurred_at: 'yesterday' }, 'occurred_at'],
            [{ type: TYPE, data: {}, occurred_at: 1700000000 }, 'occurred_at'],
            [{ type: TYPE, data: {}, occurred_at: '2026-02-30T00:00:00Z' }, 'occurred_at'],
            [{ type: TYPE, data: {}, colour: 1 }, 'colour'],
        ];
        for (const [body, field] of bad) {
            assertFieldProblem(await post(app, body), field);
        }
        for (const text of ['', '{', '[]', '"x"', 'null', '{"type":"a.b","data":1,"data":2}', '{"type":"a.b","data":01}',
            '{"type":"a.b","data":"\ud800"}'.replace('\ud800', '\\ud800'), `{"type":"a.b","data":${'['.repeat(65)}${']'.repeat(65)}}`,
            '{"type":"a.b","data":NaN}', "{'type':'a.b'}", '{"type":"a.b","data":1}x']) {
            const answer = await post(app, text);
            assert.ok([400, 422].includes(answer.status), `${text.slice(0, 60)}: ${answer.status}`);
            assertProblem(answer, answer.status);
        }
        for (const key of ['', 'x'.repeat(300), 'a b'.repeat(100)]) {
            const answer = await post(app, { type: TYPE, data: {} }, { 'idempotency-key': key });
            assert.ok([400, 422].includes(answer.status), `key of ${key.length}: ${answer.status} ${answer.text}`);
        }
        assert.equal((await api.get(`/api/v1/apps/${app.id}/events`)).data.length, 0);
    });

    it('come in batches of up to 100, all or nothing', async () => {
        const route = await makeRoute(both, { status: 200 });
        const where = `${route.base}/events/batch`;
        const events = Array.from({ length: 100 }, (_, n) => ({ type: TYPE, data: { n } }));
        const answer = await api.request('POST', where, { body: { events } });
        assert.equal(answer.status, 202, answer.text);
        assert.equal(answer.json.data.length, 100);
        assert.equal(new Set(answer.json.data.map(({ id }) => id)).size, 100);
        answer.json.data.forEach((one) => assert.equal(one.deliveries, 1));
        const seen = await receiver.wait(route.path, 100);
        assert.deepEqual(seen.map((e) => JSON.parse(e.body).data.n).sort((a, b) => a - b), events.map((e) => e.data.n));

        const before = (await api.all(`${route.base}/events`)).length;
        const bad = [
            [{ events: [] }, 'events'],
            [{ events: [...events, { type: TYPE, data: 1 }] }, 'events'],
            [{ events: {} }, 'events'],
            [{}, 'events'],
            [{ events: [{ type: TYPE, data: 1 }, { type: 'No', data: 1 }] }, 'events.1.type'],
            [{ events: [{ type: TYPE, data: 1 }, { type: TYPE }] }, 'events.1.data'],
            [{ events: [{ type: TYPE, data: 1 }, 5] }, 'events.1'],
        ];
        for (const [body, field] of bad) {
            const refused = await api.request('POST', where, { body });
            assertFieldProblem(refused, field, refused.status === 413 ? 413 : 422);
        }
        assert.equal((await api.all(`${route.base}/events`)).length, before, 'nothing of a bad batch is stored');
    });

    it('of a batch are repeated by ids and by the key of the batch', async () => {
        const route = await makeRoute(both, { status: 200 });
        const where = `${route.base}/events/batch`;
        const id = unique('batch');
        const events = [{ type: TYPE, data: 1, id }, { type: TYPE, data: 2 }];
        const headers = { 'idempotency-key': unique('batch-key') };
        const first = await api.request('POST', where, { body: { events }, headers });
        assert.equal(first.status, 202, first.text);
        const again = await api.request('POST', where, { body: { events }, headers });
        assert.deepEqual(again.json, first.json);
        assertProblem(await api.request('POST', where, { body: { events: events.slice(1) }, headers }), 409, 'idempotency_conflict');
        const single = await post(route.app, { type: TYPE, data: 1, id });
        assert.equal(single.json.id, first.json.data[0].id);
        assert.equal((await api.all(`${route.base}/events`)).length, 2);
    });

    it('of a batch with other events under the key of one that is known are a conflict, and none is stored', async () => {
        const route = await makeRoute(both, { status: 200 });
        const where = `${route.base}/events/batch`;
        const headers = { 'idempotency-key': unique('batch-key') };
        const one = { type: TYPE, data: 1 };
        const two = { type: TYPE, data: 2, id: unique('two') };
        const three = { type: TYPE, data: 3, id: unique('three') };
        const first = await api.request('POST', where, { body: { events: [one, two] }, headers });
        assert.equal(first.status, 202, first.text);
        for (const events of [[one, two, three], [three, one, two], [two, one], [one], [three], [one, { ...two, data: 5 }], [one, two, one]]) {
            const answer = await api.request('POST', where, { body: { events }, headers });
            assertProblem(answer, 409, 'idempotency_conflict');
        }
        const again = await api.request('POST', where, { body: { events: [one, two] }, headers });
        assert.deepEqual(again.json, first.json);
        assert.equal(again.headers['idempotent-replayed'], 'true');
        assert.equal((await api.all(`${route.base}/events`)).length, 2, 'nothing else is stored');
        // The same moment: one of two different batches wins, whole.
        const race = { 'idempotency-key': unique('batch-race') };
        const answers = await Promise.all([[one], [one, three], [three, three]].map((events) =>
            api.request('POST', where, { body: { events }, headers: race })));
        const won = answers.filter((answer) => answer.status === 202);
        assert.equal(won.length, 1, answers.map((answer) => answer.text).join('\n'));
        const stored = new Set(won[0].json.data.map((event) => event.id)).size;
        assert.equal((await api.all(`${route.base}/events`)).length, 2 + stored);
        // Another batch where one event is known by its own id: that one is answered, the others are stored.
        const mixed = await api.request('POST', where, { body: { events: [two, one] }, headers: { 'idempotency-key': unique('batch-key') } });
        assert.equal(mixed.json.data[0].id, first.json.data[1].id);
        assert.equal((await api.all(`${route.base}/events`)).length, 3 + stored);
    });

    it('show their fan-out, also who was left out and why', async () => {
        const app = await makeApp(api);
        const [wants, other, disabled, paused] = [
            await makeEndpoint(api, app, { url: receiver.url('/fan/wants') }),
            await makeEndpoint(api, app, { url: receiver.url('/fan/other'), event_types: ['other.type'] }),
            await makeEndpoint(api, app, { url: receiver.on('/fan/gone', { status: 410 }) }),
            await makeEndpoint(api, app, { url: receiver.url('/fan/paused'), status: 'paused' }),
        ];
        const gone = await publish(api, app, TYPE, 'makes one of them disabled');
        await receiver.wait('/fan/gone', 1);
        await api.get(`/api/v1/apps/${app.id}/endpoints/${disabled.id}`);
        for (let end = Date.now() + 10_000; Date.now() < end;) {
            if ((await api.get(`/api/v1/apps/${app.id}/endpoints/${disabled.id}`)).status === 'disabled') break;
        }
        const event = await publish(api, app, TYPE, { x: [1, null, 'ü'] });
        await receiver.wait('/fan/wants', 2);
        await api.get(`/api/v1/apps/${app.id}/events/${gone.id}`);
        const full = await api.get(`/api/v1/apps/${app.id}/events/${event.id}`);
        assert.equal(full.type, TYPE);
        assert.deepEqual(full.data, { x: [1, null, 'ü'] });
        const rows = new Map(full.deliveries.map((row) => [row.endpoint_id, row]));
        assert.deepEqual([...rows.keys()].sort(), [wants, other, disabled, paused].map(({ id }) => id).sort());
        assert.ok(['pending', 'delivered'].includes(rows.get(wants.id).status));
        assert.equal(rows.get(other.id).reason, 'no_match');
        assert.equal(rows.get(disabled.id).status, 'skipped');
        assert.equal(rows.get(disabled.id).reason, 'endpoint_disabled');
        assert.ok(['pending', 'held'].includes(rows.get(paused.id).status));
        assert.equal(event.deliveries, 2);
    });

    it('are listed page by page, by type and by time', async () => {
        const app = await makeApp(api);
        const keys = [];
        for (let n = 0; n < 7; n++) {
            keys.push((await publish(api, app, n % 2 ? 'list.odd' : 'list.even', { n })).id);
        }
        const where = `/api/v1/apps/${app.id}/events`;
        await assertList(api, where, keys);
        await assertListRefusals(api, where);
        await assertList(api, `${where}?type=list.odd`, keys.filter((_, n) => n % 2));
        const first = await api.get(`${where}/${keys[3]}`);
        const at = first.accepted_at ?? first.created_at;
        const since = (await api.all(`${where}?since=${encodeURIComponent(at)}`)).map(({ id }) => id);
        const until = (await api.all(`${where}?until=${encodeURIComponent(at)}`)).map(({ id }) => id);
        assert.ok(since.includes(keys[3]) && since.includes(keys[6]));
        assert.ok(!until.includes(keys[3]) && !until.includes(keys[6]));
        assert.equal(since.length + until.length, keys.length, 'since is inclusive, until is not');
        assert.equal((await api.get(`${where}?type=never.published`)).data.length, 0);
        for (const query of ['since=soon', 'until=5', 'type=No', 'since=2026-01-01']) {
            const answer = await api.request('GET', `${where}?${query}`);
            assert.ok([400, 422].includes(answer.status), `${query}: ${answer.status}`);
        }
    });

    it('are found in their own app only', async () => {
        const [app, other] = [await makeApp(api), await makeApp(api)];
        const event = await publish(api, app, TYPE, 'mine');
        assertProblem(await api.request('GET', `/api/v1/apps/${other.id}/events/${event.id}`), 404, 'not_found');
        assertProblem(await api.request('GET', `/api/v1/apps/${app.id}/events/evt_0000000000000000000000`), 404);
        assert.equal((await api.get(`/api/v1/apps/${other.id}/events`)).data.length, 0);
    });

    it('are delivered by name of the app, too', async () => {
        const route = await makeRoute(both, { status: 200 });
        const event = await publish(api, route.app.slug, TYPE, {});
        await waitDelivery(api, route.app, event, (d) => d.status === 'delivered');
    });
});
