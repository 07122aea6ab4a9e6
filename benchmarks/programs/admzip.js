// Rewrites an archive with adm-zip.
'use strict'

const AdmZip = require('adm-zip')
const { measure, merged } = require('./job.js')

measure((archive) => {
  const zip = new AdmZip(archive)
  const old = zip.getEntry('.env')
  const text = merged(old ? old.getData().toString() : '')
  if (old) zip.updateFile('.env', text)
  else zip.addFile('.env', text)
  return zip.toBuffer()
})
