// A job of ../job.py, and its measurement. A program takes the job with the variables on the command line, as JSON, writes
// the new object to S3 and prints the cost, as ../strategies.py does. Requests are not signed, so that no SDK adds to the
// cost. The roots are those of Node.js and NODE_EXTRA_CA_CERTS.
'use strict'

const fs = require('node:fs')

const job = JSON.parse(process.argv[2])
const http = require(job.url.startsWith('https:') ? 'node:https' : 'node:http')
const agent = new http.Agent({ keepAlive: true })

function request (method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = body ? { 'Content-Length': body.length } : {}
    const sent = http.request(job.url + path, { method, agent, headers }, (answer) => {
      const chunks = []
      answer.on('data', (chunk) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        if (answer.statusCode >= 300) reject(new Error(`${method} ${path}: ${answer.statusCode}`))
        else resolve(Buffer.concat(chunks))
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

// The text of the new file.
function merged (text) {
  const kept = text.split('\n').filter((line) => line && !(line.split('=')[0] in job.env))
  const added = Object.entries(job.env).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return Buffer.from([...kept, ...added, ''].join('\n'))
}

// The resident set or its peak, in bytes; 0 if the system does not report it.
function resident (field) {
  if (!fs.existsSync('/proc/self/status')) return 0
  return Number(fs.readFileSync('/proc/self/status', 'utf8').match(new RegExp(`^${field}:\\s+(\\d+)`, 'm'))[1]) * 1024
}

// Downloads the archive, takes the new one from the function, and uploads it.
async function measure (rewrite) {
  if (fs.existsSync('/proc/self/clear_refs')) fs.writeFileSync('/proc/self/clear_refs', '5')
  const before = resident('VmRSS')
  const cpu = process.cpuUsage()
  const began = process.hrtime.bigint()
  const archive = await request('GET', `/${job.bucket}/${job.source}`)
  await request('PUT', `/${job.bucket}/${job.target}`, await rewrite(archive))
  const wall = Number(process.hrtime.bigint() - began) / 1e9
  const { user, system } = process.cpuUsage(cpu)
  const growth = Math.max(resident('VmHWM') - before, 0)
  console.log(JSON.stringify({ wall_s: wall, cpu_s: (user + system) / 1e6, rss_growth: growth }))
  agent.destroy()
}

module.exports = { measure, merged }
