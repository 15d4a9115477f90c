// SPDX-License-Identifier: Apache-2.0
//
// dns.mjs - a DNS server for tests, on a port of its own at 127.0.0.1, over UDP and TCP.
//
//   const dns = await startDns({ 'hook.example.com': { a: ['127.0.0.1'] } });
//   dns.address                    "127.0.0.1:PORT"
//   dns.set(name, record)          change or add; see below
//   dns.asked(name)                how many questions came for it (any type)
//   await dns.close()
//
// A record: { a: [...], aaaa: [...], cname: 'name', rcode: 'NXDOMAIN'|'SERVFAIL'|'REFUSED', silent: true,
// garbage: true, ttl: seconds (default 60), sequence: [record, record, ...] }. A sequence moves on with each
// A question and stays at its last record: that is rebinding. A name that is not known is NXDOMAIN.

import dgram from 'node:dgram';
import net from 'node:net';

const TYPE = { A: 1, CNAME: 5, AAAA: 28 };
const RCODE = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 };
const UDP_SIZE_MAX = 512;
const CNAME_HOPS_MAX = 8;

function readName(message, offset) {
    const labels = [];
    for (let length = message[offset]; length > 0; length = message[offset]) {
        labels.push(message.toString('latin1', offset + 1, offset + 1 + length));
        offset += 1 + length;
    }
    return { name: labels.join('.').toLowerCase(), end: offset + 1 };
}

function writeName(name) {
    const parts = name.split('.').filter((label) => label !== '');
    return Buffer.concat([
        ...parts.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')])),
        Buffer.from([0]),
    ]);
}

function ipv6Bytes(text) {
    const [head, tail] = text.includes('::') ? text.split('::') : [text, null];
    const words = (part) => (part === '' || part === null ? [] : part.split(':').map((w) => parseInt(w, 16)));
    const front = words(head);
    const back = words(tail);
    const all = [...front, ...Array(8 - front.length - back.length).fill(0), ...back];
    return Buffer.from(all.flatMap((word) => [word >> 8, word & 0xff]));
}

function resource(name, type, ttl, data) {
    const fixed = Buffer.alloc(10);
    fixed.writeUInt16BE(type, 0);
    fixed.writeUInt16BE(1, 2);
    fixed.writeUInt32BE(ttl, 4);
    fixed.writeUInt16BE(data.length, 8);
    return Buffer.concat([writeName(name), fixed, data]);
}

class Zone {
    constructor(records) {
        this.records = new Map();
        this.counts = new Map();
        for (const [name, record] of Object.entries(records)) {
            this.set(name, record);
        }
    }

    set(name, record) {
        this.records.set(name.toLowerCase(), { record, step: 0 });
    }

    // The record of a name at this moment; a question for A moves a sequence on.
    current(name, type) {
        const entry = this.records.get(name);
        if (entry === undefined) {
            return { rcode: 'NXDOMAIN' };
        }
        if (entry.record.sequence === undefined) {
            return entry.record;
        }
        const steps = entry.record.sequence;
        const at = Math.min(type === TYPE.A ? entry.step++ : Math.max(entry.step - 1, 0), steps.length - 1);
        return steps[at];
    }

    answer(name, type) {
        const answers = [];
        let at = name;
        for (let hop = 0; hop < CNAME_HOPS_MAX; hop++) {
            const record = this.current(at, type);
            const ttl = record.ttl ?? 60;
            if (record.silent || record.garbage || record.rcode !== undefined) {
                return { record, answers };
            }
            if (record.cname === undefined) {
                const owner = at;
                const addresses = type === TYPE.A ? (record.a ?? []) : type === TYPE.AAAA ? (record.aaaa ?? []) : [];
                for (const address of addresses) {
                    const data = type === TYPE.A ? Buffer.from(address.split('.').map(Number)) : ipv6Bytes(address);
                    answers.push(resource(owner, type, ttl, data));
                }
                return { record, answers };
            }
            answers.push(resource(at, TYPE.CNAME, ttl, writeName(record.cname)));
            at = record.cname.toLowerCase();
        }
        return { record: {}, answers };
    }

    // The reply to a question, or null for silence.
    reply(message, sizeMax) {
        const { name, end } = readName(message, 12);
        const type = message.readUInt16BE(end);
        this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
        const { record, answers } = this.answer(name, type);
        if (record.silent) {
            return null;
        }
        const head = Buffer.alloc(12);
        message.copy(head, 0, 0, 2);
        const question = message.subarray(12, end + 4);
        const whole = Buffer.concat(answers);
        const isCut = head.length + question.length + whole.length > sizeMax;
        head.writeUInt16BE(0x8180 | (isCut ? 0x0200 : 0) | RCODE[record.rcode ?? 'NOERROR'], 2);
        head.writeUInt16BE(1, 4);
        head.writeUInt16BE(isCut ? 0 : answers.length, 6);
        if (record.garbage) {
            return Buffer.concat([head.subarray(0, 2), Buffer.alloc(40, 0xff)]);
        }
        return Buffer.concat([head, question, isCut ? Buffer.alloc(0) : whole]);
    }
}

function serveTcp(zone, socket) {
    let pending = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (piece) => {
        pending = Buffer.concat([pending, piece]);
        while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
            const size = pending.readUInt16BE(0);
            const reply = zone.reply(pending.subarray(2, 2 + size), 65535);
            pending = pending.subarray(2 + size);
            if (reply !== null) {
                const length = Buffer.alloc(2);
                length.writeUInt16BE(reply.length);
                socket.write(Buffer.concat([length, reply]));
            }
        }
    });
}

export async function startDns(records = {}) {
    const zone = new Zone(records);
    const sockets = new Set();
    const tcp = net.createServer((socket) => {
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket));
        serveTcp(zone, socket);
    });
    await new Promise((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    const port = tcp.address().port;
    const udp = dgram.createSocket('udp4');
    udp.on('message', (message, peer) => {
        const reply = zone.reply(message, UDP_SIZE_MAX);
        if (reply !== null) {
            udp.send(reply, peer.port, peer.address);
        }
    });
    await new Promise((resolve, reject) => {
        udp.once('error', reject);
        udp.bind(port, '127.0.0.1', resolve);
    });
    return {
        port,
        address: `127.0.0.1:${port}`,
        set: (name, record) => zone.set(name, record),
        asked: (name) => zone.counts.get(name) ?? 0,
        async close() {
            for (const socket of sockets) {
                socket.destroy();
            }
            await new Promise((resolve) => tcp.close(resolve));
            await new Promise((resolve) => udp.close(resolve));
        },
    };
}
