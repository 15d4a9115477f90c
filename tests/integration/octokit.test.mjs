// SPDX-License-Identifier: Apache-2.0
//
// Real input, real clients: every example payload of @octokit/webhooks-examples goes in by the API and comes
// out at a receiver that verifies it with the npm packages `standardwebhooks` and `stripe` from the raw body.
import assert from 'node:assert/strict';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createRequire } from 'node:module';
import { before, describe, it } from 'node:test';
import Stripe from 'stripe';
import { Webhook } from 'standardwebhooks';
import { waitFor } from '../lib/wait.mjs';
import { makeRoute, publish, useBoth, unique } from './support.mjs';

const stripe = new Stripe('sk_test_never_used');
const PUBLISHERS = 8;

function typeOf(name, payload) {
    const words = ['github', name, ...(typeof payload.action === 'string' ? [payload.action] : [])];
    return words.map((word) => word.toLowerCase().replace(/[^a-z0-9_]/g, '_')).join('.');
}

const examples = createRequire(import.meta.url)('@octokit/webhooks-examples');
const payloads = examples.flatMap(({ name, examples: list }) =>
    list.map((data) => ({ type: typeOf(name, data), data })),
);

// Both packages must take the raw bytes as they came.
function verifyWithPackages(secret, entry) {
    const text = entry.body.toString('utf8');
    const seen = new Webhook(secret).verify(text, {
        'webhook-id': entry.headers['webhook-id'],
        'webhook-timestamp': entry.headers['webhook-timestamp'],
        'webhook-signature': entry.headers['webhook-signature'],
    });
    const event = stripe.webhooks.constructEvent(entry.body, entry.headers['postern-signature'], secret);
    assert.equal(event.id, seen.id);
    return seen;
}

// The verifiers that the two product documents give to customers, with their own comparison and re-serialising.
function verifyLikePlatformSample(payload, signature, secret) {
    const hmac = createHmac('sha256', secret);
    hmac.update(JSON.stringify(payload));
    const digest = `sha256=${hmac.digest('hex')}`;
    return timingSafeEqual(Buffer.from(digest), Buffer.from(signature));
}

function verifyLikeTimestampedSample(rawBody, signatureHeader, secret) {
    const parts = signatureHeader.split(',').reduce((found, part) => {
        const [name, value] = part.split('=');
        found[name] = value;
        return found;
    }, {});
    assert.ok(Date.now() / 1000 - parseInt(parts.t) <= 300, 'too old');
    const expected = createHmac('sha256', secret).update(`${parts.t}.${rawBody}`).digest('hex');
    return timingSafeEqual(Buffer.from(expected), Buffer.from(parts.v1));
}

async function publishAll(api, app, list) {
    const answers = new Array(list.length);
    let next = 0;
    const one = async () => {
        while (next < list.length) {
            const at = next++;
            const { type, data } = list[at];
            answers[at] = await publish(api, app, type, data, {}, { 'idempotency-key': `${app.id}-${at}` });
        }
    };
    await Promise.all(Array.from({ length: PUBLISHERS }, one));
    return answers;
}

describe('example payloads of octokit', () => {
    const both = useBoth();
    let route;
    let answers;

    before(async () => {
        route = await makeRoute(both, { status: 204 });
        answers = await publishAll(both.api, route.app, payloads);
        await both.receiver.wait(route.path, payloads.length, 60_000);
    });

    it('has payloads', () => {
        assert.ok(payloads.length > 300, `${payloads.length} payloads`);
    });

    it('answers each with its own id, its type and one delivery', () => {
        assert.equal(new Set(answers.map((answer) => answer.id)).size, payloads.length);
        answers.forEach((answer, at) => {
            assert.equal(answer.type, payloads[at].type);
            assert.equal(answer.deliveries, 1);
        });
    });

    it('delivers each exactly once', async () => {
        const ids = both.receiver.at(route.path).map((entry) => entry.headers['webhook-id']);
        assert.deepEqual([...ids].sort(), answers.map((answer) => answer.id).sort());
        await waitFor('all of them are delivered in the log', async () => {
            const rows = await both.api.all(`${route.base}/deliveries`);
            return rows.length === payloads.length && rows.every((row) => row.status === 'delivered');
        });
        assert.equal(both.receiver.at(route.path).length, payloads.length);
    });

    it('is verified by standardwebhooks and by stripe, with equal data', () => {
        const wanted = new Map(answers.map((answer, at) => [answer.id, payloads[at]]));
        for (const entry of both.receiver.at(route.path)) {
            const seen = verifyWithPackages(route.endpoint.secret, entry);
            const { type, data } = wanted.get(entry.headers['webhook-id']);
            assert.deepEqual(Object.keys(seen), ['id', 'type', 'created_at', 'data']);
            assert.equal(seen.id, entry.headers['webhook-id']);
            assert.equal(seen.type, type);
            assert.ok(!Number.isNaN(Date.parse(seen.created_at)));
            assert.deepEqual(seen.data, data);
            assert.equal(entry.headers['content-type'], 'application/json');
            assert.match(entry.headers['user-agent'], /^Postern\/\d+\.\d+/);
            assert.equal(entry.headers['postern-event-type'], type);
            assert.equal(entry.headers['postern-attempt'], '1');
            assert.match(entry.headers['postern-delivery-id'], /^dlv_[0-9A-Za-z]{22}$/);
        }
    });

    it('is refused by both packages when one byte is changed', () => {
        const entry = both.receiver.at(route.path)[0];
        const bad = { ...entry, body: Buffer.from(entry.body) };
        bad.body[bad.body.length - 2] ^= 1;
        assert.throws(() => new Webhook(route.endpoint.secret).verify(bad.body.toString(), entry.headers));
        assert.throws(() =>
            stripe.webhooks.constructEvent(bad.body, entry.headers['postern-signature'], route.endpoint.secret));
    });

    it('passes the verifiers of both product documents where the event is ASCII', async () => {
        const fields = { signature_profiles: ['platform', 'timestamped'] };
        const platform = await makeRoute(both, { status: 200 }, fields);
        const ascii = payloads.filter(({ data }) => /^[\x20-\x7e]*$/.test(JSON.stringify(data)));
        assert.ok(ascii.length > 200, `${ascii.length} of them are ASCII`);
        await publishAll(both.api, platform.app, ascii);
        for (const entry of await both.receiver.wait(platform.path, ascii.length, 60_000)) {
            const raw = entry.body.toString('utf8');
            const { secret } = platform.endpoint;
            assert.ok(verifyLikePlatformSample(JSON.parse(raw), entry.headers['x-postern-signature'], secret));
            assert.ok(verifyLikeTimestampedSample(raw, entry.headers['postern-signature'], secret));
            assert.equal(entry.headers['x-postern-event'], JSON.parse(raw).type);
            assert.match(entry.headers['x-postern-delivery-id'], /^del_[0-9A-Za-z]{22}$/);
            assert.equal(entry.headers['webhook-signature'], undefined);
        }
    });

    // --- What the examples do not have.
    const LIMIT = 262_144;
    const odd = [
        ['non-ASCII text', '{"name":"Zoë 漢字 🚀 \u2028","ключ":"ﬀ"}'],
        ['one byte', '1'],
        ['an empty object', '{}'],
        ['null', 'null'],
        ['an array', '[1,"two",[3]]'],
        ['text', '"only text"'],
        ['data at the limit', JSON.stringify({ pad: 'x'.repeat(LIMIT - '{"pad":""}'.length) })],
        ['numbers beyond 2^53', '{"big":9007199254740993,"long":0.1234567890123456789012345,"exp":1E400,"neg":-0}'],
    ];
    for (const [name, raw] of odd) {
        it(`delivers ${name} as it was given`, async () => {
            const one = await makeRoute(both, { status: 200 });
            const answer = await both.api.request('POST', `${one.base}/events`, {
                body: `{"type":"odd.data","data":${raw}}`,
            });
            assert.equal(answer.status, 202, answer.text.slice(0, 300));
            const [entry] = await both.receiver.wait(one.path, 1);
            verifyWithPackages(one.endpoint.secret, entry);
            const text = entry.body.toString('utf8');
            assert.ok(text.includes(`"data":${raw}`), `data is the same text, but the body is ${text.slice(0, 300)}`);
        });
    }

    it('refuses data one byte over the limit', async () => {
        const one = await makeRoute(both, { status: 200 });
        const data = { pad: 'x'.repeat(LIMIT + 1 - '{"pad":""}'.length) };
        const answer = await both.api.request('POST', `${one.base}/events`, { body: { type: 'odd.data', data } });
        assert.equal(answer.status, 413, answer.text.slice(0, 300));
        assert.equal(answer.json.code, 'too_large');
        assert.equal(both.receiver.at(one.path).length, 0);
    });

    it('signs with the publisher-visible secret of each endpoint only', async () => {
        const [one, two] = [await makeRoute(both, { status: 200 }), await makeRoute(both, { status: 200 })];
        await publish(both.api, one.app, 'odd.data', { for: unique('one') });
        const [entry] = await both.receiver.wait(one.path, 1);
        assert.throws(() => new Webhook(two.endpoint.secret).verify(entry.body.toString(), entry.headers));
    });
});
