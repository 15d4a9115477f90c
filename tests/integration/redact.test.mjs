// SPDX-License-Identifier: Apache-2.0
//
// What of payloads who may see: viewers none, others what the rules of redaction leave, owners and admins all.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { assertFieldProblem, assertProblem, headerPairs, makeApp, makeEndpoint, publish, useBoth, waitDelivery } from './support.mjs';
import { makeMember, signIn } from './people.mjs';

const KEYS = '/api/v1/keys';
const HIDDEN = '[redacted]';
const DATA = {
    contact: { email: 'ann@example.com', name: 'Ann' },
    cards: [{ number: '4242', kind: 'a' }, { number: '4343', kind: 'b' }],
    'a/b': { 'c~d': 1 },
    big: 12345678901234567890n.toString(),
};

describe('payloads', () => {
    const box = useBoth();
    let api;
    let reader;
    let app;
    let paths;

    before(async () => {
        ({ api } = box);
        app = await makeApp(api, { redact: { headers: ['x-session'], paths: ['/data/a~1b/c~0d'] } });
        await api.patch('/api/v1/projects/default',
            { redact: { headers: ['X-Answer'], paths: ['/data/contact/email', '/data/cards/*/number', '/echo/data/contact'] } });
        box.receiver.on('/redact', [{
            status: 200,
            headers: { 'x-answer': 'secret answer', 'content-type': 'application/json' },
            body: JSON.stringify({ echo: { data: DATA }, kept: true }),
        }]);
        const endpoint = await makeEndpoint(api, app, {
            url: box.receiver.url('/redact'), headers: { 'X-Session': 'abc', Authorization: 'Bearer xyz', 'X-Plain': 'plain' },
        });
        const event = await publish(api, app, 'redact.me', DATA);
        const delivery = await waitDelivery(api, app, event);
        const base = `/api/v1/apps/${app.id}`;
        paths = {
            event: `${base}/events/${event.id}`, delivery: `${base}/deliveries/${delivery.id}`,
            curl: `${base}/deliveries/${delivery.id}/attempts/1/curl`, endpoint: `${base}/endpoints/${endpoint.id}`,
        };
        const key = await api.post(KEYS, { name: 'reader', scopes: ['manage'] });
        reader = api.withKey(key.key);
    });

    it('are whole for admin keys', async () => {
        const event = await api.get(paths.event);
        assert.equal(event.payload, 'shown');
        assert.deepEqual(event.data, DATA);
        const { payload, attempts: [attempt] } = await api.get(paths.delivery);
        assert.equal(payload, 'shown');
        assert.deepEqual(JSON.parse(attempt.request.body).data, DATA);
        assert.deepEqual(headerPairs(attempt.request.headers).find(([name]) => name === 'authorization'), ['authorization', 'Bearer xyz']);
    });

    it('lose for others what the rules of project and app name', async () => {
        const hidden = {
            contact: { email: HIDDEN, name: 'Ann' },
            cards: [{ number: HIDDEN, kind: 'a' }, { number: HIDDEN, kind: 'b' }],
            'a/b': { 'c~d': HIDDEN },
            big: DATA.big,
        };
        const event = await reader.get(paths.event);
        assert.equal(event.payload, 'redacted');
        assert.deepEqual(event.data, hidden);
        const { payload, attempts: [attempt] } = await reader.get(paths.delivery);
        assert.equal(payload, 'redacted');
        assert.deepEqual(JSON.parse(attempt.request.body).data, hidden);
        const answer = JSON.parse(attempt.response.body);
        assert.equal(answer.echo.data.contact, HIDDEN);
        assert.equal(answer.kept, true);
        const sent = new Map(headerPairs(attempt.request.headers));
        assert.deepEqual([sent.get('x-session'), sent.get('authorization'), sent.get('x-plain')], [HIDDEN, HIDDEN, 'plain']);
        assert.equal(new Map(headerPairs(attempt.response.headers)).get('x-answer'), HIDDEN);
        const curl = await reader.request('GET', paths.curl);
        assert.equal(curl.status, 200);
        for (const secret of ['ann@example.com', '4242', 'xyz', 'abc']) {
            assert.ok(!curl.text.includes(secret), secret);
        }
    });

    it('are not there at all for viewers', async () => {
        const { email } = await makeMember(api, 'viewer');
        const viewer = await signIn(api, email);
        const get = async (path) => (await viewer.request('GET', path)).json;
        const event = await get(paths.event);
        assert.deepEqual([event.payload, event.data, event.resource], ['hidden', null, null]);
        const { payload, attempts: [attempt] } = await get(paths.delivery);
        assert.equal(payload, 'hidden');
        assert.equal(attempt.request.body, null);
        assert.equal(attempt.response.body, null);
        assert.equal(attempt.response.status, 200);
        for (const path of [paths.curl, `/api/v1/apps/${app.id}/facets?field=workspaces`]) {
            assertProblem(await viewer.request('GET', path), 403, 'forbidden');
        }
        const everything = [paths.event, paths.delivery, paths.endpoint, `/api/v1/apps/${app.id}/events`,
            `/api/v1/apps/${app.id}/deliveries`, `/api/v1/apps/${app.id}/events/export?format=ndjson`,
            `/api/v1/apps/${app.id}/deliveries/export?format=ndjson`, '/api/v1/events', '/api/v1/deliveries'];
        for (const path of everything) {
            const { status, text } = await viewer.request('GET', path);
            assert.equal(status, 200, `${path} ${text}`);
            for (const secret of ['ann@example.com', '4242', 'Bearer xyz', 'secret answer']) {
                assert.ok(!text.includes(secret), `${path} shows ${secret}`);
            }
        }
    });

    it('are refused when a rule is bad, and whole again without rules', async () => {
        const own = await makeApp(api);
        const bad = [
            [{ headers: ['with blank'] }, 'redact.headers'], [{ headers: [''] }, 'redact.headers'],
            [{ paths: ['data/x'] }, 'redact.paths'], [{ paths: ['/'] }, 'redact.paths'], [{ paths: ['/a~2'] }, 'redact.paths'],
            [{ paths: ['/a'.repeat(17)] }, 'redact.paths'], [{ paths: Array(51).fill('/a') }, 'redact.paths'],
            [{ headers: Array(51).fill('x') }, 'redact.headers'], [{ other: [] }, 'redact.other'], ['all', 'redact'],
        ];
        for (const [redact, field] of bad) {
            assertFieldProblem(await api.request('PATCH', `/api/v1/apps/${own.id}`, { body: { redact } }), field);
        }
        await api.patch(`/api/v1/apps/${own.id}`, { redact: { paths: ['/data/x'] } });
        assert.deepEqual((await api.patch(`/api/v1/apps/${own.id}`, { name: 'kept' })).redact, { headers: [], paths: ['/data/x'] });
        assert.deepEqual((await api.patch(`/api/v1/apps/${own.id}`, { redact: null })).redact, { headers: [], paths: [] });
        const project = await api.patch('/api/v1/projects/default', { auto_register: null });
        assert.equal(project.redact.paths.length, 3);
    });
});
