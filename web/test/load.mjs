// SPDX-License-Identifier: Apache-2.0
//
// Loads a module of the pages that is pure, as Node.js can run it.
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import esbuild from 'esbuild'

export const web = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')

export async function load(file) {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'postern-web.'))
    try {
        const outfile = path.join(folder, 'module.mjs')
        await esbuild.build({
            entryPoints: [path.join(web, file)],
            outfile,
            bundle: true,
            format: 'esm',
            logLevel: 'error',
        })
        return await import(outfile)
    } finally {
        rmSync(folder, { recursive: true })
    }
}
