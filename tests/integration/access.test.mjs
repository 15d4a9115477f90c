// SPDX-License-Identifier: Apache-2.0
//
// Every route of the server with every kind of caller, and with ids of a foreign project. Who may what is said here a second
// time, by hand: a route that stands in src/api/routes.c and not here fails, and so does one that says otherwise.
import assert from 'node:assert/strict';
import http from 'node:http';
import { readFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { makeApp, makeEndpoint, publish, unique, useBoth, waitDelivery } from './support.mjs';
import { browserOf, makeMember, signIn } from './people.mjs';

// open: anybody; self: whoever is known; member: who signed in with a password; else the scope that is needed.
// operator: although of an app, not for who is bound to an app; shared: although of the project, also for them.
// payload: never for members who only look.
const MATRIX = `
    publish          POST   /api/v1/apps/{app}/events
    publish          POST   /api/v1/apps/{app}/events/batch
    read             GET    /api/v1/apps/{app}/events
    read             GET    /api/v1/apps/{app}/events/export
    read             GET    /api/v1/apps/{app}/events/{event}
    read             GET    /api/v1/apps/{app}/deliveries
    read             GET    /api/v1/apps/{app}/deliveries/export
    read             GET    /api/v1/apps/{app}/deliveries/{delivery}
    manage           POST   /api/v1/apps/{app}/deliveries/{delivery}/retry
    manage           POST   /api/v1/apps/{app}/deliveries/{delivery}/cancel
    manage           POST   /api/v1/apps/{app}/deliveries/archive
    manage           POST   /api/v1/apps/{app}/endpoints/{endpoint}/cancel_pending
    manage           POST   /api/v1/apps/{app}/deliveries/{delivery}/replay
    manage           POST   /api/v1/apps/{app}/replays
    read             GET    /api/v1/apps/{app}/replays
    read             GET    /api/v1/apps/{app}/replays/{replay}
    manage           POST   /api/v1/apps/{app}/replays/{replay}/pause
    manage           POST   /api/v1/apps/{app}/replays/{replay}/resume
    manage           POST   /api/v1/apps/{app}/replays/{replay}/cancel
    read             GET    /api/v1/replays
    manage operator  POST   /api/v1/apps
    read             GET    /api/v1/apps
    read             GET    /api/v1/apps/{app}
    manage operator  PATCH  /api/v1/apps/{app}
    manage operator  DELETE /api/v1/apps/{app}
    manage           POST   /api/v1/apps/{app}/endpoints
    read             GET    /api/v1/apps/{app}/endpoints
    read             GET    /api/v1/apps/{app}/endpoints/sparklines
    read             GET    /api/v1/apps/{app}/endpoints/{endpoint}
    manage           PUT    /api/v1/apps/{app}/endpoints/{endpoint}
    manage           PATCH  /api/v1/apps/{app}/endpoints/{endpoint}
    manage           DELETE /api/v1/apps/{app}/endpoints/{endpoint}
    manage           POST   /api/v1/apps/{app}/endpoints/{endpoint}/pause
    manage           POST   /api/v1/apps/{app}/endpoints/{endpoint}/resume
    manage           POST   /api/v1/apps/{app}/endpoints/{endpoint}/roll_secret
    manage shared    POST   /v4/webhooks/{endpoint}/roll_secret
    read             GET    /webhooks/apps
    manage operator  POST   /webhooks/apps
    read             GET    /webhooks/apps/{app}
    manage operator  PATCH  /webhooks/apps/{app}
    manage operator  DELETE /webhooks/apps/{app}
    manage           POST   /webhooks/apps/{app}/rotate-secret
    publish          POST   /webhooks/apps/{app}/trigger
    read             GET    /webhooks/apps/{app}/events
    read             GET    /webhooks/apps/{app}/catalog
    read             GET    /webhooks/apps/{app}/endpoints
    manage           POST   /webhooks/apps/{app}/endpoints
    manage           PATCH  /webhooks/apps/{app}/endpoints/{endpoint}
    manage           DELETE /webhooks/apps/{app}/endpoints/{endpoint}
    manage           POST   /webhooks/apps/{app}/endpoints/{endpoint}/test
    manage shared    POST   /webhooks/endpoints/{endpoint}/reactivate
    read             GET    /webhooks/apps/{app}/deliveries
    manage           POST   /webhooks/apps/{app}/deliveries/replay
    read             GET    /webhooks/apps/{app}/deliveries/replay
    read             GET    /webhooks/apps/{app}/deliveries/replay/{replay}
    manage           POST   /webhooks/apps/{app}/deliveries/replay/{replay}/cancel
    read             GET    /webhooks/apps/{app}/deliveries/{delivery}
    read             GET    /webhooks/event-catalogs
    tickets          POST   /session/tickets
    manage shared    GET    /api/v1/platform/webhooks
    manage shared    POST   /api/v1/platform/webhooks
    manage shared    GET    /api/v1/platform/webhooks/{endpoint}
    manage shared    PUT    /api/v1/platform/webhooks/{endpoint}
    manage shared    DELETE /api/v1/platform/webhooks/{endpoint}
    manage shared    POST   /api/v1/platform/webhooks/{endpoint}/pause
    manage shared    POST   /api/v1/platform/webhooks/{endpoint}/resume
    manage shared    POST   /api/v1/platform/webhooks/{endpoint}/rotate
    manage shared    POST   /api/v1/platform/webhooks/{endpoint}/test
    manage shared    GET    /api/v1/platform/webhooks/{endpoint}/deliveries
    manage shared    POST   /api/v1/platform/webhooks/{endpoint}/deliveries/{delivery}/retry
    manage           POST   /api/v1/apps/{app}/endpoints/{endpoint}/revoke_previous_secret
    admin            GET    /api/v1/apps/{app}/endpoints/{endpoint}/secret
    manage           POST   /api/v1/apps/{app}/endpoints/{endpoint}/test
    manage           POST   /api/v1/apps/{app}/test
    manage shared    POST   /api/v1/url-check
    read shared      GET    /api/v1/source-ips
    read shared      GET    /api/v1/server
    read payload     GET    /api/v1/apps/{app}/deliveries/{delivery}/attempts/{attempt}/curl
    manage           POST   /api/v1/apps/{app}/roll_secret
    manage           POST   /api/v1/apps/{app}/revoke_previous_secret
    admin            GET    /api/v1/apps/{app}/secret
    read payload     POST   /api/v1/apps/{app}/endpoints/{endpoint}/filters/test
    read payload     POST   /api/v1/apps/{app}/endpoints/{endpoint}/transforms/preview
    read shared payload POST   /api/v1/filters/test
    read shared payload POST   /api/v1/transforms/preview
    read payload     GET    /api/v1/apps/{app}/facets
    manage           POST   /api/v1/event-types/import
    read shared      GET    /api/v1/event-types/presets
    read shared      GET    /api/v1/event-types/presets/{token}
    manage           POST   /api/v1/event-types/presets/{token}
    read shared      GET    /api/v1/event-types/{type}/versions
    manage           POST   /api/v1/event-types/{type}/versions
    read shared      GET    /api/v1/event-types/{type}/versions/{token}
    manage           POST   /api/v1/event-types
    read shared      GET    /api/v1/event-types
    read shared      GET    /api/v1/event-types/{type}
    manage           PATCH  /api/v1/event-types/{type}
    manage           DELETE /api/v1/event-types/{type}
    admin            POST   /api/v1/projects
    read             GET    /api/v1/projects
    read             GET    /api/v1/projects/{project}
    admin            PATCH  /api/v1/projects/{project}
    admin            DELETE /api/v1/projects/{project}
    admin            POST   /api/v1/keys
    admin            GET    /api/v1/keys
    admin            GET    /api/v1/keys/{key}
    admin            DELETE /api/v1/keys/{key}
    admin            POST   /api/v1/keys/{integration}/endpoints/adopt
    admin            DELETE /api/v1/keys/{integration}/endpoints
    read             GET    /api/v1/endpoints
    manage operator  POST   /api/v1/apps/{app}/endpoints/{endpoint}/adopt
    read             GET    /api/v1/apps/{app}/notices
    read             GET    /api/v1/apps/{app}/notifications
    manage           PUT    /api/v1/apps/{app}/notifications
    open             GET    /notifications/confirm/{token}
    open             POST   /notifications/confirm/{token}
    open             GET    /notifications/unsubscribe/{token}
    open             POST   /notifications/unsubscribe/{token}
    read             GET    /api/v1/alerts
    manage           POST   /api/v1/apps/{app}/notices/read
    manage           POST   /api/v1/apps/{app}/notices/{notice}/read
    read             GET    /api/v1/notices
    manage           POST   /api/v1/notices/read
    manage           POST   /api/v1/notices/{notice}/read
    admin            POST   /api/v1/members
    admin            GET    /api/v1/members
    admin            GET    /api/v1/members/{member}
    admin            PATCH  /api/v1/members/{member}
    admin            DELETE /api/v1/members/{member}
    admin            POST   /api/v1/members/{member}/invite
    open             POST   /api/v1/session
    self             GET    /api/v1/session
    self             DELETE /api/v1/session
    member           POST   /api/v1/session/reauth
    member           POST   /api/v1/session/password
    open             POST   /api/v1/session/invite
    open             POST   /api/v1/session/exchange
    tickets operator POST   /api/v1/apps/{app}/tickets
    admin            GET    /api/v1/audit
    admin            GET    /api/v1/audit/verify
    read             GET    /api/v1/deliveries
    read             GET    /api/v1/deliveries/export
    read             GET    /api/v1/events
    read             GET    /api/v1/events/export
    read             GET    /api/v1/apps/{app}/stats
    read             GET    /api/v1/apps/{app}/endpoints/{endpoint}/stats
    read             GET    /api/v1/stats
    read             GET    /api/v1/stats/apps
    read shared      GET    /api/v1/stream
    open             GET    /catch/{token}
    open             PUT    /catch/{token}
    open             DELETE /catch/{token}
    open             GET    /healthz
    open             GET    /readyz
    open             GET    /metrics
    open             GET    /openapi.json
`;

const HOLDS = {
    publish: ['publish'],
    read: ['read'],
    manage: ['manage', 'read'],
    tickets: ['tickets'],
    admin: ['admin', 'publish', 'read', 'manage', 'tickets'],
};
const ROLES = {
    owner: HOLDS.admin,
    admin: HOLDS.admin,
    developer: ['publish', 'read', 'manage', 'tickets'],
    viewer: ['read'],
};
const TICKETS = { view: ['read'], manage: ['read', 'manage'] };

const matrix = new Map(MATRIX.trim().split('\n').map((line) => {
    const words = line.trim().split(/\s+/);
    return [`${words.at(-2)} ${words.at(-1)}`, words.slice(0, -2)];
}));

// The table of routes as it stands in the source.
function routesOfTheSource() {
    const text = readFileSync(new URL('../../src/api/routes.c', import.meta.url), 'utf8');
    const macros = new Map();
    const expand = (expression) => expression.trim().split(/\s+(?=(?:[^"]*"[^"]*")*[^"]*$)/)
        .map((word) => (word.startsWith('"') ? word.slice(1, -1) : macros.get(word) ?? '')).join('');
    for (const [, name, value] of text.matchAll(/^#define (\w+) +(.*)$/gm)) {
        macros.set(name, expand(value));
    }
    return [...text.matchAll(/\{\s*"([A-Z]+)",\s*([^,]+),\s*(SCOPE_\w+|0),\s*([\w |]+),/g)]
        .map(([, method, path, , flags]) => ({ method, path: expand(path), takesBody: flags.includes('ROUTE_BODY') }));
}

// The status alone: a stream never ends.
function statusOf(url, method, path, headers, body) {
    return new Promise((resolve, reject) => {
        const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
        const request = http.request(new URL(path, url), {
            method,
            agent: false,
            headers: { ...headers, ...(bytes && { 'content-type': 'application/json', 'content-length': bytes.length }) },
        }, (response) => {
            resolve(response.statusCode);
            response.destroy();
        });
        request.on('error', reject);
        request.end(bytes);
    });
}

describe('every route', () => {
    const box = useBoth();
    const routes = routesOfTheSource();
    const callers = [];
    let own;
    let foreign;

    async function makeThings(api) {
        const app = await makeApp(api);
        const type = unique('access.kind').replace(/-/g, '_');
        await api.post('/api/v1/event-types', { name: type });
        const endpoint = await makeEndpoint(api, app, { url: box.receiver.url('/access'), event_types: [type] });
        const event = await publish(api, app, type, {});
        const delivery = await waitDelivery(api, app, event);
        const member = await makeMember(api, 'viewer');
        const replay = await api.post(`/api/v1/apps/${app.id}/replays`, { ids: [delivery.id], reason: 'access' });
        const [project] = (await api.get('/api/v1/projects')).data;
        const key = await api.post('/api/v1/keys', { name: 'named' });
        return {
            app: app.id, endpoint: endpoint.id, event: event.id, delivery: delivery.id, replay: replay.id, type, member: member.id,
            project: project.id, key: key.id, integration: key.id,
        };
    }

    before(async () => {
        const { api } = box;
        const other = await api.post('/api/v1/projects', { name: 'foreign' });
        own = await makeThings(api);
        foreign = await makeThings(api.withKey(other.key.key));
        callers.push({ name: 'nobody', kind: 'none', scopes: [], headers: {} });
        const bearer = (key) => ({ authorization: `Bearer ${key}` });
        for (const [scope, scopes] of Object.entries(HOLDS)) {
            const { key } = await api.post('/api/v1/keys', { name: scope, scopes: [scope] });
            callers.push({ name: `key ${scope}`, kind: 'key', scopes, headers: bearer(key) });
        }
        const bound = await api.post('/api/v1/keys', { name: 'bound', scopes: ['manage', 'publish'], app: own.app });
        callers.push({ name: 'key of one app', kind: 'key', bound: true, scopes: ['manage', 'read', 'publish'], headers: bearer(bound.key) });
        for (const [role, scopes] of Object.entries(ROLES)) {
            const { email } = await makeMember(api, role);
            const { cookie, csrf } = await signIn(api, email);
            callers.push({ name: `member ${role}`, kind: 'member', scopes, headers: { cookie, 'postern-csrf': csrf } });
        }
        for (const [role, scopes] of Object.entries(TICKETS)) {
            const { ticket } = await api.post(`/api/v1/apps/${own.app}/tickets`, { role });
            const answer = await api.withKey(null).request('POST', '/api/v1/session/exchange', { body: { ticket } });
            const { cookie, csrf } = browserOf(api, answer);
            callers.push({ name: `ticket ${role}`, kind: 'ticket', bound: true, scopes, headers: { cookie, 'postern-csrf': csrf } });
        }
    });

    function may(caller, route) {
        const [need, ...flags] = matrix.get(`${route.method} ${route.path}`);
        if (need === 'open') {
            return true;
        }
        if (need === 'self' || need === 'member') {
            return need === 'self' ? caller.kind !== 'none' : caller.kind === 'member';
        }
        if (flags.includes('payload') && caller.name === 'member viewer') {
            return false;
        }
        const ofApp = /^\/(api\/v1|webhooks)\/apps\/\{app\}/.test(route.path);
        return caller.scopes.includes(need) &&
            (!caller.bound || flags.includes('shared') || (ofApp && !flags.includes('operator')));
    }

    const fill = (path, ids) => path.replace(/\{(\w+)\}/g, (_, name) => ids[name] ?? `${name}_0000000000000000000000`);
    const ask = (caller, { method, path, takesBody }, ids) =>
        statusOf(box.server.url, method, fill(path, ids), caller.headers, takesBody ? {} : undefined);

    it('has its row in this file, and every row its route', () => {
        const names = routes.map(({ method, path }) => `${method} ${path}`).sort();
        assert.ok(names.length > 60, `${names.length} routes`);
        assert.deepEqual([...matrix.keys()].sort(), names);
    });

    it('is open to exactly those who may, and a foreign id is 404', async () => {
        const wrong = [];
        for (const route of routes) {
            const named = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
            const ends = route.method === 'DELETE' && route.path === '/api/v1/session';
            for (const caller of callers) {
                const allowed = may(caller, route);
                if ((ends && allowed) || matrix.get(`${route.method} ${route.path}`)[0] === 'open') {
                    continue;
                }
                const status = await ask(caller, route, foreign);
                const refusal = caller.kind === 'none' ? 401 : 403;
                const right = !allowed ? status === refusal
                    : named.length > 0 ? status === 404
                        : ![401, 403, 404].includes(status) && status < 500;
                if (!right) {
                    wrong.push(`${caller.name}: ${route.method} ${route.path} with foreign ids: ${status}`);
                }
            }
        }
        assert.deepEqual(wrong, []);
    });

    it('below an own app answers 404 for what belongs to a foreign one', async () => {
        const wrong = [];
        for (const route of routes.filter(({ path }) => /\{app\}.*\{/.test(path))) {
            for (const caller of callers.filter((one) => may(one, route))) {
                const status = await ask(caller, route, { ...foreign, app: own.app });
                if (status !== 404) {
                    wrong.push(`${caller.name}: ${route.method} ${route.path}: ${status}`);
                }
            }
        }
        assert.deepEqual(wrong, []);
    });

    it('that reads own things is not refused to who may', async () => {
        const wrong = [];
        const known = (path) => [...path.matchAll(/\{(\w+)\}/g)].every(([, name]) => name in own);
        for (const route of routes.filter(({ method, path }) => method === 'GET' && known(path))) {
            for (const caller of callers.filter((one) => may(one, route))) {
                const status = await ask(caller, route, own);
                if ([401, 404].includes(status) || (status === 403 && !route.path.endsWith('/secret'))) {
                    wrong.push(`${caller.name}: ${route.method} ${route.path}: ${status}`);
                }
            }
        }
        assert.deepEqual(wrong, []);
    });
});
