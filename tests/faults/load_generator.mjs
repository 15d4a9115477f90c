// SPDX-License-Identifier: Apache-2.0
//
// A publisher in a process of its own. It writes SENT before it sends and ACKED after a 202, into its own synced
// ledger. After an error it repeats most requests with the same Idempotency-Key and gives up the rest: both are
// legal for a client. Parent to us: {url} (also: the server is at another place now), {stop: true}.
//
//   load_generator.mjs TOPOLOGY LEDGER RATE WORKERS
import { readFileSync } from 'node:fs';
import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from '../lib/client.mjs';
import { sha256 } from '../lib/verify.mjs';
import { LedgerFile } from './ledger_file.mjs';

const [topologyPath, ledgerPath, rateText, workersText] = process.argv.slice(2);
const topology = JSON.parse(readFileSync(topologyPath, 'utf8'));
const ledger = new LedgerFile(ledgerPath, { sync: true });
const rate = Number(rateText);
const PAD_MAX = 1500;
const AGAIN_MS = 20;
const SECOND_COPY_EVERY = 97;

let client;
let stopping = false;
let next = 0;
const started = performance.now();

process.on('message', (message) => {
    if (message.url) {
        client?.close();
        client = new Client({ url: message.url, key: topology.key });
    }
    stopping ||= message.stop === true;
});
process.on('disconnect', () => process.exit(1));

function makeEvent(n) {
    const app = topology.apps[randomInt(topology.apps.length)];
    const type = topology.types[randomInt(topology.types.length)];
    const data = { n, who: 'Zoë 漢字', pad: 'x'.repeat(randomInt(PAD_MAX)) };
    return { n, app: app.id, type, key: `load-${n}`, data };
}

async function post(event, at) {
    const { app, type, data, key } = event;
    return at.request('POST', `/api/v1/apps/${app}/events`, {
        body: { type, data },
        headers: { 'idempotency-key': key },
    });
}

// One request; its answer goes into the ledger. Gives true when the event needs no more tries.
async function attempt(event) {
    const { n } = event;
    const at = client;
    let answer;
    try {
        answer = await post(event, at);
    } catch (error) {
        await ledger.write({ k: 'error', n, t: Date.now(), why: error.code ?? error.message });
        return false;
    }
    const { status, json } = answer;
    if (status === 202) {
        await ledger.write({ k: 'acked', n, t: Date.now(), id: json.id, deliveries: json.deliveries });
        return true;
    }
    await ledger.write({ k: 'refused', n, t: Date.now(), status, code: json?.code });
    return false;
}

async function worker() {
    while (!stopping) {
        const due = started + (next * 1000) / rate;
        const n = next++;
        const early = due - performance.now();
        if (early > 0) {
            await pause(early);
        }
        const event = makeEvent(n);
        const { app, type, key, data } = event;
        await ledger.write({ k: 'sent', n, t: Date.now(), app, type, key, sha: sha256(JSON.stringify(data)) });
        const isGivenUp = n % 10 < 3;
        while (!(await attempt(event))) {
            if (isGivenUp) {
                break;
            }
            await pause(AGAIN_MS);
        }
        if (n % SECOND_COPY_EVERY === 0 && !isGivenUp) {
            await attempt(event);
        }
    }
}

while (!client) {
    await pause(AGAIN_MS);
}
await Promise.all(Array.from({ length: Number(workersText) }, worker));
ledger.flush();
process.send({ done: true, sent: next });
process.disconnect();
client.close();
process.exitCode = 0;
