// SPDX-License-Identifier: Apache-2.0
//
// Every trick of a hostile receiver against the real sending process: its token, and that its memory stays flat.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { tricks } from '../integration/lib/hostile.mjs';
import { makeRig } from './rig.mjs';

const KEPT = 4096;
const SHORT_MS = 800; // the time limit of a request that is to reach it
const GROWTH_MAX = 64 * 1024 * 1024;
const WIRE_MAX = 256 * 1024;

// [path, token, status, more]: token '' and a status: the response counts.
const ROWS = [
    ['/endless-headers', 'http_response_header_section_size', 0],
    ['/flood-100', 'http_response_header_section_size', 0],
    ['/flood-103', 'http_response_header_section_size', 0],
    ['/long-header-line', 'http_response_header_section_size', 0],
    ['/many-header-lines', 'http_response_header_section_size', 0],
    ['/ninety-header-lines', '', 200],
    ['/nul-in-header', 'http_protocol_error', 0],
    ['/byte-ff-in-header', '', 200],
    ['/negative-length', 'http_protocol_error', 0],
    ['/two-lengths', '', 200],
    ['/status-000', 'http_protocol_error', 0],
    ['/status-999', '', 999],
    ['/switching', 'http_upgrade_failed', 0],
    ['/http09', 'http_protocol_error', 0],
    ['/http10', '', 200],
    ['/garbage', 'http_protocol_error', 0],
    ['/continue-first', '', 200],
    ['/endless-body', '', 200, { cut: true }],
    ['/endless-body-close', '', 200, { cut: true }],
    ['/huge-length', '', 200, { cut: true }],
    ['/body-of-5000', '', 200, { cut: true }],
    ['/endless-trailers', 'http_response_header_section_size', 200],
    ['/endless-chunk-extension', 'http_response_body_size', 200],
    ['/bad-chunk', 'http_protocol_error', 200],
    ['/short-body', 'connection_terminated', 200],
    ['/gzip-bomb', '', 200, { cut: true }],
    ['/silent', 'http_response_timeout', 0, { slow: true }],
    ['/drip-head', 'http_response_timeout', 0, { slow: true }],
    ['/drip-body', 'http_response_timeout', 200, { slow: true }],
    ['/close', 'connection_terminated', 0],
    ['/reset', 'connection_terminated', 0],
    ['/reset-after-head', 'connection_terminated', 200],
    ['/redirect', '', 302],
    ['/redirect-loop', '', 307],
    ['/retry-after', '', 429],
    ['/status/204', '', 204],
    ['/status/500', '', 500],
];

const TLS_ROWS = [
    ['good', '', /^$/],
    ['expired', 'tls_certificate_error', /expired/],
    ['wrongName', 'tls_certificate_error', /another host name/],
    ['selfSigned', 'tls_certificate_error', /self-signed/],
    ['incomplete', 'tls_certificate_error', /incomplete/],
    ['untrusted', 'tls_certificate_error', /not trusted/],
    ['oldTls', 'tls_protocol_error', /TLS 1\.2/],
    ['stall', 'connection_timeout', /TLS handshake/],
    ['plain', 'connection_timeout', /TLS handshake/],
];

let rig;

before(async () => {
    rig = await makeRig({ connectTimeoutMs: SHORT_MS });
});

after(async () => {
    assert.deepEqual(await rig.close(), { code: 0, signal: null });
});

async function attempt(path, slow) {
    return rig.egress.send({ url: rig.url(path), timeoutMs: slow ? SHORT_MS : 15_000, fresh: true });
}

test('every trick has its row', () => {
    const rows = new Set(ROWS.map(([path]) => path));
    assert.deepEqual(Object.keys(tricks).filter((path) => !rows.has(path)), ['/keep-alive-dies']);
});

for (const [path, token, status, { cut = false, slow = false } = {}] of ROWS) {
    test(`${path}: ${token || status}`, async () => {
        const done = await attempt(path, slow);
        assert.equal(done.token, token, done.detail);
        assert.equal(done.status, status);
        assert.equal(done.cut, cut);
        assert.ok(done.body.length <= KEPT && done.headers.length <= 2 * KEPT);
        assert.equal(done.ip, '127.0.0.1');
        assert.equal(done.detail === '', token === '');
        assert.ok(done.phases.connect >= 0 && done.phases.wait >= 0 && done.phases.tls === -1, JSON.stringify(done));
        assert.equal(rig.came(path).length, 1, 'it is sent once');
    });
}

for (const [name, token, detail] of TLS_ROWS) {
    test(`TLS ${name}: ${token || 'ok'}`, async () => {
        const done = await rig.egress.send({ url: rig.tlsUrl(name), timeoutMs: 15_000 });
        assert.equal(done.token, token, done.detail);
        assert.match(done.detail, detail);
        assert.equal(done.status, token === '' ? 200 : 0);
        assert.ok(done.phases.connect >= 0 && done.phases.tls >= 0, JSON.stringify(done.phases));
    });
}

test('the response comes back as it was', async () => {
    const done = await attempt('/byte-ff-in-header');
    assert.equal(done.headers, 'X-Bytes: \xff\xfe\x80\r\nContent-Length: 2\r\n');
    assert.equal(done.body.toString(), 'ok');
    const limited = await attempt('/retry-after');
    assert.match(limited.headers, /^Retry-After: 7\r\n/m);
    const moved = await attempt('/redirect');
    assert.match(moved.headers, /^Location: http:\/\/169\.254\.169\.254\//m);
});

test('the request goes out as it was given', async () => {
    const body = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    await rig.egress.send({ url: rig.url('/as-given/../x?a=%20b'), body, fresh: true,
        headers: 'Content-Type: application/json\r\nAccept-Encoding: identity\r\nX-Empty:\r\nwebhook-id: evt_1\r\n' });
    const [request] = rig.came('/as-given/../x?a=%20b');
    assert.equal(request.method, 'POST');
    assert.deepEqual(request.body, body);
    assert.deepEqual(request.headers, {
        host: `hook.example.com:${rig.receiver.port}`,
        'user-agent': 'Postern-Test',
        'content-type': 'application/json',
        'accept-encoding': 'identity',
        'x-empty': '',
        'webhook-id': 'evt_1',
        'content-length': '256',
    });
});

test('an empty and a large body', async () => {
    const large = Buffer.alloc(2 * 1024 * 1024, 'x');
    for (const [path, body] of [['/empty', ''], ['/large', large]]) {
        const done = await rig.egress.send({ url: rig.url(path), body, fresh: true });
        assert.equal(done.status, 200, done.detail);
        assert.equal(rig.came(path)[0].body.length, body.length);
        assert.equal(rig.came(path)[0].headers.expect, undefined);
    }
});

test('a connection is used again; when it dies with a request, that is not sent twice', async () => {
    const first = await rig.egress.send({ url: rig.url('/keep-alive-dies'), fresh: true });
    assert.equal(first.status, 200);
    assert.equal(first.reused, false);
    const second = await rig.egress.send({ url: rig.url('/keep-alive-dies') });
    assert.equal(second.reused, true);
    assert.equal(second.token, 'connection_terminated');
    assert.equal(rig.came('/keep-alive-dies').length, 2);
    const third = await rig.egress.send({ url: rig.url('/keep-alive-dies'), fresh: true });
    assert.equal(third.status, 200);
    assert.equal(third.reused, false);
    assert.equal(rig.came('/keep-alive-dies').length, 3);
});

test('TLS connections are used again', async () => {
    await rig.egress.send({ url: rig.tlsUrl('good') });
    const done = await rig.egress.send({ url: rig.tlsUrl('good') });
    assert.equal(done.reused, true);
    assert.equal(done.phases.tls, 0);
});

test('a hostile receiver is cut off early, and memory stays flat with 50 of each at once', async () => {
    const rows = ROWS.filter(([path, , , more]) => !more?.slow && path !== '/gzip-bomb');
    for (const [path] of rows) {
        await attempt(path);
    }
    const before_ = rig.egress.memory();
    for (const [path, token] of rows) {
        const all = await Promise.all(Array.from({ length: 50 }, () => attempt(path)));
        assert.ok(all.every((done) => done.token === token), path);
    }
    const growth = rig.egress.memory() - before_;
    assert.ok(growth < GROWTH_MAX, `grew by ${growth}`);
});

test('healthy requests go on beside 300 hung ones', async () => {
    const hung = Array.from({ length: 300 }, (_, i) => rig.egress.send({
        url: rig.url(i % 2 === 0 ? '/silent' : '/drip-body'), timeoutMs: 3000, fresh: true }));
    const times = [];
    for (let i = 0; i < 200; i++) {
        const done = await rig.egress.send({ url: rig.url('/ok') });
        assert.equal(done.status, 200);
        times.push(done.totalUs);
    }
    const ends = await Promise.all(hung);
    assert.ok(ends.every((done) => done.token === 'http_response_timeout'));
    times.sort((a, b) => a - b);
    assert.ok(times[Math.floor(times.length * 0.99)] < 1_000_000, `p99 ${times.at(-3)} us`);
});

test('what is cut off was not read on', () => {
    // What the receiver could write: what was read, and what the kernels hold at both ends.
    const sent = rig.receiver.sent('/endless-chunk-extension') / rig.came('/endless-chunk-extension').length;
    assert.ok(sent > 0 && sent < 128 * WIRE_MAX, `${sent} bytes each`);
});
