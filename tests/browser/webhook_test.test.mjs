// SPDX-License-Identifier: Apache-2.0
//
// The test page of a webhook with its code, and the reference of events.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { promisify } from 'node:util';
import { makeEndpoint, publish, startBoth, waitDelivery } from '../integration/support.mjs';
import { lookAt, openPage, skip, startBrowser } from './rig.mjs';

const LIST = '/dashboard/settings/webhooks';
const run = promisify(execFile);

async function ready(t) {
    const both = await startBoth(t);
    const { api, receiver } = both;
    await api.post('/api/v1/event-types/presets/penguinmails', {});
    receiver.on('/hook', { status: 200, body: 'OK' });
    const endpoint = await makeEndpoint(api, 'default', {
        name: 'CRM',
        url: receiver.url('/hook'),
        signature_profiles: ['standard', 'timestamped', 'platform'],
    });
    return { ...both, endpoint };
}

// What the page's code says to a request that arrived: its function is run by itself.
async function judge(code, secret, headers, body) {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'postern-sample.'));
    try {
        const own = code.slice(0, code.indexOf('const app = express()')).replace(/^import express.*$/m, '');
        const call = `\nprocess.stdout.write(String(isGenuine(JSON.parse(process.argv[2]), Buffer.from(process.argv[3], 'base64'))));\n`;
        await writeFile(path.join(folder, 'sample.mjs'), own + call);
        const args = [path.join(folder, 'sample.mjs'), JSON.stringify(headers), body.toString('base64')];
        return (await run(process.execPath, args, { env: { ...process.env, WEBHOOK_SECRET: secret } })).stdout;
    } finally {
        await rm(folder, { recursive: true });
    }
}

test('test page: sample, edited and real data, result in place, failure with causes', { skip }, async (t) => {
    const { server, api, receiver, endpoint } = await ready(t);
    const browser = await startBrowser(t);
    const page = await openPage(t, browser, server);
    const event = await publish(api, 'default', 'contact.created', { contact: { id: 'cont_77', email: 'ada@example.com' } });
    await waitDelivery(api, { id: 'default' }, event);

    await page.goto(`${LIST}/${endpoint.id}/test`);
    await page.getByLabel('Event Type', { exact: true }).selectOption('email.opened');
    await page.getByLabel('Test payload', { exact: true }).getByText('"type": "email.opened"').waitFor();
    await page.getByRole('button', { name: 'Send Test Event' }).click();
    await page.getByText('✓ Test successful!').waitFor();
    await page.getByText(/^POST http/).waitFor();
    await page.getByText('View Full Response').click();

    await page.getByRole('button', { name: 'Edit Payload' }).click();
    await page.getByLabel('Data (JSON)').fill('{"mine": ');
    await page.getByRole('button', { name: 'Send Test Event' }).click();
    await page.getByText('This is not JSON.').waitFor();
    await page.getByLabel('Data (JSON)').fill('{"mine": 12345678}');
    await page.getByRole('button', { name: 'Send Test Event' }).click();
    await page.getByText('✓ Test successful!').waitFor();
    assert.ok(receiver.arrived.at(-1).body.toString().includes('12345678'));

    await page.getByLabel('Event Type', { exact: true }).selectOption('contact.created');
    await page.getByLabel('Use Real Data from Campaign/Contact').check();
    await page.getByText('Test event will use actual data from selected campaign/contact.').waitFor();
    await page.getByLabel('Event', { exact: true }).selectOption(event.id);
    await page.getByLabel('Test payload', { exact: true }).getByText('cont_77').waitFor();

    receiver.on('/hook', { status: 500, body: 'broken' });
    await page.getByRole('button', { name: 'Send Test Event' }).click();
    await page.getByText('✗ Test failed').waitFor();
    await page.getByText('Possible causes:').waitFor();
    await page.getByRole('button', { name: 'Retry Test' }).waitFor();
    await page.getByRole('link', { name: 'Edit Webhook' }).waitFor();
    await page.getByRole('link', { name: 'View Troubleshooting Guide' }).waitFor();
    assert.ok(receiver.arrived.at(-1).body.toString().includes('cont_77'));
});

test('test page: its code verifies what arrives, by each profile, and refuses what was changed', { skip }, async (t) => {
    const { server, receiver, endpoint } = await ready(t);
    const browser = await startBrowser(t);
    const page = await openPage(t, browser, server);

    await page.goto(`${LIST}/${endpoint.id}/test`);
    await page.getByRole('button', { name: 'Send Test Event' }).click();
    await page.getByText('✓ Test successful!').waitFor();
    const { headers, body } = receiver.arrived.at(-1);
    const plain = Array.isArray(headers)
        ? Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]))
        : headers;
    for (const profile of ['standard', 'timestamped', 'platform']) {
        await page.getByLabel('Signature', { exact: true }).selectOption(profile);
        await page.getByRole('button', { name: 'Copy code' }).click();
        await page.getByRole('button', { name: 'code copied' }).waitFor();
        const code = await page.evaluate(() => navigator.clipboard.readText());
        assert.equal(await judge(code, endpoint.secret, plain, body), 'true', profile);
        assert.equal(await judge(code, endpoint.secret, plain, Buffer.concat([body, Buffer.from(' ')])), 'false', profile);
        assert.equal(await judge(code, endpoint.secret, {}, body), 'false', profile);
        await page.getByRole('button', { name: 'Copy code' }).waitFor();
    }
    await page.getByRole('button', { name: 'TypeScript' }).click();
    await page.getByText('headers: IncomingHttpHeaders').waitFor();
});

test('event reference: categories with counts, an entry, the comparison', { skip }, async (t) => {
    const { server } = await ready(t);
    const browser = await startBrowser(t);
    const page = await openPage(t, browser, server);

    await page.goto(`${LIST}/events`);
    for (const [name, n] of [['Email', 7], ['Campaign', 3], ['Contact', 3], ['System', 2]]) {
        await page.getByRole('heading', { name: `${name} Events (${n})` }).waitFor();
    }
    await page.getByRole('navigation', { name: 'Event categories' }).getByRole('link', { name: 'email.opened' }).click();
    await page.waitForURL('**/events?type=email.opened');
    const entry = page.getByRole('article');
    await entry.getByRole('heading', { name: 'email.opened' }).waitFor();
    await entry.getByText(/^High|^Very High/).waitFor();
    await entry.getByLabel('Payload Schema').getByText('"opened_at": "string (date-time)"').waitFor();
    await entry.getByRole('button', { name: 'Copy example payload' }).click();
    const example = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
    assert.equal(example.type, 'email.opened');
    assert.ok(example.data.location.city);
    await entry.getByRole('heading', { name: 'Related Events' }).waitFor();
    await entry.getByRole('heading', { name: 'Use Cases' }).waitFor();
    const table = page.getByRole('group', { name: 'Comparison of events' });
    assert.equal(await table.locator('tbody tr').count(), 15);
    await table.getByRole('row', { name: /email\.bounced Medium Yes/ }).waitFor();
});

test('test page and event reference look right and are accessible', { skip }, async (t) => {
    const { server, endpoint } = await ready(t);
    const browser = await startBrowser(t);
    await lookAt(t, browser, server, 'webhook-test', `${LIST}/${endpoint.id}/test`, async (page) => {
        await page.getByLabel('Test payload', { exact: true }).waitFor();
        await page.getByRole('button', { name: 'Send Test Event' }).click();
        await page.getByText(/Test successful|one at a time|Too many/).waitFor();
        await page.getByLabel('Verification in Node.js').waitFor();
    });
    await lookAt(t, browser, server, 'event-reference', `${LIST}/events?type=email.opened`, (page) =>
        page.getByRole('heading', { name: 'Use Cases' }).waitFor(),
    );
});
