// SPDX-License-Identifier: Apache-2.0
//
// A real HTTP receiver. Each path has a script: an answer, a list of answers (the last repeats), or a
// function (request, number) that gives one. It keeps what arrived: raw headers and raw body bytes.
//
// An answer: {status, headers, body, delayMs, hang: true, reset: true, cut: true, waitFor: promise}
//   hang   read everything, never answer            reset  read everything, then a TCP reset
//   cut    announce more body than is sent, close   waitFor  answer once that promise is settled
import http from 'node:http';
import { waitFor } from './wait.mjs';

export const OK = { status: 200, body: 'ok' };

function pairs(rawHeaders) {
    const out = [];
    for (let i = 0; i < rawHeaders.length; i += 2) {
        out.push([rawHeaders[i], rawHeaders[i + 1]]);
    }
    return out;
}

export class Receiver {
    static async start({ port = 0, host = '127.0.0.1', fallback = OK } = {}) {
        const receiver = new Receiver(fallback);
        await new Promise((resolve, reject) => {
            receiver.server.once('error', reject);
            receiver.server.listen({ port, host, backlog: 1024 }, resolve);
        });
        receiver.port = receiver.server.address().port;
        receiver.base = `http://${host}:${receiver.port}`;
        return receiver;
    }

    constructor(fallback) {
        this.fallback = fallback;
        this.scripts = new Map();
        this.arrived = [];
        this.counts = new Map();
        this.connections = 0;
        this.sockets = new Set();
        this.waiters = new Set();
        this.server = http.createServer({ keepAliveTimeout: 60_000, maxHeaderSize: 65_536 }, (request, response) =>
            this.#take(request, response),
        );
        this.server.on('connection', (socket) => {
            this.connections++;
            this.sockets.add(socket);
            socket.on('close', () => this.sockets.delete(socket));
        });
    }

    url(path) {
        return this.base + path;
    }

    on(path, script) {
        this.scripts.set(path, script);
        return this.url(path);
    }

    // What arrived at a path, in order of arrival.
    at(path) {
        return this.arrived.filter((entry) => entry.path === path);
    }

    async wait(path, count, deadlineMs) {
        return waitFor(
            () => `${count} requests at ${path} (there are ${this.at(path).length})`,
            () => this.at(path).length >= count && this.at(path),
            deadlineMs,
        );
    }

    async close() {
        for (const socket of this.sockets) {
            socket.destroy();
        }
        await new Promise((resolve) => this.server.close(resolve));
    }

    #take(request, response) {
        const parts = [];
        request.on('data', (part) => parts.push(part));
        request.on('error', () => {}); // the sender went away: what was whole is in the ledger
        request.on('end', () => {
            const path = request.url;
            const number = (this.counts.get(path) ?? 0) + 1;
            this.counts.set(path, number);
            const entry = {
                path,
                number,
                method: request.method,
                rawHeaders: pairs(request.rawHeaders),
                headers: request.headers,
                body: Buffer.concat(parts),
                at: Date.now(),
                answered: undefined,
                answeredAt: undefined,
            };
            this.arrived.push(entry);
            this.#answer(entry, request, response);
        });
    }

    #script(entry) {
        const script = this.scripts.get(entry.path) ?? this.fallback;
        if (typeof script === 'function') {
            return script(entry, entry.number) ?? OK;
        }
        if (Array.isArray(script)) {
            return script[Math.min(entry.number, script.length) - 1];
        }
        return script;
    }

    async #answer(entry, request, response) {
        const answer = this.#script(entry);
        if (answer.waitFor) {
            await answer.waitFor;
        }
        if (answer.delayMs) {
            await new Promise((resolve) => setTimeout(resolve, answer.delayMs).unref());
        }
        if (answer.hang) {
            return;
        }
        if (answer.reset) {
            request.socket.resetAndDestroy();
            return;
        }
        const body = Buffer.from(answer.body ?? '');
        const headers = { ...answer.headers };
        if (answer.cut) {
            response.writeHead(answer.status ?? 200, { ...headers, 'content-length': body.length + 100 });
            response.write(body, () => request.socket.destroy());
            return;
        }
        response.on('finish', () => {
            entry.answered = answer.status ?? 200;
            entry.answeredAt = Date.now();
        });
        response.on('error', () => {});
        response.writeHead(answer.status ?? 200, { 'content-length': body.length, ...headers });
        response.end(body);
    }
}
