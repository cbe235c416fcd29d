import { Agent, request } from "node:http";

/** What went wrong with a request, and which process answered those that went well. */
export interface Traffic {
  failed: string[];
  answered: Map<string, number>;
}

/** One request; resolves to its body, rejects with what a client would see. */
function once(port: number, agent: Agent, method: "GET" | "POST"): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: "localhost", port, agent, method, path: "/", timeout: 10_000 },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk) => {
          body += chunk;
        });
        response.on("error", reject);
        response.on("end", () =>
          response.statusCode === 200 ? resolve(body) : reject(new Error(`status ${response.statusCode}`)),
        );
      },
    );
    sent.on("timeout", () => sent.destroy(new Error("no answer after 10 s")));
    sent.on("error", reject);
    sent.end(method === "POST" ? "x".repeat(10_000) : undefined);
  });
}

/**
 * Plain requests, one after the other on each of several connections, from before `action` until after it: GET and POST,
 * over kept-alive connections and over a new one each time. The app answers with its pid.
 */
export async function trafficDuring(port: number, action: () => Promise<unknown>): Promise<Traffic> {
  const traffic: Traffic = { failed: [], answered: new Map() };
  let running = true;
  const loop = async (agent: Agent, method: "GET" | "POST") => {
    while (running) {
      try {
        const pid = await once(port, agent, method);
        traffic.answered.set(pid, (traffic.answered.get(pid) ?? 0) + 1);
      } catch (error) {
        traffic.failed.push(
          `${method} ${(error as NodeJS.ErrnoException).code ?? ""} ${(error as Error).message}`,
        );
      }
    }
    agent.destroy();
  };
  const loops = [true, false].flatMap((keepAlive) => [
    loop(new Agent({ keepAlive, maxSockets: 1 }), "GET"),
    loop(new Agent({ keepAlive, maxSockets: 1 }), "POST"),
  ]);
  try {
    await action();
  } finally {
    running = false;
    await Promise.all(loops);
  }
  return traffic;
}
