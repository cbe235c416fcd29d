// SPDX-License-Identifier: MIT
import type { EncodedPacket } from "../../protocol/encoded-packet";
import { type Encoder, type Nsp, PACKET_TYPE, type Packet } from "./objects";

const ENCODED = Symbol("encoded");
type MaybeEncoded = Packet & { [ENCODED]?: EncodedPacket };

/**
 * Lets a packet be encoded once, here or in another worker, and be written by the adapter's own code as often
 * as needed. The row `bench/rows/relay.ts` measures what a delivery costs that way.
 */
export class PacketEncoder {
  private readonly original: Encoder;

  // biome-ignore lint/suspicious/noExplicitAny: `encoder` is private in the type of the adapter
  constructor(adapter: any) {
    this.original = adapter.encoder;
    adapter.encoder = { encode: (packet: Packet) => this.encode(packet) };
  }

  encode(packet: Packet): EncodedPacket {
    return (packet as MaybeEncoded)[ENCODED] ?? this.original.encode(packet);
  }

  /**
   * Encodes the packet now; every later {@link encode} of it gives the same. A packet for a parent namespace
   * comes here once for each child, and is encoded anew for each of them.
   */
  encodeOnce(packet: Packet, nsp: string): void {
    const { [ENCODED]: encoded, nsp: encodedFor } = packet as MaybeEncoded;
    if (encoded && encodedFor === nsp) return;
    packet.nsp = nsp;
    (packet as MaybeEncoded)[ENCODED] = this.original.encode(packet);
  }

  decode(encoded: EncodedPacket, nsp: Nsp): Packet | undefined {
    return decode(encoded, nsp);
  }

  /**
   * A packet that is encoded already. Its data is decoded only if somebody looks at it, such as a listener of
   * `onAnyOutgoing`.
   *
   * @param offset is added to the event's arguments, for clients that may come back
   */
  decodeLazily(encoded: EncodedPacket, nsp: Nsp, offset?: string): Packet {
    const parts = offset === undefined ? encoded : this.withOffset(encoded, nsp, offset);
    let data: unknown;
    const packet: MaybeEncoded = { type: PACKET_TYPE.event, [ENCODED]: parts };
    Object.defineProperty(packet, "data", {
      get: () => {
        data ??= decode(parts, nsp)?.data;
        return data;
      },
    });
    return packet;
  }

  /**
   * Adds an offset to the arguments. The text of the default parser ends with the array of arguments, so it
   * is put in there. With any other parser the packet has to be decoded and encoded again.
   */
  private withOffset(encoded: EncodedPacket, nsp: Nsp, offset: string): EncodedPacket {
    const [text, ...attachments] = encoded;
    if (nsp.server.opts?.parser === undefined && typeof text === "string" && text.endsWith("]")) {
      return [`${text.slice(0, -1)},"${offset}"]`, ...attachments];
    }
    const data = [...((decode(encoded, nsp)?.data as unknown[] | undefined) ?? []), offset];
    return this.original.encode({ type: PACKET_TYPE.event, nsp: nsp.name, data });
  }
}

function decode(encoded: EncodedPacket, { server }: Nsp): Packet | undefined {
  const { _parser: parser } = server;
  if (typeof parser?.Decoder !== "function") return undefined;
  let decoded: Packet | undefined;
  const decoder = new parser.Decoder();
  decoder.on("decoded", (packet) => {
    decoded = packet;
  });
  for (const part of encoded) decoder.add(part);
  return decoded;
}
