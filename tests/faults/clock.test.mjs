// SPDX-License-Identifier: Apache-2.0
//
// The wall clock goes back an hour between two runs: ids still sort, what is new is delivered, and what was due
// keeps its time on the clock (it comes later, and is not lost).
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { spawnSync } from 'node:child_process';
import { Postern } from '../lib/postern.mjs';
import { Receiver } from '../lib/receiver.mjs';
import { waitFor } from '../lib/wait.mjs';
import { assertAllArrive, makeApp } from './support.mjs';

const HOUR_MS = 3_600_000;
const skip = spawnSync('faketime', ['--version']).error !== undefined && 'faketime is not installed';

// faketime goes before the sanitizer in the list of libraries, which the sanitizer minds unless told not to.
const ENV = {
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:verify_asan_link_order=0`,
};

describe('the clock goes back', { skip }, () => {
    it('an hour at a restart', async (t) => {
        const receiver = await Receiver.start();
        t.after(() => receiver.close());
        receiver.on('/once', [{ status: 500 }, { status: 200 }]);
        const before = await Postern.start({ wrap: ['faketime', '-f', '+1h'], env: ENV });
        t.after(() => before.close());
        const app = await makeApp(before, 'clock', [
            { url: receiver.url('/fine') },
            { url: receiver.url('/once'), event_types: ['retry.later'], retry: { schedule: [60], jitter_percent: 0 } },
        ]);
        const where = `/api/v1/apps/${app.id}`;
        const retried = await before.api.post(`${where}/events`, { type: 'retry.later', data: 1 });
        const waiting = await waitFor('its first attempt', async () =>
            (await before.api.get(`${where}/deliveries?event=${retried.id}&status=retrying`)).data[0]);
        assert.ok(Date.parse(waiting.created_at) > Date.now() + HOUR_MS / 2, 'the clock was ahead');
        await before.kill();

        const after = new Postern({ dir: before.dir, databaseUrl: before.database?.url });
        t.after(() => after.close());
        await after.launch();
        const fresh = new Map();
        for (const key of ['a', 'b', 'c']) {
            fresh.set(key, (await after.api.post(`${where}/events`, { type: 'load.alpha', data: key })).id);
        }
        await assertAllArrive(receiver, '/fine', fresh);
        const ids = (await after.api.all(`${where}/events?order=asc`)).map((event) => event.id);
        assert.deepEqual(ids, [retried.id, ...fresh.values()], 'in the order of acceptance');
        assert.deepEqual([...ids].sort(), ids, 'and so do the ids');
        const [still] = (await after.api.get(`${where}/deliveries?event=${retried.id}&status=retrying`)).data;
        assert.equal(still.next_attempt_at, waiting.next_attempt_at, 'due when it was due');
        await after.api.post(`${where}/deliveries/${still.id}/retry`);
        await waitFor('a person need not wait', async () =>
            (await after.api.get(`${where}/deliveries/${still.id}`)).status === 'delivered');
        after.check();
    });
});
