// SPDX-License-Identifier: Apache-2.0
//
// diff.ts - what changed between two texts, line by line: a longest common subsequence. Pure.

export interface DiffLine {
    kind: 'same' | 'removed' | 'added'
    text: string
}

/** Longer texts are not compared line by line: all of the one, then all of the other. */
const linesMax = 1500

function whole(a: string[], b: string[]): DiffLine[] {
    return [
        ...a.map((text): DiffLine => ({ kind: 'removed', text })),
        ...b.map((text): DiffLine => ({ kind: 'added', text })),
    ]
}

/** table[i][j]: length of the longest common subsequence of a from i and b from j. */
function lengths(a: string[], b: string[]): Uint16Array[] {
    const table = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1))
    for (let i = a.length - 1; i >= 0; i -= 1) {
        const row = table[i] as Uint16Array
        const below = table[i + 1] as Uint16Array
        for (let j = b.length - 1; j >= 0; j -= 1) {
            row[j] =
                a[i] === b[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0)
        }
    }
    return table
}

export function diffLines(before: string, after: string): DiffLine[] {
    const a = before.split('\n')
    const b = after.split('\n')
    if (a.length > linesMax || b.length > linesMax) {
        return before === after ? a.map((text) => ({ kind: 'same', text })) : whole(a, b)
    }
    const table = lengths(a, b)
    const lines: DiffLine[] = []
    let i = 0
    let j = 0
    while (i < a.length && j < b.length) {
        if (a[i] === b[j]) {
            lines.push({ kind: 'same', text: a[i] ?? '' })
            i += 1
            j += 1
        } else if ((table[i + 1]?.[j] ?? 0) >= (table[i]?.[j + 1] ?? 0)) {
            lines.push({ kind: 'removed', text: a[i] ?? '' })
            i += 1
        } else {
            lines.push({ kind: 'added', text: b[j] ?? '' })
            j += 1
        }
    }
    return [...lines, ...whole(a.slice(i), b.slice(j))]
}
