// SPDX-License-Identifier: Apache-2.0
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { makeEndpoint, publish, startBoth, waitDelivery } from '../integration/support.mjs';
import { lookAt, openPage, skip, startBrowser } from './rig.mjs';

const LOG = '/dashboard/webhooks/deliveries';

// The app `default` with one endpoint that fails once and then answers, and one event.
async function failedOnce(t) {
    const both = await startBoth(t);
    both.receiver.on('/hook', [{ status: 500, body: '{"error":"database is <b>down</b>"}' }, { status: 200 }]);
    const app = { id: 'default' };
    const endpoint = await makeEndpoint(both.api, app, {
        name: 'Shop',
        url: both.receiver.url('/hook'),
        retry: { schedule: [600] },
    });
    const event = await publish(both.api, app, 'order.paid', { order: '42', amount: 12345678901234 });
    const delivery = await waitDelivery(both.api, app, event, (d) => d.status === 'retrying');
    return { ...both, app, endpoint, event, delivery };
}

test('a failure is read, understood and retried on one page', { skip }, async (t) => {
    const { server, api, app, event, delivery } = await failedOnce(t);
    const browser = await startBrowser(t);
    const page = await openPage(t, browser, server);

    await page.goto(LOG);
    await page.getByRole('row', { name: /order\.paid/ }).getByRole('link').click();
    await page.waitForURL(`**/${delivery.id}`);
    await page.getByText('Planned').waitFor();
    // What a receiver answers is text and never markup.
    await page.getByText('<b>down</b>').first().waitFor();
    await page.getByRole('button', { name: 'Retry now (attempt 2)' }).click();
    await waitDelivery(api, app, event);
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.locator('.badge[data-status=delivered]').first().waitFor();
    await page.getByText('Compare two attempts').click();
    await page.getByText('− HTTP 500').waitFor();
    await page.getByRole('link', { name: 'View Event' }).click();
    await page.getByRole('heading', { name: 'Event order.paid' }).waitFor();
    await page.getByRole('link', { name: delivery.id }).waitFor();
});

test('filters of the log live in the address, are chips, and say when nothing fits', { skip }, async (t) => {
    const { server } = await failedOnce(t);
    const browser = await startBrowser(t);
    const page = await openPage(t, browser, server);

    await page.goto(`${LOG}?status=delivered&type=order.paid`);
    await page.getByRole('heading', { name: 'No delivery fits these filters' }).waitFor();
    await page.getByRole('button', { name: 'Status: Success' }).click();
    await page.getByRole('row', { name: /order\.paid/ }).waitFor();
    assert.equal(new URL(page.url()).search, '?type=order.paid');
    await page.getByLabel('HTTP status').fill('404');
    await page.getByLabel('HTTP status').press('Enter');
    await page.getByRole('heading', { name: 'No delivery fits these filters' }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'HTTP status: 404' }).waitFor();
});

test('log, delivery and event look right and are accessible', { skip }, async (t) => {
    const { server, delivery, event } = await failedOnce(t);
    const browser = await startBrowser(t);

    await lookAt(t, browser, server, 'log', LOG, (page) => page.getByRole('row', { name: /order\.paid/ }).waitFor());
    await lookAt(t, browser, server, 'delivery', `${LOG}/${delivery.id}`, (page) => page.getByText('Planned').waitFor());
    await lookAt(t, browser, server, 'event', `/dashboard/webhooks/events/${event.id}`, (page) =>
        page.getByRole('heading', { name: 'Where it went' }).waitFor(),
    );
});
