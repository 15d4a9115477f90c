// SPDX-License-Identifier: Apache-2.0
//
// A ledger: a file of JSON lines. Lines of one turn of the event loop are written and synced together; what
// waits for a line to be on disk says so by `await ledger.write(line)`.
import { openSync, readFileSync, writeSync, fdatasyncSync } from 'node:fs';

export class LedgerFile {
    constructor(path, { sync = false } = {}) {
        this.fd = openSync(path, 'a');
        this.sync = sync;
        this.lines = [];
        this.flushed = undefined;
    }

    write(line) {
        this.lines.push(JSON.stringify(line));
        this.flushed ??= new Promise((resolve) => setImmediate(() => resolve(this.flush())));
        return this.flushed;
    }

    flush() {
        this.flushed = undefined;
        if (this.lines.length > 0) {
            writeSync(this.fd, this.lines.join('\n') + '\n');
            this.lines = [];
            if (this.sync) {
                fdatasyncSync(this.fd);
            }
        }
    }
}

export function readLedger(path) {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
}
