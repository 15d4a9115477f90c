// SPDX-License-Identifier: Apache-2.0
//
// Waiting in tests: always for a thing, always with a deadline. The pauses inside are the distance
// between two looks, never a guess of how long something takes.
import { setTimeout as pause } from 'node:timers/promises';

// Sanitizer builds are slow, and so is a machine that does something else: one factor for all.
export const PATIENCE = Number(process.env.TEST_PATIENCE ?? 1);
export const DEADLINE_MS = 20_000;

const LOOK_MS = 15;

function describe(what) {
    return typeof what === 'function' ? what() : what;
}

// Calls look() until it gives something truthy, and returns that. `what` (text, or a function of none
// that gives the text) says in the error what did not happen. An exception of look() ends the wait.
export async function waitFor(what, look, deadlineMs = DEADLINE_MS) {
    const end = Date.now() + deadlineMs * PATIENCE;
    for (;;) {
        const value = await look();
        if (value) {
            return value;
        }
        if (Date.now() > end) {
            throw new Error(`not within ${deadlineMs * PATIENCE} ms: ${describe(what)}`);
        }
        await pause(LOOK_MS);
    }
}

// The promise's value, or an error that names what was waited for.
export async function within(what, promise, deadlineMs = DEADLINE_MS) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(
            () => reject(new Error(`not within ${deadlineMs * PATIENCE} ms: ${describe(what)}`)),
            deadlineMs * PATIENCE,
        );
    });
    try {
        return await Promise.race([promise, late]);
    } finally {
        clearTimeout(timer);
    }
}
