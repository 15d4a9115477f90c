// SPDX-License-Identifier: Apache-2.0
//
// Receivers that misbehave, through the whole server: each trick becomes its token, a healthy endpoint beside them
// is not slowed, memory stays flat.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { start as startHostile, tricks } from './lib/hostile.mjs';
import { startDns } from './lib/dns.mjs';
import { makeCerts } from './lib/certs.mjs';
import { isSanitized } from '../lib/postern.mjs';
import { waitFor } from '../lib/wait.mjs';
import { ENDED, headerPairs, makeApp, makeEndpoint, makeRoute, publish, useBoth, useServer, waitDelivery } from './support.mjs';

const TYPE = 'hostile.test';
const MIB = 1024 * 1024;
const HOST = 'hook.example.com';
const TIMEOUT_MS = 2000;
const OFF = { retry: { enabled: false }, timeout_ms: TIMEOUT_MS };
// Without a sanitizer, whose quarantine keeps what is freed.
const GROWTH_MAX = isSanitized() ? 512 * MIB : 64 * MIB;
const HEALTHY_MAX_MS = 2000;

const DELIVERED = 'delivered';
const HEADERS = 'http_response_header_section_size';
const SIZE = 'http_response_body_size';
const PROTOCOL = 'http_protocol_error';
const TIMEOUT = 'http_response_timeout';
const TERMINATED = 'connection_terminated';

const wanted = {
    '/endless-headers': [HEADERS],
    '/flood-100': [HEADERS, SIZE],
    '/flood-103': [HEADERS, SIZE],
    '/long-header-line': [HEADERS],
    '/many-header-lines': [HEADERS],
    '/ninety-header-lines': [DELIVERED],
    '/nul-in-header': [PROTOCOL],
    '/byte-ff-in-header': [DELIVERED],
    '/negative-length': [PROTOCOL],
    '/two-lengths': [DELIVERED],
    '/status-000': [PROTOCOL, 'status_invalid'],
    '/status-999': ['status_invalid', PROTOCOL],
    '/switching': ['http_upgrade_failed'],
    '/http09': [PROTOCOL],
    '/http10': [DELIVERED],
    '/garbage': [PROTOCOL],
    '/continue-first': [DELIVERED],
    '/endless-body': [DELIVERED, SIZE],
    '/endless-body-close': [DELIVERED, SIZE],
    '/huge-length': [DELIVERED, SIZE],
    '/body-of-5000': [DELIVERED],
    '/endless-trailers': [HEADERS, SIZE],
    '/endless-chunk-extension': [SIZE, HEADERS],
    '/bad-chunk': [PROTOCOL],
    '/short-body': [TERMINATED],
    '/gzip-bomb': [DELIVERED],
    '/silent': [TIMEOUT],
    '/drip-head': [TIMEOUT],
    '/drip-body': [TIMEOUT],
    '/close': [TERMINATED],
    '/reset': [TERMINATED],
    '/reset-after-head': [TERMINATED],
    '/keep-alive-dies': [DELIVERED],
    '/redirect': ['redirect'],
    '/redirect-loop': ['redirect'],
    '/retry-after': ['rate_limited'],
};

function outcome(delivery) {
    return delivery.status === 'delivered' ? DELIVERED : delivery.attempts[0].error;
}

describe('hostile receivers', () => {
    const both = useBoth();
    let api;
    let bad;

    before(async () => {
        ({ api } = both);
        bad = await startHostile();
    });
    after(() => bad.close());

    it('are all known here', () => {
        assert.deepEqual(Object.keys(tricks).sort(), Object.keys(wanted).sort());
    });

    it('become their tokens while a healthy endpoint is not slowed and memory stays flat', async () => {
        const healthy = await makeRoute(both, { status: 200 });
        await publish(api, healthy.app, TYPE, 'warm');
        await both.receiver.wait(healthy.path, 1);
        const before = both.server.residentBytes();
        const runs = await Promise.all(Object.keys(wanted).map(async (path) => {
            const app = await makeApp(api);
            await makeEndpoint(api, app, { url: bad.url(path), ...OFF });
            return { path, app, event: await publish(api, app, TYPE, { path }) };
        }));
        const late = [];
        let open = runs;
        let most = before;
        for (let n = 0; open.length > 0; n++) {
            const event = await publish(api, healthy.app, TYPE, { n });
            const sentAt = Date.now();
            const entry = await waitFor('the healthy delivery', () =>
                both.receiver.at(healthy.path).find((one) => one.headers['webhook-id'] === event.id));
            late.push(entry.at - sentAt);
            most = Math.max(most, both.server.residentBytes());
            const still = [];
            for (const run of open) {
                const [row] = (await api.get(`/api/v1/apps/${run.app.id}/deliveries`)).data;
                if (!row || !ENDED.includes(row.status)) {
                    still.push(run);
                }
            }
            open = still;
            assert.ok(n < 2000, `no end for ${open.map(({ path }) => path)}`);
        }
        for (const { path, app, event } of runs) {
            const delivery = await waitDelivery(api, app, event);
            assert.ok(wanted[path].includes(outcome(delivery)), `${path} became ${outcome(delivery)}, not ${wanted[path]}`);
        }
        late.sort((a, b) => a - b);
        console.log(`hostile: healthy median ${late[late.length >> 1]} ms, most ${late.at(-1)} ms, grown ${Math.round((most - before) / MIB)} MiB`);
        assert.ok(late[Math.floor(late.length * 0.95)] < HEALTHY_MAX_MS, `healthy deliveries took ${late.slice(-5)} ms`);
        assert.ok(most - before < GROWTH_MAX, `memory grew by ${(most - before) / MIB} MiB`);
    });

    it('get no second send that the log does not know', async () => {
        const app = await makeApp(api);
        await makeEndpoint(api, app, { url: bad.url('/keep-alive-dies'), retry: { schedule: [1], max_attempts: 5, jitter_percent: 0 } });
        const first = await publish(api, app, TYPE, 1);
        await waitDelivery(api, app, first, (d) => d.status === 'delivered');
        const second = await publish(api, app, TYPE, 2);
        const delivery = await waitDelivery(api, app, second, (d) => d.status === 'delivered');
        const seen = bad.requests.filter(({ headers }) => headers['webhook-id'] === second.id);
        assert.equal(seen.length, delivery.attempts.length, 'each request is an attempt of the log');
        assert.deepEqual(seen.map(({ headers }) => headers['postern-attempt']), delivery.attempts.map((a) => String(a.number)));
        if (delivery.attempts.length > 1) {
            assert.equal(delivery.attempts[0].error, TERMINATED);
        }
    });

    it('that redirect have their Location in the log', async () => {
        const app = await makeApp(api);
        await makeEndpoint(api, app, { url: bad.url('/redirect'), ...OFF });
        const delivery = await waitDelivery(api, app, await publish(api, app, TYPE, {}));
        const headers = new Map(headerPairs(delivery.attempts[0].response.headers));
        assert.equal(headers.get('location'), 'http://169.254.169.254/latest/');
        assert.equal(delivery.attempts.length, 1);
    });
});

describe('TLS receivers', () => {
    let api;
    let bad;
    let pki;
    let dns;
    const box = useServer(async () => {
        pki = await makeCerts(HOST);
        bad = await startHostile({ tls: pki.leaf });
        dns = await startDns({ [HOST]: { a: ['127.0.0.1'] } });
        return { args: ['--dns-server', dns.address, '--ca-file', pki.caFile, '--connect-timeout-ms', '1500'] };
    });
    before(() => {
        ({ api } = box);
    });
    after(() => Promise.all([bad.close(), dns.close(), pki.remove()]));

    const CERTIFICATE = 'tls_certificate_error';
    const TLS = 'tls_protocol_error';
    const cases = {
        good: [DELIVERED],
        expired: [CERTIFICATE],
        wrongName: [CERTIFICATE],
        selfSigned: [CERTIFICATE],
        incomplete: [CERTIFICATE],
        untrusted: [CERTIFICATE],
        oldTls: [TLS],
        stall: ['connection_timeout', TIMEOUT],
        plain: [TLS, 'connection_timeout'], // it waits for more of our hello
    };
    for (const [name, tokens] of Object.entries(cases)) {
        it(`${name}: ${tokens[0]}`, async () => {
            const app = await makeApp(api);
            await makeEndpoint(api, app, { url: `https://${HOST}:${bad.tlsPort[name]}/hook`, retry: { enabled: false }, timeout_ms: 5000 });
            const delivery = await waitDelivery(api, app, await publish(api, app, TYPE, { name }));
            assert.ok(tokens.includes(outcome(delivery)), `${name} became ${outcome(delivery)}`);
            if (name === 'good') {
                assert.ok(delivery.attempts[0].phases.tls > 0, JSON.stringify(delivery.attempts[0].phases));
            }
        });
    }

    it('by address are refused: the certificate names no address', async () => {
        const app = await makeApp(api);
        await makeEndpoint(api, app, { url: `https://127.0.0.1:${bad.tlsPort.good}/`, retry: { enabled: false }, timeout_ms: 5000 });
        const delivery = await waitDelivery(api, app, await publish(api, app, TYPE, {}));
        assert.equal(outcome(delivery), CERTIFICATE);
    });
});
