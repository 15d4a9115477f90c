// SPDX-License-Identifier: Apache-2.0
//
// The pure parts of the pages, and the budget of what a browser loads first.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import esbuild from 'esbuild'
import { load, web } from './load.mjs'

test('times for people', async () => {
    const { relativeTime, absoluteTime, duration } = await load('src/lib/time.ts')
    const at = Date.parse('2026-01-02T03:04:05.006Z')
    for (const [distance, text] of [
        [-500, 'just now'],
        [-2000, '2 seconds ago'],
        [3 * 60_000, 'in 3 minutes'],
        [-25 * 3_600_000, '1 day ago'],
    ]) {
        assert.equal(relativeTime(at + distance, at), text)
    }
    assert.equal(absoluteTime(at, true), '2026-01-02 03:04:05.006 UTC')
    for (const [ms, text] of [
        [0, '0 ms'],
        [142, '142 ms'],
        [1500, '1.5 s'],
        [15_000, '15 s'],
        [90_000, '1 m 30 s'],
        [3 * 86_400_000, '3 d'],
    ]) {
        assert.equal(duration(ms), text)
    }
})

test('numbers for people are never rounded to none or all', async () => {
    const { share, count } = await load('src/lib/number.ts')
    for (const [part, all, text] of [
        [0, 0, '–'],
        [0, 10, '0%'],
        [1, 1_000_000, '<0.1%'],
        [37, 12_345, '0.3%'],
        [999_999, 1_000_000, '>99.9%'],
        [10, 10, '100%'],
    ]) {
        assert.equal(share(part, all), text)
    }
    assert.equal(count(12_345), '12,345')
})

test('JSON is laid out without touching its numbers and strings', async () => {
    const { prettyJson, hexDump } = await load('src/lib/bytes.ts')
    assert.equal(
        prettyJson('{"a":[],"b":{},"n":12345678901234567890,"s":"{[,:]}\\"x","l":[1,{"y":null}]}'),
        '{\n  "a": [],\n  "b": {},\n  "n": 12345678901234567890,\n  "s": "{[,:]}\\"x",\n  "l": [\n    1,\n    {\n      "y": null\n    }\n  ]\n}',
    )
    assert.equal(prettyJson('{"a":'), undefined)
    assert.equal(prettyJson(' 17 '), '17')
    assert.equal(hexDump('A\u00e9\n'), '00000000  41 c3 a9 0a                                      A...')
})

test('a difference names what went and what came', async () => {
    const { diffLines } = await load('src/lib/diff.ts')
    const short = (a, b) => diffLines(a, b).map((l) => `${l.kind[0]}${l.text}`)
    assert.deepEqual(short('a\nb\nc', 'a\nx\nc'), ['sa', 'rb', 'ax', 'sc'])
    assert.deepEqual(short('same', 'same'), ['ssame'])
    const long = Array.from({ length: 2000 }, (_, i) => String(i)).join('\n')
    assert.equal(diffLines(long, `${long}x`).length, 4000)
})

test('a link of a customer is one only when it is https', async () => {
    const { safeHref } = await load('src/lib/address.ts')
    assert.equal(safeHref('https://example.com/a'), 'https://example.com/a')
    for (const url of ['javascript:alert(1)', 'http://example.com', 'data:text/html,x', 'nothing', ' java\nscript:x']) {
        assert.equal(safeHref(url), undefined)
    }
})

test('the first page loads at most 45 kB of script and 10 kB of style, compressed', async () => {
    const result = await esbuild.build({
        absWorkingDir: web,
        entryPoints: ['src/main.tsx'],
        outdir: 'x',
        bundle: true,
        splitting: true,
        format: 'esm',
        minify: true,
        write: false,
        metafile: true,
        jsx: 'automatic',
        jsxImportSource: 'preact',
        logLevel: 'error',
    })
    const size = (file) => gzipSync(file.contents, { level: 9 }).length
    const named = (file) => path.relative(web, file.path)
    const first = new Set(['x/main.js'])
    for (const name of first) {
        for (const { path: to, kind } of result.metafile.outputs[name].imports) {
            if (kind === 'import-statement') {
                first.add(to)
            }
        }
    }
    const js = result.outputFiles.filter((file) => file.path.endsWith('.js'))
    const firstBytes = js.filter((file) => first.has(named(file))).reduce((sum, file) => sum + size(file), 0)
    const allBytes = js.reduce((sum, file) => sum + size(file), 0)
    const css = result.outputFiles.filter((file) => file.path.endsWith('.css')).reduce((sum, file) => sum + size(file), 0)
    assert.ok(firstBytes > 0 && firstBytes <= 45_000, `first route: ${firstBytes}`)
    assert.ok(allBytes <= 90_000 + 25_000, `all script, with the charts: ${allBytes}`)
    assert.ok(css > 0 && css <= 10_000, `style: ${css}`)
    assert.ok(!readFileSync(path.join(web, 'src/index.html'), 'utf8').includes('//'), 'no other origin in the shell')
})
