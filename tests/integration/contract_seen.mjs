// SPDX-License-Identifier: Apache-2.0
//
// After the whole suite (see `run`): every operation of the contract was seen to succeed by one of its tests.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { unseenOperations } from '../lib/contract.mjs';

it('every operation of the contract was seen to succeed', () => {
    assert.ok(process.env.TEST_CONTRACT_DIR, 'started by tests/integration/run');
    assert.deepEqual(unseenOperations(process.env.TEST_CONTRACT_DIR), []);
});
