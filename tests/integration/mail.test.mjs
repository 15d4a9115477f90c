// SPDX-License-Identifier: Apache-2.0
//
// Mail: settings of an app, confirmed by link, the notices themselves by a real SMTP server, unsubscribing, retries
// that outlive a crash.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { MailServer } from '../lib/smtp.mjs';
import { waitFor } from '../lib/wait.mjs';
import { assertFieldProblem, makeApp, makeRoute, publish, startServer, unique, useBoth, waitDelivery } from './support.mjs';

const ONCE = { schedule: [1], max_attempts: 1 };

function linkIn(mail, action) {
    const match = new RegExp(`http://[^\\s"]+(/notifications/${action}/[0-9a-f]+)`).exec(mail.parsed.text);
    assert.ok(match, mail.parsed.text);
    return match[1];
}

async function post(api, path) {
    return api.withKey(null).request('POST', path, { body: 'List-Unsubscribe=One-Click', headers: { 'content-type': 'application/x-www-form-urlencoded' } });
}

describe('mail', () => {
    let smtp;
    const both = useBoth(async () => {
        smtp = await MailServer.start({ user: 'postern', password: 'pass word' });
        const dir = mkdtempSync('/tmp/postern-mail-');
        after(() => rmSync(dir, { recursive: true }));
        writeFileSync(`${dir}/credentials`, 'postern\npass word\n', { mode: 0o600 });
        return { args: ['--smtp-url', smtp.url, '--smtp-plain', '--smtp-from', 'Webhooks of Acmé <hooks@acme.example>',
            '--smtp-credentials-file', `${dir}/credentials`, '--outbox-retry-ms', '100ms'] };
    });
    after(() => smtp.close());

    async function confirmed(app, email, kinds) {
        const path = `/api/v1/apps/${app.id}/notifications`;
        const settings = await both.api.put(path, { emails: [email], ...(kinds ? { kinds } : {}) });
        assert.equal(settings.emails[0].status, 'pending');
        const mail = await smtp.wait(`the question to ${email}`, (one) => one.to.includes(email));
        const page = await both.api.withKey(null).request('GET', linkIn(mail, 'confirm'));
        assert.equal(page.status, 200, page.text);
        assert.equal((await both.api.get(path)).emails[0].status, 'pending', 'opening a link changes nothing');
        const answer = await post(both.api, linkIn(mail, 'confirm'));
        assert.equal(answer.status, 200, answer.text);
        assert.equal((await both.api.get(path)).emails[0].status, 'confirmed');
        return mail;
    }

    it('goes only to addresses that were confirmed by link', async () => {
        const { api } = both;
        const email = `${unique('ops')}@customer.example`;
        const { app } = await makeRoute(both, { status: 500 }, { retry: ONCE }, { name: 'Acme' });
        assert.deepEqual((await api.get(`/api/v1/apps/${app.id}/notifications`)).emails, []);
        const question = await confirmed(app, email);
        assert.equal(question.from, 'hooks@acme.example');
        assert.equal(question.user, 'postern');
        assert.equal(question.parsed.headers.subject, 'Confirm your address for notices about Acme');
        assert.match(question.parsed.headers.from, /Webhooks of Acmé.*<hooks@acme.example>/);
        assert.deepEqual(question.parsed.defects, []);
    });

    it('says what could not be delivered, as text and as HTML, with a link to stop', async () => {
        const { api } = both;
        const email = `${unique('ops')}@customer.example`;
        const { app, endpoint } = await makeRoute(both, { status: 500 }, { name: '<b>Büro', retry: ONCE });
        await confirmed(app, email);
        const event = await publish(api, app, 'invoice.paid', {});
        await waitDelivery(api, app, event);
        const mail = await smtp.wait('the notice', (one) => one.to.includes(email) && /deliver/.test(one.parsed.headers.subject));
        const { headers, text, html, defects } = mail.parsed;
        assert.deepEqual(defects, []);
        assert.equal(headers.subject, "We couldn't deliver invoice.paid to <b>Büro");
        assert.equal(headers.to, email);
        assert.equal(headers['auto-submitted'], 'auto-generated');
        assert.ok(Math.abs(Date.parse(headers.date) - Date.now()) < 600_000, headers.date);
        assert.ok(text.includes(`We couldn't deliver event ${event.id} (invoice.paid) to your endpoint ${endpoint.url}.`), text);
        assert.match(text, /Check your endpoint and replay from the dashboard\./);
        assert.ok(html.includes('&lt;b&gt;Büro') && !html.includes('<b>'), html);
        assert.match(headers['list-unsubscribe'], /^<http:.*\/notifications\/unsubscribe\/[0-9a-f]+>$/);
        assert.equal(headers['list-unsubscribe-post'], 'List-Unsubscribe=One-Click');

        // Opening the link changes nothing; its button, or the mail program, does.
        const link = linkIn(mail, 'unsubscribe');
        const page = await api.withKey(null).request('GET', link);
        assert.equal(page.status, 200);
        assert.match(page.text, /<form method="post"><button>Unsubscribe/);
        const path = `/api/v1/apps/${app.id}/notifications`;
        assert.equal((await api.get(path)).emails[0].status, 'confirmed');
        assert.equal((await post(api, link)).status, 200);
        assert.equal((await api.get(path)).emails[0].status, 'unsubscribed');
        assert.equal((await post(api, link)).status, 200);
    });

    it('is of the kinds that were chosen', async () => {
        const { api } = both;
        const email = `${unique('ops')}@customer.example`;
        const { app, base } = await makeRoute(both, { status: 410 });
        await confirmed(app, email, ['endpoint-disabled']);
        await publish(api, app, 'invoice.paid', {});
        await smtp.wait('the chosen kind', (one) => one.to.includes(email) && /disabled/.test(one.parsed.headers.subject));
        await waitFor('both notices', async () => (await api.get(`${base}/notices`)).data.length === 2);
        assert.equal(smtp.mails.filter((one) => one.to.includes(email)).length, 2);
        await assertSaved(app, { emails: [] }, []);
    });

    async function assertSaved(app, body, emails) {
        const path = `/api/v1/apps/${app.id}/notifications`;
        await both.api.put(path, body);
        assert.deepEqual((await both.api.get(path)).emails.map((one) => one.email), emails);
    }

    it('is set with addresses and kinds that exist, ten at most', async () => {
        const app = await makeApp(both.api);
        const path = `/api/v1/apps/${app.id}/notifications`;
        const put = (body) => both.api.request('PUT', path, { body });
        for (const email of ['no-address', 'a b@x.example', 'a@x.example\r\nBcc: b@x.example', '<a@x.example>', 'ä@x.example', 7]) {
            assertFieldProblem(await put({ emails: [email] }), 'emails');
        }
        assertFieldProblem(await put({ emails: ['a@x.example', 'a@x.example'] }), 'emails');
        assertFieldProblem(await put({ emails: Array.from({ length: 11 }, (_, i) => `a${i}@x.example`) }), 'emails');
        assertFieldProblem(await put({ emails: [], kinds: ['alert-firing'] }), 'kinds');
        assertFieldProblem(await put({ emails: [], kinds: ['nothing'] }), 'kinds');
        assertFieldProblem(await put({}), 'emails');
    });

    it('asks an address once in ten minutes, whoever says it again', async () => {
        const email = `${unique('ops')}@customer.example`;
        const app = await makeApp(both.api);
        const path = `/api/v1/apps/${app.id}/notifications`;
        await both.api.put(path, { emails: [email] });
        await smtp.wait('the question', (one) => one.to.includes(email));
        await both.api.put(path, { emails: [email] });
        await both.api.put(path, { emails: [email, `second-${email}`] });
        await smtp.wait('the other question', (one) => one.to.includes(`second-${email}`));
        assert.equal(smtp.mails.filter((one) => one.to.includes(email)).length, 1);
    });

    it('takes no link that was not made here', async () => {
        const email = `${unique('ops')}@customer.example`;
        const app = await makeApp(both.api);
        const mail = await confirmed(app, email);
        const link = linkIn(mail, 'confirm');
        const last = link.at(-1) === '0' ? '1' : '0';
        for (const bad of [link.slice(0, -1) + last, link.slice(0, -2), `${link}00`, link.replace('confirm', 'unsubscribe'), '/notifications/confirm/xyz']) {
            for (const method of ['GET', 'POST']) {
                const answer = await both.api.withKey(null).request(method, bad);
                assert.equal(answer.status, 404, bad);
                assert.match(answer.headers['content-type'], /^text\/html/);
            }
        }
    });

    it('is tried again until it is taken, with one refused for good given up', async () => {
        const email = `${unique('later')}@customer.example`;
        const never = `${unique('never')}@customer.example`;
        let refusals = 0;
        smtp.script = ({ step, to }) => {
            if (step === 'rcpt' && to === never) {
                return Object.assign(new Error('No such user'), { responseCode: 550 });
            }
            if (step === 'data' && to === email && refusals < 2) {
                refusals++;
                return Object.assign(new Error('Greylisted'), { responseCode: 451 });
            }
            return undefined;
        };
        const app = await makeApp(both.api);
        const failed = await both.server.metric('postern_outbox_failed_total');
        await both.api.put(`/api/v1/apps/${app.id}/notifications`, { emails: [email, never] });
        await smtp.wait('the third try', (one) => one.to.includes(email));
        assert.equal(refusals, 2);
        await waitFor('the refused one to be given up', async () =>
            (await both.server.metric('postern_outbox_failed_total')) === failed + 1);
        await waitFor('an empty outbox', async () => (await both.server.metric('postern_outbox_waiting')) === 0);
        smtp.script = () => undefined;
    });
});

describe('the outbox', () => {
    let smtp;
    before(async () => {
        smtp = await MailServer.start();
    });
    after(() => smtp.close());

    it('keeps a mail through a crash', async (t) => {
        const email = 'patient@customer.example';
        smtp.script = () => Object.assign(new Error('Closed today'), { responseCode: 421 });
        const server = await startServer(t, { args: ['--smtp-url', smtp.url, '--smtp-plain', '--smtp-from', 'a@x.example', '--outbox-retry-ms', '100ms'] });
        const app = await makeApp(server.api);
        await server.api.put(`/api/v1/apps/${app.id}/notifications`, { emails: [email] });
        await waitFor('a try', async () => (await server.metric('postern_outbox_retried_total')) > 0);
        await server.kill();
        smtp.script = () => undefined;
        await server.launch();
        await smtp.wait('the mail after the crash', (one) => one.to.includes(email));
        await waitFor('an empty outbox', async () => (await server.metric('postern_outbox_waiting')) === 0);
    });

    it('without a mail server, notices stay in-app and say so', async (t) => {
        const server = await startServer(t);
        const app = await makeApp(server.api);
        const settings = await server.api.put(`/api/v1/apps/${app.id}/notifications`, { emails: ['a@x.example'] });
        assert.equal(settings.mail, false);
        assert.equal(settings.emails[0].asked_at, null);
    });

    it('a setting of mail that is not right stops the start with a sentence', async (t) => {
        for (const [args, sentence] of [
            [['--smtp-url', 'http://x'], /begins with smtp:/],
            [['--smtp-url', 'smtp://x:99999', '--smtp-from', 'a@x.example'], /port of smtp_url/],
            [['--smtp-url', 'smtp://x/y', '--smtp-from', 'a@x.example'], /HOST:PORT/],
            [['--smtp-url', 'smtp://x'], /smtp_from is needed/],
            [['--smtp-url', 'smtp://x', '--smtp-from', 'a@x.example', '--smtp-credentials-file', '/nowhere'], /cannot be read/],
            [['--notice-emails', 'a@x.example, nobody'], /no address/],
        ]) {
            await assert.rejects(startServer(t, { args }), sentence, args.join(' '));
        }
    });
});
