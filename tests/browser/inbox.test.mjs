// SPDX-License-Identifier: Apache-2.0
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { makeEndpoint, publish, startServer, waitDelivery } from '../integration/support.mjs';
import { lookAt, openPage, skip, startBrowser } from './rig.mjs';

test('an inbox shows what comes, with its verdict, and answers as told', { skip }, async (t) => {
    const server = await startServer(t);
    const app = { id: 'default' };
    const address = '/catch/browser-inbox-0001';
    await makeEndpoint(server.api, app, { url: server.url + address });
    const browser = await startBrowser(t);
    const page = await openPage(t, browser, server, { key: '' });

    await page.goto(address);
    await page.getByRole('heading', { name: 'Waiting for the first request…' }).waitFor();
    await waitDelivery(server.api, app, await publish(server.api, app, 'user.created', { name: 'Ada' }));
    await page.getByText('Signature valid').waitFor();
    await page.getByText('"name": "Ada"').waitFor();
    await page.getByText('How it answers').click();
    await page.getByLabel('Status').fill('199');
    await page.getByRole('button', { name: 'Answer so' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('Status').fill('418');
    await page.getByRole('button', { name: 'Answer so' }).click();
    await page.getByText('How it answers: 418').waitFor();
    assert.equal((await server.api.get(address)).behaviour.status, 418);

    await lookAt(t, browser, server, 'inbox', address, (p) => p.getByText('Signature valid').waitFor(), { key: '' });
});
