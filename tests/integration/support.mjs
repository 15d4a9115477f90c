// SPDX-License-Identifier: Apache-2.0
//
// What the integration tests share: a server whose every answer is held against the contract, and short names
// for the things that each test makes.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { Postern } from '../lib/postern.mjs';
import { Receiver } from '../lib/receiver.mjs';
import { observe, takeViolations } from '../lib/contract.mjs';
import { waitFor } from '../lib/wait.mjs';

export const ENDED = ['delivered', 'failed', 'cancelled', 'filtered', 'skipped'];
const UUID_PART = '[0-9A-Za-z]{22}';

export function assertId(value, prefix) {
    assert.match(String(value), new RegExp(`^${prefix}_${UUID_PART}$`));
}

// One server for a `describe`, up before its first test; after its last the log and the contract are judged.
// options: those of Postern.start, or an async function that gives them.
export function useServer(options = {}) {
    const box = {};
    before(async () => {
        const given = typeof options === 'function' ? await options() : options;
        box.server = await Postern.start({ onAnswer: observe, ...given });
        box.api = box.server.api;
    });
    after(async () => {
        await box.server?.close();
        assertContract();
    });
    return box;
}

// The same with a receiver.
export function useBoth(options = {}) {
    const box = useServer(options);
    before(async () => {
        box.receiver = await Receiver.start();
    });
    after(() => box.receiver?.close());
    return box;
}

// One server (and a receiver) for a single test.
export async function startServer(t, options = {}) {
    const server = await Postern.start({ onAnswer: observe, ...options });
    t.after(async () => {
        await server.close();
        assertContract();
    });
    return server;
}

export async function startBoth(t, options = {}) {
    const receiver = await Receiver.start();
    t.after(() => receiver.close());
    const server = await startServer(t, options);
    return { server, api: server.api, receiver };
}

export function assertContract() {
    const violations = takeViolations();
    assert.equal(violations.length, 0, `against api/openapi.yaml:\n${violations.join('\n')}`);
}

let counter = 0;

export function unique(stem) {
    return `${stem}-${process.pid}-${++counter}`;
}

export async function makeApp(api, fields = {}) {
    const slug = fields.slug ?? unique('app');
    return api.post('/api/v1/apps', { name: slug, slug, ...fields });
}

// An endpoint of the app; `app` is an app object or its id.
export async function makeEndpoint(api, app, fields) {
    return api.post(`/api/v1/apps/${app.id ?? app}/endpoints`, fields);
}

export async function publish(api, app, type, data, more = {}, headers = {}) {
    return api.post(`/api/v1/apps/${app.id ?? app}/events`, { type, data, ...more }, headers);
}

// An app with one endpoint at a path of the receiver, with that script.
export async function makeRoute({ api, receiver }, script, fields = {}, appFields = {}) {
    const app = await makeApp(api, appFields);
    const path = `/${unique('to')}`;
    receiver.on(path, script);
    const endpoint = await makeEndpoint(api, app, { url: receiver.url(path), ...fields });
    return { app, endpoint, path, base: `/api/v1/apps/${app.id}` };
}

export async function deliveriesOf(api, app, event) {
    const query = event ? `?event=${event.id ?? event}` : '';
    return (await api.get(`/api/v1/apps/${app.id ?? app}/deliveries${query}`)).data;
}

// The one delivery of an event, once look(delivery) holds (default: it has come to its end).
export async function waitDelivery(api, app, event, look = (d) => ENDED.includes(d.status), deadlineMs) {
    let last;
    return waitFor(
        () => `delivery of ${event.id}; last seen ${JSON.stringify(last)?.slice(0, 1500)}`,
        async () => {
            const [row] = await deliveriesOf(api, app, event);
            if (!row) {
                return false;
            }
            last = await api.get(`/api/v1/apps/${app.id ?? app}/deliveries/${row.id}`);
            return look(last) && last;
        },
        deadlineMs,
    );
}

// A problem of RFC 9457 with that status and code; returns its JSON.
export function assertProblem(answer, status, code) {
    const about = `${answer.method} ${answer.path} -> ${answer.status} ${answer.text.slice(0, 400)}`;
    assert.equal(answer.status, status, about);
    assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json/, about);
    assert.equal(typeof answer.json, 'object', about);
    assert.equal(answer.json.status, status, about);
    assert.equal(typeof answer.json.title, 'string', about);
    assert.equal(typeof answer.json.type, 'string', about);
    if (code !== undefined) {
        assert.ok([code].flat().includes(answer.json.code), `code ${[code].flat().join(' or ')}: ${about}`);
    }
    assert.ok(!('data' in answer.json), about);
    return answer.json;
}

// The same with `errors` naming that field ("retry.schedule", "/retry/schedule" or the like).
export function assertFieldProblem(answer, field, status = 422) {
    const problem = assertProblem(answer, status);
    const about = `${answer.method} ${answer.path}: ${answer.text.slice(0, 400)}`;
    assert.ok(Array.isArray(problem.errors) && problem.errors.length > 0, `errors[] is there: ${about}`);
    const plain = (text) => String(text ?? '').replace(/^[/#]+/, '').replace(/[/[]/g, '.').replace(/\]/g, '');
    const names = problem.errors.map((error) => plain(error.field ?? error.pointer ?? error.path));
    assert.ok(names.some((name) => name === field || name.startsWith(`${field}.`)), `names ${field}: ${about}`);
    return problem;
}

// Header lists come as pairs, as {name, value} or as an object: [[name in small letters, value], ...].
export function headerPairs(headers) {
    if (Array.isArray(headers)) {
        return headers.map((h) => (Array.isArray(h) ? [h[0].toLowerCase(), h[1]] : [h.name.toLowerCase(), h.value]));
    }
    return Object.entries(headers ?? {}).flatMap(([name, value]) => [value].flat().map((one) => [name.toLowerCase(), one]));
}

// Started in the order of publishing: what the log says of each first attempt, oldest event first.
export async function assertStartedInOrder(api, app, events) {
    let before = 0;
    for (const event of events) {
        const [row] = await deliveriesOf(api, app, event);
        const { attempts: [first] } = await api.get(`/api/v1/apps/${app.id}/deliveries/${row.id}`);
        const at = Date.parse(first.started_at);
        assert.ok(at >= before, `${event.id} started ${before - at} ms before one that was published earlier`);
        before = at;
    }
}
