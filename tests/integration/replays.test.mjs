// SPDX-License-Identifier: Apache-2.0
//
// Replays: what is counted, what is sent again and how it is marked, and jobs that stop, go on and survive a kill.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { waitFor } from '../lib/wait.mjs';
import {
    assertFieldProblem, assertId, assertProblem, deliveriesOf, makeApp, makeEndpoint, makeRoute, publish, startBoth, unique,
    useBoth, waitDelivery,
} from './support.mjs';

const TYPE = 'replay.test';
const NO_RETRY = { retry: { enabled: false } };
const ENDED = ['completed', 'cancelled', 'failed'];

// Publishes n events and waits until each has come to its end.
async function publishMany(api, app, n, data = (i) => ({ n: i })) {
    const events = [];
    for (let i = 0; i < n; i++) {
        events.push(await publish(api, app, TYPE, data(i)));
    }
    for (const event of events) {
        await waitDelivery(api, app, event);
    }
    return events;
}

async function dryRun(api, base, body) {
    return api.post(`${base}/replays`, { dry_run: true, ...body });
}

// Dry run, then the real call; again when an attempt that was on its way changed the count between the two.
async function asked(api, base, body, headers = {}) {
    return waitFor('a dry run that still holds', async () => {
        const { confirm } = body.ids ? {} : await dryRun(api, base, body);
        const answer = await api.request('POST', `${base}/replays`,
            { body: { reason: 'a test', ...body, ...(confirm ? { confirm } : {}) }, headers });
        return answer.json?.code !== 'confirm_stale' && answer;
    });
}

async function replay(api, base, body, headers = {}) {
    const answer = await asked(api, base, body, headers);
    assert.equal(answer.status, 202, answer.text);
    return answer.json;
}

async function waitJob(api, base, job, look = (j) => ENDED.includes(j.state)) {
    let last;
    return waitFor(
        () => `the replay; last seen ${JSON.stringify(last)}`,
        async () => {
            last = await api.get(`${base}/replays/${job.id}`);
            return look(last) && last;
        },
    );
}

describe('replays', { concurrency: 8 }, () => {
    const both = useBoth();
    let api;
    let receiver;

    before(() => {
        ({ api, receiver } = both);
    });

    it('send what failed once more: same event, new delivery, linked and marked', async () => {
        const { app, base, path, endpoint } = await makeRoute(both, (entry, n) => ({ status: n <= 3 ? 500 : 200 }), NO_RETRY);
        const events = await publishMany(api, app, 3);
        const dry = await dryRun(api, base, { filter: {} });
        assert.deepEqual([dry.count, dry.endpoints, dry.mode, dry.rate], [3, 1, 'failed', 50]);
        assert.ok(dry.estimated_seconds >= 1);
        assert.ok(Date.parse(dry.confirm_expires_at) - Date.now() > 9 * 60_000);
        const made = await api.post(`${base}/replays`, { filter: {}, confirm: dry.confirm, reason: 'outage' });
        assertId(made.id, 'rpl');
        const job = await waitJob(api, base, made);
        assert.deepEqual([job.state, job.total, job.processed, job.replayed, job.skipped, job.failed], ['completed', 3, 3, 3, 0, 0]);
        assert.equal(job.reason, 'outage');
        assert.equal(job.created_by.kind, 'key');
        for (const event of events) {
            const rows = await waitFor('the replay arrives', async () => {
                const all = await deliveriesOf(api, app, event);
                return all.every((d) => d.status !== 'pending' && d.status !== 'sending') && all;
            });
            assert.equal(rows.length, 2, 'one event, two deliveries');
            const [fresh, old] = rows;
            assert.deepEqual([old.status, old.replay, old.replay_of], ['failed', null, null]);
            assert.deepEqual([fresh.status, fresh.replay, fresh.replay_of], ['delivered', 'replay', old.id]);
            assert.equal(fresh.endpoint_id, endpoint.id);
        }
        const arrived = receiver.at(path);
        assert.equal(arrived.length, 6);
        for (const entry of arrived.slice(3)) {
            assert.equal(entry.headers['postern-replay'], 'replay');
            assert.ok(events.some((e) => e.id === entry.headers['webhook-id']), 'the id that the receiver knows');
        }
        assert.ok(arrived.slice(0, 3).every((entry) => entry.headers['postern-replay'] === undefined));
        assert.equal((await dryRun(api, base, { filter: {} })).count, 0, 'what was replaced is not failed any more');
    });

    it('need the confirm of a dry run, of the same filter and count', async () => {
        const { app, base } = await makeRoute(both, { status: 500 }, NO_RETRY);
        const [event] = await publishMany(api, app, 2);
        const body = { filter: {}, reason: 'r' };
        assertProblem(await api.request('POST', `${base}/replays`, { body }), 409, 'confirm_required');
        const { confirm } = await dryRun(api, base, { filter: {} });
        for (const other of [{ filter: { code: 500 } }, { filter: {}, mode: 'all' }, { filter: {}, rate: 7 }]) {
            assertProblem(await api.request('POST', `${base}/replays`, { body: { ...other, reason: 'r', confirm } }), 409, 'confirm_stale');
        }
        assertProblem(await api.request('POST', `${base}/replays`, { body: { ...body, confirm: `${confirm.slice(0, -1)}x` } }), 409, 'confirm_stale');
        // One of the two is replaced by hand: it is another count now.
        const [row] = await deliveriesOf(api, app, event);
        await api.post(`${base}/deliveries/${row.id}/replay`);
        assertProblem(await api.request('POST', `${base}/replays`, { body: { ...body, confirm } }), 409, 'confirm_stale');
        assertFieldProblem(await api.request('POST', `${base}/replays`, { body: { filter: {}, confirm } }), 'reason');
    });

    it('by ids take whatever became of them, and refuse foreign ones', async () => {
        const { app, base, path } = await makeRoute(both, { status: 200 });
        const events = await publishMany(api, app, 2);
        const ids = [];
        for (const event of events) {
            ids.push((await deliveriesOf(api, app, event))[0].id);
        }
        const job = await waitJob(api, base, await replay(api, base, { ids: [...ids, ids[0]] }));
        assert.deepEqual([job.state, job.mode, job.total, job.replayed], ['completed', 'ids', 2, 2]);
        await receiver.wait(path, 4);
        const stranger = await makeRoute(both, { status: 200 });
        assertFieldProblem(await api.request('POST', `${stranger.base}/replays`, { body: { ids, reason: 'r' } }), 'ids.0');
        assertProblem(await api.request('GET', `${stranger.base}/replays/${job.id}`), 404, 'not_found');
        assertProblem(await api.request('POST', `${base}/replays`, { body: { ids: Array(501).fill(ids[0]), reason: 'r' } }), 422,
            'replay_max_ids_exceeded');
        assertFieldProblem(await api.request('POST', `${base}/replays`, { body: { ids: ['dlv_x'], reason: 'r' } }), 'ids.0');
    });

    it('find what was missed while the endpoint was disabled, and only that', async () => {
        const { app, base, path, endpoint } = await makeRoute(both, (entry, n) => ({ status: n === 1 ? 410 : 200 }), NO_RETRY);
        await publishMany(api, app, 1);
        await waitFor('the endpoint is disabled', async () => (await api.get(`${base}/endpoints/${endpoint.id}`)).status === 'disabled');
        const missed = await publishMany(api, app, 2);
        await api.post(`${base}/endpoints/${endpoint.id}/resume`);
        await publishMany(api, app, 1);
        const job = await waitJob(api, base, await replay(api, base, { mode: 'missing', filter: {} }));
        assert.deepEqual([job.total, job.replayed], [2, 2]);
        const arrived = (await receiver.wait(path, 4)).slice(-2);
        assert.deepEqual(arrived.map((e) => e.headers['webhook-id']).sort(), missed.map((e) => e.id).sort());
        assert.ok(arrived.every((e) => e.headers['postern-replay'] === 'backfill'));
        assert.equal((await dryRun(api, base, { mode: 'missing', filter: {} })).count, 0);
    });

    it('backfill a new endpoint with the events that it wants', async () => {
        const { app, base } = await makeRoute(both, { status: 200 });
        const events = await publishMany(api, app, 3);
        await waitDelivery(api, app, await publish(api, app, 'other.type', {}));
        const path = `/${unique('new')}`;
        const fresh = await makeEndpoint(api, app, { url: receiver.url(path), event_types: [TYPE] });
        const body = { mode: 'backfill', filter: { endpoint: fresh.id } };
        assert.equal((await dryRun(api, base, { ...body, mode: 'missing' })).count, 0, 'before it was there nothing was missing');
        const job = await waitJob(api, base, await replay(api, base, body));
        assert.deepEqual([job.total, job.replayed], [3, 3]);
        const arrived = await receiver.wait(path, 3);
        assert.deepEqual(arrived.map((e) => e.headers['webhook-id']).sort(), events.map((e) => e.id).sort());
        assert.equal(arrived[0].headers['postern-replay'], 'backfill');
        assert.equal((await dryRun(api, base, body)).count, 0);
        const shown = await api.get(`${base}/deliveries?event=${events[0].id}`);
        assert.deepEqual(shown.data.map((d) => d.replay), ['backfill', null]);
    });

    it('with a correction make a new event that names the old one', async () => {
        const { app, base, path } = await makeRoute(both, { status: 200 });
        const second = `/${unique('second')}`;
        await makeEndpoint(api, app, { url: receiver.url(second) });
        const event = await publish(api, app, TYPE, { price: 1, drop: true, deep: { keep: 1.50 } });
        await receiver.wait(path, 1);
        await receiver.wait(second, 1);
        await waitFor('both are delivered', async () => (await deliveriesOf(api, app, event)).every((d) => d.status === 'delivered'));
        const correction = { merge_patch: { price: 2, drop: null, deep: { more: 'x' } } };
        const job = await waitJob(api, base, await replay(api, base, { mode: 'all', filter: {}, correction }));
        assert.deepEqual([job.replayed, job.failed], [2, 0]);
        assert.deepEqual(job.correction, correction);
        const [, first] = await receiver.wait(path, 2);
        const [, other] = await receiver.wait(second, 2);
        assert.equal(first.headers['postern-replay'], 'corrected');
        const body = JSON.parse(first.body);
        assert.notEqual(body.id, event.id);
        assert.equal(body.id, first.headers['webhook-id']);
        assert.deepEqual(body.data, { price: 2, deep: { keep: 1.5, more: 'x' } });
        assert.ok(first.body.equals(other.body), 'one corrected event for both endpoints');
        const made = await api.get(`${base}/events/${body.id}`);
        assert.equal(made.corrects, event.id);
        assert.equal((await api.get(`${base}/events/${event.id}`)).corrects, null);
        assert.equal(made.created_at, (await api.get(`${base}/events/${event.id}`)).created_at);
    });

    it('take JMESPath as a correction, and count what it cannot correct', async () => {
        const { app, base, path } = await makeRoute(both, { status: 200 });
        await publishMany(api, app, 2, (i) => (i === 0 ? { a: [3, 1] } : { a: 'text' }));
        const body = { mode: 'all', filter: {}, correction: { jmespath: '{sum: sum(a)}' } };
        const job = await waitJob(api, base, await replay(api, base, body));
        assert.deepEqual([job.replayed, job.failed], [1, 1]);
        const arrived = await receiver.wait(path, 3);
        assert.deepEqual(JSON.parse(arrived[2].body).data, { sum: 4 });
        assertFieldProblem(await api.request('POST', `${base}/replays`, { body: { ...body, dry_run: true, correction: { jmespath: 'a[' } } }), 'correction.jmespath');
        assertFieldProblem(await api.request('POST', `${base}/replays`, { body: { ...body, dry_run: true, correction: {} } }), 'correction');
    });

    it('narrow by endpoint, type, code, error, time', async () => {
        const { app, base, path, endpoint } = await makeRoute(both, { status: 503 }, NO_RETRY);
        const other = await makeEndpoint(api, app, { url: receiver.url(`/${unique('down')}`), event_types: ['other.type'], ...NO_RETRY });
        receiver.on(new URL(other.url).pathname, { status: 404 });
        await publishMany(api, app, 2);
        const both2 = await publish(api, app, 'other.type', {});
        await waitFor('both ended', async () => (await deliveriesOf(api, app, both2)).every((d) => d.status === 'failed'));
        const count = async (filter, mode) => (await dryRun(api, base, { filter, ...(mode ? { mode } : {}) })).count;
        assert.equal(await count({}), 4);
        assert.equal(await count({ endpoint: endpoint.id }), 3);
        assert.equal(await count({ endpoints: [endpoint.id, other.id], types: ['other.type'] }), 2);
        assert.equal(await count({ code: 404 }), 1);
        assert.equal(await count({ error: 'not_found' }), 1);
        assert.equal(await count({ status: 'delivered' }), 0);
        assert.equal(await count({ since: new Date(Date.now() + 60_000).toISOString() }), 0);
        assert.equal(await count({ until: new Date(Date.now() - 3600_000).toISOString() }), 0);
        assert.equal(receiver.at(path).length, 3, 'a dry run sends nothing');
        for (const [filter, field] of [[{ status: 'pending' }, 'filter.status'], [{ type: 'not.there' }, 'filter.type'], [{ endpoint: 'ep_x' }, 'filter.endpoint'],
            [{ error: 'nope' }, 'filter.error'], [{ since: '2026-01-02T00:00:00Z', until: '2026-01-01T00:00:00Z' }, 'filter.until']]) {
            assertFieldProblem(await api.request('POST', `${base}/replays`, { body: { filter, dry_run: true } }), field);
        }
        assertFieldProblem(await api.request('POST', `${base}/replays`, { body: { filter: { code: 500 }, mode: 'missing', dry_run: true } }), 'filter');
        assertFieldProblem(await api.request('POST', `${base}/replays`, { body: { dry_run: true } }), 'filter');
    });

    it('answer the same job to the same Idempotency-Key', async () => {
        const { app, base, path } = await makeRoute(both, { status: 200 });
        const [event] = await publishMany(api, app, 1);
        const body = { ids: [(await deliveriesOf(api, app, event))[0].id], reason: 'r' };
        const headers = { 'Idempotency-Key': unique('key') };
        const first = await api.post(`${base}/replays`, body, headers);
        const again = await api.request('POST', `${base}/replays`, { body, headers });
        assert.equal(again.status, 202);
        assert.equal(again.json.id, first.id);
        assert.equal(again.headers['idempotent-replayed'], 'true');
        assertProblem(await api.request('POST', `${base}/replays`, { body: { ...body, reason: 'other' }, headers }), 409, 'idempotency_conflict');
        await waitJob(api, base, first);
        assert.equal((await receiver.wait(path, 2)).length, 2);
    });

    it('pause, go on and are cancelled; three at once', async () => {
        const { app, base, path } = await makeRoute(both, { status: 200 });
        await publishMany(api, app, 8);
        const body = { mode: 'all', filter: {}, rate: 1 };
        const job = await replay(api, base, body);
        await waitJob(api, base, job, (j) => j.replayed > 0);
        assert.equal((await api.post(`${base}/replays/${job.id}/pause`)).state, 'paused');
        assertProblem(await api.request('POST', `${base}/replays/${job.id}/pause`), 409, 'wrong_state');
        const { replayed } = await api.get(`${base}/replays/${job.id}`);
        await waitFor('all are delivered', async () =>
            (await api.get(`${base}/deliveries?limit=50`)).data.every((d) => d.status === 'delivered'));
        const others = [];
        for (let i = 0; i < 2; i++) {
            others.push(await replay(api, base, body));
            await api.post(`${base}/replays/${others[i].id}/pause`);
        }
        assertProblem(await asked(api, base, body), 409, 'replay_concurrency_exceeded');
        for (const other of others) {
            assert.equal((await api.post(`${base}/replays/${other.id}/cancel`)).state, 'cancelled');
            assertProblem(await api.request('POST', `${base}/replays/${other.id}/resume`), 409, 'wrong_state');
        }
        assert.equal((await api.get(`${base}/replays/${job.id}`)).replayed, replayed, 'paused is paused');
        assert.equal((await api.post(`${base}/replays/${job.id}/resume`)).state, 'running');
        await waitJob(api, base, job, (j) => j.replayed > replayed);
        await api.post(`${base}/replays/${job.id}/cancel`);
        const end = await waitJob(api, base, job);
        assert.equal(end.state, 'cancelled');
        assert.ok(end.replayed < 8);
        await receiver.wait(path, 8 + end.replayed);
        const listed = await api.get(`${base}/replays?limit=2`);
        assert.equal(listed.data.length, 2);
        assert.equal((await api.get(`/api/v1/replays?app=${app.id}&state=cancelled`)).data.length, 3);
        const audited = await api.get(`/api/v1/audit?app=${app.id}&action=replay.`);
        assert.deepEqual(new Set(audited.data.map((row) => row.action)),
            new Set(['replay.created', 'replay.paused', 'replay.resumed', 'replay.cancelled']));
        assert.equal(audited.data.at(-1).reason, 'a test');
    });

    it('of one delivery go out at once, also of a delivered one', async () => {
        const { app, base, path } = await makeRoute(both, { status: 200 });
        const [event] = await publishMany(api, app, 1);
        const [row] = await deliveriesOf(api, app, event);
        const answer = await api.request('POST', `${base}/deliveries/${row.id}/replay`);
        assert.equal(answer.status, 202);
        assert.equal(answer.json.replay_of, row.id);
        await receiver.wait(path, 2);
        const made = await waitFor('it is delivered', async () => {
            const d = await api.get(`${base}/deliveries/${answer.json.id}`);
            return d.status === 'delivered' && d;
        });
        assert.equal(made.event_id, event.id);
        assert.equal(made.attempts[0].request.headers.find((h) => h.name === 'Postern-Replay').value, 'replay');
        const held = await makeRoute(both, { status: 500 }, { retry: { schedule: [3600], max_attempts: 2 } });
        const waiting = await publish(api, held.app, TYPE, {});
        const open = await waitDelivery(api, held.app, waiting, (d) => d.status === 'retrying');
        assertProblem(await api.request('POST', `${held.base}/deliveries/${open.id}/replay`), 409, 'wrong_state');
        await api.delete(`${base}/endpoints/${row.endpoint_id}`);
        assertProblem(await api.request('POST', `${base}/deliveries/${row.id}/replay`), 409, 'wrong_state');
    });

    it('cancel all that waits for an endpoint', async () => {
        const { app, base, endpoint } = await makeRoute(both, { status: 200 });
        await api.post(`${base}/endpoints/${endpoint.id}/pause`);
        const events = [];
        for (let i = 0; i < 5; i++) {
            events.push(await publish(api, app, TYPE, { i }));
        }
        const path = `${base}/endpoints/${endpoint.id}/cancel_pending`;
        const dry = await api.post(path, { dry_run: true });
        assert.deepEqual([dry.count, dry.mode], [5, 'cancel_pending']);
        assertProblem(await api.request('POST', path, { body: { reason: 'r' } }), 409, 'confirm_required');
        const job = await waitJob(api, base, await api.post(path, { confirm: dry.confirm, reason: 'wrong URL' }));
        assert.deepEqual([job.mode, job.state, job.replayed, job.skipped], ['cancel_pending', 'completed', 5, 0]);
        for (const event of events) {
            const [row] = await deliveriesOf(api, app, event);
            assert.deepEqual([row.status, row.reason], ['cancelled', 'by_person']);
        }
        await api.post(`${base}/endpoints/${endpoint.id}/resume`);
        assert.equal((await api.post(path, { dry_run: true })).count, 0);
    });

    it('put failed ones away, out of the list and still there', async () => {
        const { app, base } = await makeRoute(both, (entry, n) => ({ status: n === 3 ? 200 : 500 }), NO_RETRY);
        await publishMany(api, app, 3);
        const { confirm, count } = await api.post(`${base}/deliveries/archive`, { filter: {}, dry_run: true });
        assert.equal(count, 2);
        const job = await waitJob(api, base, await api.post(`${base}/deliveries/archive`, { filter: {}, confirm, reason: 'seen' }));
        assert.deepEqual([job.state, job.replayed], ['completed', 2]);
        const list = async (query) => (await api.get(`${base}/deliveries${query}`)).data;
        assert.deepEqual((await list('')).map((d) => d.status), ['delivered']);
        assert.deepEqual((await list('?archived=true')).map((d) => [d.status, d.archived]), [['failed', true], ['failed', true]]);
        assert.equal((await list('?archived=all')).length, 3);
        const [one] = await list('?archived=true');
        assert.equal((await api.get(`${base}/deliveries/${one.id}`)).archived, true);
        assert.equal((await dryRun(api, base, { filter: {} })).count, 2, 'they can be replayed');
    });

    it('have the shape that the endpoint has today, and leave out what it does not want', async () => {
        const { app, base, path, endpoint } = await makeRoute(both, { status: 200 });
        const events = await publishMany(api, app, 3, (i) => ({ n: i }));
        await api.patch(`${base}/endpoints/${endpoint.id}`, { filter: { n: { $gte: 1 } }, transform: { expression: '{number: data.n}' } });
        const body = { mode: 'all', filter: {} };
        const job = await waitJob(api, base, await replay(api, base, body));
        assert.deepEqual([job.total, job.replayed, job.skipped], [3, 2, 1]);
        const arrived = (await receiver.wait(path, 5)).slice(3);
        arrived.sort((a, b) => a.body.compare(b.body));
        assert.deepEqual(arrived.map((e) => JSON.parse(e.body)), [{ number: 1 }, { number: 2 }]);
        assert.deepEqual(arrived.map((e) => e.headers['webhook-id']), events.slice(1).map((e) => e.id));
        const [row] = await deliveriesOf(api, app, events[0]);
        assertProblem(await api.request('POST', `${base}/deliveries/${row.id}/replay`), 409, 'wrong_state');
        const [other] = await deliveriesOf(api, app, events[1]);
        await api.post(`${base}/deliveries/${other.id}/replay`);
        assert.deepEqual(JSON.parse((await receiver.wait(path, 6))[5].body), { number: 1 });
    });

    it('of an encrypted project stay sealed, also corrected ones with the old id', async (t) => {
        const made = await api.request('POST', '/api/v1/projects', { body: { name: unique('sealed'), auto_register: true, encrypt_payloads: true } });
        const own = api.withKey(made.json.key.key);
        const { app, base, path } = await makeRoute({ api: own, receiver }, { status: 200 });
        const [event] = await publishMany(own, app, 1, () => ({ secret: 'a' }));
        const body = { mode: 'all', filter: {} };
        assert.equal((await waitJob(own, base, await replay(own, base, body))).replayed, 1);
        const [first, second] = await receiver.wait(path, 2);
        assert.ok(first.body.equals(second.body), 'the same bytes');
        await waitFor('it is delivered', async () => (await deliveriesOf(own, app, event)).every((d) => d.status === 'delivered'));
        const correction = { merge_patch: { secret: 'b' } };
        assert.equal((await waitJob(own, base, await replay(own, base, { ...body, correction, new_id: false }))).replayed, 1);
        const third = (await receiver.wait(path, 3))[2];
        assert.equal(third.headers['webhook-id'], event.id);
        assert.deepEqual(JSON.parse(third.body).data, { secret: 'b' });
        await waitFor('it is delivered', async () => (await deliveriesOf(own, app, event)).every((d) => d.status === 'delivered'));
        assert.equal((await waitJob(own, base, await replay(own, base, { ...body, correction }))).replayed, 1);
        const fourth = (await receiver.wait(path, 4))[3];
        assert.notEqual(fourth.headers['webhook-id'], event.id);
        assert.deepEqual((await own.get(`${base}/events/${fourth.headers['webhook-id']}`)).data, { secret: 'b' });
    });
});

describe('customers', () => {
    const both = useBoth();

    it('replay one delivery in 5 seconds, two days at once, and correct nothing', async () => {
        const { api } = both;
        const { app, base, path } = await makeRoute(both, { status: 200 });
        const { key } = await api.post('/api/v1/keys', { name: 'customer', scopes: ['manage'], app: app.id });
        const customer = api.withKey(key);
        const [event] = await publishMany(api, app, 1);
        const [row] = await deliveriesOf(api, app, event);
        assert.equal((await customer.request('POST', `${base}/deliveries/${row.id}/replay`)).status, 202);
        const early = await customer.request('POST', `${base}/deliveries/${row.id}/replay`);
        assertProblem(early, 429, 'rate_limited');
        assert.ok(Number(early.headers['retry-after']) >= 1);
        assert.equal((await api.request('POST', `${base}/deliveries/${row.id}/replay`)).status, 202, 'the operator may');
        await both.receiver.wait(path, 3);
        const since = (hours) => new Date(Date.now() - hours * 3600_000).toISOString();
        assertProblem(await customer.request('POST', `${base}/replays`, { body: { filter: {}, dry_run: true } }), 422, 'replay_date_window_exceeded');
        assertProblem(await customer.request('POST', `${base}/replays`, { body: { filter: { since: since(49) }, dry_run: true } }), 422, 'replay_date_window_exceeded');
        assert.equal((await customer.post(`${base}/replays`, { filter: { since: since(47) }, dry_run: true })).count, 0);
        const correction = { merge_patch: { a: 1 } };
        assertProblem(await customer.request('POST', `${base}/replays`, { body: { filter: { since: since(1) }, correction, dry_run: true } }), 403, 'forbidden');
    });
});

describe('replays with small limits', () => {
    it('count no further than they may', async (t) => {
        const both = await startBoth(t, { env: { POSTERN_REPLAY_TOTAL_MAX: '2' } });
        const { app, base } = await makeRoute(both, { status: 500 }, NO_RETRY);
        await publishMany(both.server.api, app, 3);
        assertProblem(await both.server.api.request('POST', `${base}/replays`, { body: { filter: {}, dry_run: true } }), 409, 'limit_reached');
    });
});

describe('a replay that is cut short', () => {
    it('by kill -9 goes on after the restart: every delivery once, none left out', async (t) => {
        const both = await startBoth(t);
        const { server, receiver } = both;
        const N = 60;
        const { app, base, path } = await makeRoute(both, { status: 200 });
        const events = await publishMany(server.api, app, N);
        const job = await replay(server.api, base, { mode: 'all', filter: {}, rate: 40 });
        for (const least of [5, 25]) {
            await waitJob(server.api, base, job, (j) => j.replayed >= least);
            await server.kill();
            await server.launch();
        }
        const end = await waitJob(server.api, base, job);
        assert.deepEqual([end.state, end.total, end.processed, end.replayed], ['completed', N, N, N]);
        for (const event of events) {
            const rows = await waitFor('its replay is delivered', async () => {
                const all = await deliveriesOf(server.api, app, event);
                return all.every((d) => d.status === 'delivered') && all;
            });
            assert.deepEqual(rows.map((d) => d.replay), ['replay', null], `${event.id}: exactly one replay`);
        }
        const seen = new Set(receiver.at(path).filter((e) => e.headers['postern-replay']).map((e) => e.headers['postern-delivery-id']));
        assert.equal(seen.size, N);
        assert.equal(await server.metric('postern_sweep_found_total'), 0);
    });
});
