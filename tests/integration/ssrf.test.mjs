// SPDX-License-Identifier: Apache-2.0
//
// Nothing leaves for a private address: URLs that are refused when they are saved, and names whose answers are judged
// when they are used, with a DNS server of our own. (Every row of the address tables is a unit test of the guard.)
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startDns } from './lib/dns.mjs';
import { Receiver } from '../lib/receiver.mjs';
import { assertProblem, makeApp, makeEndpoint, publish, useServer, waitDelivery } from './support.mjs';

const TYPE = 'guard.test';
const PROHIBITED = 'destination_ip_prohibited';

const refusedUrls = [
    'http://127.0.0.1/', 'https://127.0.0.1/', 'https://127.1/', 'https://0x7f.1/', 'https://0x7f000001/', 'https://2130706433/',
    'https://0177.0.0.1/', 'https://%31%32%37.0.0.1/', 'https://127.0.0.1./', 'https://0/', 'https://0.0.0.0/',
    'https://10.0.0.1/', 'https://172.16.0.1/', 'https://172.31.255.255/', 'https://192.168.1.1/', 'https://100.64.0.1/',
    'https://169.254.169.254/latest/meta-data/', 'https://100.100.100.200/', 'https://168.63.129.16/', 'https://192.0.2.1/',
    'https://198.18.0.1/', 'https://224.0.0.1/', 'https://240.0.0.1/', 'https://255.255.255.255/',
    'https://[::1]/', 'https://[::]/', 'https://[::ffff:127.0.0.1]/', 'https://[::ffff:7f00:1]/', 'https://[0:0:0:0:0:ffff:127.0.0.1]/',
    'https://[fe80::1]/', 'https://[fe80::1%25eth0]/', 'https://[fc00::1]/', 'https://[fd00:ec2::254]/', 'https://[64:ff9b::7f00:1]/',
    'https://[2002:7f00:1::]/', 'https://[2001:0:7f00:1::]/', 'https://[ff02::1]/', 'https://[2001:db8::1]/',
    'https://localhost/', 'https://LOCALHOST/', 'https://localhost./', 'https://foo.localhost/', 'https://printer.local/',
    'https://db.internal/', 'https://metadata.google.internal/', 'https://intranet/', 'https://nas.lan/', 'https://x.home.arpa/', 'https://x.onion/',
    'https://user@example.com/', 'https://user:pass@example.com/', 'https://example.com:80\\@127.0.0.1/', 'https://example.com\\.evil.com/',
    'https:///127.0.0.1/', 'https://', 'https:example.com', '//example.com/', 'example.com', 'ftp://example.com/', 'file:///etc/passwd',
    'gopher://example.com/', 'javascript:alert(1)', 'https://example.com:0/', 'https://example.com:65536/', 'https://example.com:22/',
    'https://example.com:25/', 'https://example.com:port/', 'https://exa mple.com/', 'https://example.com/\r\nX: y', 'https://example.com/\u0000',
    'https://１２７.０.０.１/', 'https://①②⑦.⓪.⓪.①/', 'https://127。0。0。1/', 'https://ｌｏｃａｌｈｏｓｔ/', 'https://example..com/',
    'https://1.2.3.4.5/', 'https://1.2.3/', 'https://1.2.3.256/', 'https://example.com.0x7f/', 'https://' + 'a'.repeat(64) + '.com/',
    'https://example.com/' + 'a'.repeat(2100), 'https://[::1', 'https://]/', 'https://example.com#@127.0.0.1/x\\',
];
const takenUrls = {
    'https://example.com/hook': undefined,
    'https://EXAMPLE.com': undefined,
    'https://example.com./hook': undefined,
    'https://sub.example.co.uk:8443/a/b?c=d': undefined,
    'https://93.184.216.34/': undefined,
    'https://[2606:2800:220:1:248:1893:25c8:1946]/': undefined,
    'https://bücher.example.com/': undefined,
};

describe('URLs', () => {
    const box = useServer({ dev: false });
    let api;

    before(async () => {
        ({ api } = box);
    });

    it('to private places and in odd spellings are refused when they are saved', async () => {
        const app = await makeApp(api);
        const where = `/api/v1/apps/${app.id}/endpoints`;
        const known = await makeEndpoint(api, app, { url: 'https://example.com/' });
        for (const url of refusedUrls) {
            const calls = [['POST', where], ['PATCH', `${where}/${known.id}`], ['PUT', `${where}/${known.id}`]];
            for (const [method, path] of calls) {
                const answer = await api.request(method, path, { body: { url } });
                const problem = assertProblem(answer, 422, ['url_refused', 'invalid_field']);
                assert.ok(problem.errors.some(({ pointer }) => pointer === '/url'), `${url}: ${answer.text}`);
            }
        }
        assert.equal((await api.get(`${where}/${known.id}`)).url, 'https://example.com/');
        assert.equal((await api.get(where)).data.length, 1);
    });

    it('to public places are taken', async () => {
        const app = await makeApp(api);
        for (const url of Object.keys(takenUrls)) {
            const answer = await api.request('POST', `/api/v1/apps/${app.id}/endpoints`, { body: { url } });
            assert.equal(answer.status, 201, `${url}: ${answer.text}`);
        }
    });

    it('with http are refused without the setting, whatever the host', async () => {
        const app = await makeApp(api);
        const answer = await api.request('POST', `/api/v1/apps/${app.id}/endpoints`, { body: { url: 'http://example.com/' } });
        assertProblem(answer, 422, 'url_refused');
    });
});

describe('names', () => {
    let api;
    let receiver;
    let dns;
    let port;
    let proxied;
    const box = useServer(async () => {
        receiver = await Receiver.start();
        proxied = await Receiver.start();
        port = receiver.port;
        dns = await startDns({
            'ok.example.com': { a: ['127.0.0.1'] },
            'private.example.com': { a: ['10.0.0.1'] },
            'loop2.example.com': { a: ['127.0.0.2'] },
            'metadata.example.com': { a: ['169.254.169.254'] },
            'zero.example.com': { a: ['0.0.0.0'] },
            'multi.example.com': { a: ['127.0.0.1', '10.0.0.1'] },
            'multi-reversed.example.com': { a: ['10.0.0.1', '127.0.0.1'] },
            'both-families.example.com': { a: ['127.0.0.1'], aaaa: ['::1'] },
            'mapped.example.com': { aaaa: ['::ffff:127.0.0.1'.replace('127.0.0.1', '7f00:1')] },
            'nat64.example.com': { aaaa: ['64:ff9b::7f00:1'] },
            'six.example.com': { aaaa: ['fd00::1'] },
            'alias.example.com': { cname: 'private.example.com' },
            'alias-ok.example.com': { cname: 'ok.example.com' },
            'nothing.example.com': { rcode: 'NXDOMAIN' },
            'broken.example.com': { rcode: 'SERVFAIL' },
            'silent.example.com': { silent: true },
            'garbage.example.com': { garbage: true },
            'rebind.example.com': { sequence: [{ a: ['127.0.0.1'], ttl: 0 }, { a: ['127.0.0.2'], ttl: 0 }] },
        });
        const proxy = `http://127.0.0.1:${proxied.port}`;
        return {
            dev: false,
            args: ['--dns-server', dns.address, '--allow-http', '--endpoint-ports', 'any', '--allow-target', `127.0.0.1/32:${port}`],
            env: { http_proxy: proxy, https_proxy: proxy, all_proxy: proxy, HTTP_PROXY: proxy, ALL_PROXY: proxy },
        };
    });
    before(async () => {
        ({ api } = box);
        await api.post('/api/v1/event-types', { name: TYPE });
    });
    after(() => Promise.all([receiver.close(), proxied.close(), dns.close()]));

    async function send(host, at = port) {
        const app = await makeApp(api);
        await makeEndpoint(api, app, { url: `http://${host}:${at}/${host}`, retry: { enabled: false } });
        const event = await publish(api, app, TYPE, {});
        return { app, delivery: await waitDelivery(api, app, event) };
    }

    for (const host of ['ok.example.com', 'alias-ok.example.com']) {
        it(`${host} is sent to, pinned to its judged address`, async () => {
            const { delivery } = await send(host);
            assert.equal(delivery.status, 'delivered', JSON.stringify(delivery.attempts));
            const [entry] = receiver.at(`/${host}`);
            assert.equal(entry.headers.host, `${host}:${port}`);
        });
    }

    for (const host of ['private', 'loop2', 'metadata', 'zero', 'multi', 'multi-reversed', 'both-families', 'mapped', 'nat64', 'six', 'alias']) {
        it(`${host} is never connected to`, async () => {
            const { delivery } = await send(`${host}.example.com`);
            assert.equal(delivery.status, 'failed');
            assert.equal(delivery.attempts[0].error, PROHIBITED);
            assert.equal(delivery.attempts[0].status_code, null);
            assert.equal(receiver.at(`/${host}.example.com`).length, 0);
        });
    }

    it('an allowed address is not allowed at another port', async () => {
        const { delivery } = await send('ok.example.com', proxied.port);
        assert.equal(delivery.attempts[0].error, PROHIBITED);
    });

    it('a name that is bound anew is judged anew', async () => {
        const { app, delivery } = await send('rebind.example.com');
        assert.equal(delivery.status, 'delivered');
        dns.set('rebind.example.com', { a: ['127.0.0.2'], ttl: 0 });
        const later = await publish(api, app, TYPE, {});
        const second = await waitDelivery(api, app, later);
        if (second.status === 'delivered') {
            // The short cache of answers still held the first, judged address: nothing else was connected to.
            assert.equal(receiver.at('/rebind.example.com').length, 2);
        } else {
            assert.equal(second.attempts[0].error, PROHIBITED);
        }
    });

    for (const [host, tokens] of Object.entries({
        nothing: ['dns_error'], broken: ['dns_error', 'dns_timeout'], silent: ['dns_timeout'], garbage: ['dns_error', 'dns_timeout'],
    })) {
        it(`${host} is told as ${tokens[0]}`, async () => {
            const { delivery } = await send(`${host}.example.com`);
            assert.ok(tokens.includes(delivery.attempts[0].error), delivery.attempts[0].error);
        });
    }

    it('proxies of the environment are not used', () => {
        assert.equal(proxied.arrived.length, 0);
        assert.equal(proxied.connections, 0);
    });
});
