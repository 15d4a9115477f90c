// SPDX-License-Identifier: Apache-2.0
//
// node build.mjs OUT [--depfile FILE TARGET]: bundles the pages, compresses every asset, and writes
// for the binary: assets.S (the bytes, by .incbin) and assets_table.inc (one row an asset, in order
// of the path). Assets with a hash in their name never change; the others carry an ETag.
import { createHash } from 'node:crypto'
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import esbuild from 'esbuild'
import { docsAssets } from './docs.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const root = path.dirname(here)
const [out, flag, depfile, target] = process.argv.slice(2)
if (out === undefined) {
    console.error('usage: node build.mjs OUT [--depfile FILE TARGET]')
    process.exit(2)
}

const types = {
    '.css': 'text/css; charset=utf-8',
    '.html': 'text/html; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
    '.md': 'text/markdown; charset=utf-8',
    '.svg': 'image/svg+xml',
    '.txt': 'text/plain; charset=utf-8',
}

/** Bundles the pages; answers its assets and the files that went in. */
async function bundle() {
    const result = await esbuild.build({
        absWorkingDir: here,
        entryPoints: ['src/main.tsx', 'src/docs.ts', 'src/styles/docs.css'],
        outdir: 'assets',
        entryNames: '[name]-[hash]',
        chunkNames: '[name]-[hash]',
        assetNames: '[name]-[hash]',
        bundle: true,
        splitting: true,
        format: 'esm',
        target: ['es2022', 'chrome123', 'firefox121', 'safari17.5'],
        minify: true,
        metafile: true,
        write: false,
        jsx: 'automatic',
        jsxImportSource: 'preact',
        legalComments: 'none',
        logLevel: 'warning',
    })
    const inputs = Object.keys(result.metafile.inputs).map((name) => path.join(here, name))
    const assets = result.outputFiles.map((file) => ({
        path: `/assets/${path.basename(file.path)}`,
        bytes: Buffer.from(file.contents),
        immutable: true,
    }))
    return { assets, inputs }
}

/** The one asset whose name begins so, for instance "main" and ".js". */
function named(assets, stem, extension) {
    const found = assets.filter(
        (a) => a.path.startsWith(`/assets/${stem}-`) && a.path.endsWith(extension),
    )
    if (found.length !== 1) {
        throw new Error(`${found.length} assets called ${stem}${extension}`)
    }
    return found[0].path
}

async function shell(assets) {
    const html = await readFile(path.join(here, 'src/index.html'), 'utf8')
    return html
        .replaceAll('{{style}}', named(assets, 'main', '.css'))
        .replaceAll('{{script}}', named(assets, 'main', '.js'))
}

function row(asset, index) {
    const type = types[path.extname(asset.file ?? asset.path)]
    const etag = createHash('sha256').update(asset.bytes).digest('hex').slice(0, 20)
    if (type === undefined) {
        throw new Error(`no content type for ${asset.path}`)
    }
    return (
        `    { "${asset.path}", "${type}", "\\"${etag}\\"", ${asset.immutable === true}, ` +
        `${asset.bytes.length}, asset_${index}, asset_${index}_end },\n`
    )
}

async function emit(assets) {
    let table = ''
    let symbols = ''
    let code = '/* made by web/build.mjs */\n    .section .rodata\n'
    await rm(path.join(out, 'packed'), { recursive: true, force: true })
    await mkdir(path.join(out, 'packed'), { recursive: true })
    for (const [index, asset] of assets.entries()) {
        const file = path.resolve(out, 'packed', `${index}.gz`)
        await writeFile(file, gzipSync(asset.bytes, { level: 9 }))
        symbols += `extern const unsigned char asset_${index}[], asset_${index}_end[];\n`
        table += row(asset, index)
        code += `    .globl asset_${index}, asset_${index}_end\nasset_${index}:\n`
        code += `    .incbin "${file}"\nasset_${index}_end:\n    .byte 0\n`
    }
    code += '    .section .note.GNU-stack,"",%progbits\n'
    await writeFile(path.join(out, 'assets.S'), code)
    await writeFile(
        path.join(out, 'assets_table.inc'),
        `/* made by web/build.mjs */\n${symbols}\nstatic const struct asset table[] = {\n${table}};\n`,
    )
}

async function listFiles(folder) {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.filter((e) => e.isFile()).map((e) => path.join(folder, e.name))
}

const { assets, inputs } = await bundle()
const docs = await docsAssets(root, {
    style: named(assets, 'docs', '.css'),
    script: named(assets, 'docs', '.js'),
})
const all = [
    ...assets,
    ...docs,
    { path: '/index.html', bytes: Buffer.from(await shell(assets)) },
    { path: '/favicon.svg', bytes: await readFile(path.join(here, 'src/favicon.svg')) },
]
// In the order of strcmp, for the search of pages.c.
all.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))
await emit(all)
if (flag === '--depfile') {
    const more = [...(await listFiles(path.join(root, 'docs'))), ...(await listFiles(here))]
    const needs = [...inputs, ...more, path.join(here, 'src/index.html')]
    await writeFile(depfile, `${target}: ${needs.map((n) => n.replaceAll(' ', '\\ ')).join(' ')}\n`)
}
