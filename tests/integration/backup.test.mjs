// SPDX-License-Identifier: Apache-2.0
//
// `postern backup`: a copy of a server that takes events all the time, started as a server of its own.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Postern, runPostern } from '../lib/postern.mjs';
import { makeRoute, publish, startBoth, waitDelivery } from './support.mjs';

describe('a backup', () => {
    it('of a running server holds all that was acknowledged before, and starts as a server', async (t) => {
        const both = await startBoth(t, { store: 'sqlite' });
        const { server, api } = both;
        const { app, path: at } = await makeRoute(both, { status: 200 });
        const events = [];
        for (let i = 0; i < 20; i++) {
            events.push(await publish(api, app, 'backup.test', { i }));
        }
        await both.receiver.wait(at, 20);
        await waitDelivery(api, app, events[19]);
        const folder = mkdtempSync(path.join(os.tmpdir(), 'postern-backup.'));
        t.after(() => rmSync(folder, { recursive: true, force: true }));
        const dest = path.join(folder, 'copy.db');
        let busy = true;
        const load = (async () => {
            while (busy) {
                await publish(api, app, 'backup.test', {});
            }
        })();
        const made = await runPostern(['backup', '--data', server.dir, dest]);
        busy = false;
        await load;
        assert.equal(made.code, 0, made.stderr);
        assert.match(made.stderr, /is whole: \d+ events/);
        assert.match(made.stderr, /key file is not in it/);
        assert.deepEqual(readdirSync(folder), ['copy.db']);
        assert.equal(statSync(dest).mode & 0o777, 0o600);
        const again = await runPostern(['backup', '--data', server.dir, dest]);
        assert.notEqual(again.code, 0, 'never over a file that is there');

        renameSync(dest, path.join(folder, 'postern.db'));
        await assert.rejects(Postern.start({ dir: folder, store: 'sqlite' }), /ended at start/, 'not without its key');
        copyFileSync(path.join(server.dir, 'postern.key'), path.join(folder, 'postern.key'));
        const restored = await Postern.start({ dir: folder, store: 'sqlite' });
        t.after(() => restored.close());
        for (const event of events) {
            const seen = await restored.api.get(`/api/v1/apps/${app.id}/events/${event.id}`);
            assert.equal(seen.deliveries.length, 1);
        }
    });

    it('says what to use with PostgreSQL, and what is missing', async (t) => {
        const folder = mkdtempSync(path.join(os.tmpdir(), 'postern-backup.'));
        t.after(() => rmSync(folder, { recursive: true, force: true }));
        const dest = path.join(folder, 'x.db');
        const postgres = await runPostern(['backup', '--database', 'postgres://localhost/x', dest]);
        assert.equal(postgres.code, 2);
        assert.match(postgres.stderr, /pg_dump/);
        const none = await runPostern(['backup', '--data', folder, dest]);
        assert.equal(none.code, 4, none.stderr);
        assert.ok(!existsSync(dest));
        assert.equal((await runPostern(['backup'])).code, 2);
        assert.match((await runPostern(['backup', '--help'])).stdout, /key file is not in it/);
    });
});
