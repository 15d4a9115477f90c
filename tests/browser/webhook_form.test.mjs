// SPDX-License-Identifier: Apache-2.0
//
// Creating and editing a webhook: five steps on one page.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { makeEndpoint, startBoth } from '../integration/support.mjs';
import { lookAt, openPage, skip, startBrowser } from './rig.mjs';

const LIST = '/dashboard/settings/webhooks';
const EMAIL = ['bounced', 'clicked', 'delivered', 'opened', 'sent', 'spam_reported', 'unsubscribed'].map((s) => `email.${s}`);

async function withCatalogue(t, options) {
    const both = await startBoth(t, options);
    await both.api.post('/api/v1/event-types/presets/penguinmails', {});
    return both;
}

test('webhook form: all five steps, in the words of the seed, and what is stored', { skip }, async (t) => {
    const { server, api, receiver } = await withCatalogue(t, { args: ['--source-ips', '203.0.113.7, 203.0.113.8'] });
    const browser = await startBrowser(t);
    const page = await openPage(t, browser, server);
    const url = receiver.url('/hook');
    receiver.on('/hook', [{ status: 500, body: 'not yet' }, { status: 200, body: 'OK' }]);

    await page.goto(`${LIST}/create`);
    await page.getByLabel('Endpoint URL').fill('ftp://nothing');
    await page.getByText('✗ Endpoint must be a valid HTTPS URL.').waitFor();
    await page.getByLabel('Endpoint URL').fill(url);
    await page.getByText('✓ http to 127.0.0.1').waitFor();
    await page.getByLabel('Webhook Name').fill('CRM Contact Sync');
    await page.getByText('Choose a descriptive name to identify this webhook.').waitFor();
    await page.getByText('Start receiving events immediately').waitFor();
    await page.getByText("Create but don't send events yet").waitFor();

    // Step 2
    await page.getByText('Recipient opened email').waitFor();
    await page.getByRole('button', { name: 'Clear All' }).click();
    await page.getByText("You've selected no events yet.").waitFor();
    await page.getByRole('button', { name: 'Create Webhook' }).click();
    await page.getByText('Select at least one event, or all events.').first().waitFor();
    await page.getByRole('button', { name: 'Select All' }).click();
    await page.getByText("You've selected 15 events.").waitFor();
    await page.getByRole('button', { name: 'Email Events Only' }).click();
    await page.getByText("You've selected 7 events.").waitFor();
    await page.getByLabel(/email\.unsubscribed/).uncheck();
    await page.getByText("You've selected 6 events.").waitFor();
    assert.equal(await page.getByLabel('Email Events', { exact: true }).evaluate((box) => box.indeterminate), true);
    await page.getByLabel('Search events').fill('hard or soft');
    assert.equal(await page.locator('.leaves li').count(), 1);
    await page.getByLabel('Search events').fill('');
    await page.getByText('Naturally idempotent, and smaller.').waitFor();

    // Step 3
    await page.getByText('Step 3: Event Filters (Optional)').click();
    await page.getByText('Only receive events for contacts with these tags.').waitFor();
    await page.getByLabel('Filter by Contact Tags').fill('vip, premium');
    await page.getByLabel('Filter by Contact Tags').press('Enter');
    await page.getByLabel('Custom JSON Filters (Advanced)').fill('{"email.opened_count": {"$gt3": 3}}');
    await page.getByRole('button', { name: 'Test Filter' }).click();
    await page.getByRole('alert').getByText('/filter').first().waitFor();
    await page.getByLabel('Custom JSON Filters (Advanced)').fill('{"email.opened_count": {"$gte": 3}}');
    await page.getByRole('button', { name: 'Test Filter' }).click();
    await page.getByText('✓ The filter is valid.').waitFor();
    await page.getByText('Try it on the data of an event').click();
    await page.getByLabel('Data (optional)').fill('{"email": {"opened_count": 1}}');
    await page.getByRole('button', { name: 'Test Filter' }).click();
    await page.getByText('This event would not be sent').waitFor();

    // Envelope and transform
    await page.getByText('Envelope and Transform (Optional)').click();
    await page.getByLabel('Transform (JMESPath, optional)').fill('{kind: type}');
    await page.getByRole('button', { name: 'Preview the body' }).click();
    await page.getByText('"kind": "email.sent"').waitFor();
    await page.getByLabel('Transform (JMESPath, optional)').fill('');

    // Step 4
    await page.getByText('Use this secret to verify webhook signatures.').waitFor();
    await page.getByText('5 attempts: at once, then after 1 m, 5 m, 15 m, 1 h.').waitFor();
    await page.getByLabel('Max Retry Attempts').fill('6');
    await page.getByText('6 attempts: at once, then after 1 m, 5 m, 15 m, 1 h, 1 d.').waitFor();
    await page.getByText('Webhook must respond within this time.').waitFor();
    await page.getByRole('button', { name: 'Copy IP list' }).click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), '203.0.113.7\n203.0.113.8');

    // Step 5
    await page.getByLabel('Event Type').selectOption('email.opened');
    await page.getByRole('button', { name: 'Send Test Event' }).click();
    await page.getByText('✗ Test failed').waitFor();
    await page.getByRole('button', { name: 'Save Anyway' }).waitFor();
    const secret = await page.getByText(/^whsec_[A-Za-z0-9+/=]{20,}$/).textContent();
    await page.getByRole('button', { name: 'Retry Test' }).click();
    await page.getByText('✓ Test successful!').waitFor();

    await page.getByRole('button', { name: 'Create Webhook' }).click();
    const dialog = page.getByRole('dialog', { name: 'Webhook Created Successfully' });
    await dialog.getByText("⚠️ Save this secret key. You won't be able to see it again.").waitFor();
    assert.ok((await dialog.textContent()).includes(secret));
    await dialog.getByRole('button', { name: 'Copy ID' }).waitFor();
    await dialog.getByRole('button', { name: 'Copy secret' }).waitFor();
    await dialog.getByLabel("I've copied this").check();
    await dialog.getByRole('link', { name: 'View Code Examples →' }).waitFor();
    await dialog.getByRole('link', { name: 'View Webhook Details →' }).click();
    await page.getByRole('heading', { name: 'CRM Contact Sync' }).waitFor();

    const [stored] = (await api.get('/api/v1/apps/default/endpoints')).data;
    assert.deepEqual([...stored.event_types].sort(), EMAIL.slice(0, 6));
    assert.deepEqual(stored.contact_tags, ['vip', 'premium']);
    assert.deepEqual(stored.filter, { 'email.opened_count': { $gte: 3 } });
    assert.equal(stored.retry.schedule, 'platform');
    assert.equal(stored.retry.max_attempts, 6);
    assert.equal(stored.timeout_ms, 5000);
    assert.equal(stored.transform, null);
});

test('webhook form: after a failed test it is saved anyway, paused', { skip }, async (t) => {
    const { server, api, receiver } = await withCatalogue(t);
    const browser = await startBrowser(t);
    const page = await openPage(t, browser, server);
    receiver.on('/down', { status: 503 });

    await page.goto(`${LIST}/create`);
    await page.getByLabel('Endpoint URL').fill(receiver.url('/down'));
    await page.getByRole('button', { name: 'Send Test Event' }).click();
    await page.getByRole('button', { name: 'Save Anyway' }).click();
    await page.getByRole('dialog', { name: 'Webhook Created Successfully' }).waitFor();
    const [stored] = (await api.get('/api/v1/apps/default/endpoints')).data;
    assert.equal(stored.status, 'paused');
    assert.deepEqual(stored.event_types, []);
});

test('webhook form: editing touches what was changed, and not what another changed meanwhile', { skip }, async (t) => {
    const { server, api, receiver } = await withCatalogue(t);
    const browser = await startBrowser(t);
    const page = await openPage(t, browser, server);
    const made = await makeEndpoint(api, 'default', {
        name: 'Shop',
        url: receiver.url('/shop'),
        event_types: ['email.*'],
        headers: { 'x-own': '1' },
        retry: { schedule: [60, 120], max_attempts: 3, on: 'lenient' },
    });
    const path = `/api/v1/apps/default/endpoints/${made.id}`;

    await page.goto(`${LIST}/${made.id}/edit`);
    await page.getByText('3 attempts: at once, then after 1 m, 2 m.').waitFor();
    await page.getByRole('button', { name: 'email.* ✕' }).waitFor();
    await page.getByLabel(/email\.sent/).uncheck();
    await page.getByLabel('Response Timeout (seconds)').fill('9');
    await page.getByRole('button', { name: 'Save Changes' }).click();
    await page.waitForURL(`**/${made.id}`);
    const now = await api.get(path);
    assert.deepEqual([...now.event_types].sort(), EMAIL.filter((name) => name !== 'email.sent'));
    assert.equal(now.timeout_ms, 9000);
    assert.deepEqual(now.retry, made.retry);
    assert.deepEqual(now.headers, { 'x-own': '1' });

    await page.goto(`${LIST}/${made.id}/edit`);
    await page.getByLabel('Webhook Name').fill('Other');
    await api.request('PATCH', path, { body: { description: 'changed elsewhere' } });
    await page.getByRole('button', { name: 'Save Changes' }).click();
    await page.getByRole('alert').waitFor();
    assert.equal((await api.get(path)).name, 'Shop');
});

test('webhook form: looks right and is accessible', { skip }, async (t) => {
    const { server } = await withCatalogue(t);
    const browser = await startBrowser(t);
    await lookAt(t, browser, server, 'webhook-form', `${LIST}/create`, async (page) => {
        await page.getByText('Recipient opened email').waitFor();
        await page.getByText('Step 3: Event Filters (Optional)').click();
        await page.getByText('Envelope and Transform (Optional)').click();
    });
});
