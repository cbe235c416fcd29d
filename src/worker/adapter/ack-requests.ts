// SPDX-License-Identifier: MIT

/**
 * Who has broadcast with acknowledgements. `count` tells how many clients of the other workers are expected
 * to answer, `answer` passes one of their answers on.
 */
interface Caller {
  count(clients: number): void;
  answer(value: unknown): void;
}

/**
 * What the adapter of another worker has yet to tell: how many clients it sent the packet to (`undefined`
 * until it has said so), and how many of them have answered.
 */
interface Debt {
  clients: number | undefined;
  answers: number;
}

/**
 * Broadcasts with acknowledgements that are under way. Each worker that is asked says how many of its clients
 * it has sent the packet to, and passes on their answers. A worker could say "three clients" and then die,
 * and nobody could take the three back. So its number does not count before all its clients have answered, or
 * before it is gone; then only those count that did answer.
 *
 *     asked ──said n──▶ waiting for n answers ──last answer──▶ n are counted
 *        └──────────────────────┴──gone──▶ as many as answered are counted
 *
 * The caller is told the sum of all workers, once it cannot change any more.
 */
export class AckRequests {
  private readonly byRequest = new Map<
    string,
    { debts: Map<string, Debt>; clients: number; caller: Caller }
  >();

  /** @param uids the adapters of other workers that are asked */
  open(requestId: string, uids: readonly string[], caller: Caller): void {
    const debts = new Map<string, Debt>(uids.map((uid) => [uid, { clients: undefined, answers: 0 }]));
    if (debts.size === 0) caller.count(0);
    else this.byRequest.set(requestId, { debts, clients: 0, caller });
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
    request.clients += debt.clients;
    if (request.debts.size === 0) request.caller.count(request.clients);
  }
}
