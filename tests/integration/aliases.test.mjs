// SPDX-License-Identifier: Apache-2.0
//
// The names of other APIs: each alias does what the route of ours does, in the words of the other API.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { assertProblem, makeRoute, publish, useBoth, waitDelivery } from './support.mjs';

const webhookId = (endpoint) => endpoint.id.replace(/^ep_/, 'wh_');

describe('aliases of /v4/webhooks', () => {
    const both = useBoth();
    let api;

    before(() => {
        ({ api } = both);
    });

    it("/v4/webhooks/{id}/roll_secret rolls as the endpoint's own route does", async () => {
        const route = await makeRoute(both, { status: 200 });
        const first = route.endpoint.secret;
        const rolled = await api.post(`/v4/webhooks/${webhookId(route.endpoint)}/roll_secret`, { overlap_seconds: 600 });
        assert.notEqual(rolled.secret, first);
        assert.ok(Date.parse(rolled.previous_secret_expires_at) > Date.now());
        const again = await api.request('POST', `/v4/webhooks/${route.endpoint.id}/roll_secret`);
        assertProblem(again, 409, 'secret_window_open');
        const forced = await api.post(`/v4/webhooks/${route.endpoint.id}/roll_secret`, { force: true });
        assert.notEqual(forced.secret, rolled.secret);
        await waitDelivery(api, route.app, await publish(api, route.app, 'alias.test', {}), (d) => d.status === 'delivered');
    });

    it('/v4/webhooks/{id}/roll_secret does not find what is deleted or unknown', async () => {
        const route = await makeRoute(both, { status: 200 });
        await api.request('DELETE', `${route.base}/endpoints/${route.endpoint.id}`);
        assertProblem(await api.request('POST', `/v4/webhooks/${webhookId(route.endpoint)}/roll_secret`), 404);
        assertProblem(await api.request('POST', '/v4/webhooks/wh_0000000000000000000000/roll_secret'), 404);
        assertProblem(await api.request('POST', '/v4/webhooks/none/roll_secret'), 404);
    });
});
