// SPDX-License-Identifier: Apache-2.0
//
// The server under test: the real binary (POSTERN_BIN, default build/postern), each in a folder of its own,
// on a free port, on the store that TEST_STORE names. Its log is read: a report of a sanitizer, a failed
// assertion or an end that nobody asked for fails the test that stops it.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import os from 'node:os';
import path from 'node:path';
import { Client } from './client.mjs';
import { STORE, freshDatabase } from './database.mjs';
import { waitFor, within } from './wait.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const BIN = path.resolve(process.env.POSTERN_BIN ?? path.join(ROOT, 'build/postern'));
export const ADMIN_KEY = 'admin-key-of-the-tests-0123456789abcdef';

// The drain limit of the server is 35 s; a sanitizer looks for leaks after that.
const STOP_DEADLINE_MS = 50_000;
const START_DEADLINE_MS = 30_000;
const LOG_LINES_MAX = 20_000;

const FAULTS = [
    /ERROR: (Address|Leak|Undefined|Memory)Sanitizer/,
    /WARNING: ThreadSanitizer/,
    /: runtime error: /,
    /assertion failed/,
    /level=fatal/,
    /double free|corrupted size|free\(\): invalid/,
];

const running = new Set();
process.on('exit', () => {
    for (const server of running) {
        server.killNow();
    }
});

// Is the binary built with a sanitizer? Then figures of time and memory say nothing.
export function isSanitized() {
    const bytes = readFileSync(BIN);
    return ['__asan_init', '__tsan_init'].some((symbol) => bytes.includes(symbol));
}

// Environment of a server: ours without any setting of Postern that happens to be there.
export function cleanEnv(more = {}) {
    const env = { ...process.env };
    for (const name of Object.keys(env)) {
        if (name.startsWith('POSTERN_') || name.startsWith('PG')) {
            delete env[name];
        }
    }
    return { ...env, ...more };
}

// Runs the binary to its end: {code, signal, stdout, stderr}.
export async function runPostern(args, { env = {}, input, deadlineMs = 20_000, cwd } = {}) {
    const child = spawn(BIN, args, { env: cleanEnv(env), stdio: ['pipe', 'pipe', 'pipe'], cwd });
    const out = [];
    const err = [];
    child.stdout.on('data', (part) => out.push(part));
    child.stderr.on('data', (part) => err.push(part));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const ended = new Promise((resolve, reject) => {
        child.on('error', reject);
        child.on('close', (code, signal) => resolve({ code, signal }));
    });
    try {
        const end = await within(`the end of postern ${args.join(' ')}`, ended, deadlineMs);
        return { ...end, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
    } finally {
        child.kill('SIGKILL');
    }
}

export class Postern {
    // Options: dev (true), args, env, key (null: none is given), dir (kept when given), databaseUrl, store, ready (true), onAnswer, scheme, ca,
    // wrap (a command that execs the binary, such as ['prlimit', '--nofile=256']).
    static async start(options = {}) {
        const server = new Postern(options);
        try {
            await server.launch();
        } catch (error) {
            server.killNow();
            throw error;
        }
        return server;
    }

    constructor({ dev = true, args = [], env = {}, key = ADMIN_KEY, dir, databaseUrl, store = STORE, ready = true,
        onAnswer, scheme = 'http', ca, wrap = [] } = {}) {
        this.options = { dev, args, env, ready, scheme, ca, wrap };
        this.key = key;
        this.onAnswer = onAnswer;
        this.dir = dir ?? mkdtempSync(path.join(os.tmpdir(), 'postern-test.'));
        this.ownsDir = dir === undefined;
        this.database = undefined;
        if (databaseUrl !== undefined) {
            this.database = { url: databaseUrl, drop: () => {} };
        } else if (store === 'postgres') {
            this.database = freshDatabase();
        }
        this.log = [];
        this.stdout = '';
        this.starts = 0;
    }

    arguments() {
        const args = ['serve', '--data', this.dir, '--listen', '127.0.0.1:0', '--egress-processes', '1'];
        if (this.database) {
            args.push('--database', this.database.url);
        }
        if (this.options.dev) {
            args.push('--dev');
        }
        return [...args, ...this.options.args];
    }

    // Starts the process; resolves when it listens and, unless told otherwise, is ready.
    async launch({ ready = this.options.ready } = {}) {
        const env = this.key === null ? {} : { POSTERN_ADMIN_KEY: this.key };
        this.expectEnd = false;
        this.end = undefined;
        this.url = undefined;
        this.starts++;
        this.startedAt = performance.now();
        const [program, ...args] = [...this.options.wrap, BIN, ...this.arguments()];
        const child = spawn(program, args, {
            env: cleanEnv({ ...env, ...this.options.env }),
            stdio: ['ignore', 'pipe', 'pipe'],
            detached: true,
        });
        this.child = child;
        this.pid = child.pid;
        running.add(this);
        child.stdout.on('data', (part) => (this.stdout += part));
        this.#readLog(child.stderr);
        this.exited = new Promise((resolve) => {
            child.on('error', (error) => resolve((this.end = { error })));
            child.on('close', (code, signal) => resolve((this.end = { code, signal })));
        });
        await waitFor(
            () => `postern listens; its log:\n${this.tail()}`,
            () => {
                if (this.end) {
                    throw new Error(`postern ended at start ${JSON.stringify(this.end)}:\n${this.tail()}`);
                }
                return this.url;
            },
            START_DEADLINE_MS,
        );
        this.api?.close();
        this.api = new Client({ url: this.url, key: this.key, onAnswer: this.onAnswer, ca: this.options.ca });
        if (ready) {
            await this.waitReady();
        }
        return this;
    }

    async waitReady() {
        await waitFor(
            () => `postern is ready; its log:\n${this.tail()}`,
            async () => {
                if (this.end) {
                    throw new Error(`postern ended ${JSON.stringify(this.end)}:\n${this.tail()}`);
                }
                try {
                    return (await this.api.request('GET', '/readyz')).status === 200;
                } catch {
                    return false;
                }
            },
            START_DEADLINE_MS,
        );
        this.readyAfterMs = performance.now() - this.startedAt;
    }

    #readLog(stream) {
        let rest = '';
        stream.setEncoding('utf8');
        stream.on('data', (part) => {
            const lines = (rest + part).split('\n');
            rest = lines.pop();
            for (const line of lines) {
                this.#takeLine(line);
            }
        });
        stream.on('end', () => rest && this.#takeLine(rest));
    }

    #takeLine(line) {
        this.log.push(line);
        if (this.log.length > LOG_LINES_MAX) {
            this.log.splice(0, LOG_LINES_MAX / 4);
        }
        if (FAULTS.some((pattern) => pattern.test(line))) {
            this.fault ??= line;
        }
        const listening = /msg="?listening"?.* url="?([^" ]+)"?/.exec(line) ??
            /"msg":"listening".*"url":"([^"]+)"/.exec(line);
        if (listening) {
            this.port = Number(new URL(listening[1]).port);
            this.url = `${this.options.scheme}://127.0.0.1:${this.port}`;
        }
    }

    tail(lines = 40) {
        return this.log.slice(-lines).join('\n');
    }

    // Every process of this server: main first, then keeper and egress; [{pid, command}].
    processes() {
        const children = new Map();
        for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
            try {
                const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
                const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
                if (state !== 'Z') {
                    children.set(Number(pid), Number(parent));
                }
            } catch {
                // it ended while we looked
            }
        }
        const found = [];
        const walk = (pid) => {
            if (!children.has(pid)) {
                return;
            }
            try {
                const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean);
                found.push({ pid, command });
            } catch {
                return;
            }
            for (const [child, parent] of children) {
                if (parent === pid) {
                    walk(child);
                }
            }
        };
        walk(this.pid);
        return found;
    }

    egressPids() {
        return this.processes()
            .filter(({ pid, command }) => pid !== this.pid && command.some((word) => /(^|\/|:)?egress$/.test(word)))
            .map(({ pid }) => pid);
    }

    // Resident memory of all its processes in bytes.
    residentBytes() {
        let sum = 0;
        for (const { pid } of this.processes()) {
            try {
                const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
                sum += Number(kib?.[1] ?? 0) * 1024;
            } catch {
                // it ended while we looked
            }
        }
        return sum;
    }

    // CPU time of all its processes, in clock ticks of 10 ms.
    cpuTicks() {
        let sum = 0;
        for (const { pid } of this.processes()) {
            try {
                const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
                const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
                sum += Number(fields[11]) + Number(fields[12]);
            } catch {
                // it ended while we looked
            }
        }
        return sum;
    }

    killNow() {
        running.delete(this);
        if (this.child?.pid && !this.end) {
            try {
                process.kill(-this.child.pid, 'SIGKILL');
            } catch {
                // gone already
            }
        }
    }

    // kill -9: the whole group, or with {mainOnly} just the main process (egress sees its socket close).
    async kill({ mainOnly = false } = {}) {
        this.expectEnd = true;
        if (mainOnly) {
            process.kill(this.pid, 'SIGKILL');
        } else {
            this.killNow();
        }
        await within('the end after kill -9', this.exited, STOP_DEADLINE_MS);
        running.delete(this);
    }

    // SIGTERM; resolves with {code, signal}. The exit code is judged by the caller, the log here.
    async terminate(deadlineMs = STOP_DEADLINE_MS) {
        this.expectEnd = true;
        process.kill(this.pid, 'SIGTERM');
        const end = await within(() => `the end after SIGTERM:\n${this.tail()}`, this.exited, deadlineMs);
        running.delete(this);
        this.check();
        return end;
    }

    // Throws when the log holds a fault, or the process ended by itself.
    check() {
        if (this.fault) {
            throw new Error(`fault in the log: ${this.fault}\n${this.tail(120)}`);
        }
        if (this.end && !this.expectEnd) {
            throw new Error(`postern ended by itself ${JSON.stringify(this.end)}:\n${this.tail(80)}`);
        }
    }

    // The value of a metric (the sum over its labels), undefined when there is none.
    async metric(name) {
        const { text } = await this.api.request('GET', '/metrics', { headers: { accept: 'text/plain' } });
        const lines = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? ([0-9.eE+-]+)`, 'gm'))];
        return lines.length === 0 ? undefined : lines.reduce((sum, line) => sum + Number(line[1]), 0);
    }

    // The end of every test: nothing was lost from sight, it drains and ends with 0, the log is clean.
    async close({ graceful = true } = {}) {
        try {
            if (!this.end && graceful) {
                const found = await this.metric('postern_sweep_found_total');
                const end = await this.terminate();
                if (end.code !== 0) {
                    throw new Error(`SIGTERM: ended with ${JSON.stringify(end)}:\n${this.tail(80)}`);
                }
                if (found > 0) {
                    throw new Error(`the sweep found ${found} open deliveries in no list`);
                }
            }
            this.check();
        } finally {
            this.killNow();
            await within('the end of the group', this.exited, STOP_DEADLINE_MS).catch(() => {});
            this.api?.close();
            this.keepLog();
            if (this.ownsDir) {
                rmSync(this.dir, { recursive: true, force: true });
            }
            try {
                this.database?.drop();
            } catch {
                // a database that cannot be dropped goes with its cluster
            }
        }
    }

    // TEST_LOGS names a folder that keeps every server's log.
    keepLog() {
        if (process.env.TEST_LOGS) {
            const name = `${path.basename(process.argv[1] ?? 'test')}-${this.pid}-${randomBytes(3).toString('hex')}`;
            writeFileSync(path.join(process.env.TEST_LOGS, `${name}.log`), this.log.join('\n') + '\n');
        }
    }
}
