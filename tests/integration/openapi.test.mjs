// SPDX-License-Identifier: Apache-2.0
//
// The contract as a document, and the routes of the server against it in both directions. (That each answer of each
// suite fits the contract is checked where the answers come in: lib/contract.mjs.)
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { Contract } from '../lib/contract.mjs';
import { useServer } from './support.mjs';

const PUBLIC = ['GET /healthz', 'GET /readyz', 'GET /metrics', 'GET /openapi.json', 'GET /catch/{token}', 'PUT /catch/{token}', 'DELETE /catch/{token}',
    'POST /api/v1/session', 'POST /api/v1/session/invite', 'POST /api/v1/session/exchange',
    ...['GET', 'POST'].flatMap((method) => ['confirm', 'unsubscribe'].map((what) => `${method} /notifications/${what}/{token}`))];

// The table of routes as it stands in the source: every string of a row is one, macros are replaced.
function routesOfTheSource() {
    const text = readFileSync(new URL('../../src/api/routes.c', import.meta.url), 'utf8');
    const macros = new Map();
    for (const [, name, value] of text.matchAll(/^#define (\w+) (.*)$/gm)) {
        macros.set(name, expand(value));
    }
    function expand(expression) {
        return expression.trim().split(/\s+(?=(?:[^"]*"[^"]*")*[^"]*$)/).map((word) =>
            (word.startsWith('"') ? word.slice(1, -1) : macros.get(word) ?? '')).join('');
    }
    return [...text.matchAll(/\{\s*"([A-Z]+)",\s*([^,]+),\s*(?:SCOPE_\w+|0),/g)].map(([, method, path]) => `${method} ${expand(path)}`);
}

describe('api/openapi.yaml', () => {
    let contract;
    let server;
    const box = useServer();

    before(() => {
        contract = Contract.read();
        ({ server } = box);
    });

    const sameNames = (path) => path.replace(/\{[^}]+\}/g, '{}');

    it('is OpenAPI 3.1 with operation ids, tags, answers and problems everywhere', () => {
        const { document } = contract;
        assert.match(document.openapi, /^3\.1\./);
        const ids = new Set();
        for (const { name, at } of contract.operations) {
            const operation = at.reduce((node, part) => node[part], document);
            assert.match(operation.operationId ?? '', /^[a-z][A-Za-z_]+$/, name);
            assert.ok(!ids.has(operation.operationId), `${operation.operationId} twice`);
            ids.add(operation.operationId);
            assert.ok(operation.summary ?? operation.description, `${name} says what it does`);
            assert.ok(Object.keys(operation.responses).some((status) => /^[23]/.test(status)), name);
        }
    });

    it('names every route of the server, and no other', () => {
        const ours = routesOfTheSource().map(sameNames).sort();
        assert.ok(ours.length > 30, `${ours.length} routes`);
        assert.deepEqual(contract.operations.map(({ name }) => sameNames(name)).sort(), ours);
    });

    it('names the methods of each path as the server does', async () => {
        const methods = new Map();
        for (const { method, template } of contract.operations) {
            methods.set(template, [...(methods.get(template) ?? []), method]);
        }
        for (const [template, names] of methods) {
            const path = template.replace(/\{[^}]+\}/g, 'x');
            const answer = await server.api.request('OPTIONS', path);
            const allowed = (answer.headers.allow ?? '').split(/, */).filter((one) => !['HEAD', 'OPTIONS'].includes(one));
            assert.deepEqual([...new Set(allowed)].sort(), [...names].sort(), `${template}: ${answer.status} ${answer.headers.allow}`);
        }
    });

    it('needs a key for everything but what is public', async () => {
        for (const { method, template, at } of contract.operations) {
            const path = template.replace(/\{[^}]+\}/g, 'x1234567');
            const answer = await server.api.withKey(null).request(method, path);
            const operation = at.reduce((node, part) => node[part], contract.document);
            if (PUBLIC.includes(`${method} ${template}`)) {
                assert.notEqual(answer.status, 401, template);
                assert.deepEqual(operation.security, [], `${template} needs no key`);
            } else {
                assert.equal(answer.status, 401, `${method} ${template}`);
                assert.ok(operation.security === undefined || operation.security.length > 0, template);
            }
        }
    });
});
