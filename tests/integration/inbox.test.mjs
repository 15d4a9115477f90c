// SPDX-License-Identifier: Apache-2.0
//
// The test inbox: what it received, and how it answers to try out retries.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { assertFieldProblem, assertProblem, makeApp, makeEndpoint, publish, startServer, unique, waitDelivery } from './support.mjs';

async function inboxRoute(t, fields = {}) {
    const server = await startServer(t);
    const token = unique('inbox-of-a-test');
    const app = await makeApp(server.api);
    await makeEndpoint(server.api, app, { url: `${server.url}/catch/${token}`, ...fields });
    return { server, api: server.api, app, path: `/catch/${token}` };
}

test('an inbox answers as it was told: status, failures, and later', async (t) => {
    const { api, app, path } = await inboxRoute(t, { retry: { schedule: [1], max_attempts: 2 } });
    const told = await api.put(path, { status: 503 });
    assert.deepEqual(told.behaviour, { status: 503, delay_ms: 0, failure_percent: 0 });
    const refused = await waitDelivery(api, app, await publish(api, app, 'user.created', {}));
    assert.equal(refused.status, 'failed');
    assert.deepEqual(refused.attempts.map((a) => a.status_code), [503, 503]);

    await api.put(path, { failure_percent: 100, delay_ms: 50 });
    const late = await waitDelivery(api, app, await publish(api, app, 'user.created', {}));
    assert.equal(late.attempts[0].status_code, 500);
    assert.ok(late.attempts[0].duration_ms >= 50, `${late.attempts[0].duration_ms} ms`);

    await api.put(path, {});
    const fine = await waitDelivery(api, app, await publish(api, app, 'user.created', {}));
    assert.equal(fine.status, 'delivered');
    assert.equal((await api.get(path)).data.length, 5);
    await api.delete(path);
    assert.deepEqual((await api.get(path)).data, []);
});

test('an inbox that is slower than the timeout is a timeout', async (t) => {
    const { api, app, path } = await inboxRoute(t, { timeout_ms: 1000, retry: { enabled: false } });
    await api.put(path, { delay_ms: 60_000 });
    const delivery = await waitDelivery(api, app, await publish(api, app, 'user.created', {}));
    assert.equal(delivery.status, 'failed');
    assert.equal(delivery.error, 'http_response_timeout');
});

test('an inbox refuses what it cannot do', async (t) => {
    const { api, path } = await inboxRoute(t);
    assertFieldProblem(await api.request('PUT', path, { body: { delay_ms: 60_001 } }), 'delay_ms');
    assertFieldProblem(await api.request('PUT', path, { body: { status: 199 } }), 'status');
    assertFieldProblem(await api.request('PUT', path, { body: { failure_percent: 101 } }), 'failure_percent');
    assertFieldProblem(await api.request('PUT', path, { body: { nothing: 1 } }), 'nothing');
    for (const method of ['GET', 'DELETE']) {
        assertProblem(await api.request(method, '/catch/short', {}), 404, 'not_found');
    }
    assert.deepEqual((await api.get(path)).behaviour, { status: 200, delay_ms: 0, failure_percent: 0 });
});
