// SPDX-License-Identifier: Apache-2.0
//
// number.ts - numbers for people. Pure.
const whole = new Intl.NumberFormat('en')

/** 12345 -> "12,345" */
export function count(n: number): string {
    return whole.format(n)
}

/** 37 of 12345 -> "0.3%"; never "100%" or "0%" when it is not. */
export function share(part: number, all: number): string {
    if (all === 0) {
        return '–'
    }
    const percent = (part / all) * 100
    if (percent > 0 && percent < 0.1) {
        return '<0.1%'
    }
    if (percent < 100 && percent > 99.9) {
        return '>99.9%'
    }
    return `${Number(percent.toFixed(1))}%`
}
