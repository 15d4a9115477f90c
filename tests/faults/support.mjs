// SPDX-License-Identifier: Apache-2.0
//
// What the fault tests share: a publisher that never gives up on a key, and the count of what came of it.
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from '../lib/client.mjs';
import { DEADLINE_MS, waitFor } from '../lib/wait.mjs';

const AGAIN_MS = 25;

export async function makeApp(server, slug, endpoints) {
    const app = await server.api.post('/api/v1/apps', { name: slug, slug });
    const made = [];
    for (const fields of endpoints) {
        made.push(await server.api.post(`/api/v1/apps/${app.id}/endpoints`, fields));
    }
    return { ...app, endpoints: made };
}

// Publishes with `workers` at once until stop(). Each event is repeated with its key until it is acknowledged.
// stop() gives Map(key -> event id). `server.url` is read anew at each try.
export function startPublisher(server, app, { workers = 8, type = 'load.alpha', pauseMs = 0, keyStem = 'key' } = {}) {
    const acked = new Map();
    const answers = new Map();
    let stopping = false;
    let next = 0;
    let client = new Client({ url: server.url, key: server.key });

    async function attempt(key, n) {
        if (client.url !== server.url && server.url) {
            client.close();
            client = new Client({ url: server.url, key: server.key });
        }
        try {
            const answer = await client.request('POST', `/api/v1/apps/${app.id}/events`, {
                body: { type, data: { n } },
                headers: { 'idempotency-key': key },
            });
            answers.set(answer.status, (answers.get(answer.status) ?? 0) + 1);
            if (answer.status === 202) {
                acked.set(key, answer.json.id);
                return true;
            }
            assert.ok([503, 507].includes(answer.status), `${answer.status} ${answer.text.slice(0, 200)}`);
        } catch (error) {
            if (error instanceof assert.AssertionError) {
                throw error;
            }
            answers.set('error', (answers.get('error') ?? 0) + 1);
        }
        return false;
    }

    async function worker() {
        while (!stopping) {
            const n = next++;
            const key = `${keyStem}-${n}`;
            while (!(await attempt(key, n))) {
                await pause(AGAIN_MS);
            }
            await pause(pauseMs);
        }
    }
    const all = Promise.all(Array.from({ length: workers }, worker));
    return {
        acked,
        answers,
        async stop() {
            stopping = true;
            await all;
            client.close();
            return acked;
        },
    };
}

// Which of the acknowledged events were not answered 2xx at that path.
export function missingAt(receiver, path, acked) {
    const there = new Set(
        receiver.at(path).filter((entry) => entry.answered < 300).map((entry) => entry.headers['webhook-id']),
    );
    return [...acked.values()].filter((id) => !there.has(id));
}

// Every acknowledged event arrived at the path and was answered 2xx.
export async function assertAllArrive(receiver, path, acked, deadlineMs = DEADLINE_MS * 3) {
    const missing = () => missingAt(receiver, path, acked);
    await waitFor(
        () => `all acknowledged events arrive; missing ${missing().length}, such as ${missing()[0]}`,
        () => missing().length === 0,
        deadlineMs,
    );
}

// Nothing is open any more, as the API sees it: every outcome is committed.
export async function assertDrained(server, app, deadlineMs = DEADLINE_MS * 3) {
    await waitFor('all deliveries come to their end', async () => {
        for (const status of ['pending', 'retrying']) {
            const { data } = await server.api.get(`/api/v1/apps/${app.id}/deliveries?status=${status}&limit=1`);
            if (data.length > 0) {
                return false;
            }
        }
        return true;
    }, deadlineMs);
}

// How many arrived again after they had been answered 2xx in full.
export function countDuplicates(receiver, path) {
    const answered = new Map();
    let duplicates = 0;
    for (const entry of receiver.at(path)) {
        const delivery = entry.headers['postern-delivery-id'];
        const before = answered.get(delivery);
        duplicates += before !== undefined && before <= entry.at ? 1 : 0;
        if (entry.answered < 300) {
            answered.set(delivery, entry.answeredAt);
        }
    }
    return duplicates;
}
