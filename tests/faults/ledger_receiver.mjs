// SPDX-License-Identifier: Apache-2.0
//
// A receiver in a process of its own. It writes each request into its own ledger before it answers, and the answer
// once it is out in full. By the delivery's id some first attempts fail, some answers are slow, some are resets.
//
//   ledger_receiver.mjs TOPOLOGY LEDGER
//
// Parent to us: {topology: true} it is written now; {killed: n} answered once all that the killed process had sent is
// taken, with a line `killed` in the ledger; {stop: true}.
import http from 'node:http';
import { readFileSync } from 'node:fs';
import { sha256, verifyStandard, verifyTimestamped } from '../lib/verify.mjs';
import { LedgerFile } from './ledger_file.mjs';

const [topologyPath, ledgerPath] = process.argv.slice(2);
const ledger = new LedgerFile(ledgerPath);
const SLOW_MS = 120;
const LOOK_MS = 2;
let secrets = new Map();
let received = 0;

function isSigned(path, headers, body) {
    const secret = secrets.get(path);
    return (
        secret !== undefined &&
        verifyStandard(secret, headers, body) &&
        verifyTimestamped(secret, headers['postern-signature'], body)
    );
}

// What this delivery is answered, settled by its id: the same in every run of the receiver.
function plan(delivery, attempt) {
    const dice = parseInt(sha256(delivery).slice(0, 4), 16) % 100;
    if (attempt === 1 && dice < 8) {
        return dice < 6 ? { status: 500 } : { reset: true };
    }
    return { status: 200, delayMs: dice >= 90 ? SLOW_MS : 0 };
}

function describe(request, body) {
    let json = {};
    try {
        json = JSON.parse(body.toString('utf8'));
    } catch {
        // data stays undefined and the checker says so
    }
    return {
        path: request.url,
        event: request.headers['webhook-id'],
        delivery: request.headers['postern-delivery-id'],
        attempt: Number(request.headers['postern-attempt']),
        sha: sha256(body),
        n: json.data?.n,
        dataSha: sha256(JSON.stringify(json.data) ?? ''),
        isSame: json.id === request.headers['webhook-id'] && json.type === request.headers['postern-event-type'],
        isSigned: isSigned(request.url, request.headers, body),
    };
}

async function take(request, response, body) {
    const r = received++;
    const line = describe(request, body);
    await ledger.write({ k: 'received', r, t: Date.now(), ...line });
    const answer = plan(line.delivery ?? '', line.attempt);
    if (answer.reset) {
        request.socket.resetAndDestroy();
        return;
    }
    if (answer.delayMs) {
        await new Promise((resolve) => setTimeout(resolve, answer.delayMs));
    }
    response.on('finish', () => ledger.write({ k: 'answered', r, t: Date.now(), status: answer.status }));
    response.writeHead(answer.status, { 'content-length': 2 });
    response.end('ok');
}

const server = http.createServer({ keepAliveTimeout: 30_000 }, (request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('error', () => {});
    response.on('error', () => {});
    request.on('end', () => take(request, response, Buffer.concat(parts)));
});

// The kernel has closed the sockets of the killed process; what it sent before is still read first.
async function tellWhenQuiet(n) {
    while ((await new Promise((resolve) => server.getConnections((_, count) => resolve(count)))) > 0) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    await ledger.write({ k: 'killed', n, t: Date.now() });
    process.send({ quiet: n });
}

process.on('message', (message) => {
    if (message.killed !== undefined) {
        tellWhenQuiet(message.killed);
    }
    if (message.topology) {
        const { apps } = JSON.parse(readFileSync(topologyPath, 'utf8'));
        secrets = new Map(apps.flatMap(({ endpoints }) => endpoints.map(({ path, secret }) => [path, secret])));
        process.send({ loaded: true });
    }
    if (message.stop) {
        server.closeAllConnections?.();
        server.close();
        ledger.flush();
        process.send({ done: true, received });
        process.disconnect();
    }
});
process.on('disconnect', () => process.exit());
server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () => process.send({ port: server.address().port }));
