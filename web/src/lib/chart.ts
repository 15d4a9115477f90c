// SPDX-License-Identifier: Apache-2.0
//
// chart.ts - the geometry of a line chart over time. Pure.

export interface Frame {
    left: number
    top: number
    width: number
    height: number
}

export type Values = (number | null)[]

/** 1, 2 or 5 times a power of ten, at least `value`. */
export function niceTop(value: number): number {
    if (value <= 0) {
        return 1
    }
    const power = 10 ** Math.floor(Math.log10(value))
    const factor = [1, 2, 5, 10].find((f) => f * power >= value) ?? 10
    return factor * power
}

export function largest(...series: Values[]): number {
    return series.flat().reduce<number>((max, v) => Math.max(max, v ?? 0), 0)
}

const round = (x: number) => Math.round(x * 10) / 10

export function xOf(index: number, count: number, frame: Frame): number {
    return round(frame.left + (count < 2 ? 0 : (index / (count - 1)) * frame.width))
}

export function yOf(value: number, top: number, frame: Frame): number {
    return round(frame.top + frame.height - Math.min(1, value / top) * frame.height)
}

/** Runs of values that are there: [first index, values]. No data is a gap and not zero. */
function runsOf(values: Values): [number, number[]][] {
    const runs: [number, number[]][] = []
    let open: number[] | undefined
    values.forEach((value, i) => {
        if (value === null) {
            open = undefined
        } else if (open === undefined) {
            open = [value]
            runs.push([i, open])
        } else {
            open.push(value)
        }
    })
    return runs
}

/** "M0,10L5,3 ..."; a single value is a short dash. */
export function linePath(values: Values, top: number, frame: Frame): string {
    const at = (i: number, v: number) => `${xOf(i, values.length, frame)},${yOf(v, top, frame)}`
    return runsOf(values)
        .map(([first, run]) => {
            const points = run.map((v, i) => at(first + i, v))
            return points.length === 1 ? `M${points[0] ?? ''}m-2,0h4` : `M${points.join('L')}`
        })
        .join('')
}

/** The area between two series with the same gaps. */
export function bandPath(low: Values, high: Values, top: number, frame: Frame): string {
    const lows = runsOf(low)
    return runsOf(high)
        .map(([first, run], n) => {
            const at = (v: number, i: number) => `${xOf(first + i, high.length, frame)},${yOf(v, top, frame)}`
            const under = (lows[n]?.[1] ?? []).map(at).reverse()
            return `M${[...run.map(at), ...under].join('L')}Z`
        })
        .join('')
}
