// SPDX-License-Identifier: Apache-2.0
//
// rig.mjs - an egress process, a hostile receiver and a DNS server that know of each other.

import { makeCerts } from '../integration/lib/certs.mjs';
import { startDns } from '../integration/lib/dns.mjs';
import { start } from '../integration/lib/hostile.mjs';
import { startEgress } from './client.mjs';

export const HOST = 'hook.example.com';
export const LOOPBACK = '127.0.0.1/32:0';

export async function makeRig(policy = {}) {
    const pki = await makeCerts(HOST);
    const receiver = await start({ tls: pki.leaf });
    const dns = await startDns({ [HOST]: { a: ['127.0.0.1'] } });
    const egress = await startEgress({ allowTargets: LOOPBACK, dnsServer: dns.address, ...policy },
        { env: { SSL_CERT_FILE: pki.caFile } });
    return {
        pki,
        receiver,
        dns,
        egress,
        url: (path, host = HOST) => `http://${host}:${receiver.port}${path}`,
        tlsUrl: (name, path = '/ok', host = HOST) => `https://${host}:${receiver.tlsPort[name]}${path}`,
        // The requests that came to a path.
        came: (path) => receiver.requests.filter((request) => request.path === path),
        async close() {
            const how = await egress.close();
            await receiver.close();
            await dns.close();
            await pki.remove();
            return how;
        },
    };
}

// Wait until `look` gives something true; fail after `limitMs`.
export async function until(look, what, limitMs = 10_000) {
    const end = Date.now() + limitMs;
    for (;;) {
        const seen = await look();
        if (seen) {
            return seen;
        }
        if (Date.now() > end) {
            throw new Error(`waited ${limitMs} ms for: ${what}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
}
