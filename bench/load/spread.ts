import { type Client, open } from "./websocket";

const MAX_TRIES = 20;

export interface Spread {
  port: number;
  clients: number;
  /** Among how many processes they are to be spread evenly. */
  processes: number;
  /** The room of the first client; the others are in none. */
  room?: string;
}

/**
 * Opens clients and spreads them. Should one be lost, the load is over.
 *
 * @param onPacket called with the number of the client and what it gets
 */
export async function openSpread(
  { port, clients, processes, room }: Spread,
  onPacket: (client: number, packet: string) => void,
): Promise<Client[]> {
  const opened: Client[] = [];
  for (let tries = 0; opened.length < clients; tries++) {
    if (tries > clients * MAX_TRIES) throw new Error("the clients are not spread over all workers");
    const number = opened.length;
    let chosen = false;
    const client = await open(port, (packet) => onPacket(number, packet), {
      query: number === 0 && room !== undefined ? `&room=${room}` : "",
      onClose: () => chosen && fail(`client ${number} was disconnected`),
    });
    const neighbours = opened.filter(({ worker }) => worker === client.worker).length;
    chosen = neighbours < clients / processes;
    if (chosen) opened.push(client);
    else client.close();
  }
  return opened;
}

function fail(why: string): never {
  console.error(why);
  process.exit(1);
}
