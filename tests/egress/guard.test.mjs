// SPDX-License-Identifier: Apache-2.0
//
// Names and addresses: what is resolved, what is refused, and that nothing is connected to that was not judged.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startEgress } from './client.mjs';
import { HOST, makeRig, until } from './rig.mjs';

const PRIVATE = '10.0.0.1';

let rig;

before(async () => {
    rig = await makeRig({ allowTargets: '127.0.0.0/8:0,[::1]:0' });
    const records = {
        'a.example.com': { a: ['127.0.0.1'] },
        'private.example.com': { a: [PRIVATE] },
        'metadata.example.com': { a: ['169.254.169.254'] },
        'mixed.example.com': { a: ['127.0.0.1', PRIVATE] },
        'mixed6.example.com': { a: ['127.0.0.1'], aaaa: ['fd00::1'] },
        'mapped.example.com': { aaaa: ['::ffff:7f00:1'] },
        'nat64.example.com': { a: ['127.0.0.1'], aaaa: ['64:ff9b::a00:1'] },
        'cname.example.com': { cname: 'a.example.com' },
        'cname-private.example.com': { cname: 'private.example.com' },
        'cname-loop.example.com': { cname: 'cname-loop2.example.com' },
        'cname-loop2.example.com': { cname: 'cname-loop.example.com' },
        'servfail.example.com': { rcode: 'SERVFAIL' },
        'refused.example.com': { rcode: 'REFUSED' },
        'empty.example.com': {},
        'garbage.example.com': { garbage: true },
        'silent.example.com': { silent: true },
        'thousand.example.com': { a: Array.from({ length: 1000 }, (_, i) => `127.0.${i >> 8}.${i & 255}`) },
        'hidden.example.com': { a: [...Array(40).fill('127.0.0.1'), PRIVATE] },
        'many.example.com': { a: Array.from({ length: 64 }, (_, i) => `127.0.0.${i + 1}`) },
        'second.example.com': { a: ['127.0.0.2', '127.0.0.3', '127.0.0.1'] },
        'nobody.example.com': { a: ['127.0.0.2', '127.0.0.3'] },
        'rebinding.example.com': { sequence: [{ a: ['127.0.0.1'], ttl: 0 }, { a: [PRIVATE], ttl: 0 }] },
        'kept.example.com': { a: ['127.0.0.1'], ttl: 300 },
        'many-ask.example.com': { a: ['127.0.0.1'] },
    };
    for (const [name, record] of Object.entries(records)) {
        rig.dns.set(name, record);
    }
});

after(async () => {
    assert.deepEqual(await rig.close(), { code: 0, signal: null });
});

const send = (host, more = {}) => rig.egress.send({ url: rig.url('/guard', host), ...more });

const ROWS = [
    ['a.example.com', '', /^$/],
    ['cname.example.com', '', /^$/],
    ['many.example.com', '', /^$/],
    ['private.example.com', 'destination_ip_prohibited', /private/],
    ['metadata.example.com', 'destination_ip_prohibited', /private/],
    ['mixed.example.com', 'destination_ip_prohibited', /private/],
    ['mixed6.example.com', 'destination_ip_prohibited', /private/],
    ['mapped.example.com', 'destination_ip_prohibited', /private/],
    ['nat64.example.com', 'destination_ip_prohibited', /private/],
    ['cname-private.example.com', 'destination_ip_prohibited', /private/],
    ['hidden.example.com', 'destination_ip_prohibited', /private/],
    ['thousand.example.com', 'dns_error', /more than 64/],
    ['nxdomain.example.com', 'dns_error', /NXDOMAIN/],
    ['servfail.example.com', 'dns_error', /SERVFAIL/],
    ['refused.example.com', 'dns_error', /refused the question/],
    ['empty.example.com', 'dns_error', /neither/],
    ['cname-loop.example.com', 'dns_error', /./],
    ['silent.example.com', 'dns_timeout', /did not answer/],
    ['garbage.example.com', 'dns_timeout', /did not answer/],
];

// All at once: a silent name takes five seconds.
const ends = new Map();

for (const [host, token, detail] of ROWS) {
    test(`${host}: ${token || 'sent'}`, async () => {
        if (ends.size === 0) {
            for (const [one] of ROWS) {
                ends.set(one, send(one));
            }
        }
        const done = await ends.get(host);
        assert.equal(done.token, token, done.detail);
        assert.match(done.detail, detail);
        assert.equal(done.status, token === '' ? 200 : 0);
        assert.equal(rig.receiver.requests.filter((r) => r.headers.host.startsWith(host)).length, token === '' ? 1 : 0);
        if (token === 'dns_timeout') {
            assert.ok(done.totalUs < 6_000_000 && done.phases.connect === -1, JSON.stringify(done));
        }
    });
}

test('a name that is silent longer than the request may take', async () => {
    const done = await send('silent.example.com', { timeoutMs: 100 });
    assert.equal(done.token, 'dns_timeout');
    assert.ok(done.totalUs < 3_000_000);
});

test('the next judged address is tried when one does not accept', async () => {
    const done = await send('second.example.com');
    assert.equal(done.status, 200, done.detail);
    assert.equal(done.ip, '127.0.0.1');
    const nobody = await send('nobody.example.com');
    assert.equal(nobody.token, 'connection_refused');
    assert.equal(nobody.ip, '127.0.0.3');
});

test('lookups at the same time are one, and answers stay known', async () => {
    const dones = await Promise.all(Array.from({ length: 50 }, () => send('many-ask.example.com')));
    assert.ok(dones.every((done) => done.status === 200));
    assert.equal(rig.dns.asked('many-ask.example.com'), 2, 'one question for A and one for AAAA');
    await send('kept.example.com');
    rig.dns.set('kept.example.com', { a: [PRIVATE] });
    assert.equal((await send('kept.example.com')).status, 200);
});

test('a name that is bound anew to a private address is refused, also on its open connection', async () => {
    assert.equal((await send('rebinding.example.com')).status, 200);
    const done = await until(async () => {
        const next = await send('rebinding.example.com');
        return next.status === 200 ? null : next;
    }, 'the answer to run out', 20_000);
    assert.equal(done.token, 'destination_ip_prohibited');
});

test('addresses in the URL', async () => {
    const port = rig.receiver.port;
    assert.equal((await rig.egress.send({ url: `http://127.0.0.1:${port}/ok` })).status, 200);
    for (const host of [PRIVATE, '169.254.169.254', '0.0.0.0', '[::]', '[::ffff:127.0.0.1]', '[fd00::1]', '[2002:7f00:1::]']) {
        const done = await rig.egress.send({ url: `http://${host}:${port}/ok` });
        assert.equal(done.token, 'destination_ip_prohibited', host);
        assert.equal(done.ip, '');
    }
    for (const host of ['127.1', '2130706433', '0x7f.1', 'localhost', 'foo.localhost', 'user@127.0.0.1', '%31.0.0.1']) {
        const done = await rig.egress.send({ url: `http://${host}:${port}/ok` });
        assert.equal(done.token, 'url_refused', host);
    }
});

test('headers that would frame the message are never sent', async () => {
    const bad = ['Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n', 'host: x\r\n', 'Connection: close\r\n',
        'A: b\nC: d\r\n', 'A: b\r\r\n', 'A b: c\r\n', ': x\r\n', 'A\r\n', 'A: b', 'A: \0\r\n', 'Proxy-Authorization: x\r\n',
        'A: b\r\n'.repeat(101)];
    const count = rig.receiver.requests.length;
    for (const headers of bad) {
        const done = await rig.egress.send({ url: rig.url('/ok'), headers });
        assert.equal(done.token, 'url_refused', headers);
        assert.match(done.detail, /header/);
    }
    assert.equal(rig.receiver.requests.length, count);
});

test('policies: plain http, ports, refused targets', async () => {
    const policy = { allowTargets: '127.0.0.1/32:0', dnsServer: rig.dns.address };
    const rows = [
        [{ ...policy, allowHttp: false }, rig.url('/ok'), 'url_refused'],
        [{ ...policy, ports: '443,80' }, rig.url('/ok'), 'url_refused'],
        [{ ...policy, ports: `443,${rig.receiver.port}` }, rig.url('/ok'), ''],
        [{ ...policy, refuseTargets: '127.0.0.1' }, rig.url('/ok'), 'destination_ip_prohibited'],
        [{ ...policy, allowTargets: '127.0.0.1/32:1' }, rig.url('/ok'), 'destination_ip_prohibited'],
        [{ ...policy, allowTargets: '' }, rig.url('/ok'), 'destination_ip_prohibited'],
        [{ ...policy, allowTargets: '', allowLoopback: true }, rig.url('/ok'), ''],
    ];
    for (const [one, url, token] of rows) {
        const egress = await startEgress(one);
        const done = await egress.send({ url });
        assert.equal(done.token, token, JSON.stringify(one));
        await egress.close();
    }
});

test('localhost where loopback is allowed, without asking anybody', async () => {
    const egress = await startEgress({ allowLoopback: true, dnsServer: rig.dns.address });
    const done = await egress.send({ url: rig.url('/ok', 'localhost') });
    assert.equal(done.status, 200, done.detail);
    assert.equal(done.ip, '127.0.0.1');
    assert.equal(rig.dns.asked('localhost'), 0);
    await egress.close();
});

test('proxies of the environment are not used', async () => {
    // The receiver itself as the proxy: the guard would let it pass, so only libcurl's options keep it out.
    const proxy = `http://127.0.0.1:${rig.receiver.port}`;
    const egress = await startEgress({ allowTargets: '127.0.0.1/32:0', dnsServer: rig.dns.address },
        { env: { http_proxy: proxy, https_proxy: proxy, all_proxy: proxy, ALL_PROXY: proxy } });
    const count = rig.receiver.requests.length;
    assert.equal((await egress.send({ url: rig.url('/direct') })).status, 200);
    const seen = rig.receiver.requests.slice(count).map(({ method, path }) => `${method} ${path}`);
    assert.deepEqual(seen, ['POST /direct']);
    await egress.close();
});

test('the name is asked for as it is, without search domains', async () => {
    await send(HOST);
    assert.ok(rig.dns.asked(HOST) > 0);
    assert.equal(rig.dns.asked(`${HOST}.example.com`), 0);
});
