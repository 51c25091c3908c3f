/** A zstd frame (RFC 8878) of one block that is not compressed: Node 20 has no zstd to make one. At most 255 bytes. */
export function zstdFrame(text: string): Buffer {
  const content = Buffer.from(text);
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, content.length]); // magic number; single segment; size
  const block = Buffer.alloc(3);
  block.writeUIntLE((content.length << 3) | 1, 0, 3); // raw, and the last
  return Buffer.concat([header, block, content]);
}
