// SPDX-License-Identifier: Apache-2.0
//
// The list of webhooks: numbers, sparklines, standings, filters, quick actions.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { makeEndpoint, publish, startBoth, waitDelivery } from '../integration/support.mjs';
import { waitFor } from '../lib/wait.mjs';
import { lookAt, openPage, skip, startBrowser } from './rig.mjs';

const LIST = '/dashboard/settings/webhooks';
const APP = { id: 'default' };

// Webhooks in four standings; "Shop" has delivered once, "CRM" has failed often enough.
async function several(t) {
    const both = await startBoth(t);
    const { api, receiver } = both;
    receiver.on('/shop', { status: 200 });
    receiver.on('/crm', { status: 500 });
    const shop = await makeEndpoint(api, APP, {
        name: 'Shop',
        url: receiver.url('/shop'),
        event_types: ['order.paid', 'order.sent', 'order.returned', 'order.lost'],
    });
    const crm = await makeEndpoint(api, APP, {
        name: 'CRM Contact Sync',
        url: receiver.url('/crm'),
        event_types: ['order.paid'],
        retry: { schedule: [1], max_attempts: 2 },
        breaker: { enabled: false },
        health_rules: { failing_after: 1 },
    });
    await makeEndpoint(api, APP, { name: 'Archive', url: receiver.url('/archive'), status: 'paused', event_types: ['a.b'] });
    const gone = await makeEndpoint(api, APP, {
        name: 'Old partner',
        url: receiver.url('/gone'),
        event_types: ['order.gone'],
    });
    receiver.on('/gone', { status: 410 });
    await publish(api, APP, 'order.gone', {});
    const event = await publish(api, APP, 'order.paid', { order: '42' });
    await waitDelivery(api, APP, event);
    await waitFor('counts and standings', async () => {
        const lines = (await api.get('/api/v1/apps/default/endpoints/sparklines?window=7d')).data;
        const all = (await api.get('/api/v1/apps/default/endpoints')).data;
        const by = (id) => all.find((e) => e.id === id);
        return (
            lines.some((l) => l.endpoint_id === shop.id && l.delivered === 1) &&
            lines.some((l) => l.endpoint_id === crm.id && l.failed_attempts >= 1) &&
            by(crm.id).health.failing &&
            by(gone.id).status === 'disabled'
        );
    });
    return { ...both, shop, crm };
}

test('webhooks: cards, standings with reasons, sparklines, filters in the address, sorting', { skip }, async (t) => {
    const { server } = await several(t);
    const browser = await startBrowser(t);
    const page = await openPage(t, browser, server);

    await page.goto(LIST);
    const row = (name) => page.getByRole('row', { name });
    await row('Shop').waitFor();
    const tile = (name) => page.locator('.tile', { hasText: name });
    assert.match(await tile('Active Webhooks').textContent(), /2/);
    await tile('Events Delivered Today').getByText('1', { exact: true }).waitFor();
    assert.match(await tile('Failing Webhooks').textContent(), /2/);
    assert.ok((await tile('Failing Webhooks').getAttribute('class')).includes('bad'));
    assert.equal(await page.title(), '(2 failing) Webhooks · Postern');

    assert.match(await row('Shop').textContent(), /Subscribed to 4 events: order\.paid, order\.sent, \.\.\./);
    await row('Shop').getByText('View All').click();
    await row('Shop').getByText('order.returned').waitFor();
    await row('Shop').getByRole('link', { name: /^7 days: 1 sent, 0 failed/ }).focus();
    assert.equal(await row('Shop').locator('.spark-text').evaluate((e) => getComputedStyle(e).opacity), '1');
    await row('CRM').getByText(/failed attempts? in a row/).waitFor();
    await row('Archive').getByText('Paused by a person').waitFor();
    await row('Old partner').getByText('Inactive').waitFor();

    await tile('Failing Webhooks').getByRole('button', { name: 'Show 2 failing' }).click();
    await row('Shop').waitFor({ state: 'detached' });
    assert.equal(new URL(page.url()).search, '?status=trouble');
    await page.getByLabel('Status').selectOption('failing');
    await row('Old partner').waitFor({ state: 'detached' });
    await page.reload();
    await page.getByRole('button', { name: 'Status: Failing' }).click();
    await page.getByLabel('Search').fill('contact sync');
    await page.getByLabel('Search').press('Enter');
    await row('Shop').waitFor({ state: 'detached' });
    assert.equal(await page.locator('tbody tr').count(), 1);
    await page.getByRole('button', { name: 'Clear', exact: true }).click();
    await page.getByLabel('Events').selectOption('order.sent');
    assert.equal(await page.locator('tbody tr').count(), 1);
    await page.getByRole('button', { name: 'Clear', exact: true }).click();
    await page.getByLabel('Sort by').selectOption('failing');
    assert.match(await page.locator('tbody tr').first().textContent(), /CRM|Old partner/);
});

test('webhooks: test, pause, resume and delete from the list', { skip }, async (t) => {
    const { server } = await several(t);
    const browser = await startBrowser(t);
    const page = await openPage(t, browser, server);

    await page.goto(LIST);
    await page.getByRole('button', { name: 'Test Shop' }).click();
    const dialog = page.getByRole('dialog', { name: 'Test Shop' });
    await dialog.getByText('✓ Test successful!').waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('button', { name: 'Test CRM Contact Sync' }).click();
    await page.getByText('✗ Test failed').waitFor();
    await page.getByText('Possible causes:').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();

    await page.getByRole('button', { name: 'Pause Shop' }).click();
    await page.getByRole('button', { name: 'Resume Shop' }).click();
    await page.getByRole('button', { name: 'Pause Shop' }).waitFor();
    await page.getByRole('button', { name: 'Delete Archive' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete Webhook' }).click();
    await page.getByRole('row', { name: 'Archive' }).waitFor({ state: 'detached' });
});

test('webhooks: the full list looks right and is accessible', { skip }, async (t) => {
    const { server } = await several(t);
    const browser = await startBrowser(t);
    await lookAt(t, browser, server, 'webhooks', LIST, (page) => page.locator('.spark').first().waitFor());
});
