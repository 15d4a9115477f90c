// SPDX-License-Identifier: Apache-2.0
//
// Requests that no route takes: unknown paths and methods, wrong media types, bodies and headers over the limits.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { assertProblem, makeApp, useServer } from './support.mjs';

const KIB = 1024;

describe('requests', () => {
    const box = useServer();
    let api;
    let app;

    before(async () => {
        ({ api } = box);
        app = await makeApp(api);
    });

    it('to unknown routes are 404, with a key', async () => {
        for (const path of ['/api/v1/nothing', '/api/v1', '/api', '/api/v2/apps', '/api/v1/apps/', '/api/v1//apps',
            '/api/v1/apps/../apps', '/API/v1/apps', `/api/v1/apps/${app.id}/nothing`]) {
            for (const method of ['GET', 'POST', 'DELETE']) {
                const body = method === 'POST' ? {} : undefined;
                assertProblem(await api.request(method, path, { body }), 404, 'not_found');
            }
        }
    });

    it('with another method are 405 with Allow; unknown methods are 501', async () => {
        const cases = [
            ['PUT', '/api/v1/apps', ['GET', 'POST']],
            ['DELETE', '/api/v1/apps', ['GET', 'POST']],
            ['PUT', `/api/v1/apps/${app.id}`, ['GET', 'PATCH', 'DELETE']],
            ['POST', '/healthz', ['GET']],
            ['DELETE', `/api/v1/apps/${app.id}/deliveries`, ['GET']],
            ['GET', `/api/v1/apps/${app.id}/events/batch/x`, null],
        ];
        for (const [method, path, allowed] of cases) {
            const answer = await api.request(method, path, { body: method === 'GET' ? undefined : {} });
            if (!allowed) {
                assertProblem(answer, 404);
                continue;
            }
            assertProblem(answer, 405, 'method_not_allowed');
            const names = (answer.headers.allow ?? '').split(/, */);
            for (const name of allowed) {
                assert.ok(names.includes(name), `${method} ${path}: Allow: ${answer.headers.allow}`);
            }
        }
        for (const method of ['PROPFIND', 'TRACE']) {
            const answer = await api.request(method, '/api/v1/apps');
            assert.ok([405, 501].includes(answer.status), `${method}: ${answer.status}`);
        }
    });

    it('of HEAD are answered like GET without a body', async () => {
        const get = await api.request('GET', `/api/v1/apps/${app.id}`);
        const head = await api.request('HEAD', `/api/v1/apps/${app.id}`);
        assert.equal(head.status, 200);
        assert.equal(head.text, '');
        assert.equal(head.headers.etag, get.headers.etag);
    });

    it('need JSON as their media type', async () => {
        for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'multipart/form-data', 'application/json-seq']) {
            const answer = await api.request('POST', '/api/v1/apps', { body: '{"name":"x"}', headers: { 'content-type': type } });
            assertProblem(answer, 415, 'unsupported_media_type');
        }
        for (const type of ['application/json', 'Application/JSON; charset=utf-8', 'application/json;charset=UTF-8']) {
            const answer = await api.request('POST', '/api/v1/apps', { body: '{"name":"x"}', headers: { 'content-type': type } });
            assert.equal(answer.status, 201, `${type}: ${answer.text}`);
        }
    });

    it('with bad JSON are 400 and say where', async () => {
        const bad = ['', ' ', '{', '}', '{"name":}', '{"name":"x",}', '{name:"x"}', '{"name":"x"}{}', '{"name":"\\x"}',
            '{"name":"a\nb"}', '\ufeff{"name":"x"}', '{"name":"x"} //', '{"name":1e}', '{"name":"x","name":"y"}',
            '{"a":{"b":1,"b":2}}', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), '{"name":"\\ud800"}',
            '['.repeat(2000), `{"name":${'['.repeat(100)}${']'.repeat(100)}}`];
        for (const body of bad) {
            const answer = await api.request('POST', '/api/v1/apps', { body });
            assertProblem(answer, 400, ['invalid_json', 'invalid_request']);
        }
        for (const body of ['[]', '"x"', '7', 'null', 'true']) {
            const answer = await api.request('POST', '/api/v1/apps', { body });
            assert.ok([400, 422].includes(answer.status), `${body}: ${answer.status}`);
            assertProblem(answer, answer.status);
        }
    });

    it('over the limits are 413, 414 and 431', async () => {
        const where = `/api/v1/apps/${app.id}/events`;
        const body = JSON.stringify({ type: 'too.large', data: 'x'.repeat(1024 * KIB) });
        assertProblem(await api.request('POST', where, { body }), 413, 'too_large');
        assertProblem(await api.request('GET', `/api/v1/apps?x=${'y'.repeat(9 * KIB)}`), 414, 'uri_too_long');
        const large = await api.request('GET', '/api/v1/apps', { headers: { 'x-large': 'z'.repeat(20 * KIB) } });
        assertProblem(large, 431, 'headers_too_large');
        const many = Object.fromEntries(Array.from({ length: 400 }, (_, n) => [`x-header-number-${n}`, 'z'.repeat(40)]));
        assertProblem(await api.request('GET', '/api/v1/apps', { headers: many }), 431, 'headers_too_large');
        const chunked = await api.request('POST', where, { body, headers: { 'transfer-encoding': 'chunked' } });
        assertProblem(chunked, 413, 'too_large');
        assert.equal((await api.get(where)).data.length, 0);
    });

    it('carry their id in the answer, and a body where none is wanted is no harm', async () => {
        const answer = await api.request('GET', '/api/v1/nothing');
        assert.ok(answer.json.request_id ?? answer.headers['x-request-id'] ?? answer.json.instance, answer.text);
        const pause = await api.request('GET', '/api/v1/apps', { body: '{}' });
        assert.ok([200, 400].includes(pause.status), pause.text);
    });

    it('never get an answer that a browser would run', async () => {
        const answer = await api.request('GET', '/api/v1/apps/%3Cscript%3E');
        assert.equal(answer.headers['x-content-type-options'], 'nosniff');
        assert.match(answer.headers['content-type'], /json/);
    });
});
