// SPDX-License-Identifier: Apache-2.0
//
// Signing secrets: rolling with a window in which both sign, revoking, revealing, one secret for an app. What
// is sent in the window is verified with the npm packages `standardwebhooks` and `stripe`, by a receiver that
// has the old secret and by one that has the new one.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import Stripe from 'stripe';
import { Webhook } from 'standardwebhooks';
import { waitFor } from '../lib/wait.mjs';
import {
    assertFieldProblem, assertProblem, makeApp, makeEndpoint, makeRoute, publish, unique, useBoth, startServer,
} from './support.mjs';
import { createHmac } from 'node:crypto';

const stripe = new Stripe('sk_test_never_used');
const DAY_MS = 24 * 3600 * 1000;

function own(byte) {
    return 'whsec_' + Buffer.alloc(32, byte).toString('base64');
}

// Which profiles accept this secret.
function accepts(secret, entry) {
    const tell = (verify) => {
        try {
            verify();
            return true;
        } catch {
            return false;
        }
    };
    return {
        standard: tell(() => new Webhook(secret).verify(entry.body, entry.headers)),
        timestamped: tell(() => stripe.webhooks.constructEvent(entry.body, entry.headers['postern-signature'], secret)),
        platform: entry.headers['x-postern-signature'] ===
            'sha256=' + createHmac('sha256', secret).update(entry.body).digest('hex'),
    };
}

const BOTH = { standard: true, timestamped: true, platform: false };
const NONE = { standard: false, timestamped: false, platform: false };

describe('secrets', () => {
    const both = useBoth();
    let api;
    let receiver;

    before(async () => {
        ({ api, receiver } = both);
    });

    async function next(route) {
        const count = receiver.at(route.path).length;
        await publish(api, route.app, 'secret.test', { n: count });
        return (await receiver.wait(route.path, count + 1))[count];
    }

    const where = (route) => `${route.base}/endpoints/${route.endpoint.id}`;

    it('are rolled with a window in which receivers with either secret verify', async () => {
        const route = await makeRoute(both, { status: 200 });
        const old = route.endpoint.secret;
        assert.ok(Object.values(accepts(old, await next(route))).filter(Boolean).length === 2);
        const before = Date.now();
        const rolled = await api.request('POST', `${where(route)}/roll_secret`);
        assert.equal(rolled.status, 200, rolled.text);
        const fresh = rolled.json.secret;
        assert.match(fresh, /^whsec_[A-Za-z0-9+/]{43}=$/);
        assert.notEqual(fresh, old);
        assert.deepEqual(rolled.json.warnings, []);
        const until = Date.parse(rolled.json.previous_secret_expires_at);
        assert.ok(until >= before + DAY_MS && until <= Date.now() + DAY_MS, '24 hours by default');
        const shown = await api.get(where(route));
        assert.equal(shown.previous_secret_expires_at, rolled.json.previous_secret_expires_at);
        assert.equal(shown.secret_hint, `whsec_...${fresh.replace(/=+$/, '').slice(-3)}`);
        assert.ok(!('secret' in shown));

        const entry = await next(route);
        assert.deepEqual(accepts(old, entry), BOTH, 'the old secret verifies');
        assert.deepEqual(accepts(fresh, entry), BOTH, 'the new secret verifies');
        assert.deepEqual(accepts(own(99), entry), NONE, 'another one does not');

        assertProblem(await api.request('POST', `${where(route)}/roll_secret`, { body: {} }), 409, 'secret_window_open');
        const revoked = await api.post(`${where(route)}/revoke_previous_secret`);
        assert.equal(revoked.previous_secret_expires_at, null);
        assert.ok(!JSON.stringify(revoked).includes(fresh));
        const last = await next(route);
        assert.deepEqual(accepts(old, last), NONE, 'the old secret is revoked');
        assert.deepEqual(accepts(fresh, last), BOTH);
        assert.equal((await api.post(`${where(route)}/revoke_previous_secret`)).updated_at, revoked.updated_at, 'nothing to revoke');
    });

    it('sign alone when the window is over, and leave what is sealed', async () => {
        const route = await makeRoute(both, { status: 200 });
        const { secret: fresh } = await api.post(`${where(route)}/roll_secret`, { overlap_seconds: 2 });
        const entry = await waitFor('the old secret to end', async () => {
            const sent = await next(route);
            return !accepts(route.endpoint.secret, sent).standard && sent;
        });
        assert.deepEqual(accepts(fresh, entry), BOTH);
        assert.equal((await api.get(where(route))).previous_secret_expires_at, null);
        // The ended one is no obstacle to the next roll, and its fingerprint is forgotten with the next edit.
        await api.request('PATCH', where(route), { body: { description: 'touched' } });
        const other = await makeEndpoint(api, route.app, { url: receiver.url('/other'), secret: route.endpoint.secret });
        assert.equal(other.secret, route.endpoint.secret);
        await api.post(`${where(route)}/roll_secret`, {});
    });

    it('end at once with overlap_seconds 0, and force ends the older one', async () => {
        const route = await makeRoute(both, { status: 200 });
        const first = route.endpoint.secret;
        const second = await api.post(`${where(route)}/roll_secret`, { overlap_seconds: 0 });
        assert.equal(second.previous_secret_expires_at, null);
        let entry = await next(route);
        assert.deepEqual(accepts(first, entry), NONE);
        const third = await api.post(`${where(route)}/roll_secret`, { overlap_seconds: 604800 });
        const fourth = await api.post(`${where(route)}/roll_secret`, { force: true, secret: own(44) });
        assert.equal(fourth.secret, own(44));
        entry = await next(route);
        assert.deepEqual(accepts(second.secret, entry), NONE, 'the older one ended');
        assert.deepEqual(accepts(third.secret, entry), BOTH);
        assert.deepEqual(accepts(own(44), entry), BOTH);
    });

    it('of the customer are taken unless the project has them', async () => {
        const route = await makeRoute(both, { status: 200 });
        const other = await makeRoute(both, { status: 200 }, { secret: own(51) });
        const path = `${where(route)}/roll_secret`;
        assertProblem(await api.request('POST', path, { body: { secret: own(51) } }), 409, 'secret_reused');
        assertProblem(await api.request('POST', path, { body: { secret: route.endpoint.secret } }), 409, 'secret_reused');
        assertFieldProblem(await api.request('POST', path, { body: { secret: 'short' } }), 'secret');
        assertFieldProblem(await api.request('POST', path, { body: { secret: 'whsk_' + Buffer.alloc(32, 1).toString('base64') } }), 'secret');
        for (const overlap_seconds of [-1, 604801, '5', 1.5]) {
            assertFieldProblem(await api.request('POST', path, { body: { overlap_seconds } }), 'overlap_seconds');
        }
        assertFieldProblem(await api.request('POST', path, { body: { platform_signs_with: 'old' } }), 'platform_signs_with');
        assertFieldProblem(await api.request('POST', path, { body: { colour: 1 } }), 'colour');
        const before = await api.get(where(route));
        assertProblem(await api.request('POST', path, { body: {}, headers: { 'if-match': '"99"' } }), 412);
        assert.deepEqual(await api.get(where(route)), before);
        // A secret that was rolled away is free again once its window is over.
        await api.post(`${where(other)}/roll_secret`, { overlap_seconds: 0 });
        assert.equal((await api.post(path, { secret: own(51) })).secret, own(51));
    });

    it('of platform alone sign once, with the new or the previous one, and it is said', async () => {
        const platform = { standard: false, timestamped: false, platform: true };
        for (const [with_, first, second] of [['new', NONE, platform], ['previous', platform, NONE]]) {
            const route = await makeRoute(both, { status: 200 }, { signature_profiles: ['platform'] });
            const rolled = await api.post(`${where(route)}/roll_secret`, { platform_signs_with: with_ });
            assert.equal(rolled.warnings.length, 1);
            assert.equal(rolled.warnings[0].code, 'platform_signs_once');
            assert.match(rolled.warnings[0].detail, with_ === 'new' ? /from now on/ : /until the window ends/);
            const entry = await next(route);
            assert.deepEqual(accepts(route.endpoint.secret, entry), first, with_);
            assert.deepEqual(accepts(rolled.secret, entry), second, with_);
            await api.post(`${where(route)}/revoke_previous_secret`);
            assert.deepEqual(accepts(rolled.secret, await next(route)), platform);
        }
    });

    it('of an app are shared by the endpoints that inherit, rolled once for all', async () => {
        const app = await makeApp(api, { secret: 'generate' });
        assert.match(app.secret, /^whsec_/);
        const shown = await api.get(`/api/v1/apps/${app.id}`);
        assert.ok(!('secret' in shown));
        assert.match(shown.secret_hint, /^whsec_\.\.\....$/);
        const routes = [];
        for (const _ of [1, 2]) {
            const path = `/${unique('shared')}`;
            receiver.on(path, { status: 200 });
            const endpoint = await makeEndpoint(api, app, { url: receiver.url(path), secret_scope: 'app' });
            assert.ok(!('secret' in endpoint));
            assert.equal(endpoint.secret_scope, 'app');
            assert.equal(endpoint.secret_hint, shown.secret_hint);
            routes.push({ app, endpoint, path, base: `/api/v1/apps/${app.id}` });
        }
        const arrived = async () => {
            const counts = routes.map((route) => receiver.at(route.path).length);
            await publish(api, app, 'secret.test', {});
            return Promise.all(routes.map(async (route, n) => (await receiver.wait(route.path, counts[n] + 1))[counts[n]]));
        };
        for (const entry of await arrived()) {
            assert.deepEqual(accepts(app.secret, entry), BOTH);
        }
        assertProblem(await api.request('POST', `${where(routes[0])}/roll_secret`), 409, 'wrong_state');
        const rolled = await api.post(`/api/v1/apps/${app.id}/roll_secret`, {});
        for (const entry of await arrived()) {
            assert.deepEqual(accepts(app.secret, entry), BOTH, 'the old one of the app');
            assert.deepEqual(accepts(rolled.secret, entry), BOTH, 'the new one of the app');
        }
        assert.equal((await api.get(where(routes[0]))).previous_secret_expires_at, rolled.previous_secret_expires_at);
        await api.post(`/api/v1/apps/${app.id}/revoke_previous_secret`);
        for (const entry of await arrived()) {
            assert.deepEqual(accepts(app.secret, entry), NONE);
        }
        // Back to a secret of its own: made now, shown once.
        const back = await api.request('PATCH', where(routes[1]), { body: { secret_scope: 'endpoint' } });
        assert.equal(back.status, 200, back.text);
        const entries = await arrived();
        assert.deepEqual(accepts(rolled.secret, entries[0]), BOTH);
        assert.deepEqual(accepts(rolled.secret, entries[1]), NONE);
        assert.deepEqual(accepts(back.json.secret, entries[1]), BOTH);
        const there = await api.request('PATCH', where(routes[1]), { body: { secret_scope: 'app' } });
        assert.ok(!('secret' in there.json));
        assert.deepEqual(accepts(rolled.secret, (await arrived())[1]), BOTH);
    });

    it('of an app are checked as those of endpoints', async () => {
        const plain = await makeApp(api);
        assert.equal(plain.secret_hint, null);
        const list = `/api/v1/apps/${plain.id}/endpoints`;
        const url = receiver.url('/scope');
        assertFieldProblem(await api.request('POST', list, { body: { url, secret_scope: 'app' } }), 'secret_scope');
        assertFieldProblem(await api.request('POST', list, { body: { url, secret_scope: 'world' } }), 'secret_scope');
        const made = await api.post(`/api/v1/apps/${plain.id}/roll_secret`, { secret: own(71) });
        assert.deepEqual(made, { secret: own(71), previous_secret_expires_at: null, warnings: [] });
        assertFieldProblem(await api.request('POST', list, { body: { url, secret_scope: 'app', secret: own(72) } }), 'secret');
        assertProblem(await api.request('POST', list, { body: { url, secret: own(71) } }), 409, 'secret_reused');
        assertProblem(await api.request('POST', '/api/v1/apps', { body: { name: 'x', secret: own(71) } }), 409, 'secret_reused');
        assertFieldProblem(await api.request('POST', '/api/v1/apps', { body: { name: 'x', secret: 'short' } }), 'secret');
        assertFieldProblem(await api.request('PATCH', `/api/v1/apps/${plain.id}`, { body: { secret: own(73) } }), 'secret');
        const ed25519 = 'whsk_' + Buffer.alloc(32, 9).toString('base64');
        assertFieldProblem(await api.request('POST', list, { body: { url, secret: ed25519 } }), 'secret');
        const endpoint = await api.post(list, { url, secret: ed25519, signature_profiles: ['standard'] });
        assertFieldProblem(await api.request('PATCH', `${list}/${endpoint.id}`, { body: { signature_profiles: ['platform'] } }), 'signature_profiles');
    });

    it('are shown to nobody unless the setting allows it', async () => {
        const route = await makeRoute(both, { status: 200 }, {}, { secret: 'generate' });
        for (const path of [`${where(route)}/secret`, `${route.base}/secret`]) {
            const answer = await api.request('GET', path, { headers: { 'postern-reauth': api.key } });
            assertProblem(answer, 403, 'secret_hidden');
        }
    });
});

it('secrets are shown again with secret_reveal = reauth, to who sends the key once more', async (t) => {
    const server = await startServer(t, { args: ['--secret-reveal', 'reauth'] });
    const { api } = server;
    const app = await makeApp(api, { secret: own(81) });
    const endpoint = await makeEndpoint(api, app, { url: 'http://127.0.0.1:9/x' });
    const path = `/api/v1/apps/${app.id}/endpoints/${endpoint.id}/secret`;
    assertProblem(await api.request('GET', path), 401, 'reauth_required');
    assertProblem(await api.request('GET', path, { headers: { 'postern-reauth': 'pst_wrong' } }), 401, 'reauth_required');
    const reader = await api.post('/api/v1/keys', { name: 'other admin', scopes: ['admin'] });
    assertProblem(await api.request('GET', path, { headers: { 'postern-reauth': reader.key } }), 401, 'reauth_required');
    const headers = { 'postern-reauth': api.key };
    const shown = await api.request('GET', path, { headers });
    assert.equal(shown.status, 200, shown.text);
    assert.deepEqual(shown.json, { secret: endpoint.secret, previous_secret_expires_at: null });
    assert.equal((await api.request('GET', `/api/v1/apps/${app.id}/secret`, { headers })).json.secret, own(81));
    const plain = await makeApp(api);
    assertProblem(await api.request('GET', `/api/v1/apps/${plain.id}/secret`, { headers }), 404, 'not_found');
});
