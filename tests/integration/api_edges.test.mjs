// SPDX-License-Identifier: Apache-2.0
// Sealed payloads, derived states, conditional requests, masking and limits under a race.
import assert from 'node:assert/strict';
import { describe, it, before } from 'node:test';
import { useBoth, makeApp, makeEndpoint, makeRoute, publish, waitDelivery, assertProblem, unique } from './support.mjs';
describe('edges of the API', () => {
  const both = useBoth(); let api, receiver;
  before(() => { ({ api, receiver } = both); });
  it('seals payloads where the project says so, and reads them back', async () => {
    const made = await api.request('POST', '/api/v1/projects', { body: { name: 'enc', auto_register: true, encrypt_payloads: true } });
    const own = api.withKey(made.json.key.key);
    const app = await makeApp(own);
    const path = '/enc'; receiver.on(path, { status: 200, body: 'reply-secret' });
    await makeEndpoint(own, app, { url: receiver.url(path) });
    const ev = await publish(own, app, 'enc.event', { s: 'payload-in-clear' });
    const d = await waitDelivery(own, app, ev);
    assert.equal(d.status, 'delivered');
    assert.ok(d.attempts[0].request.body.includes('payload-in-clear'));
    assert.equal(d.attempts[0].response.body, 'reply-secret');
    assert.ok(d.attempts[0].request.headers.length > 5);
    const e = await own.get(`/api/v1/apps/${app.id}/events/${ev.id}`);
    assert.deepEqual(e.data, { s: 'payload-in-clear' });
    // off again: old rows still readable
    await own.patch(`/api/v1/projects/${made.json.id}`, { encrypt_payloads: null });
    assert.deepEqual((await own.get(`/api/v1/apps/${app.id}/events/${ev.id}`)).data, { s: 'payload-in-clear' });
  });
  it('counts open deliveries of a deleted endpoint as cancelled', async () => {
    const route = await makeRoute(both, { status: 500 }, { retry: { schedule: [3600], max_attempts: 3 } });
    const other = await makeEndpoint(api, route.app, { url: receiver.url('/o'), status: 'paused' });
    const ids = [];
    for (let n = 0; n < 5; n++) { const ev = await publish(api, route.app, 'can.cel', { n }); ids.push(ev.id);
      await waitDelivery(api, route.app, ev, () => true); }
    const list = `${route.base}/deliveries`;
    for (;;) { const r = await api.all(`${list}?status=retrying`); if (r.length === 5) break; }
    assert.equal((await api.all(`${list}?status=pending`)).length, 5);
    const p = (await api.get(`${list}?status=pending`)).data[0];
    assert.equal(p.held, true); assert.equal(p.held_reason, 'endpoint_paused');
    await api.post(`${list}/${p.id}/cancel`);
    await api.delete(`${route.base}/endpoints/${route.endpoint.id}`);
    const c = await api.all(`${list}?status=cancelled&limit=2`, { limit: 2 }).catch(async () => (await api.get(`${list}?status=cancelled`)).data);
    assert.equal(c.length, 6, JSON.stringify(c.map(x=>x.status)));
    assert.ok(c.every((r) => r.status === 'cancelled'));
    assert.deepEqual([...new Set(c.map((r) => r.reason))].sort(), ['by_person', 'endpoint_deleted']);
    assert.equal((await api.all(`${list}?status=retrying`)).length, 0);
    assert.equal((await api.all(`${list}?status=pending`)).length, 4);
    const one = await api.request('POST', `${list}/${c.find(r=>r.reason==='endpoint_deleted').id}/retry`);
    assertProblem(one, 409, 'wrong_state');
  });
  it('answers 304 and 412, and loses no edit in a race', async () => {
    const app = await makeApp(api, { description: 'x', metadata: { a: 'b' }, max_endpoints: 3 });
    const g = await api.request('GET', `/api/v1/apps/${app.id}`, { headers: { 'if-none-match': '"1"' } });
    assert.equal(g.status, 304); assert.equal(g.text, '');
    const p = await api.patch(`/api/v1/apps/${app.id}`, { description: null, metadata: null, max_endpoints: null });
    assert.equal(p.description, ''); assert.deepEqual(p.metadata, {}); assert.equal(p.max_endpoints, 10);
    const all = await Promise.all(Array.from({ length: 3 }, (_, n) => api.request('PATCH', `/api/v1/apps/${app.id}`, { body: { name: `n${n}` } })));
    assert.deepEqual(all.map((a) => a.status), [200, 200, 200]);
    const many = await Promise.all(Array.from({ length: 10 }, (_, n) => api.request('PATCH', `/api/v1/apps/${app.id}`, { body: { name: `n${n}` } })));
    assert.ok(many.every((a) => a.status === 200 || a.status === 409));
    const guarded = await Promise.all(Array.from({ length: 4 }, async () => api.request('PATCH', `/api/v1/apps/${app.id}`, { body: { name: 'z' }, headers: { 'if-match': (await api.request('GET', `/api/v1/apps/${app.id}`)).headers.etag } })));
    assert.ok(guarded.some((a) => a.status === 200)); assert.ok(guarded.every((a) => [200, 412].includes(a.status)), JSON.stringify(guarded.map(a=>a.status)));
  });
  it('sends custom headers and shows them to admin keys only', async () => {
    const app = await makeApp(api);
    const e = await makeEndpoint(api, app, { url: receiver.url('/h'), headers: { 'X-T': 'tok' } });
    const { key } = await api.post('/api/v1/keys', { name: 'r', scopes: ['read'] });
    assert.equal((await api.withKey(key).get(`/api/v1/apps/${app.id}/endpoints/${e.id}`)).headers['X-T'], '********');
    assert.equal((await api.get(`/api/v1/apps/${app.id}/endpoints/${e.id}`)).headers['X-T'], 'tok');
    const where = `/api/v1/apps/${app.id}/endpoints/${e.id}`;
    assert.deepEqual((await api.patch(where, { name: 'q' })).headers, { 'X-T': 'tok' });
    assert.deepEqual((await api.patch(where, { headers: { A: 'b' } })).headers, { A: 'b' });
    assert.deepEqual((await api.put(where, { url: receiver.url('/h') })).headers, {});
    await publish(api, app, 'h.h', 1); const [entry] = await receiver.wait('/h', 1); assert.ok(entry.headers['webhook-signature']);
    assertProblem(await api.request('POST', `/api/v1/apps/${app.id}/endpoints`, { body: { url: 'http://10.0.0.5/x' } }), 422, 'url_refused');
    assertProblem(await api.request('POST', `${where}/pause`, { body: {} }), 400);
    const last = (await api.all('/api/v1/keys')).find((k) => k.name === 'admin');
    assertProblem(await api.request('DELETE', `/api/v1/keys/${last.id}`), 409, 'wrong_state');
    assertProblem(await api.request('DELETE', `/api/v1/projects/default`), 409, 'wrong_state');
  });
  it('keeps the endpoint limit when many are made at once', async () => {
    const app = await makeApp(api, { max_endpoints: 3 });
    const all = await Promise.all(Array.from({ length: 12 }, (_, n) => api.request('POST', `/api/v1/apps/${app.id}/endpoints`, { body: { url: receiver.url(`/r${n}`) } })));
    assert.equal(all.filter((a) => a.status === 201).length, 3);
    const types = Array.from({ length: 30 }, (_, n) => `auto.t${n}`);
    const big = await api.patch(`/api/v1/apps/${app.id}`, { max_endpoints: 9 });
    const e = await makeEndpoint(api, app, { url: receiver.url('/types'), event_types: types });
    assert.equal(e.event_types.length, 30);
    const b = await api.post(`/api/v1/apps/${app.id}/events/batch`, { events: types.map((type) => ({ type: type + 'x', data: 1 })) });
    assert.equal(b.data.length, 30);
  });
  it('takes a batch with repeats, conflicts and new events', async () => {
    const app = await makeApp(api);
    const where = `/api/v1/apps/${app.id}/events/batch`;
    await api.post(where, { events: [{ type: 'b.b', data: 1, id: 'one' }] });
    const a = await api.post(where, { events: [{ type: 'b.b', data: 2, id: 'one' }, { type: 'b.b', data: 2, id: 'two' }, { type: 'b.b', data: 2, id: 'two' }] });
    assert.equal(a.data[0].error.code, 'idempotency_conflict');
    assert.equal(a.data[1].id, a.data[2].id);
    assert.equal((await api.get(`/api/v1/apps/${app.id}/events`)).data.length, 2);
  });
});
