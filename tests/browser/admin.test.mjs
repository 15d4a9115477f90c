// SPDX-License-Identifier: Apache-2.0
import { test } from 'node:test';
import { startServer } from '../integration/support.mjs';
import { lookAt, openPage, skip, startBrowser } from './rig.mjs';

test('an operator makes an app and is in its webhooks', { skip }, async (t) => {
    const server = await startServer(t);
    const browser = await startBrowser(t);
    const page = await openPage(t, browser, server);

    await page.goto('/admin');
    await page.getByRole('button', { name: '+ Create app' }).click();
    await page.getByLabel('Name').fill('Acme Ltd');
    await page.getByLabel('Slug (optional)').fill('Not A Slug!');
    await page.getByRole('dialog').getByRole('button', { name: 'Create app' }).click();
    await page.getByRole('alert').first().waitFor();
    await page.getByLabel('Slug (optional)').fill('acme');
    await page.getByRole('dialog').getByRole('button', { name: 'Create app' }).click();
    await page.waitForURL('**/admin/apps/acme/endpoints');
    await page.getByRole('heading', { name: 'No webhooks yet' }).waitFor();

    await lookAt(t, browser, server, 'apps', '/admin/apps', (p) => p.getByRole('link', { name: 'Acme Ltd', exact: true }).waitFor());
    await lookAt(t, browser, server, 'app-endpoints', '/admin/apps/acme/endpoints', (p) =>
        p.getByRole('heading', { name: 'No webhooks yet' }).waitFor(),
    );
});
