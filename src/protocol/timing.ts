// SPDX-License-Identifier: MIT

/**
 * The time limits that have to fit one another, in milliseconds. Where one must be shorter or longer than another it
 * says so, and why; `timing.test.ts` checks that. A limit that stands for itself is in the file that uses it.
 */

/** How long a worker waits for the primary's first answer before it says that there is no primary. */
export const WELCOME_TIMEOUT_MS = 5000;

/**
 * How long a worker waits for an answer which the primary gives at once. Shorter than {@link WELCOME_TIMEOUT_MS}: a
 * client is not kept waiting until it is certain that there is no primary.
 */
export const QUESTION_TIMEOUT_MS = 2000;

/** How long a worker may take to give up a session whose client came back elsewhere. */
export const SURRENDER_TIMEOUT_MS = 1000;

/**
 * How long a client that came back may wait for its session to be given up, if it came several times in quick
 * succession and another connection was served first. Longer than {@link SURRENDER_TIMEOUT_MS}, so that a session which
 * is free at last still finds who waits for it.
 */
export const SURRENDERED_SESSION_WAIT_MS = 4000;

/** How long a session may wait for its turn to be restored, behind the others that come back at the same time. */
export const RESTORE_QUEUE_WAIT_MS = 15_000;

/**
 * How long a worker waits for a session that is to be restored before it tells the client that it has a new one. Longer
 * than {@link SURRENDERED_SESSION_WAIT_MS} and {@link RESTORE_QUEUE_WAIT_MS} together, which the primary may need one
 * after the other: an answer that comes too late has to be undone.
 */
export const RESTORE_TIMEOUT_MS = 20_000;

/** How long a worker that takes over a session may need to replay the session's handshake in Engine.IO. */
export const HANDSHAKE_REPLAY_TIMEOUT_MS = 2000;

/**
 * How long the same worker may then need to connect the session's namespaces. Shorter than {@link RESTORE_TIMEOUT_MS}: a
 * session that is restored so late is closed, and its client recovers it by reconnecting.
 */
export const NAMESPACE_REPLAY_TIMEOUT_MS = 5000;

/** How long a worker that gives up a session may need to write what its client has not read yet. */
export const FLUSH_TIMEOUT_MS = 1000;

/**
 * How long a worker may need to close the sessions that could not be moved, once their acknowledgements were waited for
 * in vain. Longer than {@link FLUSH_TIMEOUT_MS}: the last session may have been waiting for its client until then.
 */
export const CLOSING_MS = 1600;

/**
 * A request that another worker sends on old knowledge arrives within this time: so long a worker that has given up
 * everything lingers. Longer than {@link FORWARD_RETRY_MS}, after which the other worker asks anew where to send it.
 */
export const LINGER_MS = 100;

/** A worker that cannot be reached is exiting. After this time the primary knows it, and who has the session now. */
export const FORWARD_RETRY_MS = 20;

/**
 * How long a worker's last words may take: what its IPC channel still holds after the process has ended, and what its
 * link still holds. It ends at once, unless a process that the worker started has inherited the channel or the pipe.
 */
export const LAST_WORDS_MS = 1000;
