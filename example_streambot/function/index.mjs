/* The function: reads its stage's bucket and prefix once, from the `.env` that was deployed with it. */

import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";

import { archiving } from "./archive.mjs";
import { getEnv } from "./wrapper/index.mjs";

const { bucket, prefix } = getEnv();
const s3 = new S3Client({ maxAttempts: 5 });

function put(key, bytes) {
  return s3.send(
    new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, ContentType: "application/octet-stream" }),
  );
}

export const handler = archiving(put, prefix);
