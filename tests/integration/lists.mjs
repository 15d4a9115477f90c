// SPDX-License-Identifier: Apache-2.0
//
// What every list must do: pages that join without gap or repeat, both orders, both directions, bad parameters.
import assert from 'node:assert/strict';
import { assertProblem } from './support.mjs';

export const LIMIT_MAX = 250;

function withQuery(path, query) {
    return `${path}${path.includes('?') ? '&' : '?'}${new URLSearchParams(query)}`;
}

function assertShape(page) {
    assert.deepEqual(Object.keys(page).sort(), ['data', 'next_cursor', 'prev_cursor']);
    assert.ok(Array.isArray(page.data));
}

async function walk(api, path, query, keyOf) {
    const pages = [];
    let cursor;
    do {
        const page = await api.get(withQuery(path, cursor ? { ...query, cursor } : query));
        assertShape(page);
        pages.push(page);
        cursor = page.next_cursor;
        assert.ok(pages.length < 1000, 'the list ends');
    } while (cursor);
    return { pages, keys: pages.flatMap((page) => page.data.map(keyOf)) };
}

// `keys` are those of all rows, oldest first.
export async function assertList(api, path, keys, { keyOf = (row) => row.id } = {}) {
    const limit = Math.max(1, Math.ceil(keys.length / 3));
    const whole = await api.get(withQuery(path, { limit: LIMIT_MAX }));
    assertShape(whole);
    assert.deepEqual(whole.data.map(keyOf).sort(), [...keys].sort());
    assert.equal(whole.next_cursor, null);
    assert.equal(whole.prev_cursor, null);

    const up = await walk(api, path, { limit, order: 'asc' }, keyOf);
    assert.deepEqual(up.keys, keys, 'oldest first');
    const down = await walk(api, path, { limit, order: 'desc' }, keyOf);
    assert.deepEqual(down.keys, [...keys].reverse(), 'newest first');
    for (const page of down.pages.slice(0, -1)) {
        assert.equal(page.data.length, limit);
    }

    // Back from the last page to the first.
    const back = [];
    let cursor = down.pages.at(-1).prev_cursor;
    while (cursor) {
        const page = await api.get(withQuery(path, { limit, order: 'desc', cursor }));
        back.unshift(...page.data.map(keyOf));
        cursor = page.prev_cursor;
    }
    assert.deepEqual(back, down.keys.slice(0, back.length), 'the way back is the way there');
    assert.equal(back.length, down.keys.length - down.pages.at(-1).data.length);
}

export async function assertListRefusals(api, path) {
    const bad = [
        { limit: '0' },
        { limit: String(LIMIT_MAX + 1) },
        { limit: '-1' },
        { limit: 'many' },
        { limit: '1e1' },
        { order: 'sideways' },
        { cursor: 'not-a-cursor' },
        { cursor: 'A'.repeat(500) },
        { no_such_parameter: '1' },
    ];
    for (const query of bad) {
        const answer = await api.request('GET', withQuery(path, query));
        assert.ok([400, 422].includes(answer.status), `${JSON.stringify(query)}: ${answer.status} ${answer.text}`);
        assertProblem(answer, answer.status, ['invalid_request', 'invalid_field']);
    }
    const twice = await api.request('GET', `${withQuery(path, { limit: '2' })}&limit=3`);
    assert.ok([400, 422].includes(twice.status), twice.text);
    const encoding = await api.request('GET', `${withQuery(path, {})}&limit=%zz`);
    assert.ok([400, 422].includes(encoding.status), encoding.text);
}
