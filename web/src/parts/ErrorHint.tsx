// SPDX-License-Identifier: Apache-2.0
//
// ErrorHint - why an attempt failed and what to do, in the server's words.
import type { Attempt } from '../api/types'

export function ErrorHint({ attempt }: { attempt: Attempt }) {
    const info = attempt.error_info
    if (info === null || attempt.error === null) {
        return null
    }
    return (
        <div class="banner failed">
            <div class="stack tight">
                <p>
                    <strong>{info.sentence}</strong>
                    {info.detail !== null && ` (${info.detail})`}
                </p>
                <p>{info.advice}</p>
                <p>
                    <a href={`/docs/errors/${attempt.error}`}>
                        About <code>{attempt.error}</code>
                    </a>
                </p>
            </div>
        </div>
    )
}
