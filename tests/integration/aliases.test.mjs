// SPDX-License-Identifier: Apache-2.0
//
// The names of other APIs: each alias does what the route of ours does, in the words of the other API.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createHmac } from 'node:crypto';
import { WachtClient } from '@wacht/backend';
import { Webhook } from 'standardwebhooks';
import { observe } from '../lib/contract.mjs';
import { ADMIN_KEY } from '../lib/postern.mjs';
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
        // The health is known before the last outcome is stored.
        const data = await waitFor('all three are stored', async () => {
            const listed = await api.get(`${at}/deliveries?status=pending_retry`);
            return listed.data.length === 3 && listed.data;
        });
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

// The published client speaks by fetch: what it is answered is held against the contract too.
const plainFetch = globalThis.fetch;
async function fetchObserved(input, init = {}) {
    const response = await plainFetch(input, init);
    const url = new URL(typeof input === 'string' ? input : (input.url ?? input));
    const text = await response.clone().text();
    let json;
    try {
        json = JSON.parse(text);
    } catch {
        json = undefined;
    }
    observe({
        method: init.method ?? 'GET',
        path: url.pathname + url.search,
        status: response.status,
        headers: Object.fromEntries(response.headers),
        text,
        json,
        request: { headers: Object.fromEntries(new Headers(init.headers)), bytes: init.body === undefined ? undefined : Buffer.from(init.body) },
    });
    return response;
}

// Every method of the published client that has its operation here, against a running server.
describe('aliases of /webhooks/apps, by npm @wacht/backend', () => {
    const both = useBoth();
    let api;
    let receiver;
    let client;

    before(() => {
        ({ api, receiver } = both);
        client = new WachtClient({ baseUrl: both.server.url, apiKey: ADMIN_KEY });
        globalThis.fetch = fetchObserved;
    });
    after(() => {
        globalThis.fetch = plainFetch;
    });

    async function makeTenant(script = { status: 200 }) {
        const app = await client.webhooks.createWebhookApp({ name: 'Tenant', app_slug: unique('wh_42') });
        const path = `/${unique('wacht')}`;
        const type = unique('wacht.kind').replace(/-/g, '_');
        receiver.on(path, script);
        const endpoint = await client.webhooks.createWebhookEndpoint(app.app_slug, {
            url: receiver.url(path), subscriptions: [{ event_name: type }],
        });
        return { app, slug: app.app_slug, path, type, endpoint };
    }

    async function ended(slug, status) {
        return waitFor(`a delivery that is ${status}`, async () => {
            const { data } = await client.webhooks.listWebhookDeliveries(slug, { status });
            return data.length > 0 && data;
        });
    }

    it('an app is made, read, listed, edited, its secret rotated, and deleted', async () => {
        const { webhooks } = client;
        const { app, slug } = await makeTenant();
        assert.match(app.signing_secret, /^whsec_/);
        assert.equal(app.is_active, true);
        assert.equal((await webhooks.getWebhookApp(slug)).name, 'Tenant');
        const page = await webhooks.listWebhookApps({ limit: 1, offset: 0, include_inactive: true });
        assert.deepEqual([page.data.map((one) => one.app_slug), page.limit, page.offset, page.has_more], [[slug], 1, 0, true]);
        const next = await webhooks.listWebhookApps({ limit: 1, offset: 1 });
        assert.equal(next.data.length, 1);
        assert.notEqual(next.data[0].app_slug, slug);
        assert.equal((await webhooks.updateWebhookApp(slug, { name: 'Other', is_active: true })).name, 'Other');
        const rotated = await webhooks.rotateWebhookSecret(slug);
        assert.match(rotated.signing_secret, /^whsec_/);
        assert.notEqual(rotated.signing_secret, app.signing_secret);
        assert.deepEqual([rotated.app_slug, rotated.name], [slug, 'Other']);
        await webhooks.deleteWebhookApp(slug);
        await assert.rejects(webhooks.getWebhookApp(slug));
    });

    it('an endpoint is made, listed, edited, tested, reactivated and deleted', async () => {
        const { webhooks } = client;
        const { slug, endpoint, type, path } = await makeTenant({ status: 200, body: 'yes' });
        assert.deepEqual(
            [endpoint.is_active, endpoint.timeout_seconds, endpoint.subscriptions, endpoint.auto_disabled, endpoint.app_slug],
            [true, 30, [{ event_name: type, filter_rules: null }], false, slug]);
        const { data } = await webhooks.listWebhookEndpoints(slug, { include_inactive: true });
        assert.deepEqual(data.map(({ id }) => id), [endpoint.id]);
        const edited = await webhooks.updateWebhookEndpoint(slug, endpoint.id, {
            is_active: false, max_retries: 4, timeout_seconds: 9, rate_limit_config: { duration_ms: 1000, max_requests: 5 },
            subscriptions: [{ event_name: type, filter_rules: { n: { $gte: 3 } } }],
        });
        assert.deepEqual(
            [edited.is_active, edited.max_retries, edited.timeout_seconds, edited.rate_limit_config, edited.subscriptions],
            [false, 4, 9, { duration_ms: 1000, max_requests: 5 }, [{ event_name: type, filter_rules: { n: { $gte: 3 } } }]]);
        assert.equal((await webhooks.reactivateWebhookEndpoint(endpoint.id)).success, true);
        const tested = await webhooks.testWebhookEndpoint(slug, endpoint.id, { event_name: type, payload: { n: 1 } });
        assert.deepEqual([tested.success, tested.status_code, tested.response_body, tested.error], [true, 200, 'yes', null]);
        assert.deepEqual(JSON.parse((await receiver.wait(path, 1))[0].body).data, { n: 1 });
        await webhooks.deleteWebhookEndpoint(slug, endpoint.id);
        assert.deepEqual((await webhooks.listWebhookEndpoints(slug, {})).data, []);
    });

    it('an event is triggered, signed with the secret of the app, and stands in the log', async () => {
        const { webhooks } = client;
        const { app, slug, type, path, endpoint } = await makeTenant({ status: 200, body: 'ok' });
        const sent = await webhooks.triggerWebhook(slug, { event_name: type, payload: { amount: 7 } });
        assert.equal(sent.delivered_count, 1);
        const [entry] = await receiver.wait(path, 1);
        new Webhook(app.signing_secret).verify(entry.body, entry.headers);
        const [row] = await ended(slug, 'success');
        assert.deepEqual([row.endpoint_id, row.event_name, row.http_status_code, row.attempt_number], [endpoint.id, type, 200, 1]);
        const details = await webhooks.getWebhookDelivery(slug, row.delivery_id, { status: 'success' });
        assert.deepEqual([details.payload.data, details.response_body], [{ amount: 7 }, 'ok']);
        const none = await webhooks.listWebhookDeliveries(slug, { endpoint_id: endpoint.id, event_name: type, status: 'failed' });
        assert.deepEqual([none.data, none.has_more], [[], false]);
        assert.ok((await webhooks.listWebhookEvents(slug)).some((one) => one.event_name === type));
        assert.ok((await webhooks.getWebhookCatalog(slug)).events.some(({ name }) => name === type));
        const catalogs = await webhooks.listWebhookEventCatalogs({});
        assert.deepEqual([catalogs.data.length, catalogs.data[0].slug], [1, 'default']);
    });

    it('deliveries are replayed once per idempotency key, and the task is listed, read and cancelled', async () => {
        const { webhooks } = client;
        const { slug, type, path } = await makeTenant();
        await webhooks.triggerWebhook(slug, { event_name: type, payload: {} });
        const [row] = await ended(slug, 'success');
        const asked = await webhooks.replayWebhookDelivery(slug, row.delivery_id, { idempotency_key: 'once' });
        const again = await webhooks.replayWebhookDelivery(slug, row.delivery_id, { idempotency_key: 'once' });
        assert.equal(again.task_id, asked.task_id);
        await receiver.wait(path, 2);
        const done = await waitFor('the replay is over', async () => {
            const task = await webhooks.getWebhookReplayTaskStatus(slug, asked.task_id);
            return task.status === 'completed' && task;
        });
        assert.deepEqual([done.total_count, done.replayed_count, done.failed_count], [1, 1, 0]);
        assert.deepEqual((await webhooks.listWebhookReplayTasks(slug, {})).data.map((task) => task.task_id), [asked.task_id]);
        await assert.rejects(webhooks.cancelWebhookReplayTask(slug, asked.task_id));
        const other = await webhooks.replayWebhookDeliveries(slug, { delivery_ids: [row.delivery_id] });
        assert.notEqual(other.task_id, asked.task_id);
        // One a second: there is time to cancel it.
        for (let i = 0; i < 4; i++) {
            await webhooks.triggerWebhook(slug, { event_name: type, payload: { i } });
        }
        const rows = await waitFor('all of them are delivered', async () => {
            const { data } = await api.get(`/api/v1/apps/${slug}/deliveries?status=delivered`);
            return data.length >= 5 && data;
        });
        const slow = await api.post(`/api/v1/apps/${slug}/replays`, { ids: rows.map((one) => one.id), rate: 1, reason: 'slow' });
        await webhooks.cancelWebhookReplayTask(slug, slow.id);
        assert.equal((await webhooks.getWebhookReplayTaskStatus(slug, slow.id)).status, 'cancelled');
        const range = await api.request('POST', `/webhooks/apps/${slug}/deliveries/replay`, { body: { start_date: '2026-01-01T00:00:00Z' } });
        assertFieldProblem(range, 'start_date');
    });

    it('a ticket opens the portal of one app for a few minutes at most', async () => {
        const { slug } = await makeTenant();
        const now = Date.now() / 1000;
        const ticket = await client.sessions.createSessionTicket({
            ticket_type: 'webhook_app_access', webhook_app_slug: slug, expires_in: 43200,
        });
        assert.match(ticket.url, /\/portal\/enter#t=/);
        assert.ok(ticket.expires_at > now + 60 && ticket.expires_at < now + 240, `${ticket.expires_at}`);
        const answer = await api.withKey(null).request('POST', '/api/v1/session/exchange', { body: { ticket: ticket.ticket } });
        assert.ok(answer.status < 300, answer.text);
        assertFieldProblem(await api.request('POST', '/session/tickets', { body: { ticket_type: 'webhook_app_access' } }), 'webhook_app_slug');
        assertFieldProblem(await api.request('POST', '/session/tickets', { body: { ticket_type: 'agent_access', webhook_app_slug: slug } }), 'ticket_type');
    });

    it('what cannot be done here is refused with the fields of that client, never forgotten', async () => {
        const { slug } = await makeTenant();
        const url = receiver.url('/never');
        const two = [{ event_name: 'a.b', filter_rules: { a: 1 } }, { event_name: 'a.c' }];
        for (const [path, body, field] of [
            [`/webhooks/apps/${slug}/endpoints`, { url }, 'subscriptions'],
            [`/webhooks/apps/${slug}/endpoints`, { url, subscriptions: [] }, 'subscriptions'],
            [`/webhooks/apps/${slug}/endpoints`, { url, subscriptions: two }, 'subscriptions'],
            [`/webhooks/apps/${slug}/endpoints`, { url, subscriptions: [{ event_name: 'a.b' }], timeout_seconds: 31 }, 'timeout_seconds'],
            [`/webhooks/apps/${slug}/trigger`, { event_name: 'a.b', payload: {}, filter_context: { a: 1 } }, 'filter_context'],
            [`/webhooks/apps/${slug}/trigger`, { event_name: 7, payload: {} }, 'event_name'],
            ['/webhooks/apps', { name: 'x', failure_notification_emails: ['a@example.com'] }, 'failure_notification_emails'],
            ['/webhooks/apps', { name: 'x', app_slug: 'No!' }, 'app_slug'],
        ]) {
            assertFieldProblem(await api.request('POST', path, { body }), field);
        }
        for (const query of ['include_inactive=false', 'limit=0', 'limit=200&offset=51', 'offset=x']) {
            assertProblem(await api.request('GET', `/webhooks/apps?${query}`), 400);
        }
    });
});
