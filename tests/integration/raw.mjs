// SPDX-License-Identifier: Apache-2.0
//
// Bytes on a socket, as no client library would send them.
import net from 'node:net';
import { within } from '../lib/wait.mjs';

export class RawSocket {
    static async connect(port) {
        const raw = new RawSocket();
        raw.socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
        raw.bytes = Buffer.alloc(0);
        raw.isClosed = false;
        raw.closed = new Promise((resolve) => {
            raw.socket.on('data', (part) => (raw.bytes = Buffer.concat([raw.bytes, part])));
            raw.socket.on('error', () => {});
            raw.socket.on('end', () => {
                raw.isClosed = true;
                raw.socket.end();
                resolve();
            });
            raw.socket.on('close', () => {
                raw.isClosed = true;
                resolve();
            });
        });
        await new Promise((resolve, reject) => {
            raw.socket.once('connect', resolve);
            raw.socket.once('error', reject);
        });
        return raw;
    }

    write(text) {
        return this.socket.write(Buffer.isBuffer(text) ? text : Buffer.from(text, 'latin1'));
    }

    get text() {
        return this.bytes.toString('latin1');
    }

    // How many answers came.
    get statuses() {
        return [...this.text.matchAll(/HTTP\/1\.[01] (\d{3}) /g)].map((found) => Number(found[1]));
    }

    async end(deadlineMs = 20_000) {
        await within(() => `the server closes the connection; so far ${this.text.slice(0, 300)}`, this.closed, deadlineMs);
        return this.text;
    }

    destroy() {
        this.socket.destroy();
    }
}
