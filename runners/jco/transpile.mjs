// Transpiles components for run.mjs as long as stdin is open.
//
//   node transpile.mjs --install DIR
//
// A request per line of stdin, {"component": FILE, "output": FOLDER}; an answer per line of stdout, in the same order,
// {"ok": true} or {"error": WHY}. The folder gets component.mjs, the core modules, and guest.json for run.mjs.

import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

// What a guest is called by: the function of each interface that it may export.
const ENTRIES = { "wasi:cli/run@0.3.0": "run", "wasi:http/handler@0.3.0": "handle" };

const { install } = parseArgs({ options: { install: { type: "string" } } }).values;
const { resolve } = createRequire(path.resolve(install, "package.json"));
const { transpile } = await import(pathToFileURL(resolve("@bytecodealliance/jco-transpile")).href);

async function prepare({ component, output }) {
  const { files, imports, exports } = await transpile(component, {
    name: "component",
    instantiation: "async",
    asyncMode: "jspi",
    asyncExports: Object.entries(ENTRIES).map(([name, entry]) => `${name}#${entry}`),
    emitTypescriptDeclarations: false,
    // Core modules stay files, whatever their size: that is where the nonce is.
    base64Cutoff: 0,
  });
  const entry = exports.map(([name]) => name).find((name) => name in ENTRIES);
  if (entry === undefined) throw new Error(`the component exports none of ${Object.keys(ENTRIES).join(", ")}`);
  const guest = {
    name: path.basename(component, path.extname(component)),
    entry,
    imports,
    modules: Object.keys(files).filter((name) => name.endsWith(".wasm")),
  };
  await Promise.all([
    writeFile(path.join(output, "guest.json"), JSON.stringify(guest)),
    // As .mjs Node need not look into the text to see that it is a module.
    ...Object.entries(files).map(([name, data]) => writeFile(path.join(output, name.replace(/\.js$/, ".mjs")), data)),
  ]);
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer = { ok: true };
  try {
    await prepare(JSON.parse(line));
  } catch (error) {
    // The transpiler throws plain objects as well, with the reason in `payload`.
    answer = { error: String(error?.payload ?? error?.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
