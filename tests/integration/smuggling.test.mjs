// SPDX-License-Identifier: Apache-2.0
//
// Requests that two parsers could read in two ways: refused with 400 and a closed connection, and never is a second
// request taken from behind one.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { waitFor } from '../lib/wait.mjs';
import { makeApp, useServer } from './support.mjs';
import { RawSocket } from './raw.mjs';

describe('smuggled requests', { concurrency: 8 }, () => {
    const box = useServer();
    let server;
    let app;

    before(async () => {
        ({ server } = box);
        app = await makeApp(server.api);
    });

    // What a smuggler hides: a request that would make an app.
    function hidden(slug) {
        const body = JSON.stringify({ name: 'smuggled', slug });
        return `POST /api/v1/apps HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.key}\r\n` +
            `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    }

    const post = (headers, body = '') =>
        `POST /api/v1/apps/${app.id}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.key}\r\n` +
        `Content-Type: application/json\r\n${headers}\r\n\r\n${body}`;

    const framing = {
        'Content-Length and Transfer-Encoding': ['Content-Length: 4\r\nTransfer-Encoding: chunked', '0\r\n\r\n'],
        'Transfer-Encoding and Content-Length': ['Transfer-Encoding: chunked\r\nContent-Length: 4', '0\r\n\r\n'],
        'two Content-Lengths': ['Content-Length: 0\r\nContent-Length: 44', ''],
        'two equal Content-Lengths': ['Content-Length: 2\r\nContent-Length: 2', '{}'],
        'a list of Content-Lengths': ['Content-Length: 2, 2', '{}'],
        'Content-Length with a sign': ['Content-Length: +2', '{}'],
        'a negative Content-Length': ['Content-Length: -1', ''],
        'Content-Length in hex': ['Content-Length: 0x2', '{}'],
        'Content-Length with an underscore': ['Content-Length: 1_0', '{}'],
        'Content-Length over 2^64': ['Content-Length: 18446744073709551618', '{}'],
        'an empty Content-Length': ['Content-Length: ', ''],
        'two Transfer-Encodings': ['Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', '0\r\n\r\n'],
        'chunked, identity': ['Transfer-Encoding: chunked, identity', '0\r\n\r\n'],
        'identity, chunked': ['Transfer-Encoding: identity, chunked', '0\r\n\r\n'],
        'an unknown Transfer-Encoding': ['Transfer-Encoding: cow', '0\r\n\r\n'],
        'xchunked': ['Transfer-Encoding: xchunked', '0\r\n\r\n'],
        'a quoted chunked': ['Transfer-Encoding: "chunked"', '0\r\n\r\n'],
        'a blank before the colon': ['Content-Length : 0', ''],
        'a blank before the colon of Transfer-Encoding': ['Transfer-Encoding : chunked', '0\r\n\r\n'],
        'a chunk size of words': ['Transfer-Encoding: chunked', 'zz\r\n'],
        'a negative chunk size': ['Transfer-Encoding: chunked', '-1\r\n'],
        'a chunk size over 2^64': ['Transfer-Encoding: chunked', '10000000000000002\r\n{}\r\n0\r\n\r\n'],
        'two Hosts': ['Host: y\r\nContent-Length: 0', ''],
    };
    for (const [name, [headers, body]] of Object.entries(framing)) {
        it(`behind ${name} are not parsed`, async () => {
            const slug = `smuggled-${name.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/-$/, '')}`;
            const raw = await RawSocket.connect(server.port);
            raw.write(post(headers, body) + hidden(slug));
            await raw.end();
            // libmicrohttpd 0.9.75 writes the head of an answer of its own twice; an answer to what is hidden is 201.
            assert.ok(raw.statuses.length >= 1, 'it is answered');
            assert.ok(raw.statuses.every((status) => [400, 413, 501].includes(status)), raw.text);
            assert.equal((await server.api.request('GET', `/api/v1/apps/${slug}`)).status, 404);
        });
    }

    const heads = {
        'no Host in HTTP/1.1': 'GET /healthz HTTP/1.1\r\n\r\n',
        'an absolute target with another Host': 'GET http://other/healthz HTTP/1.1\r\nHost: x\r\n\r\n',
        'chunked in HTTP/1.0': 'POST /api/v1/apps HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        'a control in the target': 'GET /health\x01z HTTP/1.1\r\nHost: x\r\n\r\n',
        'HTTP/2 in words': 'GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n',
        'an HTTP/2 preface': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
        'TLS on a plain port': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
        'no version': 'GET /healthz\r\n\r\n',
        'a bad header line': 'GET /healthz HTTP/1.1\r\nHost: x\r\nnocolonhere\r\n\r\n',
    };
    for (const [name, text] of Object.entries(heads)) {
        it(`with ${name} are refused or closed`, async () => {
            const raw = await RawSocket.connect(server.port);
            raw.write(text);
            raw.socket.end();
            await raw.end(30_000);
            assert.ok(raw.statuses.every((status) => status >= 400), raw.text.slice(0, 200));
            assert.ok(new Set(raw.statuses).size <= 1, raw.text);
        });
    }

    it('come in order when they are pipelined', async () => {
        const raw = await RawSocket.connect(server.port);
        const count = 200;
        raw.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(count));
        await waitFor(() => `${count} answers (${raw.statuses.length})`, () => raw.statuses.length === count);
        assert.ok(raw.statuses.every((status) => status === 200));
        raw.destroy();
    });

    it('are answered with 100 first when they expect it', async () => {
        const raw = await RawSocket.connect(server.port);
        const body = '{"type":"expect.test","data":1}';
        raw.write(post(`Expect: 100-continue\r\nContent-Length: ${body.length}\r\nConnection: close`));
        await waitFor('100 Continue', () => raw.statuses[0] === 100);
        raw.write(body);
        await raw.end();
        assert.deepEqual(raw.statuses, [100, 202]);
    });

    it('are refused before their body when it is announced too large', async () => {
        const raw = await RawSocket.connect(server.port);
        raw.write(post('Content-Length: 99999999'));
        await raw.end();
        assert.deepEqual(raw.statuses, [413]);
    });

    it('leave the server well', async () => {
        assert.equal((await server.api.request('GET', '/healthz')).status, 200);
    });
});
