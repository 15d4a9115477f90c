// SPDX-License-Identifier: Apache-2.0
//
// TimeChart - lines over time as SVG, with the same numbers as a table behind it. Under the pointer a bucket tells
// its numbers. No data is a gap.
import { bandPath, largest, linePath, niceTop, xOf, yOf, type Frame, type Values } from '../lib/chart'

export interface Series {
    name: string
    /** Of the stylesheet: chart-total, chart-failed, chart-average. */
    kind: string
    values: Values
}

interface Props {
    title: string
    /** One sentence that says what the chart says. */
    summary: string
    at: string[]
    series: Series[]
    band?: { name: string; low: Values; high: Values }
    /** Dashed lines across, when the scale reaches them. */
    marks?: { value: number; text: string; kind: string }[]
    top?: number
    format: (value: number) => string
}

const size = { width: 600, height: 200 }
const frame: Frame = { left: 52, top: 12, width: 536, height: 156 }
const timeText = new Intl.DateTimeFormat('en', { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hour12: false })
const dayText = new Intl.DateTimeFormat('en', { weekday: 'short', day: 'numeric' })
const dates = 7

function text(value: number | null | undefined, format: Props['format']): string {
    return value === null || value === undefined ? 'no data' : format(value)
}

function Axes({ at, top, format }: Pick<Props, 'at' | 'format'> & { top: number }) {
    const step = Math.max(1, Math.ceil(at.length / dates))
    return (
        <g class="chart-axes">
            {[0, 0.5, 1].map((part) => (
                <g key={part}>
                    <line
                        x1={frame.left}
                        x2={frame.left + frame.width}
                        y1={yOf(part * top, top, frame)}
                        y2={yOf(part * top, top, frame)}
                    />
                    <text x={frame.left - 6} y={yOf(part * top, top, frame) + 4} text-anchor="end">
                        {format(part * top)}
                    </text>
                </g>
            ))}
            {at.map((moment, i) =>
                i % step === 0 ? (
                    <text x={xOf(i, at.length, frame)} y={size.height - 14} key={moment}>
                        {dayText.format(new Date(moment))}
                    </text>
                ) : null,
            )}
        </g>
    )
}

function Table({ title, at, series, band, format }: Props) {
    const columns: [string, Values][] = [
        ...series.map((s): [string, Values] => [s.name, s.values]),
        ...(band === undefined
            ? []
            : ([
                  ['Minimum', band.low],
                  ['Maximum', band.high],
              ] as [string, Values][])),
    ]
    const rows = at.map((moment, i) => ({ moment, i })).filter(({ i }) => columns.some(([, v]) => (v[i] ?? 0) > 0))
    return (
        <details>
            <summary>Show as a table</summary>
            <div class="scroll chart-table" tabIndex={0} role="group" aria-label={`${title}, as a table`}>
                <table>
                    <caption class="sr-only">{title}</caption>
                    <thead>
                        <tr>
                            <th scope="col">Time</th>
                            {columns.map(([name]) => (
                                <th scope="col" key={name}>
                                    {name}
                                </th>
                            ))}
                        </tr>
                    </thead>
                    <tbody>
                        {rows.map(({ moment, i }) => (
                            <tr key={moment}>
                                <th scope="row">{timeText.format(new Date(moment))}</th>
                                {columns.map(([name, values]) => (
                                    <td class="number" key={name}>
                                        {text(values[i], format)}
                                    </td>
                                ))}
                            </tr>
                        ))}
                    </tbody>
                </table>
                {rows.length === 0 && <p class="muted">Nothing in this time.</p>}
            </div>
        </details>
    )
}

export function TimeChart(props: Props) {
    const { title, summary, at, series, band, marks = [], format } = props
    const top = props.top ?? niceTop(largest(...series.map((s) => s.values), ...(band === undefined ? [] : [band.high])))
    const width = frame.width / Math.max(1, at.length)
    return (
        <figure class="card stack tight chart">
            <figcaption class="row spread">
                <h3>{title}</h3>
                <span class="row chart-legend">
                    {series.map((s) => (
                        <span class={s.kind} key={s.name}>
                            {s.name}
                        </span>
                    ))}
                    {band !== undefined && <span class="chart-band">{band.name}</span>}
                </span>
            </figcaption>
            <svg viewBox={`0 0 ${size.width} ${size.height}`} role="img" aria-label={`${title}. ${summary}`}>
                <Axes at={at} top={top} format={format} />
                {band !== undefined && <path class="chart-area" d={bandPath(band.low, band.high, top, frame)} />}
                {marks
                    .filter((m) => m.value <= top)
                    .map((m) => (
                        <g class={`chart-mark ${m.kind}`} key={m.text}>
                            <line
                                x1={frame.left}
                                x2={frame.left + frame.width}
                                y1={yOf(m.value, top, frame)}
                                y2={yOf(m.value, top, frame)}
                            />
                            <text x={frame.left + frame.width} y={yOf(m.value, top, frame) - 3} text-anchor="end">
                                {m.text}
                            </text>
                        </g>
                    ))}
                {series.map((s) => (
                    <path class={`chart-line ${s.kind}`} d={linePath(s.values, top, frame)} key={s.name} />
                ))}
                {at.map((moment, i) => (
                    <rect
                        class="chart-bucket"
                        x={xOf(i, at.length, frame) - width / 2}
                        y={frame.top}
                        width={width}
                        height={frame.height}
                        key={moment}
                    >
                        <title>
                            {[
                                timeText.format(new Date(moment)),
                                ...series.map((s) => `${s.name} ${text(s.values[i], format)}`),
                            ].join('\n')}
                        </title>
                    </rect>
                ))}
            </svg>
            <Table {...props} />
        </figure>
    )
}
