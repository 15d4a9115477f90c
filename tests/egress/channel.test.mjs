// SPDX-License-Identifier: Apache-2.0
//
// The channel and the process: bad frames, limits, back-pressure, the end, and the sandbox.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { frame, policyFrame, sendFrame, startEgress } from './client.mjs';
import { LOOPBACK, makeRig, until } from './rig.mjs';

const NOBODY = 65534;

let rig;

before(async () => {
    rig = await makeRig();
});

after(async () => {
    assert.deepEqual(await rig.close(), { code: 0, signal: null });
});

const policy = () => ({ allowTargets: LOOPBACK, dnsServer: rig.dns.address });
const program = () => readFileSync(process.env.EGRESS_BIN.split(' ')[0]);
const isInstrumented = () => ['__asan_init', '__tsan_init', '__gcov_init'].some((name) => program().includes(`\0${name}\0`));

test('it ends with 1 when a frame is not valid', async () => {
    const send = sendFrame(1, { url: rig.url('/ok') });
    const cases = {
        'second policy': policyFrame(policy()),
        'no type': Buffer.from([0, 0, 0, 0]),
        'huge length': Buffer.from([255, 255, 255, 255, 2]),
        'unknown type': frame(9, Buffer.from('x')),
        'a DONE': frame(3, Buffer.alloc(60)),
        'cut SEND': frame(2, Buffer.alloc(10)),
        'longer SEND': Buffer.concat([Buffer.from([send.length - 3, 0, 0, 0]), send.subarray(4), Buffer.from([0])]),
        'ABORT of 7 bytes': frame(4, Buffer.alloc(7)),
        'same handle twice': Buffer.concat([sendFrame(7, { url: rig.url('/silent') }), sendFrame(7, { url: rig.url('/silent') })]),
    };
    for (const [name, bytes] of Object.entries(cases)) {
        const egress = await startEgress(policy());
        egress.channel.write(bytes);
        assert.deepEqual(await egress.ended, { code: 1, signal: null }, name);
        assert.match(egress.log(), /egress ends/, name);
    }
});

test('it ends with 1 when the policy is not valid', async () => {
    for (const bad of [{ allowTargets: 'nonsense' }, { refuseTargets: '10.0.0.1/8' }, { dnsServer: 'nonsense' }]) {
        const egress = await startEgress({ ...policy(), ...bad });
        assert.deepEqual(await egress.ended, { code: 1, signal: null }, JSON.stringify(bad));
        assert.match(egress.log(), /egress cannot start/);
    }
});

test('frames may come in any pieces', async () => {
    const egress = await startEgress(policy());
    const bytes = sendFrame(0, { url: rig.url('/pieces'), body: 'x'.repeat(300) });
    for (const byte of bytes) {
        egress.channel.write(Buffer.from([byte]));
    }
    await until(() => rig.came('/pieces').length === 1, 'the request in pieces');
    assert.deepEqual(await egress.close(), { code: 0, signal: null });
});

test('beyond its limits it answers sender_overload at once', async () => {
    const egress = await startEgress({ ...policy(), transfersMax: 2 });
    const hung = [1, 2].map(() => egress.send({ url: rig.url('/silent'), timeoutMs: 2000 }));
    const refused = await egress.send({ url: rig.url('/ok') });
    assert.equal(refused.token, 'sender_overload');
    assert.ok((await Promise.all(hung)).every((done) => done.token === 'http_response_timeout'));
    assert.equal((await egress.send({ url: rig.url('/ok') })).status, 200, 'there is room again');
    await egress.close();

    const small = await startEgress({ ...policy(), bytesMax: 100_000 });
    const first = small.send({ url: rig.url('/silent'), timeoutMs: 1500, body: 'x'.repeat(60_000) });
    assert.equal((await small.send({ url: rig.url('/ok'), body: 'x'.repeat(60_000) })).token, 'sender_overload');
    assert.equal((await first).token, 'http_response_timeout');
    assert.equal((await small.send({ url: rig.url('/ok'), body: 'x'.repeat(60_000) })).status, 200);
    await small.close();
});

test('an aborted request is dropped, and its connection closed', async () => {
    const egress = await startEgress(policy());
    const hung = egress.send({ url: rig.url('/silent?abort'), timeoutMs: 60_000 });
    hung.catch(() => {});
    const [request] = await until(() => rig.came('/silent?abort')[0] && rig.came('/silent?abort'), 'the request');
    assert.equal(request.socket.destroyed, false);
    egress.abort(1);
    egress.abort(1);
    egress.abort(12345);
    assert.equal((await egress.send({ url: rig.url('/ok') })).status, 200);
    await egress.close();
});

test('an abort while the name is looked up', async () => {
    rig.dns.set('slow.example.com', { silent: true });
    const egress = await startEgress(policy());
    egress.send({ url: rig.url('/ok', 'slow.example.com') }).catch(() => {});
    await until(() => rig.dns.asked('slow.example.com') > 0, 'the question');
    egress.abort(1);
    assert.equal((await egress.send({ url: rig.url('/ok') })).status, 200);
    assert.deepEqual(await egress.close(), { code: 0, signal: null });
});

test('at the end of the channel it drops everything and ends with 0', async () => {
    rig.dns.set('slow2.example.com', { silent: true });
    const egress = await startEgress(policy());
    const all = ['/silent', '/drip-body', '/drip-head'].map((path) => egress.send({ url: rig.url(path), timeoutMs: 60_000 }));
    all.push(egress.send({ url: rig.tlsUrl('stall'), timeoutMs: 60_000 }));
    all.push(egress.send({ url: rig.url('/ok', 'slow2.example.com'), timeoutMs: 60_000 }));
    all.forEach((one) => one.catch(() => {}));
    await egress.send({ url: rig.url('/ok') });
    const begun = Date.now();
    assert.deepEqual(await egress.close(), { code: 0, signal: null });
    assert.ok(Date.now() - begun < 5000);
});

test('when outcomes are not taken, it stops to read requests, and goes on later', async () => {
    const egress = await startEgress(policy());
    const base = egress.memory();
    egress.channel.pause();
    const body = Buffer.alloc(200_000, 'x');
    const all = Array.from({ length: 1500 }, () => egress.send({ url: 'http://10.0.0.1/', body }));
    await until(() => egress.channel.writableLength > 0, 'the channel to fill');
    egress.channel.resume();
    assert.ok((await Promise.all(all)).every((done) => done.token === 'destination_ip_prohibited'));
    assert.ok(egress.memory() - base < 128 * 1024 * 1024);
    await egress.close();
});

test('no descriptor is left behind', async () => {
    const egress = await startEgress(policy());
    const count = () => readdirSync(`/proc/${egress.pid}/fd`).length;
    await egress.send({ url: rig.url('/ok') });
    const base = count();
    for (const path of ['/reset', '/endless-body', '/switching', '/close', '/bad-chunk']) {
        await Promise.all(Array.from({ length: 20 }, () => egress.send({ url: rig.url(path), fresh: true })));
    }
    await Promise.all(Array.from({ length: 20 }, () => egress.send({ url: rig.url('/silent'), timeoutMs: 50 })));
    assert.ok(count() <= base + 1, `${base} before, ${count()} after`);
    await egress.close();
});

test('with 256 descriptors it refuses what it has no room for, without spinning', async () => {
    const [file, ...args] = process.env.EGRESS_BIN.split(' ');
    const bin = process.env.EGRESS_BIN;
    process.env.EGRESS_BIN = 'prlimit';
    const egress = await startEgress(policy(), { args: ['--nofile=256:256', file, ...args] });
    process.env.EGRESS_BIN = bin;
    const all = Array.from({ length: 400 }, () => egress.send({ url: rig.url('/silent'), timeoutMs: 3000 }));
    const begun = egress.cpuTicks();
    const tokens = (await Promise.all(all)).map((done) => done.token);
    assert.ok(tokens.filter((token) => token === 'http_response_timeout').length >= 150, 'most of its room is used');
    assert.ok(tokens.every((token) => token === 'http_response_timeout' || token === 'sender_overload'), [...new Set(tokens)].join());
    assert.ok(egress.cpuTicks() - begun < 150, 'half of one core at most');
    assert.equal((await egress.send({ url: rig.url('/ok') })).status, 200);
    await egress.close();
});

test('it gives up what it does not need', async (t) => {
    await rig.egress.send({ url: rig.url('/ok') });
    const status = rig.egress.status();
    assert.match(status, /^NoNewPrivs:\t1$/m);
    assert.match(readFileSync(`/proc/${rig.egress.pid}/limits`, 'utf8'), /^Max core file size +0 +0 /m);
    if (process.getuid() === 0) {
        assert.match(status, new RegExp(`^Uid:(\t${NOBODY}){4}$`, 'm'));
        assert.match(status, new RegExp(`^Gid:(\t${NOBODY}){4}$`, 'm'));
        assert.match(status, /^CapEff:\t0+$/m);
    }
    if (isInstrumented()) {
        t.skip('an instrumented build has no filter of system calls');
        return;
    }
    assert.match(status, /^Seccomp:\t2$/m);
});
