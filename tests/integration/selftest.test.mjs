// SPDX-License-Identifier: Apache-2.0
//
// Tests of what the tests stand on: each of them must be able to fail.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Webhook } from 'standardwebhooks';
import Stripe from 'stripe';
import { Client } from '../lib/client.mjs';
import { Contract } from '../lib/contract.mjs';
import { Receiver } from '../lib/receiver.mjs';
import { sha256, verifyStandard, verifyTimestamped } from '../lib/verify.mjs';
import { waitFor, within } from '../lib/wait.mjs';
import { checkLedgers } from '../faults/ledger_check.mjs';

describe('waiting', () => {
    it('gives what was waited for, and an error after the deadline', async () => {
        let n = 0;
        assert.equal(await waitFor('three', () => ++n === 3 && 'here'), 'here');
        await assert.rejects(waitFor(() => `n is ${n}`, () => false, 30), /n is 3/);
        await assert.rejects(within('nothing', new Promise(() => {}), 20), /nothing/);
    });
});

describe('the receiver', () => {
    it('keeps what arrived and follows its script', async (t) => {
        const receiver = await Receiver.start();
        const client = new Client({ url: receiver.base, key: null });
        t.after(() => receiver.close());
        t.after(() => client.close());
        receiver.on('/a', [{ status: 500, body: 'no' }, { reset: true }, { status: 201, headers: { 'X-One': '1' } }]);
        const body = Buffer.from([0, 255, 10]);
        const one = await client.request('POST', '/a', { body, headers: { 'X-Case': 'Kept', 'content-type': 'x/y' } });
        assert.deepEqual([one.status, one.text], [500, 'no']);
        await assert.rejects(client.request('POST', '/a', { body }));
        const three = await client.request('POST', '/a', { body });
        assert.deepEqual([three.status, three.headers['x-one']], [201, '1']);
        assert.equal((await client.request('POST', '/a', { body })).status, 201, 'the last one repeats');
        const arrived = await receiver.wait('/a', 4);
        assert.ok(arrived[0].body.equals(body));
        assert.ok(arrived[0].rawHeaders.some(([name, value]) => name === 'X-Case' && value === 'Kept'));
        assert.deepEqual(arrived.map((entry) => entry.answered), [500, undefined, 201, 201]);
        receiver.on('/cut', { status: 200, body: 'half', cut: true });
        await assert.rejects(client.request('POST', '/cut', { body }));
    });
});

describe('our verifiers', () => {
    const secret = 'whsec_' + Buffer.alloc(32, 3).toString('base64');
    const body = Buffer.from('{"id":"evt_1","data":"ü"}');

    it('agree with the packages', () => {
        const now = new Date();
        const headers = {
            'webhook-id': 'evt_1',
            'webhook-timestamp': String(Math.floor(now / 1000)),
            'webhook-signature': new Webhook(secret).sign('evt_1', now, body.toString()),
        };
        assert.ok(verifyStandard(secret, headers, body));
        assert.ok(!verifyStandard(secret, headers, Buffer.from('{}')));
        assert.ok(!verifyStandard(secret, { ...headers, 'webhook-timestamp': '1' }, body));
        const stripe = new Stripe('sk_test_never_used');
        const header = stripe.webhooks.generateTestHeaderString({ payload: body.toString(), secret });
        assert.ok(verifyTimestamped(secret, header, body));
        assert.ok(!verifyTimestamped(secret, header, Buffer.from('{}')));
        assert.ok(!verifyTimestamped(secret + 'x', header, body));
    });
});

describe('the contract check', () => {
    const contract = new Contract({
        openapi: '3.1.0',
        paths: {
            '/a/{id}': {
                get: { responses: { 200: { $ref: '#/components/responses/A' }, 404: { description: 'x' } } },
                post: {
                    requestBody: { required: true, content: { 'application/json': { schema: { type: 'object', additionalProperties: false, properties: { n: { type: 'integer' } } } } } },
                    responses: { 202: { description: 'taken' } },
                },
            },
            '/a/list': { get: { responses: { 200: { description: 'x' } } } },
        },
        components: {
            responses: { A: { description: 'x', headers: { ETag: { required: true } }, content: { 'application/json': { schema: { $ref: '#/components/schemas/A' } } } } },
            schemas: { A: { type: 'object', required: ['id'], additionalProperties: false, properties: { id: { type: 'string' } } } },
        },
    });
    const answer = (method, path, status, json, more = {}) => ({
        method, path, status, json, text: json === undefined ? '' : JSON.stringify(json),
        headers: json === undefined ? {} : { 'content-type': 'application/json', etag: '"1"' }, ...more,
    });
    const body = (json) => ({ request: { bytes: Buffer.from(JSON.stringify(json)), headers: { 'content-type': 'application/json' } } });

    it('takes what fits', () => {
        assert.deepEqual(contract.check(answer('GET', '/a/1?x=2', 200, { id: 'x' })), []);
        assert.deepEqual(contract.check(answer('POST', '/a/1', 202, undefined, body({ n: 1 }))), []);
        assert.deepEqual(contract.check(answer('GET', '/nowhere', 404, { code: 'x' })), []);
        assert.equal(contract.find('GET', '/a/list').template, '/a/list');
    });

    it('refuses what does not', () => {
        const bad = [
            answer('GET', '/a/1', 200, { id: 7 }),
            answer('GET', '/a/1', 200, { id: 'x', more: 1 }),
            answer('GET', '/a/1', 200, { id: 'x' }, { headers: { 'content-type': 'application/json' } }),
            answer('GET', '/a/1', 200, { id: 'x' }, { headers: { 'content-type': 'text/html', etag: '1' } }),
            answer('GET', '/a/1', 500, {}),
            answer('GET', '/a/1', 404, { surprise: 1 }),
            answer('DELETE', '/a/1', 204),
            answer('GET', '/b', 200, {}),
            answer('POST', '/a/1', 202, undefined, body({ n: 'x' })),
            answer('POST', '/a/1', 202, undefined, body({ other: 1 })),
            answer('POST', '/a/1', 202),
        ];
        for (const one of bad) {
            assert.ok(contract.check(one).length > 0, `${one.method} ${one.path} ${one.status} ${one.text}`);
        }
    });
});

describe('the checker of the ledgers', () => {
    const dataSha = sha256('{}');
    const topology = {
        types: ['t.a'], delayMs: 1000, inFlightMax: 1,
        apps: [{ id: 'app', endpoints: [{ id: 'ep', path: '/e', types: ['t.a'] }] }, { id: 'other', endpoints: [{ id: 'ep2', path: '/o', types: ['t.a'] }] }],
    };
    const sent = (n) => ({ k: 'sent', n, t: 1000, app: 'app', type: 't.a', key: `k${n}`, sha: dataSha });
    const acked = (n, id = `evt${n}`) => ({ k: 'acked', n, t: 1010, id, deliveries: 1 });
    const came = (r, n, t, more = {}) => ({ k: 'received', r, t, path: '/e', event: `evt${n}`, delivery: `dlv${n}`, attempt: 1, sha: 'b', n,
        dataSha, isSame: true, isSigned: true, ...more });
    const answered = (r, t, status = 200) => ({ k: 'answered', r, t, status });
    const run = (generator, receiver, more = {}) =>
        checkLedgers({ generator, receiver, topology, open: [], listed: ['evt1'], ...more });
    const killed = { k: 'killed', n: 0, t: 1500 };

    it('takes a clean run and a duplicate across a kill', () => {
        assert.deepEqual(run([sent(1), acked(1)], [came(0, 1, 1020), answered(0, 1030)]).wrong, []);
        const across = run([sent(1), acked(1)], [came(0, 1, 1020), answered(0, 1030), killed, came(1, 1, 3000), answered(1, 3001)]);
        assert.deepEqual(across.wrong, []);
        assert.equal(across.figures.duplicates, 1);
        assert.deepEqual(run([sent(1), acked(1)], [], { open: [{ event_id: 'evt1', endpoint_id: 'ep' }] }).wrong, []);
        assert.deepEqual(run([sent(1)], [], { listed: [] }).wrong, [], 'not acknowledged, not delivered: legal');
    });

    it('finds what is wrong', () => {
        const ok = [came(0, 1, 1020), answered(0, 1030)];
        const bad = {
            'LOST': run([sent(1), acked(1)], []),
            'LOST: evt1': run([sent(1), acked(1)], [came(0, 1, 1020), answered(0, 1030, 500)]),
            'duplicate without a kill': run([sent(1), acked(1)], [...ok, came(1, 1, 3000), answered(1, 3001)]),
            'duplicates, at most': run([sent(1), acked(1)], [...ok, killed, came(1, 1, 2000), answered(1, 2001)], { topology: { ...topology, inFlightMax: 0 } }),
            'never sent': run([sent(1), acked(1)], [...ok, came(1, 2, 1040)]),
            'signature': run([sent(1), acked(1)], [came(0, 1, 1020, { isSigned: false }), answered(0, 1030)]),
            'data altered': run([sent(1), acked(1)], [came(0, 1, 1020, { dataSha: 'x' }), answered(0, 1030)]),
            'another app': run([sent(1), acked(1)], [...ok, came(1, 1, 1040, { path: '/o', delivery: 'd2' })]),
            'another body': run([sent(1), acked(1)], [came(0, 1, 1020), answered(0, 1030, 500), came(1, 1, 3000, { sha: 'c' }), answered(1, 3001)]),
            'made 2 events': run([sent(1), acked(1), acked(1, 'evt9')], ok, { listed: ['evt1', 'evt9'] }),
            'was refused': run([sent(1), { k: 'refused', n: 1, status: 409, code: 'x' }, acked(1)], ok),
            'not in the API': run([sent(1), acked(1)], ok, { listed: [] }),
            'twice': run([sent(1), acked(1)], ok, { listed: ['evt1', 'evt1'] }),
            'after the one before': run([sent(1), acked(1)], [came(0, 1, 1020), answered(0, 1030, 500), came(1, 1, 1100), answered(1, 1101)]),
        };
        for (const [word, { wrong }] of Object.entries(bad)) {
            assert.ok(wrong.some((sentence) => sentence.includes(word)), `${word}: ${JSON.stringify(wrong)}`);
        }
    });
});
