// SPDX-License-Identifier: Apache-2.0
//
// kill -9 at random instants under load: generator and receiver are processes of their own with ledgers of their own;
// at the end a checker reads the ledgers and what the API says. Lost must be 0, duplicates at most what was in flight.
//
//   crash.mjs [--rounds N] [--store sqlite|postgres] [--rate EVENTS/S] [--keep]
//
// Rounds default to POSTERN_CRASH_ROUNDS or 10. Prints the figures; exits with 1 when anything is wrong.
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setTimeout as pause } from 'node:timers/promises';
import os from 'node:os';
import path from 'node:path';
import { Postern } from '../lib/postern.mjs';
import { STORE } from '../lib/database.mjs';
import { waitFor, within } from '../lib/wait.mjs';
import { checkLedgers } from './ledger_check.mjs';
import { readLedger } from './ledger_file.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({
    options: {
        rounds: { type: 'string', default: process.env.POSTERN_CRASH_ROUNDS ?? '10' },
        store: { type: 'string', default: STORE },
        rate: { type: 'string', default: process.env.POSTERN_CRASH_RATE ?? '500' },
        keep: { type: 'boolean', default: false },
    },
});

const APPS = 4;
const WORKERS = 24;
const TYPES = ['load.alpha', 'load.beta'];
const SUBSCRIPTIONS = [TYPES, [TYPES[0]], [TYPES[1]]];
// An attempt keeps its slot until its outcome is committed: so many are in flight at most.
const ENDPOINT_CONCURRENCY = 10;
const DELAY_S = 1;
const LIFE_MIN_MS = 50;
const LIFE_MEAN_MS = 700;
const LIFE_MAX_MS = 3000;
const DRAIN_DEADLINE_MS = 120_000;
const WRONG_SHOWN = 20;

const folder = mkdtempSync(path.join(os.tmpdir(), 'postern-crash.'));
const file = (name) => path.join(folder, name);
const children = [];
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));

function start(script, args) {
    const child = fork(path.join(HERE, script), args);
    children.push(child);
    child.setMaxListeners(0);
    child.hear = (look) => within(`word from ${script}`, new Promise((resolve, reject) => {
        const onMessage = (message) => {
            if (look(message)) {
                child.off('message', onMessage);
                resolve(message);
            }
        };
        child.on('message', onMessage);
        child.once('exit', (code) => reject(new Error(`${script} ended with ${code}`)));
    }), DRAIN_DEADLINE_MS);
    return child;
}

async function makeTopology(server, port) {
    const apps = [];
    for (let a = 0; a < APPS; a++) {
        const app = await server.api.post('/api/v1/apps', { name: `crash ${a}`, slug: `crash-${a}` });
        const endpoints = [];
        for (const [at, types] of SUBSCRIPTIONS.entries()) {
            const where = `/${a}/${at}`;
            const endpoint = await server.api.post(`/api/v1/apps/${app.id}/endpoints`, {
                url: `http://127.0.0.1:${port}${where}`,
                event_types: types === TYPES ? [] : types,
                retry: { schedule: [DELAY_S], max_attempts: 50, jitter_percent: 0 },
            });
            endpoints.push({ id: endpoint.id, path: where, secret: endpoint.secret, types });
        }
        apps.push({ id: app.id, endpoints });
    }
    return {
        key: server.key,
        types: TYPES,
        apps,
        delayMs: DELAY_S * 1000,
        inFlightMax: APPS * SUBSCRIPTIONS.length * ENDPOINT_CONCURRENCY,
    };
}

function lifeMs() {
    return Math.min(LIFE_MAX_MS, LIFE_MIN_MS - LIFE_MEAN_MS * Math.log(1 - Math.random()));
}

async function openDeliveries(server, topology, statuses) {
    const rows = [];
    for (const app of topology.apps) {
        for (const status of statuses) {
            rows.push(...(await server.api.all(`/api/v1/apps/${app.id}/deliveries?status=${status}`)));
        }
    }
    return rows;
}

async function drained(server, topology) {
    for (const app of topology.apps) {
        for (const status of ['pending', 'retrying']) {
            const { data } = await server.api.get(`/api/v1/apps/${app.id}/deliveries?status=${status}&limit=1`);
            if (data.length > 0) {
                return false;
            }
        }
    }
    return true;
}

async function killRounds(server, generator, receiver, readyMs) {
    const rounds = Number(options.rounds);
    for (let round = 0; round < rounds; round++) {
        await pause(lifeMs());
        server.check();
        await server.kill({ mainOnly: round % 3 === 2 });
        receiver.send({ killed: round });
        await receiver.hear((message) => message.quiet === round);
        await server.launch();
        readyMs.push(server.readyAfterMs);
        generator.send({ url: server.url });
    }
}

async function run(server) {
    const receiver = start('ledger_receiver.mjs', [file('topology'), file('receiver')]);
    const { port } = await receiver.hear((message) => message.port);
    const topology = await makeTopology(server, port);
    writeFileSync(file('topology'), JSON.stringify(topology));
    receiver.send({ topology: true });
    await receiver.hear((message) => message.loaded);
    const generator = start('load_generator.mjs', [
        file('topology'), file('generator'), options.rate, String(WORKERS),
    ]);
    generator.send({ url: server.url });

    const readyMs = [];
    await killRounds(server, generator, receiver, readyMs);
    await pause(LIFE_MIN_MS);
    generator.send({ stop: true });
    await generator.hear((message) => message.done);

    // Faults are off: everything must come to its end.
    const stopped = Date.now();
    await waitFor('all deliveries come to their end', () => drained(server, topology), DRAIN_DEADLINE_MS);
    const drainMs = Date.now() - stopped;
    const open = await openDeliveries(server, topology, ['pending', 'retrying', 'failed']);
    const listed = [];
    for (const app of topology.apps) {
        listed.push(...(await server.api.all(`/api/v1/apps/${app.id}/events`)).map((row) => row.id));
    }
    writeFileSync(file('api'), JSON.stringify({ open, listed }));
    await server.close();
    receiver.send({ stop: true });
    await receiver.hear((message) => message.done);
    const { wrong, figures } = checkLedgers({
        generator: readLedger(file('generator')),
        receiver: readLedger(file('receiver')),
        topology,
        open,
        listed,
    });
    return { wrong, figures: { store: options.store, ...figures, ready_ms_max: Math.round(Math.max(...readyMs)), drain_ms: drainMs } };
}

const server = await Postern.start({ store: options.store });
let status = 1;
try {
    const { wrong, figures } = await run(server);
    console.log(Object.entries(figures).map(([name, value]) => `${name}=${value}`).join(' '));
    for (const sentence of wrong.slice(0, WRONG_SHOWN)) {
        console.log(`WRONG: ${sentence}`);
    }
    if (figures.acked < Number(options.rounds)) {
        wrong.push('too few events to say anything');
        console.log(`WRONG: ${wrong.at(-1)}`);
    }
    console.log(wrong.length === 0 ? 'crash: ok' : `crash: ${wrong.length} things are wrong`);
    status = wrong.length === 0 ? 0 : 1;
} catch (error) {
    console.log(`crash: ${error.stack}\n${server.tail(60)}`);
    await server.close({ graceful: false }).catch(() => {});
} finally {
    if (options.keep || (status !== 0 && process.env.TEST_LOGS)) {
        console.log(`ledgers: ${folder}`);
    } else {
        rmSync(folder, { recursive: true, force: true });
    }
}
process.exit(status);
