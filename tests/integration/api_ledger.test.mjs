// SPDX-License-Identifier: Apache-2.0
//
// The log over all apps, its counts, and its export as a file.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { assertProblem, makeApp, makeEndpoint, makeRoute, publish, unique, useBoth, waitDelivery } from './support.mjs';
import { assertListRefusals } from './lists.mjs';

const GOOD = 'ledger.good';
const BAD = 'ledger.bad';
const ONCE = { retry: { enabled: false } };

describe('the log over all apps', () => {
    const both = useBoth();
    let api;
    let first;
    let second;
    let delivered;
    let failed;
    const events = [];

    before(async () => {
        const project = await both.api.post('/api/v1/projects', { name: unique('ledger'), auto_register: true });
        api = both.api.withKey(project.key.key);
        const own = { api, receiver: both.receiver };
        first = await makeRoute(own, { status: 200 }, { event_types: [GOOD, 'ledger.many'] });
        second = await makeRoute(own, { status: 500 }, { event_types: [BAD], ...ONCE });
        for (const [route, type, id] of [[first, GOOD, '-1_1'], [second, BAD, undefined], [first, GOOD, undefined]]) {
            const event = await publish(api, route.app, type, {}, id === undefined ? {} : { id });
            events.push(event);
            await waitDelivery(api, route.app, event);
        }
        const all = await api.get('/api/v1/deliveries?order=asc');
        [delivered, failed] = all.data;
    });

    it('lists deliveries of every app of the project, newest first', async () => {
        const list = await api.get('/api/v1/deliveries?count=true');
        assert.deepEqual(list.data.map((row) => row.event_id), events.map(({ id }) => id).reverse());
        assert.deepEqual(list.data.map((row) => row.app_id), [first.app.id, second.app.id, first.app.id]);
        assert.equal(list.count, 3);
        assert.equal(list.count_exact, true);
        const foreign = await both.api.get('/api/v1/deliveries?count=true');
        assert.ok(foreign.data.every(({ app_id: app }) => app !== first.app.id && app !== second.app.id));
        await assertListRefusals(api, '/api/v1/deliveries');
        await assertListRefusals(api, '/api/v1/events');
    });

    it('takes filters with several values, and a search by id', async () => {
        const found = async (query) => (await api.get(`/api/v1/deliveries?count=true&${query}`));
        const ids = async (query) => {
            const list = await found(query);
            assert.equal(list.count, list.data.length, query);
            return list.data.map(({ event_id: id }) => events.findIndex((event) => event.id === id));
        };
        assert.deepEqual(await ids(`app=${second.app.slug}`), [1]);
        assert.deepEqual(await ids(`endpoint=${first.endpoint.id}`), [2, 0]);
        assert.deepEqual(await ids(`endpoint=${first.endpoint.id}&app=${second.app.id}`), []);
        assert.deepEqual(await ids(`type=${GOOD},${BAD}`), [2, 1, 0]);
        assert.deepEqual(await ids(`type=${BAD},none.such`), [1]);
        assert.deepEqual(await ids('type=none.such'), []);
        assert.deepEqual(await ids('status=failed'), [1]);
        assert.deepEqual(await ids('status=failed,cancelled,skipped'), [1]);
        assert.deepEqual(await ids('status=delivered,pending'), [2, 0]);
        assert.deepEqual(await ids('status=failed,delivered'), [2, 1, 0]);
        assert.deepEqual(await ids('status=filtered'), []);
        assert.deepEqual(await ids('code=500'), [1]);
        assert.deepEqual(await ids('error=server_error&status=failed'), [1]);
        assert.deepEqual(await ids(`since=${delivered.created_at}`), [2, 1, 0]);
        assert.deepEqual(await ids(`until=${delivered.created_at}`), []);
        assert.deepEqual(await ids(`since=${failed.created_at}&until=${new Date(Date.parse(failed.created_at) + 1).toISOString()}&status=failed`), [1]);
        assert.deepEqual(await ids(`q=${events[1].id}`), [1]);
        assert.deepEqual(await ids(`q=${delivered.id}`), [0]);
        assert.deepEqual(await ids(`q=${delivered.id}&app=${second.app.id}`), []);
        assert.deepEqual((await both.api.get(`/api/v1/deliveries?q=${delivered.id}`)).data, [], 'foreign');
        assert.deepEqual((await both.api.get(`/api/v1/events?q=${events[0].id}`)).data, [], 'foreign');
        for (const query of ['status=sent', 'type=UPPER', 'q=someone', 'count=maybe', 'code=1', 'since=now']) {
            assertProblem(await api.request('GET', `/api/v1/deliveries?${query}`), 400, 'invalid_request');
        }
    });

    it('lists events of every app', async () => {
        const list = await api.get('/api/v1/events?count=true');
        assert.deepEqual(list.data.map(({ id }) => id), events.map(({ id }) => id).reverse());
        assert.equal(list.count, 3);
        const some = await api.get(`/api/v1/events?type=${BAD}&count=true`);
        assert.deepEqual(some.data.map(({ id }) => id), [events[1].id]);
        assert.equal(some.data[0].app_id, second.app.id);
        assert.equal(some.count, 1);
        assert.deepEqual((await api.get(`/api/v1/events?q=${events[2].id}`)).data.map(({ id }) => id), [events[2].id]);
        assert.deepEqual((await api.get(`/api/v1/events?app=${first.app.id}&order=asc`)).data.map(({ id }) => id), [events[0].id, events[2].id]);
    });

    it('goes through pages in both directions', async () => {
        for (const kind of ['deliveries', 'events']) {
            for (const order of ['asc', 'desc']) {
                const whole = (await api.get(`/api/v1/${kind}?order=${order}`)).data.map(({ id }) => id);
                const seen = [];
                let page = await api.get(`/api/v1/${kind}?order=${order}&limit=1`);
                assert.equal(page.prev_cursor, null);
                for (;;) {
                    seen.push(...page.data.map(({ id }) => id));
                    if (!page.next_cursor) {
                        break;
                    }
                    page = await api.get(`/api/v1/${kind}?limit=1&cursor=${page.next_cursor}`);
                }
                assert.deepEqual(seen, whole);
                const back = await api.get(`/api/v1/${kind}?limit=1&cursor=${page.prev_cursor}`);
                assert.deepEqual(back.data.map(({ id }) => id), [whole.at(-2)]);
            }
        }
    });

    it('finds a failed delivery where it went when a person retries it', async () => {
        const route = await makeRoute({ api, receiver: both.receiver }, { status: 500 }, ONCE);
        const event = await publish(api, route.app, GOOD, {});
        const row = await waitDelivery(api, route.app, event);
        const states = async () => {
            const list = async (status) => (await api.get(`/api/v1/deliveries?app=${route.app.id}&status=${status}`)).data.length;
            const all = async (status) => (await api.get(`/api/v1/deliveries?status=${status}`)).data.filter(({ id }) => id === row.id).length;
            return [await list('failed'), await all('failed'), await list('delivered')];
        };
        assert.deepEqual(await states(), [1, 1, 0]);
        both.receiver.on(route.path, { status: 200 });
        await api.post(`${route.base}/deliveries/${row.id}/retry`);
        await waitDelivery(api, route.app, event, (d) => d.status === 'delivered');
        assert.deepEqual(await states(), [0, 0, 1]);
    });

    it('is exported as CSV, JSON and NDJSON, whole, with the filters of the list', async () => {
        const list = (await api.get('/api/v1/deliveries?limit=250')).data;
        const csv = await api.request('GET', '/api/v1/deliveries/export');
        assert.match(csv.headers['content-type'], /^text\/csv/);
        assert.equal(csv.headers['content-disposition'], 'attachment; filename="deliveries.csv"');
        const [head, ...lines] = csv.text.trimEnd().split('\r\n').map((line) => line.split(','));
        assert.deepEqual(head.slice(0, 6), ['id', 'app_id', 'endpoint_id', 'event_id', 'event_type', 'status']);
        assert.deepEqual(lines.map((line) => line[0]), list.map(({ id }) => id));
        for (const [i, row] of list.entries()) {
            const expected = head.map((name) => (row[name] === null ? '' : String(row[name])));
            assert.deepEqual(lines[i], expected);
        }
        const json = await api.request('GET', '/api/v1/deliveries/export?format=json');
        assert.deepEqual(json.json, list);
        const nd = await api.request('GET', `/api/v1/deliveries/export?format=ndjson&app=${second.app.id}&status=failed`);
        assert.deepEqual(nd.text.trimEnd().split('\n').map((line) => JSON.parse(line)), list.filter(({ id }) => id === failed.id));
        const own = await api.request('GET', `/api/v1/apps/${second.app.id}/deliveries/export?format=ndjson`);
        assert.equal(own.text.trimEnd().split('\n').length, 1);
        const none = await api.request('GET', '/api/v1/deliveries/export?format=json&type=none.such');
        assert.deepEqual(none.json, []);
        assertProblem(await api.request('GET', '/api/v1/deliveries/export?format=xls'), 400);
        assert.equal((await api.request('HEAD', '/api/v1/events/export')).status, 200);
    });

    it('quotes cells that a spreadsheet would run', async () => {
        const csv = await api.request('GET', `/api/v1/apps/${first.app.id}/events/export`);
        const lines = csv.text.trimEnd().split('\r\n');
        const line = lines.find((one) => one.startsWith(events[0].id));
        assert.ok(line.includes(',"\'-1_1",'), line);
        const list = await api.get(`/api/v1/apps/${first.app.id}/events`);
        assert.equal(lines.length, 1 + list.data.length);
        const json = await api.request('GET', '/api/v1/events/export?format=json');
        assert.deepEqual(json.json.map(({ id }) => id), (await api.get('/api/v1/events')).data.map(({ id }) => id));
    });

    it('is exported over many pages, also to a client that leaves', async () => {
        const app = await makeApp(api, {});
        await makeEndpoint(api, app, { url: both.receiver.url('/never'), event_types: ['ledger.nothing'] });
        const batch = Array.from({ length: 100 }, (_, i) => ({ type: 'ledger.many', data: i }));
        for (let i = 0; i < 11; i++) {
            await api.post(`/api/v1/apps/${app.id}/events/batch`, { events: batch });
        }
        for (let i = 0; i < 5; i++) {
            const cut = new AbortController();
            const got = fetch(`${api.url}/api/v1/apps/${app.id}/events/export`, { headers: { authorization: `Bearer ${api.key}` }, signal: cut.signal });
            await got;
            cut.abort();
        }
        const nd = await api.request('GET', `/api/v1/apps/${app.id}/events/export?format=ndjson`);
        const ids = nd.text.trimEnd().split('\n').map((line) => JSON.parse(line).id);
        assert.equal(new Set(ids).size, 1100);
        const list = await api.get(`/api/v1/events?app=${app.id}&count=true&limit=1`);
        assert.equal(list.count, 1100);
    });
});
