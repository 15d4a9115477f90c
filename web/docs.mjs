// SPDX-License-Identifier: Apache-2.0
//
// The public docs: web/docs.json says which pages there are and in what order; each is one markdown
// file. A page is served as HTML that reads well without scripts, and as its .md twin.
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { marked, Renderer } from 'marked'

const escape = (text) =>
    text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** The anchor of a heading, by the rule of GitHub, so that links inside the .md files hold in both. */
export function slug(text) {
    return text
        .replace(/<[^>]*>|&[^;]+;/g, '')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-')
}

/** Where a link of a file leads: a page of ours, elsewhere as it stands, or undefined (a file that is no page). */
function target(pages, from, href) {
    if (/^([a-z]+:|\/|#)/.test(href)) {
        return href
    }
    const [file, anchor] = href.split('#')
    const named = path.join(path.dirname(from.file), file)
    const page = pages.find((p) => p.file === named)
    return page === undefined ? undefined : `/docs/${page.path}${anchor === undefined ? '' : `#${anchor}`}`
}

function renderer(pages, from) {
    const own = new Renderer()
    own.heading = (text, level) => {
        const id = slug(text)
        return `<h${level} id="${id}"><a class="anchor" href="#${id}">${text}</a></h${level}>\n`
    }
    own.table = (header, body) =>
        `<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>\n<thead>${header}</thead>\n<tbody>${body}</tbody>\n</table></div>\n`
    own.code = (code, language) => {
        const name = language === undefined || language === '' ? 'text' : language
        return `<div class="sample"><pre tabindex="0" data-language="${escape(name)}"><code>${escape(code)}\n</code></pre></div>\n`
    }
    own.link = (href, title, text) => {
        const to = target(pages, from, href)
        if (to === undefined) {
            return text
        }
        return `<a href="${escape(to)}">${text}</a>`
    }
    return own
}

function sidebar(pages, current) {
    let html = ''
    let group = ''
    for (const page of pages) {
        if (page.group !== group) {
            html += `${group === '' ? '' : '</ul>'}<h2>${escape(page.group)}</h2><ul>`
            group = page.group
        }
        const here = page === current ? ' aria-current="page"' : ''
        html += `<li><a href="/docs/${page.path}"${here}>${escape(page.title)}</a></li>`
    }
    return `${html}</ul>`
}

function document(template, pages, page, links, body) {
    return template
        .replaceAll('{{title}}', escape(page.title))
        .replaceAll('{{style}}', links.style)
        .replaceAll('{{script}}', links.script)
        .replaceAll('{{twin}}', `/docs/${page.path}.md`)
        .replace('{{sidebar}}', () => sidebar(pages, page))
        .replace('{{body}}', () => body)
}

/** One page for each code of docs/errors.md, at the path that a problem's `type` names: its sections. */
function errorPages(page, text, show) {
    const sections = new Map()
    for (const section of text.split(/^(?=##+ )/m)) {
        const [, code] = /^### (?:Attempt: )?(\S+)/.exec(section) ?? []
        if (code !== undefined) {
            sections.set(code, `${sections.get(code) ?? ''}${section.replace(/^###/, '##')}`)
        }
    }
    return [...sections].map(([code, body]) => ({
        path: `/docs/errors/${code}`,
        file: 'page.html',
        bytes: Buffer.from(show({ ...page, title: code }, `# ${code}\n\n${body}`)),
    }))
}

/** All assets of the docs; `links` are the hashed names of their style and script. */
export async function docsAssets(root, links) {
    const pages = JSON.parse(await readFile(path.join(root, 'web/docs.json'), 'utf8'))
    const template = await readFile(path.join(root, 'web/src/docs.html'), 'utf8')
    const assets = []
    let index = '# Postern\n\n> A webhook gateway in one binary.\n\n'
    for (const page of pages) {
        const text = await readFile(path.join(root, page.file), 'utf8')
        const show = (shown, markdown) =>
            document(template, pages, shown, links, marked.parse(markdown, { renderer: renderer(pages, page) }))
        const html = show(page, text.replace(/^<!--[\s\S]*?-->\n/, ''))
        assets.push({ path: `/docs/${page.path}`, file: 'page.html', bytes: Buffer.from(html) })
        if (page.path === 'errors') {
            assets.push(...errorPages(page, text, show))
        }
        assets.push({ path: `/docs/${page.path}.md`, bytes: Buffer.from(text) })
        index += `- [${page.title}](/docs/${page.path}.md)\n`
    }
    const first = assets.find((a) => a.path === `/docs/${pages[0].path}`)
    assets.push({ path: '/docs', file: 'page.html', bytes: first.bytes })
    assets.push({ path: '/llms.txt', bytes: Buffer.from(index) })
    return assets
}
