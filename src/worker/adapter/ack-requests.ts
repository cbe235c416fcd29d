// SPDX-License-Identifier: MIT

/** What Socket.IO is told: so many clients of another server are expected to answer; one of them has. */
interface Caller {
  count(clients: number): void;
  answer(value: unknown): void;
}

/** What one other worker owes: how many clients it has told, once it has said so, and how many of them have answered. */
interface Debt {
  clients: number | undefined;
  answers: number;
}

/**
 * Broadcasts with acknowledgements that are under way. Socket.IO waits until each server has said how many clients it
 * told, and for so many answers. A server that dies after it said so could not take it back: so what it said is passed
 * on only once all its clients have answered, or when it is gone; then it counts as many as did answer.
 *
 *     asked ──said n──▶ waiting for n answers ──last answer──▶ n are counted
 *        └──────────────────────┴──gone──▶ as many as answered are counted
 */
export class AckRequests {
  private readonly byRequest = new Map<string, { debts: Map<string, Debt>; caller: Caller }>();

  /** @param uids the other workers that are asked */
  open(requestId: string, uids: Iterable<string>, caller: Caller): void {
    const debts = new Map<string, Debt>([...uids].map((uid) => [uid, { clients: undefined, answers: 0 }]));
    this.byRequest.set(requestId, { debts, caller });
  }

  close(requestId: string): void {
    this.byRequest.delete(requestId);
  }

  told(requestId: string, uid: string, clients: number): void {
    this.update(requestId, uid, (debt) => {
      debt.clients = clients;
    });
  }

  answered(requestId: string, uid: string, value: unknown): void {
    this.byRequest.get(requestId)?.caller.answer(value);
    this.update(requestId, uid, (debt) => {
      debt.answers++;
    });
  }

  left(uid: string): void {
    for (const requestId of [...this.byRequest.keys()]) {
      this.update(requestId, uid, (debt) => {
        debt.clients = debt.answers;
      });
    }
  }

  private update(requestId: string, uid: string, change: (debt: Debt) => void): void {
    const request = this.byRequest.get(requestId);
    const debt = request?.debts.get(uid);
    if (!request || !debt) return;
    change(debt);
    if (debt.clients === undefined || debt.answers < debt.clients) return;
    request.debts.delete(uid);
    request.caller.count(debt.clients);
  }
}
