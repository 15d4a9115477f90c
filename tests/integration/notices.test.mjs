// SPDX-License-Identifier: Apache-2.0
//
// Notices: raised once per issue, with the seeds' sentences and real values, read by API.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { waitFor } from '../lib/wait.mjs';
import { assertId, assertProblem, makeApp, makeRoute, publish, startBoth, startServer, useBoth, waitDelivery } from './support.mjs';

const ONCE = { schedule: [1], max_attempts: 1 };

async function noticesOf(api, base, query = '') {
    return (await api.get(`${base}/notices${query}`)).data;
}

async function waitNotice(api, base, kind, look = () => true) {
    return waitFor(`a notice ${kind} of ${base}`, async () =>
        (await noticesOf(api, base, `?kind=${kind}`)).find(look));
}

describe('notices', () => {
    const both = useBoth({ args: ['--notice-cooldown-ms', '1h'] });

    it('say what could not be delivered, where and why, with real values', async () => {
        const { api } = both;
        const { app, base, endpoint } = await makeRoute(both, { status: 500 }, { name: 'Billing', retry: ONCE });
        const event = await publish(api, app, 'invoice.paid', { n: 1 });
        const delivery = await waitDelivery(api, app, event);
        const notice = await waitNotice(api, base, 'delivery-exhausted');
        assertId(notice.id, 'ntc');
        assert.equal(notice.app_id, app.id);
        assert.equal(notice.endpoint_id, endpoint.id);
        assert.equal(notice.title, "We couldn't deliver invoice.paid to Billing");
        assert.ok(notice.text.startsWith(
            `We couldn't deliver event ${event.id} (invoice.paid) to your endpoint ${endpoint.url}. `), notice.text);
        assert.match(notice.text, /Check your endpoint and replay from the dashboard\./);
        assert.equal(notice.facts.delivery_id, delivery.id);
        assert.equal(notice.facts.event_id, event.id);
        assert.equal(notice.facts.count, 1);
        assert.equal(notice.read_at, null);
    });

    it('are one per issue: what repeats within the cool-down is counted', async () => {
        const { api } = both;
        const { app, base } = await makeRoute(both, { status: 500 }, { retry: ONCE });
        for (let i = 0; i < 3; i++) {
            await waitDelivery(api, app, await publish(api, app, 'invoice.paid', { i }));
        }
        const notice = await waitNotice(api, base, 'delivery-exhausted', (one) => one.count === 3);
        assert.ok(Date.parse(notice.updated_at) >= Date.parse(notice.created_at));
        assert.equal((await noticesOf(api, base, '?kind=delivery-exhausted')).length, 1);
    });

    it('say that an endpoint was disabled by its 410', async () => {
        const { api } = both;
        const { app, base, endpoint } = await makeRoute(both, { status: 410 });
        await publish(api, app, 'invoice.paid', {});
        const notice = await waitNotice(api, base, 'endpoint-disabled');
        assert.ok(notice.text.includes(endpoint.url) && notice.text.includes('410'), notice.text);
    });

    it('say every time that a secret was rolled, and until when the old one signs too', async () => {
        const { api } = both;
        const { base, endpoint } = await makeRoute(both, { status: 200 });
        await api.post(`${base}/endpoints/${endpoint.id}/roll_secret`, { overlap_seconds: 3600 });
        await api.post(`${base}/endpoints/${endpoint.id}/roll_secret`, { overlap_seconds: 0, force: true });
        const notices = await waitFor('both', async () => {
            const found = await noticesOf(api, base, '?kind=secret-rolled&order=asc');
            return found.length === 2 && found;
        });
        assert.match(notices[0].text, new RegExp(`The signing secret of ${endpoint.url.replace(/[.]/g, '\\.')} was rolled\\. The previous one stays valid until 20`));
        assert.match(notices[1].text, /The previous one is not valid any more\./);
    });

    it('are marked as read, one or all, and listed by kind and app', async () => {
        const { api } = both;
        const { app, base } = await makeRoute(both, { status: 410 });
        await publish(api, app, 'invoice.paid', {});
        const notice = await waitNotice(api, base, 'endpoint-disabled');
        await waitNotice(api, base, 'delivery-exhausted');
        const read = await api.post(`${base}/notices/${notice.id}/read`);
        assert.ok(Date.parse(read.read_at) > 0);
        const again = await api.post(`/api/v1/notices/${notice.id}/read`);
        assert.equal(again.read_at, read.read_at);
        assert.equal((await noticesOf(api, base, '?unread=true')).length, 1);
        assert.deepEqual(await api.post(`${base}/notices/read`), { read: 1 });
        assert.equal((await noticesOf(api, base, '?unread=true')).length, 0);
        const all = await api.get(`/api/v1/notices?app=${app.id}&kind=endpoint-disabled`);
        assert.deepEqual(all.data.map((one) => one.id), [notice.id]);
        const page = await api.get(`/api/v1/notices?app=${app.id}&limit=1`);
        const next = await api.get(`/api/v1/notices?app=${app.id}&limit=1&cursor=${page.next_cursor}`);
        assert.equal(next.data.length, 1);
        assert.notEqual(next.data[0].id, page.data[0].id);
        assert.deepEqual(await api.post('/api/v1/notices/read').then((answer) => typeof answer.read), 'number');
        assertProblem(await api.request('GET', '/api/v1/notices?kind=nothing'), 400);
        assertProblem(await api.request('GET', '/api/v1/notices?unread=perhaps'), 400);
        assertProblem(await api.request('GET', '/api/v1/notices?app=nobody'), 404, 'not_found');
    });

    it('of another app or project are not there', async () => {
        const { api } = both;
        const { app, base } = await makeRoute(both, { status: 410 });
        await publish(api, app, 'invoice.paid', {});
        const notice = await waitNotice(api, base, 'endpoint-disabled');
        const other = await makeApp(api);
        assertProblem(await api.request('POST', `/api/v1/apps/${other.id}/notices/${notice.id}/read`), 404, 'not_found');
        const project = await api.post('/api/v1/projects', { name: 'other' });
        const foreign = api.withKey(project.key.key);
        assertProblem(await foreign.request('POST', `/api/v1/notices/${notice.id}/read`), 404, 'not_found');
        assert.deepEqual((await foreign.get('/api/v1/notices')).data, []);
        assert.equal((await noticesOf(api, base, '?unread=true')).filter((one) => one.id === notice.id).length, 1);
    });
});

describe('the limits of notices', () => {
    it('an app gets so many in an hour, the rest is counted in the metrics', async (t) => {
        const both = await startBoth(t, { args: ['--notice-app-hour-max', '2'] });
        const { api } = both;
        const { app, base } = await makeRoute(both, { status: 410 });
        await publish(api, app, 'invoice.paid', {});
        await waitNotice(api, base, 'delivery-exhausted');
        await waitNotice(api, base, 'endpoint-disabled');
        const { endpoint } = await (async () => {
            both.receiver.on('/third', { status: 410 });
            return { endpoint: await api.post(`${base}/endpoints`, { url: both.receiver.url('/third') }) };
        })();
        await publish(api, app, 'invoice.paid', {});
        await waitFor('the third to be disabled', async () =>
            (await api.get(`${base}/endpoints/${endpoint.id}`)).status === 'disabled');
        await waitFor('the metric', async () =>
            /^postern_notices_suppressed_total [1-9]/m.test((await api.request('GET', '/metrics')).text));
        assert.equal((await noticesOf(api, base)).length, 2);
    });

    it('the cool-down outlives a restart', async (t) => {
        const both = await startBoth(t, {});
        const { api } = both;
        const { app, base } = await makeRoute(both, { status: 500 }, { retry: ONCE });
        await waitDelivery(api, app, await publish(api, app, 'invoice.paid', {}));
        await waitNotice(api, base, 'delivery-exhausted');
        await both.server.terminate();
        await both.server.launch();
        await waitDelivery(both.server.api, app, await publish(both.server.api, app, 'invoice.paid', {}));
        await waitNotice(both.server.api, base, 'delivery-exhausted', (one) => one.count === 2);
        assert.equal((await noticesOf(both.server.api, base)).length, 1);
    });

    it('the texts of an operator go first, and a bad one stops the start', async (t) => {
        const { mkdtempSync, rmSync, writeFileSync } = await import('node:fs');
        const dir = mkdtempSync('/tmp/postern-notices-');
        t.after(() => rmSync(dir, { recursive: true }));
        writeFileSync(`${dir}/endpoint-disabled.txt`, 'Subject: Off: {{endpoint_name}}\n\nTell {{app_name}}.\n');
        const both = await startBoth(t, { args: ['--notice-templates', dir] });
        const { app, base } = await makeRoute(both, { status: 410 }, { name: 'Shop' }, { name: 'Acme' });
        await publish(both.api, app, 'invoice.paid', {});
        const notice = await waitNotice(both.api, base, 'endpoint-disabled');
        assert.equal(notice.title, 'Off: Shop');
        assert.equal(notice.text, 'Tell Acme.\n');
        writeFileSync(`${dir}/endpoint-disabled.txt`, 'no subject\n');
        await assert.rejects(startServer(t, { args: ['--notice-templates', dir] }), /does not begin with/);
    });
});
