// SPDX-License-Identifier: Apache-2.0
//
// client.mjs - speaks the frames of src/net/frame.h to an egress process, as serve does.
//
//   const egress = await startEgress({ allowTargets: '127.0.0.1/32:0', dnsServer: dns.address });
//   const done = await egress.send({ url, headers, body, timeoutMs, fresh });
//   egress.memory()         resident bytes of the process
//   await egress.close()    ends it by closing the channel; gives { code, signal }

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

const TYPE = { POLICY: 1, SEND: 2, DONE: 3, ABORT: 4, MAIL: 5 };
const PHASES = ['dns', 'connect', 'tls', 'wait', 'read'];
const CLOSE_MS = 10_000;

function u32(value) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
}

function u64(value) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    return bytes;
}

function str(value) {
    const bytes = Buffer.from(value);
    return Buffer.concat([u32(bytes.length), bytes]);
}

export function frame(type, ...parts) {
    const body = Buffer.concat([Buffer.from([type]), ...parts]);
    return Buffer.concat([u32(body.length), body]);
}

export function policyFrame(policy) {
    return frame(TYPE.POLICY,
        Buffer.from([policy.allowHttp === false ? 0 : 1, policy.allowLoopback ? 1 : 0]),
        str(policy.allowTargets ?? ''), str(policy.refuseTargets ?? ''), str(policy.ports ?? 'any'),
        str(policy.dnsServer ?? ''), str(policy.userAgent ?? 'Postern-Test'),
        u32(policy.connectTimeoutMs ?? 5000), u32(policy.transfersMax ?? 2000), u64(policy.bytesMax ?? 128 * 1024 * 1024));
}

export function sendFrame(handle, request) {
    return frame(TYPE.SEND, u64(handle), u32(request.timeoutMs ?? 15_000), u32(request.fresh ? 1 : 0), str(request.url),
        str(request.headers ?? 'Content-Type: application/json\r\nAccept-Encoding: identity\r\n'), str(request.body ?? '{}'));
}

export function mailFrame(handle, mail) {
    return frame(TYPE.MAIL, u64(handle), u32(mail.timeoutMs ?? 15_000), u32(mail.port), Buffer.from([mail.tls]), str(mail.host),
        str(mail.helo), str(mail.from), str(mail.to), str(mail.user ?? ''), str(mail.password ?? ''), str(mail.body));
}

// token.h is the one table of tokens: read it rather than repeat it.
const TOKENS = new Map(
    [...readFileSync(new URL('../../src/egress/token.h', import.meta.url), 'utf8')
        .matchAll(/X\(([A-Z_0-9]+), (\d+), "([a-z_]*)"/g)].map(([, , number, name]) => [Number(number), name]),
);

function readDone(body) {
    let at = 8;
    const i32 = () => body.readInt32LE((at += 4) - 4);
    const text = () => {
        const size = body.readUInt32LE(at);
        at += 4 + size;
        return body.subarray(at - size, at);
    };
    const handle = Number(body.readBigUInt64LE(0));
    const token = TOKENS.get(i32());
    const status = i32();
    const [reused, cut] = [body[at] === 1, body[at + 1] === 1];
    at += 2;
    const phases = Object.fromEntries(PHASES.map((name) => [name, i32()]));
    const totalUs = Number(body.readBigInt64LE(at));
    at += 8;
    return { handle, token, status, reused, cut, phases, totalUs, ip: text().toString(), detail: text().toString(),
        headers: text().toString('latin1'), body: text() };
}

export async function startEgress(policy = {}, { env = {}, args } = {}) {
    const [program, ...first] = (process.env.EGRESS_BIN ?? '').split(' ');
    // Under ASan, freed memory is kept: with little of it the growth of the process still means something.
    const asan = `${process.env.ASAN_OPTIONS ?? ''}:quarantine_size_mb=4`;
    const child = spawn(program, args ?? first, {
        stdio: ['ignore', 'inherit', 'pipe', 'pipe'],
        env: { ...process.env, ASAN_OPTIONS: asan, ...env },
    });
    const channel = child.stdio[3];
    const waiting = new Map();
    const log = [];
    let next = 1;
    let pending = Buffer.alloc(0);
    const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })));
    ended.then((how) => {
        for (const { reject } of waiting.values()) {
            reject(new Error(`egress ended: ${JSON.stringify(how)}\n${log.join('')}`));
        }
    });
    channel.on('error', () => {});
    child.stderr.on('data', (piece) => log.push(piece.toString()));
    channel.on('data', (piece) => {
        pending = Buffer.concat([pending, piece]);
        while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32LE(0)) {
            const size = pending.readUInt32LE(0);
            const done = readDone(pending.subarray(5, 4 + size));
            pending = pending.subarray(4 + size);
            waiting.get(done.handle)?.resolve(done);
            waiting.delete(done.handle);
        }
    });
    channel.write(policyFrame(policy));
    const status = () => readFileSync(`/proc/${child.pid}/status`, 'utf8');
    return {
        pid: child.pid,
        channel,
        ended,
        log: () => log.join(''),
        status,
        memory: () => Number(/VmRSS:\s+(\d+) kB/.exec(status())[1]) * 1024,
        cpuTicks: () => {
            const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
            return Number(fields[11]) + Number(fields[12]);
        },
        waiting: () => waiting.size,
        send(request) {
            const handle = next++;
            return new Promise((resolve, reject) => {
                waiting.set(handle, { resolve, reject });
                channel.write(sendFrame(handle, request));
            });
        },
        mail(mail) {
            const handle = next++;
            return new Promise((resolve, reject) => {
                waiting.set(handle, { resolve, reject });
                channel.write(mailFrame(handle, mail));
            });
        },
        abort(handle) {
            waiting.delete(handle);
            channel.write(frame(TYPE.ABORT, u64(handle)));
        },
        async close() {
            channel.end();
            const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_MS);
            const how = await ended;
            clearTimeout(timer);
            return how;
        },
    };
}
