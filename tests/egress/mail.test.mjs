// SPDX-License-Identifier: Apache-2.0
//
// Mail: the frames of serve become SMTP with a real server; what the operator or the protocol forbids does not.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { MailServer } from '../lib/smtp.mjs';
import { makeRig } from './rig.mjs';

const TLS = { plain: 0, starttls: 1, implicit: 2 };
const BODY = 'From: a@example.com\r\nSubject: x\r\n\r\nLine\r\n.dot\r\n..\r\n';

let rig;

before(async () => {
    rig = await makeRig({ refuseTargets: '127.0.0.9/32', allowTargets: '' });
});

after(async () => {
    assert.deepEqual(await rig.close(), { code: 0, signal: null });
});

const mail = (server, more = {}) => rig.egress.mail({ host: '127.0.0.1', port: server.port, tls: TLS.plain,
    helo: 'example.com', from: 'a@example.com', to: 'b@example.com', body: BODY, ...more });

async function withServer(options, run) {
    const server = await MailServer.start(options);
    try {
        await run(server);
    } finally {
        await server.close();
    }
}

test('a message arrives as it was written, and its recipient is the envelope\'s', async () => {
    await withServer({}, async (server) => {
        const done = await mail(server);
        assert.deepEqual([done.token, done.status], ['', 250]);
        assert.equal(done.ip, '127.0.0.1');
        assert.equal(server.mails.length, 1);
        assert.deepEqual([server.mails[0].from, server.mails[0].to, server.mails[0].helo], ['a@example.com', ['b@example.com'], 'example.com']);
        assert.equal(server.mails[0].raw, BODY);
    });
});

test('STARTTLS is asked for, and without it nothing is said', async () => {
    const tls = rig.pki.leaf.good;
    await withServer({ tls, user: 'u', password: 'p w' }, async (server) => {
        const done = await mail(server, { host: 'hook.example.com', tls: TLS.starttls, user: 'u', password: 'p w' });
        assert.deepEqual([done.token, done.detail], ['', '']);
        assert.deepEqual([server.mails[0].secure, server.mails[0].user], [true, 'u']);
    });
    await withServer({ user: 'u', password: 'p' }, async (server) => {
        const done = await mail(server, { host: 'hook.example.com', tls: TLS.starttls, user: 'u', password: 'p' });
        assert.equal(done.token, 'tls_protocol_error');
        assert.equal(server.mails.length, 0);
    });
    await withServer({ tls, implicit: true }, async (server) => {
        const done = await mail(server, { host: 'hook.example.com', tls: TLS.implicit });
        assert.equal(done.token, '');
        const wrong = await mail(server, { host: '127.0.0.1', tls: TLS.implicit });
        assert.equal(wrong.token, 'tls_certificate_error');
    });
});

test('a refused login and a refused recipient are told apart, with the server\'s words', async () => {
    await withServer({ user: 'u', password: 'p' }, async (server) => {
        const done = await mail(server, { user: 'u', password: 'wrong' });
        assert.deepEqual([done.token, done.status], ['auth', 535]);
    });
    const script = ({ step }) => (step === 'rcpt' ? Object.assign(new Error('No such user'), { responseCode: 550 }) : undefined);
    await withServer({ script }, async (server) => {
        const done = await mail(server);
        assert.deepEqual([done.token, done.status], ['status_invalid', 550]);
        assert.match(done.detail, /No such user/);
    });
    const later = () => Object.assign(new Error('Try later'), { responseCode: 451 });
    await withServer({ script: later }, async (server) => {
        assert.equal((await mail(server)).status, 451);
    });
});

test('what the operator refuses is refused for his mail server too', async () => {
    const to = (host) => rig.egress.mail({ host, port: 25, tls: TLS.plain, helo: 'example.com', from: 'a@example.com', to: 'b@example.com', body: BODY });
    rig.dns.set('metadata.example.com', { a: ['169.254.169.254'] });
    for (const host of ['127.0.0.9', '169.254.169.254', '0.0.0.0', '224.0.0.1', '64:ff9b::a9fe:a9fe', 'fe80::1', 'metadata.example.com']) {
        assert.equal((await to(host)).token, 'destination_ip_prohibited', host);
    }
});

test('nothing is smuggled through an address, a name or a host', async () => {
    await withServer({}, async (server) => {
        for (const more of [{ to: 'b@example.com>\r\nRCPT TO:<c@example.com' }, { from: 'a b@example.com' }, { to: 'nobody' },
            { helo: 'x\r\nMAIL FROM:<y@z>' }, { host: '127.0.0.1/x' }, { to: `${'x'.repeat(260)}@example.com` }]) {
            assert.equal((await mail(server, more)).token, 'url_refused', JSON.stringify(more));
        }
        assert.equal(server.mails.length, 0);
    });
});

test('an HTTP request is not let through where mail is', async () => {
    await withServer({}, async (server) => {
        const done = await rig.egress.send({ url: `http://127.0.0.1:${server.port}/` });
        assert.equal(done.token, 'destination_ip_prohibited');
    });
});
