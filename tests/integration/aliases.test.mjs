// SPDX-License-Identifier: Apache-2.0
//
// The names of other APIs: each alias does what the route of ours does, in the words of the other API.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { createHmac } from 'node:crypto';
import { waitFor } from '../lib/wait.mjs';
import {
    assertFieldProblem, assertId, assertProblem, makeApp, makeRoute, publish, unique, useBoth, waitDelivery,
} from './support.mjs';

const webhookId = (endpoint) => endpoint.id.replace(/^ep_/, 'wh_');

describe('aliases of /v4/webhooks', () => {
    const both = useBoth();
    let api;

    before(() => {
        ({ api } = both);
    });

    it("/v4/webhooks/{id}/roll_secret rolls as the endpoint's own route does", async () => {
        const route = await makeRoute(both, { status: 200 });
        const first = route.endpoint.secret;
        const rolled = await api.post(`/v4/webhooks/${webhookId(route.endpoint)}/roll_secret`, { overlap_seconds: 600 });
        assert.notEqual(rolled.secret, first);
        assert.ok(Date.parse(rolled.previous_secret_expires_at) > Date.now());
        const again = await api.request('POST', `/v4/webhooks/${route.endpoint.id}/roll_secret`);
        assertProblem(again, 409, 'secret_window_open');
        const forced = await api.post(`/v4/webhooks/${route.endpoint.id}/roll_secret`, { force: true });
        assert.notEqual(forced.secret, rolled.secret);
        await waitDelivery(api, route.app, await publish(api, route.app, 'alias.test', {}), (d) => d.status === 'delivered');
    });

    it('/v4/webhooks/{id}/roll_secret does not find what is deleted or unknown', async () => {
        const route = await makeRoute(both, { status: 200 });
        await api.request('DELETE', `${route.base}/endpoints/${route.endpoint.id}`);
        assertProblem(await api.request('POST', `/v4/webhooks/${webhookId(route.endpoint)}/roll_secret`), 404);
        assertProblem(await api.request('POST', '/v4/webhooks/wh_0000000000000000000000/roll_secret'), 404);
        assertProblem(await api.request('POST', '/v4/webhooks/none/roll_secret'), 404);
    });
});

describe('aliases of /api/v1/platform/webhooks', () => {
    const both = useBoth();
    const base = '/api/v1/platform/webhooks';
    let api;
    let receiver;

    before(() => {
        ({ api, receiver } = both);
    });

    async function makeWebhook(script = { status: 200 }, fields = {}) {
        const path = `/${unique('platform')}`;
        const type = unique('platform.kind').replace(/-/g, '_');
        receiver.on(path, script);
        const webhook = await api.post(base, { url: receiver.url(path), event_types: [type], ...fields });
        return { path, type, webhook, at: `${base}/${webhook.id}` };
    }

    it('a webhook is made, listed, replaced, paused, resumed and deleted in the words of that page', async () => {
        const { webhook, at, type } = await makeWebhook({ status: 200 }, {
            name: 'Orders', description: 'd', filters: { workspaces: ['w1'], 'contact.tags': ['vip'], amount: { $gte: 3 } },
        });
        assertId(webhook.id, 'wh');
        assert.match(webhook.secret, /^whsec_/);
        assert.deepEqual(webhook.filters, { workspaces: ['w1'], 'contact.tags': ['vip'], amount: { $gte: 3 } });
        const { status, is_active, is_failing, timeout_seconds, retry_enabled, signature_profiles } = webhook;
        assert.deepEqual({ status, is_active, is_failing, timeout_seconds, retry_enabled, signature_profiles }, {
            status: 'Active', is_active: true, is_failing: false, timeout_seconds: 5, retry_enabled: true, signature_profiles: ['platform'],
        });
        const ours = await api.get(`/api/v1/apps/default/endpoints/${webhook.id}`);
        assert.deepEqual([ours.timeout_ms, ours.retry.schedule, ours.workspaces, ours.contact_tags, ours.filter],
            [5000, 'platform', ['w1'], ['vip'], { amount: { $gte: 3 } }]);
        assert.ok((await api.get(`${base}?limit=250`)).data.some(({ id }) => id === webhook.id));
        const again = await api.get(at);
        assert.equal(again.secret, undefined);

        const replaced = (await api.request('PUT', at, { body: {
            url: webhook.url, event_types: [type], timeout_seconds: 9, max_retry_attempts: 3, retry_enabled: false, is_active: false,
        } })).json;
        assert.deepEqual([replaced.timeout_seconds, replaced.max_retry_attempts, replaced.retry_enabled, replaced.status, replaced.filters],
            [9, 3, false, 'Paused', {}]);
        assert.equal((await api.post(`${at}/resume`)).status, 'Active');
        assert.equal((await api.post(`${at}/pause`)).status, 'Paused');
        assert.equal((await api.request('DELETE', at)).status, 204);
        assertProblem(await api.request('GET', at), 404);
    });

    it('an event is delivered with the profile platform, and logged as success', async () => {
        const { webhook, at, path, type } = await makeWebhook();
        const event = await publish(api, 'default', type, { n: 1 });
        await waitDelivery(api, 'default', event, (d) => d.status === 'delivered');
        const [entry] = await receiver.wait(path, 1);
        const signature = createHmac('sha256', webhook.secret).update(entry.body).digest('hex');
        assert.equal(entry.headers['x-postern-signature'], `sha256=${signature}`);
        const { data: [row] } = await api.get(`${at}/deliveries?status=success&event_type=${type}`);
        assertId(row.id, 'del');
        assert.deepEqual([row.webhook_id, row.event_id, row.status, row.status_code, row.attempt_number],
            [webhook.id, event.id, 'success', 200, 1]);
        assert.deepEqual((await api.get(`${at}/deliveries?status=failed`)).data, []);
        assertProblem(await api.request('POST', `${at}/deliveries/${row.id}/retry`), 409, 'already_delivered');
    });

    it('a failure is pending_retry and may be retried now; more of them make the webhook Failing', async () => {
        const { at, type } = await makeWebhook({ status: 500 });
        for (let n = 0; n < 3; n++) {
            await publish(api, 'default', type, { n });
        }
        const failing = await waitFor('Failing', async () => {
            const webhook = await api.get(at);
            return webhook.status === 'Failing' && webhook;
        });
        assert.deepEqual([failing.is_failing, failing.is_active], [true, true]);
        const { data } = await api.get(`${at}/deliveries?status=pending_retry`);
        assert.equal(data.length, 3);
        assert.ok(data.every((row) => row.status === 'pending_retry' && row.next_retry_at !== null && row.error === 'server_error'));
        const moved = await api.request('POST', `${at}/deliveries/${data[0].id}/retry`);
        assert.deepEqual([moved.status, moved.json.id], [202, data[0].id]);
    });

    it('a test and a rotation answer as that page shows them', async () => {
        const { webhook, at } = await makeWebhook({ status: 200, body: 'thanks' });
        const good = await api.post(`${at}/test`, { payload: { a: 1 } });
        assert.deepEqual([good.success, good.status_code, good.response_body, good.error], [true, 200, 'thanks', null]);
        assertId(good.delivery_id, 'del');
        const rolled = await api.post(`${at}/rotate`);
        assert.notEqual(rolled.secret, webhook.secret);
    });

    it('faults name the fields and say the sentences of that page', async () => {
        const bad = await api.request('POST', base, { body: { url: 'nothing' } });
        assert.equal(assertProblem(bad, 422, 'url_refused').detail, 'Endpoint must be a valid HTTPS URL.');
        const url = receiver.url('/never');
        for (const [fields, field] of [
            [{ timeout_seconds: 31 }, 'timeout_seconds'], [{ timeout_seconds: 'x' }, 'timeout_seconds'],
            [{ max_retry_attempts: 0 }, 'max_retry_attempts'], [{ filters: 7 }, 'filters'], [{ colour: 1 }, 'colour'],
            [{ filters: { amount: { $no: 1 } } }, 'filters'], [{ status: 'Inactive' }, 'status'],
        ]) {
            assertFieldProblem(await api.request('POST', base, { body: { url, ...fields } }), field);
        }
        assertProblem(await api.request('POST', base, { body: { url, timeout_seconds: 5, timeout_ms: 5000 } }), 400, 'invalid_json');
    });

    it('a key of one app has its own app there', async () => {
        const app = await makeApp(api);
        const { key } = await api.post('/api/v1/keys', { name: unique('bound'), scopes: ['manage'], app: app.id });
        const own = await api.withKey(key).post(base, { url: receiver.url('/own') });
        assert.deepEqual((await api.withKey(key).get(base)).data.map(({ id }) => id), [own.id]);
        assert.ok(!(await api.get(`${base}?limit=250`)).data.some(({ id }) => id === own.id));
        const { webhook } = await makeWebhook();
        assertProblem(await api.withKey(key).request('GET', `${base}/${webhook.id}`), 404);
    });
});
