// SPDX-License-Identifier: Apache-2.0
//
// The audit log: every change of every kind leaves its row, with who did it; reading leaves none; the chain is checked.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { behindItsBack } from '../lib/database.mjs';
import { runPostern } from '../lib/postern.mjs';
import { waitFor } from '../lib/wait.mjs';
import { assertProblem, makeApp, makeEndpoint, publish, unique, useBoth, waitDelivery } from './support.mjs';
import { assertList, assertListRefusals } from './lists.mjs';

const AUDIT = '/api/v1/audit';
const FAILED = 7;

describe('the audit log', () => {
    const box = useBoth();
    const rows = async (query = '') => (await box.api.get(`${AUDIT}?limit=250${query}`)).data;
    const newest = async (query = '') => (await rows(query))[0];

    it('has a row for every change, with who made it, and none for reading or a refused change', async () => {
        const { api, receiver } = box;
        const { id: keyId, key } = await api.post('/api/v1/keys', { name: 'auditor', scopes: ['admin'] });
        const as = api.withKey(key);
        const app = await makeApp(as);
        const base = `/api/v1/apps/${app.id}`;
        receiver.on('/audit', [{ status: 500 }]);
        const type = unique('audit.kind').replace(/-/g, '_');
        const changes = [
            ['app.updated', app.id, () => as.patch(base, { name: 'other' })],
            ['event_type.created', type, () => as.post('/api/v1/event-types', { name: type })],
            ['event_type.updated', type, () => as.patch(`/api/v1/event-types/${type}`, { description: 'x' })],
        ];
        for (const [action, target, act] of changes) {
            await act();
            const row = await newest();
            assert.equal(row.action, action);
            assert.equal(row.target, target);
            assert.deepEqual([row.actor.kind, row.actor.id, row.actor.name], ['key', keyId, 'auditor']);
            assert.match(row.actor.address, /^127\.0\.0\.1|::1$/);
        }
        const endpoint = await makeEndpoint(as, app, {
            url: receiver.url('/audit'), event_types: [type], retry: { schedule: [3600] },
        });
        assert.deepEqual([(await newest()).action, (await newest()).target], ['endpoint.created', endpoint.id]);
        const at = `${base}/endpoints/${endpoint.id}`;
        await as.patch(at, { name: 'renamed', headers: { 'X-A': 'secret-value' } });
        const edit = await newest();
        assert.equal(edit.action, 'endpoint.updated');
        assert.equal(edit.app_id, app.id);
        assert.deepEqual(edit.details, { version: 2, fields: ['name', 'sealed'] });
        await as.post(`${at}/pause`);
        await as.post(`${at}/pause`); // it is: nothing changes
        await as.post(`${at}/resume`);
        const event = await publish(as, app, type, { a: 1 });
        const delivery = await waitDelivery(as, app, event, (d) => d.status === 'retrying');
        const open = `${base}/deliveries/${delivery.id}`;
        await as.post(`${open}/retry`);
        await waitDelivery(as, app, event, (d) => d.status === 'retrying' && d.attempt_count === 2);
        await as.post(`${open}/cancel`);
        assertProblem(await as.request('POST', `${open}/cancel`), 409);
        await as.delete(at);
        await as.delete(base);
        await as.get(base.replace(app.id, 'default'));
        assertProblem(await as.request('PATCH', base, { body: { name: 'gone' } }), 404);
        assertProblem(await as.request('POST', '/api/v1/apps', { body: { name: '' } }), 422);
        await api.delete(`/api/v1/keys/${keyId}`);
        const mine = (await rows(`&order=asc&actor=${keyId}`)).map((row) => row.action);
        assert.deepEqual(mine, ['app.created', 'app.updated', 'event_type.created', 'event_type.updated',
            'endpoint.created', 'endpoint.updated', 'endpoint.paused', 'endpoint.resumed', 'delivery.retried',
            'delivery.cancelled', 'endpoint.deleted', 'app.deleted']);
        assert.equal((await newest()).action, 'key.deleted');
        assert.ok(!JSON.stringify(await rows()).includes('secret-value'));
    });

    it('begins with what the first start made, by the system', async () => {
        const first = await box.api.get(`${AUDIT}?order=asc&limit=3`);
        assert.deepEqual(first.data.map((row) => [row.number, row.actor.kind, row.action]),
            [[1, 'system', 'project.created'], [2, 'system', 'app.created'], [3, 'system', 'key.created']]);
    });

    it('says when the server itself disables an endpoint', async () => {
        const { api, receiver } = box;
        const app = await makeApp(api);
        receiver.on('/gone', [{ status: 410 }]);
        const endpoint = await makeEndpoint(api, app, { url: receiver.url('/gone') });
        const event = await publish(api, app, 'audit.gone', {});
        await waitDelivery(api, app, event);
        // The endpoint is disabled by a write behind the outcome's.
        const row = await waitFor('its row', async () =>
            (await rows(`&target=${endpoint.id}`)).find((one) => one.action === 'endpoint.disabled'));
        assert.deepEqual([row.action, row.actor.kind, row.reason], ['endpoint.disabled', 'system', 'gone']);
    });

    it('is a list that narrows', async () => {
        const { api } = box;
        const app = await makeApp(api);
        for (let i = 0; i < 6; i++) {
            await api.patch(`/api/v1/apps/${app.id}`, { name: `name ${i}` });
        }
        const all = await rows(`&app=${app.slug}&order=asc`);
        assert.equal(all.length, 7);
        await assertList(api, `${AUDIT}?app=${app.id}`, all.map((row) => row.number), { keyOf: (row) => row.number });
        await assertListRefusals(api, AUDIT);
        assert.equal((await rows(`&app=${app.id}&action=app.updated`)).length, 6);
        assert.equal((await rows(`&app=${app.id}&action=app.`)).length, 7);
        assert.equal((await rows('&app=no-such-app')).length, 0);
        assert.equal((await rows(`&target=${app.id}&since=${all[3].at}&until=${all[3].at}`)).length, 0);
        assertProblem(await api.request('GET', `${AUDIT}?action=`), 400);
        assertProblem(await api.request('GET', `${AUDIT}?actor=%00`), 400);
        assertProblem(await api.request('GET', `${AUDIT}?actor=%ff`), 400);
    });

    it('belongs to its project, and to admins', async () => {
        const { api } = box;
        const other = await api.post('/api/v1/projects', { name: 'other' });
        const foreign = api.withKey(other.key.key);
        const { data } = await foreign.get(AUDIT);
        assert.deepEqual(data.map((row) => row.action), ['key.created', 'app.created', 'project.created']);
        assert.equal(data[0].actor.kind, 'key');
        for (const scope of ['publish', 'read']) {
            const { key } = await api.post('/api/v1/keys', { name: scope, scopes: [scope] });
            assertProblem(await api.withKey(key).request('GET', AUDIT), 403, 'forbidden');
            assertProblem(await api.withKey(key).request('GET', `${AUDIT}/verify`), 403, 'forbidden');
        }
        assert.equal((await foreign.get(`${AUDIT}/verify`)).rows, 3);
    });

    it('is verified by API and command', async () => {
        const { api } = box;
        const check = await api.get(`${AUDIT}/verify`);
        const last = await newest();
        assert.deepEqual(check, {
            whole: true, rows: last.number, first: 1, last: last.number, hash: last.hash, broken: null,
        });
        const env = { POSTERN_URL: box.server.url, POSTERN_KEY: api.key };
        const end = await runPostern(['audit', 'verify', '--json'], { env });
        assert.equal(end.code, 0, end.stderr);
        assert.equal(JSON.parse(end.stdout).whole, true);
        const list = await runPostern(['audit', 'list', '--action', 'app.', '-o', 'compact'], { env });
        assert.equal(list.code, 0, list.stderr);
        assert.match(list.stdout, /^\d+\t.*\tapp\.created\tapp_/m);
        behindItsBack(box.server, "UPDATE audit SET actor_name = 'x' WHERE project = 1 AND number = 5");
        assert.deepEqual((await api.get(`${AUDIT}/verify`)).broken, { number: 5, fault: 'changed' });
        const broken = await runPostern(['audit', 'verify'], { env });
        assert.equal(broken.code, FAILED);
        assert.match(broken.stderr, /row 5 of the audit log is changed/);
    });
});
