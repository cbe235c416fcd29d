// SPDX-License-Identifier: MIT

/**
 * The time limits that have to fit one another, in milliseconds. Where a limit must be shorter or longer than
 * another, its comment says so and why, and `timing.test.ts` checks it. A limit that depends on no other is in
 * the file that uses it.
 */

/** How long a worker waits for the primary's first answer before it reports that there is no primary. */
export const WELCOME_TIMEOUT_MS = 5000;

/**
 * How long a worker waits for the answer to a question which the primary answers at once, while a client waits. Shorter
 * than {@link WELCOME_TIMEOUT_MS}, so that without a primary the client need not wait until that is certain.
 */
export const QUESTION_TIMEOUT_MS = 2000;

/** How long a worker may take to give up a session whose client has come back over another connection. */
export const SURRENDER_TIMEOUT_MS = 1000;

/**
 * How long the connection of a client that has come back may wait until its session is given up. If the client
 * came several times in quick succession, another of its connections may get the session first and lose it
 * again. Longer than {@link SURRENDER_TIMEOUT_MS}, so that somebody still waits for a session which is given up
 * only at the last moment.
 */
export const SURRENDERED_SESSION_WAIT_MS = 4000;

/** How long a session may wait until it is restored, if many clients come back at the same time. */
export const RESTORE_QUEUE_WAIT_MS = 15_000;

/**
 * How long a worker waits for a session that is to be restored before it gives the client a new one. Longer than
 * {@link SURRENDERED_SESSION_WAIT_MS} and {@link RESTORE_QUEUE_WAIT_MS} together, because the primary may need first
 * the one and then the other. If its answer came too late, the restored session would have to be undone.
 */
export const RESTORE_TIMEOUT_MS = 20_000;

/** How long a worker that takes over a live session may need to replay the session's handshake in Engine.IO. */
export const HANDSHAKE_REPLAY_TIMEOUT_MS = 2000;

/**
 * How long that worker may then need to connect the session's namespaces again. If it takes longer, the session is
 * closed, and its client recovers it by reconnecting. Shorter than {@link RESTORE_TIMEOUT_MS}, so that it is closed
 * before the worker would take it for a new session instead.
 */
export const NAMESPACE_REPLAY_TIMEOUT_MS = 5000;

/** How long a worker that gives up a session may need to write to the client what is still to be written. */
export const FLUSH_TIMEOUT_MS = 1000;

/**
 * How long a worker that has waited in vain for acknowledgements may need to close the sessions that could not be moved
 * for that reason. Longer than {@link FLUSH_TIMEOUT_MS}, which the last session may need until it can be closed.
 */
export const CLOSING_MS = 1600;

/**
 * How long a worker that has given up everything waits before it says so. Another worker that does not know yet where a
 * session has gone may have forwarded a request to it a moment ago, which arrives within this time. Longer than
 * {@link FORWARD_RETRY_MS}, after which the other worker asks again where to send the request.
 */
export const LINGER_MS = 100;

/**
 * After how long a worker asks the primary again who has a session, if the owner it knew could not be reached. Such an
 * owner is about to exit, and within this time the primary learns that, and who has the session now.
 */
export const FORWARD_RETRY_MS = 20;

/**
 * How long the primary waits, after a worker's process has ended, for the end of its IPC channel, and for that of its
 * link: both may still hold what the worker said last. Normally the end follows at once, but a process that the worker
 * has started may have inherited the channel or the pipe and keep it open.
 */
export const LAST_WORDS_MS = 1000;
