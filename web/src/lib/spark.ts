// SPDX-License-Identifier: Apache-2.0
//
// spark.ts - points of a small line chart. Pure.

export interface Box {
    width: number
    height: number
}

const round = (x: number) => Math.round(x * 10) / 10

/**
 * "0,10 5,3 ..." on a scale from 0 to `top`. A value above 0 stands at least one pixel above the base, so that
 * one failure among ten thousand is seen.
 */
export function sparkPoints(values: number[], top: number, box: Box): string {
    const step = values.length < 2 ? 0 : box.width / (values.length - 1)
    return values
        .map((value, i) => {
            const high = top === 0 ? 0 : (value / top) * box.height
            return `${round(i * step)},${round(box.height - (value > 0 ? Math.max(1, high) : 0))}`
        })
        .join(' ')
}

/** Index of the largest value, undefined when all are 0. */
export function worstOf(values: number[]): number | undefined {
    const most = Math.max(0, ...values)
    return most === 0 ? undefined : values.indexOf(most)
}
