// Nodemailer with a pool: the process that tests/benchmarks/contenders/client.py describes, in JavaScript.
"use strict";

const fs = require("node:fs");
const readline = require("node:readline");
const nodemailer = require("nodemailer");

const seconds = () => Number(process.hrtime.bigint()) / 1e9;
const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

function status(name) {
  const line = fs.readFileSync("/proc/self/status", "ascii").split("\n").find((text) => text.startsWith(`${name}:`));
  return Number(line.split(/\s+/)[1]) * 1024;
}

function composer(sample) {
  const content = (file) => (file ? fs.readFileSync(file.path) : null);
  const inline = content(sample.inline);
  const attached = content(sample.attachment);
  return (number) => {
    const fill = (text) => text.replaceAll("{number}", String(number));
    const message = {
      from: { name: sample.sender[0], address: sample.sender[1] },
      to: sample.strangers ? sample.recipients.map((address) => `${number}.${address}`) : sample.recipients,
      subject: fill(sample.subject),
      text: fill(sample.text),
      attachments: [],
    };
    if (sample.html) message.html = fill(sample.html);
    if (inline) {
      const { name, content_type, content_id } = sample.inline;
      message.attachments.push({ filename: name, contentType: content_type, cid: content_id, content: inline });
    }
    if (attached && number >= sample.bare) {
      const { name, content_type } = sample.attachment;
      message.attachments.push({ filename: name, contentType: content_type, content: attached });
    }
    return message;
  };
}

async function sendAll(transport, compose, first, count, connections) {
  let next = first;
  const work = async () => {
    while (next < first + count) await transport.sendMail(compose(next++));
  };
  // Twice as many as connections, so that no connection waits for the next message.
  await Promise.all(Array.from({ length: 2 * connections }, work));
}

async function main() {
  const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const job = JSON.parse((await lines.next()).value);
  const transport = nodemailer.createTransport({
    pool: true,
    host: job.host,
    port: job.port,
    secure: Boolean(job.ca),
    ignoreTLS: !job.ca,
    tls: job.ca ? { ca: fs.readFileSync(job.ca), servername: "localhost" } : {},
    maxConnections: job.connections,
    maxMessages: Infinity,
  });
  const compose = composer(job.sample);
  for await (const line of lines) {
    const { op, first, count } = JSON.parse(line);
    if (op === "memory") {
      fs.writeFileSync("/proc/self/clear_refs", "5");
      const before = status("VmRSS");
      await sendAll(transport, compose, first, count, job.connections);
      console.log(JSON.stringify({ peak: status("VmHWM") - before }));
      continue;
    }
    const each = [];
    const [began, used] = [seconds(), cpu()];
    if (op === "send") await sendAll(transport, compose, first, count, job.connections);
    else
      for (let number = first; number < first + count; number++) {
        const start = seconds();
        await transport.sendMail(compose(number));
        each.push(seconds() - start);
      }
    console.log(JSON.stringify({ wall: seconds() - began, cpu: cpu() - used, each }));
  }
  transport.close();
}

main();
