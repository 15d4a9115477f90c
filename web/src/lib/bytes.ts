// SPDX-License-Identifier: Apache-2.0
//
// bytes.ts - bodies as they were on the wire, for people. Pure.

/** "00000000  7b 22 61 22 ...  {"a" ..." */
export function hexDump(text: string): string {
    const bytes = new TextEncoder().encode(text)
    const lines: string[] = []
    for (let at = 0; at < bytes.length; at += 16) {
        const part = [...bytes.slice(at, at + 16)]
        const hex = part.map((b) => b.toString(16).padStart(2, '0')).join(' ')
        const plain = part.map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : '.')).join('')
        lines.push(`${at.toString(16).padStart(8, '0')}  ${hex.padEnd(47)}  ${plain}`)
    }
    return lines.join('\n')
}

const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/**
 * JSON with line breaks and two blanks a level, token by token: numbers and strings stay as they were
 * written (a parsed number beyond 2^53 would not). undefined when it is not JSON.
 */
export function prettyJson(text: string): string | undefined {
    try {
        JSON.parse(text)
    } catch {
        return undefined
    }
    const all = text.match(tokens) ?? []
    let out = ''
    let depth = 0
    const line = () => `\n${'  '.repeat(depth)}`
    for (const [at, token] of all.entries()) {
        if (token === '{' || token === '[') {
            depth += 1
            out += all[at + 1] === '}' || all[at + 1] === ']' ? token : token + line()
        } else if (token === '}' || token === ']') {
            depth -= 1
            out += all[at - 1] === '{' || all[at - 1] === '[' ? token : line() + token
        } else if (token === ',') {
            out += token + line()
        } else {
            out += token === ':' ? ': ' : token
        }
    }
    return out
}
