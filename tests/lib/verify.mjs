// SPDX-License-Identifier: Apache-2.0
//
// Signature checks of our own on node:crypto, for tests that run without npm packages. (The integration
// suite verifies with the packages `standardwebhooks` and `stripe`.)
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

export const TOLERANCE_S = 300;

export function sha256(bytes) {
    return createHash('sha256').update(bytes).digest('hex');
}

function same(a, b) {
    const left = Buffer.from(a);
    const right = Buffer.from(b);
    return left.length === right.length && timingSafeEqual(left, right);
}

function fresh(timestamp) {
    return Math.abs(Date.now() / 1000 - Number(timestamp)) <= TOLERANCE_S;
}

// Profile `standard`: the key is what stands behind whsec_, in base64.
export function verifyStandard(secret, headers, body) {
    const id = headers['webhook-id'];
    const timestamp = headers['webhook-timestamp'];
    if (!id || !timestamp || !fresh(timestamp)) {
        return false;
    }
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
    const digest = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
    return (headers['webhook-signature'] ?? '').split(' ').some((part) => same(part, `v1,${digest}`));
}

// Profile `timestamped`: the key is the whole text of the secret.
export function verifyTimestamped(secret, header, body) {
    const parts = (header ?? '').split(',').map((part) => part.split('='));
    const timestamp = parts.find(([name]) => name === 't')?.[1];
    if (!timestamp || !fresh(timestamp)) {
        return false;
    }
    const digest = createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex');
    return parts.some(([name, value]) => name === 'v1' && same(value ?? '', digest));
}
