// SPDX-License-Identifier: Apache-2.0
//
// The browser of the tests: Debian's Chromium by playwright-core, the real server behind it. Every page
// that is opened here is watched: an error of a script, a refused Content-Security-Policy or a request to
// another origin fails the test.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const SHOTS = path.join(ROOT, 'build-shots');

export const WIDE = { width: 1280, height: 800 };
export const NARROW = { width: 390, height: 800 };

const executable = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((file) => existsSync(file));
export const skip = executable === undefined ? 'Chromium is not installed' : false;

/** A browser for the file; closed behind its tests. */
export async function startBrowser(t) {
    const browser = await chromium.launch({ executablePath: executable, args: ['--no-sandbox'] });
    t.after(() => browser.close());
    return browser;
}

/** A page that is signed in with the key. Options: scheme ("light", "dark"), viewport. */
export async function openPage(t, browser, server, { key = server.key, scheme = 'light', viewport = WIDE } = {}) {
    const context = await browser.newContext({
        baseURL: server.url,
        colorScheme: scheme,
        viewport,
        locale: 'en-GB',
        timezoneId: 'Europe/Berlin',
        permissions: ['clipboard-read', 'clipboard-write'],
    });
    t.after(() => context.close());
    const page = await context.newPage();
    const faults = [];
    page.on('pageerror', (error) => faults.push(`script: ${error.message}`));
    page.on('console', (message) => {
        if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) {
            faults.push(`console: ${message.text()}`);
        }
    });
    page.on('request', (request) => {
        const url = request.url();
        if (!url.startsWith(server.url) && !/^(data|blob|about):/.test(url)) {
            faults.push(`another origin: ${url}`);
        }
    });
    t.after(() => assert.deepEqual(faults, [], 'the pages are quiet'));
    if (key) {
        await page.addInitScript((text) => {
            if (location.pathname !== '/portal/enter') {
                sessionStorage.setItem('postern.key', text);
            }
        }, key);
    }
    page.setDefaultTimeout(15_000);
    return page;
}

/** No violation of WCAG 2.2 A and AA, nor of axe's best practices. */
export async function assertAccessible(page, about) {
    await page.evaluate(() => document.fonts.ready);
    await page.evaluate(AXE_SOURCE);
    const found = await page.evaluate(async () => {
        const result = await window.axe.run(document, {
            runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
        });
        return result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join(' | ')}`);
    });
    assert.deepEqual(found, [], `axe on ${about}`);
}
const AXE_SOURCE = `${AXE};0`;

/** A picture for people to look at: build-shots/<name>.png. */
export async function shot(page, name) {
    mkdirSync(SHOTS, { recursive: true });
    await page.screenshot({ path: path.join(SHOTS, `${name}.png`), fullPage: true });
}

/** Open the path in light and dark, wide and narrow; wait for ready(page); picture and axe each time. */
export async function lookAt(t, browser, server, name, address, ready, options = {}) {
    for (const scheme of ['light', 'dark']) {
        for (const [width, viewport] of [['wide', WIDE], ['narrow', NARROW]]) {
            const page = await openPage(t, browser, server, { ...options, scheme, viewport });
            await page.goto(address);
            await ready(page);
            await shot(page, `${name}-${width}-${scheme}`);
            await assertAccessible(page, `${name} ${width} ${scheme}`);
            const overflow = await page.evaluate(
                () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
            );
            assert.ok(overflow <= 0, `${name} ${width}: the page does not scroll sideways (${overflow} px)`);
            await page.context().close();
        }
    }
}
