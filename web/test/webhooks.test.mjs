// SPDX-License-Identifier: Apache-2.0
//
// The pure parts of the webhook pages.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load } from './load.mjs'

const health = (more = {}) => ({
    failing: false,
    stale: false,
    consecutive_failures: 0,
    rate_limited_until: null,
    circuit: { state: 'closed', half_open_at: null },
    ...more,
})
const endpoint = (more = {}) => ({
    id: 'ep_1',
    name: 'Shop',
    url: 'https://shop.test/hook',
    event_types: [],
    status: 'active',
    status_reason: null,
    status_detail: null,
    health: health(),
    ...more,
})

test('five standings look different, each with its reason', async () => {
    const { standingOf, reasonOf, isInTrouble } = await load('src/lib/standing.ts')
    const open = { circuit: { state: 'open', half_open_at: '2026-01-02T03:04:05Z' } }
    for (const [given, standing, reason, trouble] of [
        [endpoint(), 'active', '', false],
        [endpoint({ health: health({ failing: true, consecutive_failures: 3 }) }), 'failing', '3 failed attempts in a row.', true],
        [endpoint({ status: 'paused' }), 'paused', 'Paused by a person. New events are held.', false],
        [
            endpoint({ status: 'disabled', status_detail: 'Webhook paused after 100 consecutive failures.' }),
            'disabled',
            'Webhook paused after 100 consecutive failures.',
            true,
        ],
        [endpoint({ health: health(open) }), 'circuit_open', 'Most attempts failed. Resumes at 03:04.', true],
    ]) {
        assert.equal(standingOf(given), standing)
        assert.equal(reasonOf(given, true), reason)
        assert.equal(isInTrouble(given), trouble)
    }
})

test('a sparkline shows one failure among ten thousand', async () => {
    const { sparkPoints, worstOf } = await load('src/lib/spark.ts')
    const box = { width: 20, height: 10 }
    assert.equal(sparkPoints([0, 10_000, 5000], 10_000, box), '0,10 10,0 20,5')
    assert.equal(sparkPoints([0, 1, 0], 10_000, box), '0,10 10,9 20,10')
    assert.equal(worstOf([0, 2, 7, 7]), 2)
    assert.equal(worstOf([0, 0]), undefined)
})

test('the list is filtered by standing, event and text, and sorted', async () => {
    const { chooseEndpoints, subscribes } = await load('src/lib/selection.ts')
    const rows = [
        endpoint({ id: 'a', name: 'Alpha', event_types: ['email.*'] }),
        endpoint({ id: 'b', name: 'Beta', health: health({ failing: true }) }),
        endpoint({ id: 'c', name: 'Gamma', url: 'https://gamma.test/x', event_types: ['contact.created'] }),
    ]
    const sparks = new Map([
        ['a', { attempts: 5, failed_attempts: 4 }],
        ['b', { attempts: 1, failed_attempts: 1 }],
        ['c', { attempts: 50, failed_attempts: 0 }],
    ])
    const ids = (wanted) =>
        chooseEndpoints([...rows], { status: '', event: '', q: '', sort: '', ...wanted }, sparks)
            .map((e) => e.id)
            .join('')
    assert.equal(ids({}), 'abc')
    assert.equal(ids({ status: 'failing' }), 'b')
    assert.equal(ids({ status: 'trouble' }), 'b')
    assert.equal(ids({ event: 'email.opened' }), 'ab')
    assert.equal(ids({ q: 'GAMMA.test' }), 'c')
    assert.equal(ids({ sort: 'volume' }), 'cab')
    assert.equal(ids({ sort: 'failing' }), 'bac')
    assert.ok(!subscribes(rows[0], 'emails.sent'))
})
