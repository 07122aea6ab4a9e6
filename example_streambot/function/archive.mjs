/*
 * Turns records into objects: takes an event of a Kinesis stream, calls `put(key, bytes)` for each of its records.
 *
 * A key depends on its record alone. Kinesis and Lambda deliver at least once, and may split a batch differently when they
 * deliver it again: the same object is then written again with the same bytes.
 */

const AT_ONCE = 20;

/** `records/shardId-000000000001/4959...`, where `records/` is the prefix. */
export function keyOf(prefix, record) {
  const [shard] = record.eventID.split(":");
  return `${prefix}${shard}/${record.kinesis.sequenceNumber}`;
}

/**
 * A handler that writes every record, byte for byte.
 *
 * If some records cannot be written, the others are, and the handler fails. Lambda then delivers the batch again until it
 * succeeds or its records expire from the stream. The error names a key and S3's reason, never the content of a record.
 */
export function archiving(put, prefix) {
  return async function handler({ Records: records }) {
    const waiting = records.values();
    const failures = [];

    async function writeSome() {
      for (const record of waiting) {
        const key = keyOf(prefix, record);
        try {
          await put(key, Buffer.from(record.kinesis.data, "base64"));
        } catch (cause) {
          failures.push({ key, cause });
        }
      }
    }

    await Promise.all(Array.from({ length: AT_ONCE }, writeSome));
    console.log(JSON.stringify({ written: records.length - failures.length, failed: failures.length }));
    if (failures.length > 0) {
      const [{ key, cause }] = failures;
      const count = `${failures.length} of ${records.length} records could not be written`;
      throw new Error(`${count}, among them ${key}: ${cause.name}: ${cause.message}`, { cause });
    }
  };
}
