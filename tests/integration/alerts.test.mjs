// SPDX-License-Identifier: Apache-2.0
//
// Alerts: each fires and is resolved again, and tells the operator by API, metric, mail, URL and pager.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { MailServer } from '../lib/smtp.mjs';
import { waitFor } from '../lib/wait.mjs';
import { assertProblem, makeApp, makeRoute, publish, startServer, useBoth, waitDelivery } from './support.mjs';

const ONCE = { schedule: [1], max_attempts: 1 };
const OPERATOR = 'operator@acme.example';

describe('alerts', () => {
    let smtp;
    let refuse = () => false;
    const both = useBoth(async () => {
        smtp = await MailServer.start({
            script: ({ step, to }) => (step === 'rcpt' && refuse(to) ? Object.assign(new Error('No'), { responseCode: 550 }) : undefined),
        });
        return { args: ['--alert-every-ms', '200ms', '--alert-window-ms', '1500ms', '--alert-pending-max', '3', '--alert-failure-percent', '5',
            '--alert-app-failure-percent', '50', '--alert-attempts-min', '5', '--alert-down-ms', '300ms', '--notice-app-hour-max', '1000',
            '--smtp-url', smtp.url, '--smtp-plain', '--smtp-from', 'hooks@acme.example', '--notice-emails', OPERATOR, '--outbox-retry-ms', '100ms'] };
    });
    after(() => smtp.close());

    const alertOf = async (name) => (await both.api.get('/api/v1/alerts')).data.find((one) => one.name === name);
    const waitState = (name, state) => waitFor(async () => `${name} ${state}`, async () => {
        const alert = await alertOf(name);
        return alert.state === state && alert.since !== null && alert;
    });

    async function told(name) {
        const notices = (await both.api.get('/api/v1/notices?limit=250')).data.filter((one) => one.facts.topic === name);
        return notices.map((one) => one.kind).reverse();
    }

    async function fail(fields = {}, count = 6) {
        const route = await makeRoute(both, { status: 500 }, { retry: ONCE, ...fields });
        for (let i = 0; i < count; i++) {
            await waitDelivery(both.api, route.app, await publish(both.api, route.app, 'invoice.paid', { i }));
        }
        return route;
    }

    it('pending-deliveries fires above the limit and is resolved when they are gone', async () => {
        const { api } = both;
        const { app, base, endpoint } = await makeRoute(both, { status: 200 });
        await api.post(`${base}/endpoints/${endpoint.id}/pause`);
        for (let i = 0; i < 4; i++) {
            await publish(api, app, 'invoice.paid', { i });
        }
        const alert = await waitState('pending-deliveries', 'firing');
        assert.deepEqual([alert.severity, alert.threshold, alert.value, alert.runbook], ['page', 3, 4, 'docs/runbooks/pending-deliveries.md']);
        assert.equal(await both.server.metric('postern_alert_firing'), 1);
        await api.post(`${base}/endpoints/${endpoint.id}/resume`);
        await waitState('pending-deliveries', 'resolved');
        await waitFor('both notices', async () => (await told('pending-deliveries')).join() === 'alert-firing,alert-resolved');
    });

    it('failure-rate fires above its share and is resolved when the window is over', async () => {
        await fail();
        const alert = await waitState('failure-rate', 'firing');
        assert.ok(alert.value > 5 && alert.value <= 100);
        await waitState('failure-rate', 'resolved');
    });

    it('endpoint-down fires, tells the customer, and is resolved by a success', async () => {
        const { app, base, endpoint, path } = await fail();
        await waitState('endpoint-down', 'firing');
        const notice = await waitFor('the notice', async () => (await both.api.get(`${base}/notices?kind=endpoint-down-24h`)).data[0]);
        assert.ok(notice.text.includes(`Nothing could be delivered to ${endpoint.url} since `), notice.text);
        both.receiver.on(path, { status: 200 });
        await waitDelivery(both.api, app, await publish(both.api, app, 'invoice.paid', {}));
        // Those of the other tests are down too: they go.
        for (const other of (await both.api.get('/api/v1/apps')).data) {
            if (other.id !== app.id && other.slug !== 'default') {
                await both.api.delete(`/api/v1/apps/${other.id}`);
            }
        }
        await waitState('endpoint-down', 'resolved');
    });

    it('customer-failure-rate fires, tells the customer, and is resolved by successes', async () => {
        const { app, base, path } = await fail();
        await waitState('customer-failure-rate', 'firing');
        const notice = await waitFor('the notice', async () => (await both.api.get(`${base}/notices?kind=failure-rate`)).data[0]);
        assert.match(notice.text, /^\d+ % of the attempts to reach the endpoints of /);
        both.receiver.on(path, { status: 200 });
        for (let i = 0; i < 12; i++) {
            await waitDelivery(both.api, app, await publish(both.api, app, 'invoice.paid', { i }));
        }
        for (const other of (await both.api.get('/api/v1/apps')).data) {
            if (other.id !== app.id && other.slug !== 'default') {
                await both.api.delete(`/api/v1/apps/${other.id}`);
            }
        }
        await waitFor('the app to be well', async () => (await alertOf('customer-failure-rate')).value === 0);
        await waitState('customer-failure-rate', 'resolved');
    });

    it('worker-errors fires when a sending process ends, and is resolved', async () => {
        const [egress] = both.server.egressPids();
        process.kill(egress, 'SIGKILL');
        await waitState('worker-errors', 'firing');
        await waitState('worker-errors', 'resolved');
    });

    it('mail-failing fires when a mail was refused for good, and is resolved', async () => {
        refuse = (to) => to === 'nobody@customer.example';
        const app = await makeApp(both.api);
        await both.api.put(`/api/v1/apps/${app.id}/notifications`, { emails: ['nobody@customer.example'] });
        await waitState('mail-failing', 'firing');
        await waitState('mail-failing', 'resolved');
    });

    it('are mailed to the operator', async () => {
        const firing = await smtp.wait('the alert', (one) => one.to.includes(OPERATOR) && one.parsed.headers.subject === '[page] pending-deliveries is firing');
        assert.match(firing.parsed.text, /4 deliveries wait to be sent; the threshold is 3\./);
        assert.match(firing.parsed.text, /docs\/runbooks\/pending-deliveries\.md/);
        await smtp.wait('that it is over', (one) => one.to.includes(OPERATOR) && one.parsed.headers.subject === '[resolved] pending-deliveries');
    });

    it('are for the operator alone', async () => {
        const project = await both.api.post('/api/v1/projects', { name: 'other' });
        assertProblem(await both.api.withKey(project.key.key).request('GET', '/api/v1/alerts'), 404, 'not_found');
    });
});

describe('alerts to a URL', () => {
    it('are posted as JSON, and as events of a pager when they page', async (t) => {
        const { Receiver } = await import('../lib/receiver.mjs');
        const receiver = await Receiver.start();
        t.after(() => receiver.close());
        const dir = mkdtempSync('/tmp/postern-alerts-');
        t.after(() => rmSync(dir, { recursive: true }));
        writeFileSync(`${dir}/pager`, 'routing-key-1\n');
        receiver.on('/alerts', [{ status: 503 }, { status: 200 }]);
        receiver.on('/pager', { status: 202 });
        const server = await startServer(t, { args: ['--alert-every-ms', '200ms', '--alert-pending-max', '0', '--outbox-retry-ms', '100ms',
            '--alert-url', receiver.url('/alerts'), '--alert-pager-url', receiver.url('/pager'), '--alert-pager-key-file', `${dir}/pager`] });
        const route = await makeRoute({ api: server.api, receiver }, { status: 200 });
        await server.api.post(`${route.base}/endpoints/${route.endpoint.id}/pause`);
        await publish(server.api, route.app, 'invoice.paid', {});
        const at = (path) => receiver.arrived.filter((one) => one.path === path).map((one) => JSON.parse(one.body.toString()));
        await waitFor('the alert, after a 503', async () => at('/alerts').length >= 2);
        await waitFor('the page', async () => at('/pager').length >= 1);
        await server.api.post(`${route.base}/endpoints/${route.endpoint.id}/resume`);
        await waitFor('both ends', async () => at('/alerts').length >= 3 && at('/pager').length >= 2);
        const [first, again, last] = at('/alerts');
        assert.deepEqual(again, first);
        assert.deepEqual([first.alert, first.state, first.severity], ['pending-deliveries', 'firing', 'page']);
        assert.match(first.summary, /1 deliveries wait to be sent/);
        assert.equal(last.state, 'resolved');
        const [trigger, resolve] = at('/pager');
        assert.deepEqual([trigger.routing_key, trigger.event_action, trigger.dedup_key, trigger.payload.severity],
            ['routing-key-1', 'trigger', 'pending-deliveries', 'critical']);
        assert.deepEqual([resolve.event_action, resolve.dedup_key], ['resolve', 'pending-deliveries']);
    });

    it('a pager without its key stops the start', async (t) => {
        await assert.rejects(startServer(t, { args: ['--alert-pager-url', 'http://127.0.0.1:1/'] }), /alert_pager_key_file cannot be read/);
    });
});
