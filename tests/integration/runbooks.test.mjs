// SPDX-License-Identifier: Apache-2.0
//
// What stands in docs/runbooks and packaging is true: each command runs, each metric exists, each alert has its page.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { ADMIN_KEY, BIN, cleanEnv } from '../lib/postern.mjs';
import { makeRoute, publish, useBoth, waitDelivery } from './support.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const RUNBOOKS = path.join(ROOT, 'docs/runbooks');
const read = (name) => readFileSync(path.join(ROOT, name), 'utf8');

function commandsOf(text) {
    return [...text.matchAll(/^( *)```sh\n([\s\S]*?)\n\1```/gm)].map(([, , body]) => body.replace(/^ {3}/gm, ''));
}

describe('runbooks', () => {
    const both = useBoth();
    let env;
    let bin;

    before(async () => {
        const { app, endpoint } = await makeRoute(both, { status: 500 }, { retry: { schedule: [1], max_attempts: 1 } });
        const delivery = await waitDelivery(both.api, app, await publish(both.api, app, 'invoice.paid', {}));
        bin = mkdtempSync('/tmp/postern-bin-');
        symlinkSync(BIN, path.join(bin, 'postern'));
        env = cleanEnv({ POSTERN_URL: both.server.url, POSTERN_KEY: ADMIN_KEY, POSTERN_APP: app.id, ENDPOINT: endpoint.id,
            DELIVERY: delivery.id, PATH: `${bin}:${process.env.PATH}` });
    });
    after(() => rmSync(bin, { recursive: true }));

    function run(command) {
        return new Promise((resolve) => {
            const child = spawn('bash', ['-euo', 'pipefail', '-c', command], { env, stdio: ['ignore', 'pipe', 'pipe'] });
            let out = '';
            child.stdout.on('data', (part) => (out += part));
            child.stderr.on('data', (part) => (out += part));
            child.on('close', (code) => resolve({ code, out }));
        });
    }

    for (const name of readdirSync(RUNBOOKS).sort()) {
        it(`${name}: each command runs`, async () => {
            const commands = commandsOf(readFileSync(path.join(RUNBOOKS, name), 'utf8'));
            assert.ok(commands.length > 0, 'a runbook says what to do');
            for (const command of commands) {
                const { code, out } = await run(command);
                assert.equal(code, 0, `${command}\n${out}`);
            }
        });
    }

    it('each alert has its page', async () => {
        const { data } = await both.api.get('/api/v1/alerts');
        assert.ok(data.length >= 6);
        for (const { runbook } of data) {
            assert.ok(existsSync(path.join(ROOT, runbook)), runbook);
        }
    });

    it('each metric of the Prometheus rules and of the four Grafana boards exists', async () => {
        const { text } = await both.api.request('GET', '/metrics');
        const known = new Set([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name]) => name));
        const rules = parse(read('packaging/prometheus/postern-alerts.yml')).groups.flatMap((group) => group.rules);
        const boards = readdirSync(path.join(ROOT, 'packaging/grafana'));
        assert.equal(boards.length, 4);
        const queries = rules.map((rule) => rule.expr);
        for (const board of boards) {
            const { panels } = JSON.parse(read(`packaging/grafana/${board}`));
            queries.push(...panels.flatMap((panel) => panel.targets.map((target) => target.expr)));
        }
        assert.ok(queries.length > 30);
        for (const query of queries) {
            const names = query.match(/postern_[a-z0-9_]+/g) ?? [];
            assert.ok(names.length > 0, query);
            for (const name of names) {
                const base = name.replace(/_(bucket|sum|count)$/, '');
                assert.ok(known.has(name) || known.has(base), `${name} of ${query}`);
            }
        }
        for (const rule of rules) {
            const runbook = rule.annotations.runbook;
            assert.ok(runbook.includes('{{') || existsSync(path.join(ROOT, runbook)), runbook);
        }
    });
});
