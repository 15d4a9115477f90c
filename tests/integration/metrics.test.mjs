// SPDX-License-Identifier: Apache-2.0
//
// /metrics: its form, what docs/metrics.md promises, and what the numbers are made of.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { waitFor } from '../lib/wait.mjs';
import { makeApp, makeRoute, publish, unique, useBoth, waitDelivery } from './support.mjs';

// `value` is that of the first label.
const LINE = /^([a-z_]+)(?:\{([a-z]+)="([^"\\\n]*)"(?:,[a-z]+="[^"\\\n]*")*\})? ([0-9]+(?:\.[0-9]+)?)$/;

// {name -> {type, samples: [{name, label, value, n}]}}; throws where the text is not of the form.
function parse(text) {
    const families = new Map();
    let family;
    assert.ok(text.endsWith('\n'));
    for (const line of text.trimEnd().split('\n')) {
        const help = /^# HELP ([a-z_]+) (\S.*)$/.exec(line);
        const type = /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/.exec(line);
        if (help) {
            assert.ok(!families.has(help[1]), `${help[1]} twice`);
            families.set(help[1], (family = { name: help[1], samples: [] }));
        } else if (type) {
            assert.equal(type[1], family.name);
            family.type = type[2];
        } else {
            const sample = LINE.exec(line);
            assert.ok(sample, `this is no sample: ${line}`);
            const [, name, label, value, n] = sample;
            const suffixes = family.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
            assert.ok(suffixes.some((suffix) => name === family.name + suffix), line);
            family.samples.push({ name, label, value, n: Number(n) });
        }
    }
    return families;
}

describe('metrics', () => {
    const both = useBoth();
    const read = async () => parse((await both.api.request('GET', '/metrics', { headers: { accept: 'text/plain' } })).text);

    it('are what docs/metrics.md says, no more and no less', async () => {
        const families = await read();
        const documented = new Set();
        const text = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
        for (const [name] of text.matchAll(/postern_[a-z_]+/g)) {
            documented.add(name.replace(/^(postern_attempt_duration_seconds)_count$/, '$1'));
        }
        assert.deepEqual([...families.keys()].sort(), [...documented].sort());
        for (const [name, { type, samples }] of families) {
            assert.ok(samples.length > 0, name);
            assert.ok(type !== 'counter' || name.endsWith('_total'), `${name} is a counter`);
        }
    });

    it('count by type and by app, and the times of attempts', async () => {
        const { api } = both;
        const route = await makeRoute(both, { status: 200 });
        const type = 'metrics.some';
        for (let i = 0; i < 3; i++) {
            await waitDelivery(api, route.app, await publish(api, route.app, type, {}));
        }
        both.receiver.on(route.path, { status: 404 });
        await waitDelivery(api, route.app, await publish(api, route.app, type, {}));
        const families = await read();
        const of = (name, value) => families.get(name).samples.find((sample) => sample.value === value)?.n;
        assert.equal(of('postern_events_enqueued_total', type), 4);
        assert.equal(of('postern_app_events_total', route.app.id), 4);
        assert.equal(of('postern_app_attempts_total', route.app.id), 4);
        assert.equal(of('postern_app_attempts_failed_total', route.app.id), 1);
        const histogram = families.get('postern_attempt_duration_seconds').samples;
        const buckets = histogram.filter(({ name }) => name.endsWith('_bucket'));
        assert.deepEqual(buckets.map(({ n }) => n), buckets.map(({ n }) => n).sort((a, b) => a - b), 'cumulative');
        assert.equal(buckets.at(-1).value, '+Inf');
        assert.equal(buckets.at(-1).n, histogram.at(-1).n);
        assert.equal(histogram.at(-1).n, 4);
    });

    it('show how much waits', async () => {
        const { api } = both;
        const route = await makeRoute(both, { status: 200 });
        await api.post(`${route.base}/endpoints/${route.endpoint.id}/pause`);
        const before = (await read()).get('postern_queue_depth').samples[0].n;
        await publish(api, route.app, 'metrics.waits', {});
        await waitFor('the depth', async () => (await read()).get('postern_queue_depth').samples[0].n === before + 1);
    });

    it('bound their labels', async () => {
        const { api } = both;
        for (let i = 0; i < 55; i++) {
            const app = await makeApp(api, {});
            await publish(api, app, `metrics.${unique('type').replaceAll('-', '_')}`, {});
        }
        const families = await read();
        for (const [name, total] of [['postern_events_enqueued_total', 60], ['postern_app_events_total', 60]]) {
            const { samples } = families.get(name);
            assert.equal(samples.length, 51, name);
            assert.equal(samples.at(-1).value, 'other');
            assert.equal(samples.reduce((sum, { n }) => sum + n, 0), total, name);
        }
    });
});
