// SPDX-License-Identifier: Apache-2.0
//
// The checker of a crash run: it reads the ledgers of generator and receiver, the topology and what the API said at
// the end, and nothing else. A line `killed` of the receiver's ledger parts what one process sent from what the next did.
//
//   lost        acknowledged, but neither answered 2xx by the receiver nor listed as open or failed by the API
//   duplicate   arrived after this receiver had answered 2xx in full; legal only across a kill, and per kill at
//               most as many as attempts can be in flight (frame sent, outcome not committed)

const EARLY_MS = 60;

function indexReceived(lines) {
    const received = new Map();
    let life = 0;
    for (const line of lines) {
        if (line.k === 'received') {
            received.set(line.r, { ...line, life });
        } else if (line.k === 'answered') {
            Object.assign(received.get(line.r), { status: line.status, answeredAt: line.t });
        } else {
            life++;
        }
    }
    return { received: [...received.values()], kills: life };
}

function indexSent(lines) {
    const sent = new Map();
    for (const line of lines) {
        if (line.k === 'sent') {
            sent.set(line.n, { ...line, ids: new Set(), isAcked: false, refusals: [] });
        } else if (line.k === 'acked') {
            const event = sent.get(line.n);
            event.isAcked = true;
            event.ids.add(line.id);
            event.deliveries = line.deliveries;
        } else if (line.k === 'refused') {
            sent.get(line.n).refusals.push(line);
        }
    }
    return sent;
}

function is2xx(entry) {
    return entry.answeredAt !== undefined && entry.status >= 200 && entry.status < 300;
}

function groupBy(list, keyOf) {
    const groups = new Map();
    for (const item of list) {
        const key = keyOf(item);
        groups.set(key, [...(groups.get(key) ?? []), item]);
    }
    return groups;
}

// I2: nothing arrives that was not sent, nothing altered, nothing of another app, all signed.
function checkReceived(received, sent, endpoints, wrong) {
    const bodies = new Map();
    for (const entry of received) {
        const event = sent.get(entry.n);
        const endpoint = endpoints.get(entry.path);
        const about = `event ${entry.event} (n ${entry.n}) at ${entry.path}, attempt ${entry.attempt}`;
        if (!event || !endpoint) {
            wrong.push(`never sent: ${about}`);
            continue;
        }
        if (!entry.isSigned) wrong.push(`signature: ${about}`);
        if (!entry.isSame) wrong.push(`id or type of body and headers differ: ${about}`);
        if (event.sha !== entry.dataSha) wrong.push(`data altered: ${about}`);
        if (endpoint.app !== event.app) wrong.push(`of another app: ${about}`);
        if (!endpoint.types.includes(event.type)) wrong.push(`not subscribed: ${about}`);
        if ((bodies.get(entry.event) ?? entry.sha) !== entry.sha) wrong.push(`another body than before: ${about}`);
        bodies.set(entry.event, entry.sha);
        event.ids.add(entry.event);
    }
}

// I4: one key, one event. And only refusals that a client may meet.
function checkKeys(sent, wrong) {
    for (const event of sent.values()) {
        if (event.ids.size > 1) {
            wrong.push(`key ${event.key} made ${event.ids.size} events: ${[...event.ids]}`);
        }
        for (const { status, code } of event.refusals.filter((line) => ![503, 507].includes(line.status))) {
            wrong.push(`key ${event.key} was refused with ${status} ${code}`);
        }
    }
}

// I1: each acknowledged event is at each endpoint that it was for.
function checkLost(sent, received, topology, open, wrong) {
    const delivered = new Set(received.filter(is2xx).map((entry) => `${entry.event} ${entry.path}`));
    const known = new Set(open.map((row) => `${row.event_id} ${row.endpoint_id}`));
    let lost = 0;
    for (const event of sent.values()) {
        if (!event.isAcked) {
            continue;
        }
        const [id] = event.ids;
        const wanted = topology.apps.find((app) => app.id === event.app).endpoints
            .filter((endpoint) => endpoint.types.includes(event.type));
        if (event.deliveries !== wanted.length) {
            wrong.push(`${id}: answered ${event.deliveries} deliveries, ${wanted.length} were due`);
        }
        for (const endpoint of wanted) {
            if (!delivered.has(`${id} ${endpoint.path}`) && !known.has(`${id} ${endpoint.id}`)) {
                lost++;
                wrong.push(`LOST: ${id} (n ${event.n}, ${event.type}) at ${endpoint.path}`);
            }
        }
    }
    return lost;
}

// I3 and I5: what arrives again, and when. Gives the duplicates behind each kill.
function checkAgain(received, kills, delayMs, wrong) {
    const perKill = new Array(kills).fill(0);
    for (const [delivery, entries] of groupBy(received, (entry) => entry.delivery)) {
        for (let i = 1; i < entries.length; i++) {
            const [before, now] = [entries[i - 1], entries[i]];
            const isSameLife = before.life === now.life;
            if (entries.slice(0, i).some((entry) => is2xx(entry) && entry.answeredAt <= now.t)) {
                if (isSameLife) {
                    wrong.push(`duplicate without a kill: ${delivery} at ${now.path}, attempt ${now.attempt}`);
                } else {
                    perKill[before.life]++;
                }
            } else if (isSameLife && before.answeredAt !== undefined && now.t - before.answeredAt < delayMs - EARLY_MS) {
                wrong.push(`attempt ${now.attempt} of ${delivery} came ${now.t - before.answeredAt} ms after the one before`);
            }
        }
    }
    return perKill;
}

export function checkLedgers({ generator, receiver, topology, open, listed }) {
    const wrong = [];
    const sent = indexSent(generator);
    const { received, kills } = indexReceived(receiver);
    const endpoints = new Map(
        topology.apps.flatMap((app) => app.endpoints.map((endpoint) => [endpoint.path, { ...endpoint, app: app.id }])),
    );
    checkReceived(received, sent, endpoints, wrong);
    checkKeys(sent, wrong);
    const lost = checkLost(sent, received, topology, open, wrong);
    const perKill = checkAgain(received, kills, topology.delayMs, wrong);
    const bound = topology.inFlightMax;
    perKill.forEach((count, at) => {
        if (count > bound) wrong.push(`kill ${at}: ${count} duplicates, at most ${bound} attempts were in flight`);
    });
    const acked = [...sent.values()].filter((event) => event.isAcked);
    const inApi = new Set(listed);
    if (inApi.size !== listed.length) wrong.push(`the API lists ${listed.length - inApi.size} events twice`);
    for (const event of sent.values()) {
        for (const id of event.ids) {
            if (!inApi.has(id)) wrong.push(`${id} is not in the API's list of events`);
        }
    }
    return {
        wrong,
        figures: {
            sent: sent.size,
            acked: acked.length,
            listed: listed.length,
            arrived: received.length,
            kills,
            lost,
            duplicates: perKill.reduce((sum, count) => sum + count, 0),
            duplicates_of_one_kill_max: Math.max(0, ...perKill),
            in_flight_max: bound,
        },
    };
}
