// SPDX-License-Identifier: Apache-2.0
//
// The pages inside the binary, by HTTP: how they are cached, compressed and guarded.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { gunzipSync } from 'node:zlib';
import { startServer } from './support.mjs';

// One request without the helpers of fetch, which inflate by themselves.
function ask(server, path, headers = {}, method = 'GET') {
    return new Promise((resolve, reject) => {
        const request = http.request(server.url + path, { method, headers }, (response) => {
            const parts = [];
            response.on('data', (part) => parts.push(part));
            response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }));
        });
        request.on('error', reject);
        request.end();
    });
}

const HTML = { Accept: 'text/html,application/xhtml+xml' };

test('a browser gets the shell at every place of the application, and nowhere else', async (t) => {
    const server = await startServer(t);
    for (const place of ['/dashboard', '/dashboard/settings/webhooks/ep_x', '/admin/apps', '/portal/enter', '/sign-in']) {
        const answer = await ask(server, place, HTML);
        assert.equal(answer.status, 200, place);
        assert.match(answer.headers['content-type'], /^text\/html/);
        assert.match(answer.body.toString(), /<div id="app"><\/div>/);
        assert.equal(answer.headers['cache-control'], 'no-cache');
    }
    for (const place of ['/dashboards', '/adminx', '/assets/none.js', '/api/v1/nothing', '/docs/none', '/']) {
        assert.equal((await ask(server, place, HTML)).status, 404, place);
    }
    assert.equal((await ask(server, '/dashboard', { Accept: 'application/json' })).status, 404);
    assert.equal((await ask(server, '/dashboard', HTML, 'POST')).status, 405);
});

test('every page forbids what it does not need', async (t) => {
    const server = await startServer(t);
    for (const place of ['/dashboard', '/docs']) {
        const { headers } = await ask(server, place, HTML);
        const policy = headers['content-security-policy'];
        for (const rule of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "require-trusted-types-for 'script'"]) {
            assert.ok(policy.includes(rule), `${place}: ${rule} in ${policy}`);
        }
        assert.ok(!/unsafe|\*/.test(policy), policy);
        assert.equal(headers['x-content-type-options'], 'nosniff');
        assert.equal(headers['referrer-policy'], 'no-referrer');
    }
});

test('assets are compressed, kept for ever by their hash, and the same without compression', async (t) => {
    const server = await startServer(t);
    const shell = (await ask(server, '/dashboard', HTML)).body.toString();
    const assets = [...shell.matchAll(/"(\/assets\/[^"]+)"/g)].map((m) => m[1]);
    assert.ok(assets.length >= 2, shell);
    for (const path of assets) {
        const plain = await ask(server, path);
        const packed = await ask(server, path, { 'Accept-Encoding': 'br, gzip' });
        assert.equal(plain.status, 200);
        assert.equal(plain.headers['content-encoding'], undefined);
        assert.equal(packed.headers['content-encoding'], 'gzip');
        assert.match(packed.headers['cache-control'], /immutable/);
        assert.match(packed.headers.vary, /Accept-Encoding/i);
        assert.deepEqual(gunzipSync(packed.body), plain.body, path);
        const refused = await ask(server, path, { 'Accept-Encoding': 'gzip;q=0' });
        assert.equal(refused.headers['content-encoding'], undefined);
        const again = await ask(server, path, { 'If-None-Match': `"x", W/${plain.headers.etag}` });
        assert.equal(again.status, 304);
        assert.equal(again.body.length, 0);
        const head = await ask(server, path, {}, 'HEAD');
        assert.equal(head.status, 200);
        assert.equal(head.body.length, 0);
    }
    const post = await ask(server, assets[0], {}, 'POST');
    assert.equal(post.status, 405);
    assert.equal(post.headers.allow, 'GET, HEAD');
});

test('each page of the docs has its twin in Markdown, and llms.txt lists them', async (t) => {
    const server = await startServer(t);
    const index = (await ask(server, '/llms.txt')).body.toString();
    const twins = [...index.matchAll(/\]\((\/docs\/[^)]+)\.md\)/g)].map((m) => m[1]);
    assert.ok(twins.length > 3, index);
    for (const page of twins) {
        const html = await ask(server, page);
        const twin = await ask(server, `${page}.md`);
        assert.match(html.headers['content-type'], /^text\/html/, page);
        assert.match(twin.headers['content-type'], /^text\/markdown/, page);
        assert.match(twin.body.toString(), /^(<!--[\s\S]*?-->\n)?# /, page);
    }
});

test('every link of the docs leads somewhere, and every error has the page that its problem names', async (t) => {
    const server = await startServer(t);
    const index = (await ask(server, '/llms.txt')).body.toString();
    const seen = new Map();
    const read = async (path) => {
        if (!seen.has(path)) {
            seen.set(path, await ask(server, path, HTML));
        }
        return seen.get(path);
    };
    const left = [...index.matchAll(/\]\((\/docs\/[^)]+)\.md\)/g)].map((m) => m[1]);
    const dead = [];
    for (const page of left) {
        const html = (await read(page)).body.toString();
        for (const [, href] of html.matchAll(/<a [^>]*href="([^"]*)"/g)) {
            const { origin, pathname, hash } = new URL(href.replaceAll('&amp;', '&'), server.url + page);
            if (origin !== server.url) {
                continue;
            }
            const answer = await read(pathname);
            const anchor = decodeURIComponent(hash.slice(1));
            if (answer.status !== 200 || (anchor !== '' && anchor !== 'content' && !answer.body.includes(`id="${anchor}"`))) {
                dead.push(`${page}: ${href}`);
            }
        }
    }
    assert.deepEqual(dead, []);
    const refused = await server.api.request('GET', '/api/v1/apps/nobody');
    const page = await ask(server, refused.json.type, HTML);
    assert.equal(page.status, 200, refused.json.type);
    assert.match(page.body.toString(), /<h1 id="not_found">/);
});
