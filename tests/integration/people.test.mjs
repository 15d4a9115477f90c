// SPDX-License-Identifier: Apache-2.0
//
// Members and their sessions: invitations, signing in and out, cookies and CSRF, what ends a session, and that nothing
// tells who has an account.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { assertFieldProblem, assertId, assertProblem, makeApp, startServer, unique, useServer } from './support.mjs';
import { assertList, assertListRefusals } from './lists.mjs';
import { runPostern } from '../lib/postern.mjs';
import { waitFor } from '../lib/wait.mjs';
import { PASSWORD, browserOf, makeMember, signIn } from './people.mjs';

const MEMBERS = '/api/v1/members';
const SESSION = '/api/v1/session';

describe('members', () => {
    const box = useServer();
    let api;

    before(() => {
        ({ api } = box);
    });

    it('are invited, set a password with the link once, and are signed in by it', async () => {
        const made = await api.request('POST', MEMBERS, { body: { email: 'Ann@Example.com', role: 'owner' } });
        assert.equal(made.status, 201, made.text);
        const { id, invite } = made.json;
        assertId(id, 'mbr');
        assert.equal(made.json.email, 'ann@example.com');
        assert.equal(made.json.has_password, false);
        assert.match(invite.url, /\/sign-in#invite=pin_[0-9A-Za-z]{65}$/);
        assert.ok(invite.url.endsWith(invite.token));
        assert.ok(!(await api.request('GET', `${MEMBERS}/${id}`)).text.includes(invite.token));
        const open = api.withKey(null);
        assertProblem(await open.request('POST', `${SESSION}/invite`,
            { body: { token: invite.token.replace(/.$/, (c) => (c === 'a' ? 'b' : 'a')), password: PASSWORD } }), 401, 'ticket_invalid');
        assertFieldProblem(await open.request('POST', `${SESSION}/invite`,
            { body: { token: invite.token, password: 'too short' } }), 'password');
        const taken = await open.request('POST', `${SESSION}/invite`, { body: { token: invite.token, password: PASSWORD } });
        assert.equal(taken.status, 200, taken.text);
        const me = await browserOf(api, taken).request('GET', SESSION);
        assert.deepEqual([me.json.kind, me.json.id, me.json.role, me.json.email], ['member', id, 'owner', 'ann@example.com']);
        assertProblem(await open.request('POST', `${SESSION}/invite`,
            { body: { token: invite.token, password: PASSWORD } }), 401, 'ticket_invalid');
        await signIn(api, 'ANN@example.COM');
        const again = await api.post(`${MEMBERS}/${id}/invite`);
        assert.notEqual(again.invite.token, invite.token);
        assert.equal(again.has_password, true);
        assertProblem(await api.request('POST', MEMBERS, { body: { email: 'ann@EXAMPLE.com', role: 'viewer' } }), 409);
    });

    it('are a list, changed and taken out', async () => {
        const first = await makeMember(api, 'viewer');
        const second = await makeMember(api, 'developer');
        assert.equal(first.invite, null);
        const all = (await api.get(`${MEMBERS}?order=asc&limit=250`)).data.map((row) => row.id);
        assert.deepEqual(all.slice(-2), [first.id, second.id]);
        await assertList(api, MEMBERS, all);
        await assertListRefusals(api, MEMBERS);
        const at = `${MEMBERS}/${first.id}`;
        const patched = await api.patch(at, { name: 'Vera', role: 'admin' });
        assert.deepEqual([patched.name, patched.role], ['Vera', 'admin']);
        await api.delete(at);
        assertProblem(await api.request('GET', at), 404);
        assertProblem(await api.request('POST', SESSION, { body: { email: first.email, password: PASSWORD } }), 401, 'sign_in_failed');
    });

    it('are made by command, with a password from a file or an invitation; so are tickets', async () => {
        const env = { POSTERN_URL: box.server.url, POSTERN_KEY: api.key };
        const email = `${unique('cli')}@example.com`;
        const made = await runPostern(['members', 'create', '--email', email, '--role', 'viewer', '--password-file', '-', '--json'],
            { env, input: `${PASSWORD}\n` });
        assert.equal(made.code, 0, made.stderr);
        await signIn(api, email);
        const invited = await runPostern(['members', 'create', '--email', `2${email}`, '--role', 'viewer'], { env });
        assert.match(invited.stdout, /pin_[0-9A-Za-z]{65}/);
        const app = await makeApp(api);
        const ticket = await runPostern(['ticket', 'create', '--app', app.slug, '--role', 'manage', '--json'], { env });
        assert.equal(ticket.code, 0, ticket.stderr);
        assert.match(JSON.parse(ticket.stdout).url, /#t=ptk_/);
    });

    it('are refused when a field is bad', async () => {
        const bad = [
            [{ role: 'owner' }, 'email'],
            [{ email: 'nobody', role: 'owner' }, 'email'],
            [{ email: 'a@b@c', role: 'owner' }, 'email'],
            [{ email: 'a b@c', role: 'owner' }, 'email'],
            [{ email: '@c.example', role: 'owner' }, 'email'],
            [{ email: 'x@y.example' }, 'role'],
            [{ email: 'x@y.example', role: 'root' }, 'role'],
            [{ email: 'x@y.example', role: 'viewer', password: 'short' }, 'password'],
            [{ email: 'x@y.example', role: 'viewer', password: 'x'.repeat(257) }, 'password'],
        ];
        for (const [body, field] of bad) {
            assertFieldProblem(await api.request('POST', MEMBERS, { body }), field);
        }
    });

    it('never lose the last owner, and only owners make owners', async (t) => {
        const { api: own } = await startServer(t);
        const owner = await makeMember(own, 'owner');
        const admin = await makeMember(own, 'admin');
        assertProblem(await own.request('PATCH', `${MEMBERS}/${owner.id}`, { body: { role: 'admin' } }), 409, 'wrong_state');
        assertProblem(await own.request('DELETE', `${MEMBERS}/${owner.id}`), 409, 'wrong_state');
        const browser = await signIn(own, admin.email);
        const email = `${unique('would-be')}@example.com`;
        assertProblem(await browser.request('POST', MEMBERS, { body: { email, role: 'owner' } }), 403, 'forbidden');
        assertProblem(await browser.request('PATCH', `${MEMBERS}/${admin.id}`, { body: { role: 'owner' } }), 403, 'forbidden');
        assertProblem(await browser.request('PATCH', `${MEMBERS}/${owner.id}`, { body: { name: 'x' } }), 403, 'forbidden');
        assertProblem(await browser.request('POST', `${MEMBERS}/${owner.id}/invite`), 403, 'forbidden');
        assert.equal((await browser.request('POST', MEMBERS, { body: { email, role: 'admin' } })).status, 201);
        const chief = await signIn(own, owner.email);
        assert.equal((await chief.request('PATCH', `${MEMBERS}/${admin.id}`, { body: { role: 'owner' } })).status, 200);
        assert.equal((await chief.request('PATCH', `${MEMBERS}/${owner.id}`, { body: { role: 'viewer' } })).status, 200);
    });
});

describe('sessions', () => {
    const box = useServer();
    let api;

    before(() => {
        ({ api } = box);
    });

    it('answer the same for a wrong password and for nobody', async () => {
        const { email } = await makeMember(api, 'viewer');
        const answers = [];
        for (const body of [
            { email, password: 'wrong' }, { email: 'nobody@example.com', password: 'wrong' },
            { email, password: PASSWORD, project: 'no-such-project' },
        ]) {
            const answer = await api.withKey(null).request('POST', SESSION, { body });
            assertProblem(answer, 401, 'sign_in_failed');
            const { request_id: _, ...rest } = answer.json;
            answers.push(rest);
        }
        assert.deepEqual(answers[1], answers[0]);
        assert.deepEqual(answers[2], answers[0]);
    });

    it('are a cookie that scripts cannot read, and hold until signed out', async () => {
        const { id, email } = await makeMember(api, 'developer');
        const browser = await signIn(api, email);
        assert.match(browser.line, /; Path=\/; HttpOnly; SameSite=Lax/);
        assert.match(browser.csrf, /^[0-9a-f]{64}$/);
        const me = await browser.request('GET', SESSION);
        assert.equal(me.json.csrf_token, browser.csrf);
        assert.deepEqual(me.json.scopes, ['publish', 'read', 'manage', 'tickets']);
        const out = await browser.request('DELETE', SESSION);
        assert.equal(out.status, 204, out.text);
        assert.match(out.headers['set-cookie'][0], /Max-Age=0/);
        assertProblem(await browser.request('GET', SESSION), 401, 'unauthorized');
        const audit = (await api.get(`/api/v1/audit?actor=${id}`)).data.map((row) => row.action);
        assert.deepEqual(audit, ['session.closed', 'session.opened']);
    });

    it('have a __Host- cookie with Secure outside of development', async (t) => {
        const server = await startServer(t, { dev: false });
        const { email } = await makeMember(server.api, 'viewer');
        const browser = await signIn(server.api, email);
        assert.match(browser.line, /^__Host-postern=pss_[0-9A-Za-z]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure$/);
        assert.equal((await browser.request('GET', SESSION)).status, 200);
    });

    it('change nothing without the CSRF token or from another origin', async () => {
        const { email } = await makeMember(api, 'developer');
        const browser = await signIn(api, email);
        const other = await signIn(api, email);
        const change = (headers) => browser.request('POST', '/api/v1/apps', { body: { name: unique('csrf') }, headers });
        const host = new URL(box.server.url).host;
        for (const headers of [
            { 'postern-csrf': null }, { 'postern-csrf': '' }, { 'postern-csrf': other.csrf },
            { 'postern-csrf': browser.csrf.slice(1) },
            { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { 'sec-fetch-site': 'none' },
            { origin: 'https://evil.example' }, { origin: 'null' }, { origin: `http://${host}.evil.example` },
        ]) {
            assertProblem(await change(headers), 403, 'csrf_failed');
        }
        for (const headers of [{}, { 'sec-fetch-site': 'same-origin', origin: `http://${host}` }]) {
            assert.equal((await change(headers)).status, 201);
        }
        assert.equal((await browser.request('GET', '/api/v1/apps', { headers: { 'sec-fetch-site': 'cross-site' } })).status, 200);
    });

    it('end with the role, the password and the member', async () => {
        const { id, email } = await makeMember(api, 'viewer');
        const first = await signIn(api, email);
        await api.patch(`${MEMBERS}/${id}`, { name: 'Still here' });
        assert.equal((await first.request('GET', SESSION)).status, 200);
        await api.patch(`${MEMBERS}/${id}`, { role: 'developer' });
        assertProblem(await first.request('GET', SESSION), 401);
        const second = await signIn(api, email);
        const third = await signIn(api, email);
        assertProblem(await second.request('POST', `${SESSION}/password`,
            { body: { password: 'wrong', new_password: 'another good one' } }), 401, 'sign_in_failed');
        assertFieldProblem(await second.request('POST', `${SESSION}/password`,
            { body: { password: PASSWORD, new_password: 'short' } }), 'new_password');
        const changed = await second.request('POST', `${SESSION}/password`,
            { body: { password: PASSWORD, new_password: 'another good one' } });
        assert.equal(changed.status, 200, changed.text);
        assertProblem(await second.request('GET', SESSION), 401);
        assertProblem(await third.request('GET', SESSION), 401);
        const fourth = browserOf(api, changed);
        assert.equal((await fourth.request('GET', SESSION)).status, 200);
        assertProblem(await api.request('POST', SESSION, { body: { email, password: PASSWORD } }), 401);
        await signIn(api, email, 'another good one');
        await api.delete(`${MEMBERS}/${id}`);
        assertProblem(await fourth.request('GET', SESSION), 401);
    });

    it('prove themselves by the password, which shows secrets again', async (t) => {
        const { api: own } = await startServer(t, { args: ['--secret-reveal', 'reauth'] });
        const { email } = await makeMember(own, 'admin');
        const app = await makeApp(own);
        const made = await own.post(`/api/v1/apps/${app.id}/endpoints`, { url: 'http://127.0.0.1:9/x' });
        const at = `/api/v1/apps/${app.id}/endpoints/${made.id}/secret`;
        const browser = await signIn(own, email);
        assert.equal((await browser.request('GET', at)).json.secret, made.secret, 'who just signed in has proven it');
        assertProblem(await browser.request('POST', `${SESSION}/reauth`, { body: { password: 'wrong' } }), 401, 'sign_in_failed');
        assert.equal((await browser.request('POST', `${SESSION}/reauth`, { body: { password: PASSWORD } })).status, 204);
        assert.equal((await browser.request('GET', at)).json.secret, made.secret);
        assertProblem(await own.request('POST', `${SESSION}/reauth`, { body: { password: PASSWORD } }), 403, 'forbidden');
        assertProblem(await own.request('POST', `${SESSION}/password`,
            { body: { password: PASSWORD, new_password: PASSWORD } }), 403, 'forbidden');
        assertProblem(await own.request('DELETE', SESSION), 409, 'wrong_state');
    });

    it('outlive a restart, and end when idle or old', async (t) => {
        const server = await startServer(t, { args: ['--session-idle-ms', '1h', '--session-max-ms', '2h'] });
        const { email } = await makeMember(server.api, 'viewer');
        const browser = await signIn(server.api, email);
        await server.terminate();
        await server.launch();
        const me = await server.api.withKey(null).request('GET', SESSION, { headers: { cookie: browser.cookie } });
        assert.equal(me.status, 200, me.text);
        const left = Date.parse(me.json.expires_at) - Date.now();
        assert.ok(left > 3500_000 && left <= 3600_000, `${left} ms idle`);
        assert.ok(Date.parse(me.json.ends_at) - Date.now() <= 7200_000);
    });

    it('limit tries per account, also right ones, and forget them after a right one', async (t) => {
        const { api: own } = await startServer(t, { args: ['--sign-in-tries', '3', '--sign-in-period-ms', '1h'] });
        const { email } = await makeMember(own, 'viewer');
        const attempt = (password, to = email) => own.withKey(null).request('POST', SESSION, { body: { email: to, password } });
        assertProblem(await attempt('wrong'), 401);
        assertProblem(await attempt('wrong'), 401);
        assert.equal((await attempt(PASSWORD)).status, 200);
        for (let i = 0; i < 3; i++) {
            assertProblem(await attempt('wrong', email.toUpperCase()), 401);
        }
        const refused = await attempt(PASSWORD);
        assertProblem(refused, 429, 'rate_limited');
        assert.ok(Number(refused.headers['retry-after']) > 0);
        for (let i = 0; i < 23; i++) {
            assertProblem(await attempt('wrong', `nobody${i}@example.com`), 401);
        }
        assertProblem(await attempt('wrong', 'one-more@example.com'), 429, 'rate_limited');
        await waitFor('the refusals of the known account alone are in the audit log',
            async () => (await own.get('/api/v1/audit?action=session.refused')).data.length === 5);
    });

    it('are bounded in number', async (t) => {
        const { api: own } = await startServer(t, { args: ['--sessions-max', '2'] });
        const { email } = await makeMember(own, 'viewer');
        const first = await signIn(own, email);
        await signIn(own, email);
        assertProblem(await own.request('POST', SESSION, { body: { email, password: PASSWORD } }), 503, 'overloaded');
        assert.equal((await first.request('DELETE', SESSION)).status, 204);
        await signIn(own, email);
    });

    it('of one project open nothing of another', async () => {
        const other = await api.post('/api/v1/projects', { name: 'other' });
        const foreign = api.withKey(other.key.key);
        const { email } = await makeMember(foreign, 'owner');
        assertProblem(await api.request('POST', SESSION, { body: { email, password: PASSWORD } }), 401, 'sign_in_failed');
        const browser = await signIn(api, email, PASSWORD, { project: other.id });
        const app = await makeApp(api);
        assertProblem(await browser.request('GET', `/api/v1/apps/${app.id}`), 404, 'not_found');
        assert.equal((await browser.request('GET', MEMBERS)).json.data.length, 1);
    });
});
