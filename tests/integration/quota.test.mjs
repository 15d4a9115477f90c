// SPDX-License-Identifier: Apache-2.0
//
// What an app may publish: events in a second and in a month.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { waitFor } from '../lib/wait.mjs';
import { assertFieldProblem, assertProblem, makeApp, publish, startBoth, useServer } from './support.mjs';

const TYPE = 'quota.test';
const TEXT = 'Too many webhook deliveries. Upgrade plan for higher limits.';

describe('quotas', { concurrency: 4 }, () => {
    const box = useServer();
    let api;

    before(() => {
        ({ api } = box);
    });

    const send = (app, n, headers) => api.request('POST', `/api/v1/apps/${app.id}/events`, { body: { type: TYPE, data: { n } }, headers });
    const sendBatch = (app, count) => api.request('POST', `/api/v1/apps/${app.id}/events/batch`, {
        body: { events: Array.from({ length: count }, (_, n) => ({ type: TYPE, data: { n } })) },
    });

    it('let through so many events in a second, answer 429 beyond, and let through again after Retry-After', async () => {
        const app = await makeApp(api, { events_per_second: 2 });
        assert.equal(app.events_per_second, 2);
        assert.equal(app.events_per_month, null);
        const answer = await sendBatch(app, 100);
        assert.equal(answer.status, 202, 'a batch larger than the second passes once, and leaves a debt');
        assert.equal(answer.headers['ratelimit-limit'], '2');
        assert.equal(answer.headers['ratelimit-remaining'], '0');
        const refused = await send(app, 1);
        const problem = assertProblem(refused, 429, 'quota_exceeded');
        assert.equal(problem.title, TEXT);
        assert.ok(Number(refused.headers['retry-after']) > 30, refused.headers['retry-after']);
        assert.ok(Number(refused.headers['ratelimit-reset']) >= Number(refused.headers['retry-after']));
        const small = await makeApp(api, { events_per_second: 1 });
        assert.equal((await send(small, 1)).status, 202);
        const over = await send(small, 2);
        assertProblem(over, 429, 'quota_exceeded');
        assert.equal(over.headers['retry-after'], '1');
        await waitFor('the next second', async () => (await send(small, 3)).status === 202);
    });

    it('count the events of a month, without repeats', async () => {
        const app = await makeApp(api, { events_per_month: 5 });
        const first = await send(app, 1, { 'Idempotency-Key': 'month' });
        assert.equal(first.status, 202);
        assert.equal(first.headers['ratelimit-limit'], '5');
        assert.equal(first.headers['ratelimit-remaining'], '4');
        assert.equal((await send(app, 1, { 'Idempotency-Key': 'month' })).status, 202, 'a repeat costs nothing');
        assert.equal((await sendBatch(app, 3)).headers['ratelimit-remaining'], '1');
        const refused = await sendBatch(app, 2);
        assertProblem(refused, 429, 'quota_exceeded');
        assert.equal(refused.headers['ratelimit-remaining'], '1');
        assert.ok(Number(refused.headers['retry-after']) > 0 && Number(refused.headers['retry-after']) <= 31 * 86400);
        assert.equal((await send(app, 2)).status, 202);
        assertProblem(await send(app, 3), 429, 'quota_exceeded');
        await api.patch(`/api/v1/apps/${app.id}`, { events_per_month: null });
        const free = await send(app, 4);
        assert.equal(free.status, 202);
        assert.equal(free.headers['ratelimit-limit'], undefined);
    });

    it('are refused when they are bad', async () => {
        for (const field of ['events_per_second', 'events_per_month']) {
            for (const value of [0, -1, 'ten', 1.5, 1e15]) {
                assertFieldProblem(await api.request('POST', '/api/v1/apps', { body: { name: 'bad', [field]: value } }), field);
            }
        }
    });
});

describe('quotas over a restart', () => {
    it('still know what was published this month', async (t) => {
        const { server } = await startBoth(t);
        const app = await makeApp(server.api, { events_per_month: 3 });
        await publish(server.api, app, TYPE, { n: 1 });
        await publish(server.api, app, TYPE, { n: 2 });
        await server.terminate();
        await server.launch();
        const answer = await server.api.request('POST', `/api/v1/apps/${app.id}/events`, { body: { type: TYPE, data: {} } });
        assert.equal(answer.status, 202);
        assert.equal(answer.headers['ratelimit-remaining'], '0');
        assertProblem(await server.api.request('POST', `/api/v1/apps/${app.id}/events`, { body: { type: TYPE, data: {} } }), 429, 'quota_exceeded');
    });
});
