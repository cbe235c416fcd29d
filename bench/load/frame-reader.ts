/**
 * Cuts what a WebSocket server sends into the texts of its frames. Servers do not mask, and ours do not fragment. Large
 * frames come in many chunks, which are joined once.
 */
export class FrameReader {
  private chunks: Buffer[] = [];
  private buffered = 0;
  /** So many bytes are needed to know more. */
  private needed = 2;

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.buffered += chunk.length;
  }

  /** The next text, if it is here as a whole. */
  next(): string | undefined {
    if (this.buffered < this.needed) return undefined;
    const bytes = this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks);
    const [start, length] = sizesOf(bytes);
    const end = start + length;
    if (bytes.length < end) {
      this.chunks = [bytes];
      this.needed = end;
      return undefined;
    }
    this.chunks = bytes.length > end ? [bytes.subarray(end)] : [];
    this.buffered -= end;
    this.needed = 2;
    return bytes.toString("latin1", start, end);
  }
}

/** Where the text of the first frame begins, and how long it is, as far as its header is here. */
function sizesOf(bytes: Buffer): [start: number, length: number] {
  const length = bytes[1]!;
  if (length < 126) return [2, length];
  if (length === 126) return [4, bytes.length < 4 ? 0 : bytes.readUInt16BE(2)];
  return [10, bytes.length < 10 ? 0 : Number(bytes.readBigUInt64BE(2))];
}
