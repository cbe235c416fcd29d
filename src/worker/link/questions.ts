// SPDX-License-Identifier: MIT
import type { Clock } from "../../clock";
import { ANSWERS, type Answer, type Question, type ToPrimary, type ToWorker } from "../../protocol/messages";

/** A question without the number that its answer will carry. */
export type Unnumbered<Q extends Question["type"]> = Omit<Extract<Question, { type: Q }>, "seq">;

/**
 * The questions to the primary that are open. Each one ends once: with the answer, at its deadline, or when
 * the link ends.
 */
export class Questions {
  private readonly open = new Map<number, (answer: Answer | undefined) => void>();
  private nextSeq = 1;

  constructor(
    private readonly clock: Clock,
    /** Returns false if the question cannot be sent. */
    private readonly send: (question: ToPrimary, name?: string) => boolean,
  ) {}

  /** Asks the primary; see `ask` of {@link WorkerLink}, which says what the parameters mean. */
  ask<Q extends Question["type"], R>(
    question: Unnumbered<Q>,
    deadlineMs: number,
    take: (answer: Answer<Q> | undefined) => R | Promise<R>,
    name?: string,
  ): Promise<R> {
    const seq = this.nextSeq++;
    return new Promise((resolve) => {
      const settle = (answer: Answer | undefined) => {
        clearTimeout(timer);
        this.open.delete(seq);
        resolve(take(answer as Answer<Q> | undefined));
      };
      const timer = this.clock.after(deadlineMs, () => settle(undefined));
      this.open.set(seq, settle);
      if (!this.send({ ...question, seq } as unknown as ToPrimary, name)) settle(undefined);
    });
  }

  /**
   * Gives an answer to who asked. Returns false if the message is no answer, or if nobody waits for it any
   * more.
   */
  answered(message: ToWorker): boolean {
    if (!ANSWERS.has(message.type)) return false;
    const { seq } = message as Answer;
    const settle = this.open.get(seq);
    settle?.(message as Answer);
    return settle !== undefined;
  }

  /** The link has ended: all open questions end without an answer. */
  giveUp(): void {
    for (const settle of [...this.open.values()]) settle(undefined);
  }
}
