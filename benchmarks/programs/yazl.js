// Rewrites an archive with yauzl and yazl, which write every entry anew: yazl does not take compressed bytes.
'use strict'

const yauzl = require('yauzl')
const yazl = require('yazl')
const { buffer } = require('node:stream/consumers')
const { measure, merged } = require('./job.js')

measure(async (archive) => {
  const source = await yauzl.fromBufferPromise(archive)
  const target = new yazl.ZipFile()
  const written = buffer(target.outputStream)
  let original = ''
  for await (const entry of source.eachEntry()) {
    const content = await buffer(await source.openReadStreamPromise(entry))
    if (entry.fileName === '.env') {
      original = content.toString()
      continue
    }
    const mode = entry.externalFileAttributes >>> 16
    if (entry.fileName.endsWith('/')) target.addEmptyDirectory(entry.fileName, { mtime: entry.getLastModDate(), mode })
    else target.addBuffer(content, entry.fileName, { mtime: entry.getLastModDate(), mode })
  }
  target.addBuffer(merged(original), '.env')
  target.end()
  return written
})
