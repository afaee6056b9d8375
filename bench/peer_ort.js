// SPDX-License-Identifier: BSD-2-Clause
//
// node peer_ort.js MODEL INPUT WIDTH HEIGHT THREADS RUNS [OUT]: a network in ONNX Runtime, times as JSON. Its threads
// sleep when they wait, so that processor time can be compared.
const ort = require('onnxruntime-node'), fs = require('fs');
const [model, from, width, height, threads, runs, to] = process.argv.slice(2);

async function main() {
  const bytes = fs.readFileSync(from);
  const data = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const feeds = { luma: new ort.Tensor('float32', data, [1, 1, Number(height), Number(width)]) };
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: Number(threads), interOpNumThreads: 1, executionMode: 'sequential',
    graphOptimizationLevel: 'all', extra: { session: { intra_op: { allow_spinning: '0' } } } });
  const wall = [], cpu = [];
  let result = await session.run(feeds);
  for (let i = 0; i < Number(runs); i++) {
    const start = process.hrtime.bigint(), used = process.cpuUsage();
    result = await session.run(feeds);
    const more = process.cpuUsage(used);
    wall.push(Number(process.hrtime.bigint() - start) / 1e6);
    cpu.push((more.user + more.system) / 1e3);
  }
  if (to)
    fs.writeFileSync(to, Buffer.from(result.output.data.buffer, result.output.data.byteOffset,
                                     result.output.data.byteLength));
  console.log(JSON.stringify({ wall_ms: wall, cpu_ms: cpu,
    version: require('onnxruntime-node/package.json').version }));
}

main();
