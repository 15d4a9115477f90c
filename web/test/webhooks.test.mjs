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

test('events are chosen by category, by name and by pattern', async () => {
    const { categoriesOf, stateOf, withTypes, isChosen, previewText, othersOf } = await load('src/lib/eventTree.ts')
    const type = (name, group) => ({ name, group, description: '' })
    const catalogue = [
        type('email.opened', 'Email Events'),
        type('email.sent', 'Email Events'),
        type('user.created', ''),
    ]
    const [email, user] = categoriesOf(catalogue)
    assert.deepEqual([email.title, user.title], ['Email Events', 'user'])
    const all = { all: true, types: [] }
    assert.equal(stateOf(email, all), 'all')
    const some = withTypes(all, catalogue, ['email.sent'], false)
    assert.deepEqual(some, { all: false, types: ['email.opened', 'user.created'] })
    assert.equal(stateOf(email, some), 'some')
    assert.equal(previewText(some), "You've selected 2 events.")
    const pattern = { all: false, types: ['email.*', 'old.thing'] }
    assert.ok(isChosen(pattern, 'email.sent') && !isChosen(pattern, 'user.created'))
    assert.deepEqual(othersOf(pattern, catalogue), ['email.*', 'old.thing'])
    assert.deepEqual(withTypes(pattern, catalogue, ['email.sent'], false).types, ['email.opened', 'old.thing'])
})

test('the plan of retries is printed as it will be', async () => {
    const { planText } = await load('src/lib/retryPlan.ts')
    const seed = [60, 300, 900, 3600, 86_400]
    assert.equal(
        planText(seed, 5),
        '5 attempts: at once, then after 1 m, 5 m, 15 m, 1 h. The last one 1 h 21 m after the event.',
    )
    assert.equal(planText([10], 5), '5 attempts: at once, then after 4 times 10 s. The last one 40 s after the event.')
    assert.equal(planText(seed, 1), 'One attempt, at once.')
})

test('a form sends what was changed and nothing else', async () => {
    const { emptyDraft, draftOf, changesOf, inputOf, faultsOf } = await load('src/lib/draft.ts')
    const stored = {
        name: 'Shop',
        description: '',
        url: 'https://shop.test/hook',
        event_types: ['a.b'],
        status: 'active',
        payload_style: 'snapshot',
        envelope: 'native',
        workspaces: [],
        campaigns: [],
        contact_tags: ['vip'],
        filter: { x: 1 },
        transform: null,
        timeout_ms: 7000,
        retry: { enabled: true, schedule: [5, 10], max_attempts: 3, max_age_s: 60, on: 'lenient', jitter_percent: 0 },
    }
    const draft = draftOf(stored)
    assert.deepEqual(changesOf(draft, stored), {})
    assert.deepEqual(changesOf({ ...draft, timeoutS: 9, status: 'paused' }, stored), { timeout_ms: 9000, status: 'paused' })
    assert.deepEqual(changesOf({ ...draft, attempts: 4 }, stored).retry, { ...stored.retry, max_attempts: 4 })
    assert.deepEqual(Object.keys(faultsOf({ ...emptyDraft, filter: '{', events: { all: false, types: [] } })), [
        '/url',
        '/event_types',
        '/filter',
    ])
    const input = inputOf({ ...emptyDraft, url: ' https://x.test ' })
    assert.equal(input.url, 'https://x.test')
    assert.deepEqual(input.retry, { enabled: true, schedule: 'platform', max_attempts: 5 })
    assert.equal(input.timeout_ms, 5000)
    assert.ok(!('secret' in input))
})

test('a chart has gaps where there is no data, and round tops', async () => {
    const { linePath, bandPath, niceTop, largest } = await load('src/lib/chart.ts')
    const frame = { left: 0, top: 0, width: 30, height: 10 }
    assert.equal(linePath([0, 5, null, 10], 10, frame), 'M0,10L10,5M30,0m-2,0h4')
    assert.equal(bandPath([1, null], [5, null], 10, frame), 'M0,5L0,9Z')
    assert.deepEqual([0, 3, 11, 142, 5000].map(niceTop), [1, 5, 20, 200, 5000])
    assert.equal(largest([1, null], [7]), 7)
})

test('a schema is sketched as the shape that it allows', async () => {
    const { schemaSketch } = await load('src/lib/schemaSketch.ts')
    const schema = {
        properties: {
            id: { type: 'string', format: 'uuid' },
            contact: { $ref: '#/$defs/contact' },
            tags: { type: 'array', items: { type: 'string' } },
            kind: { enum: ['hard', 'soft'] },
            self: { $ref: '#' },
        },
        $defs: { contact: { properties: { email: { type: ['string', 'null'] } } } },
    }
    const sketch = schemaSketch(schema)
    assert.equal(sketch.id, 'string (uuid)')
    assert.deepEqual(sketch.contact, { email: 'string or null' })
    assert.deepEqual(sketch.tags, ['string'])
    assert.equal(sketch.kind, 'hard | soft')
    assert.equal(schemaSketch(null), 'any')
})
