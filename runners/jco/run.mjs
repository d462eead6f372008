// Runs one prepared component on jco's preview3-shim, or serves it; README.md says what it configures and how it ends.
//
//   node --wasm-staging run.mjs --install DIR --guest DIR [--nonce HEX] [--env NAME=VALUE]… [--dir HOST::GUEST]…
//       [--cwd PATH] [--serve] [-- ARG…]

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const PLACEHOLDER = Buffer.from("<wasicheck nonce");
const FAILURE = 1;
const USAGE = 2;
// How long output may stand still on its way out when the guest has ended, in milliseconds; how long the first of it may
// take, for which the shim has to start its worker; and how long all of it may take.
const STANDSTILL_LIMIT = 500;
const STARTING_LIMIT = 5_000;
const FLUSH_LIMIT = 10_000;
// Where a port to serve on is looked for: below those that the system gives to whoever asks for any (32768 on Linux), so
// that nobody is given it between looking and listening.
const FIRST_PORT = 16_384;
const PORTS = 16_000;
const PORT_ATTEMPTS = 20;

function usage(problem) {
  process.stderr.write(`run.mjs: ${problem}\n`);
  process.exit(USAGE);
}

function readOptions() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        install: { type: "string" },
        guest: { type: "string" },
        nonce: { type: "string" },
        env: { type: "string", multiple: true, default: [] },
        dir: { type: "string", multiple: true, default: [] },
        cwd: { type: "string" },
        serve: { type: "boolean", default: false },
      },
    });
    for (const name of ["install", "guest"]) {
      if (values[name] === undefined) usage(`--${name} is missing`);
    }
    if (values.nonce !== undefined && !/^[0-9a-f]{32}$/.test(values.nonce)) usage("--nonce takes 32 hexadecimal digits");
    return { ...values, args: positionals };
  } catch (error) {
    return usage(error.message);
  }
}

function split(option, value, separator) {
  const at = value.indexOf(separator);
  if (at < 0) usage(`--${option} ${value}: there is no "${separator}"`);
  return [value.slice(0, at), value.slice(at + separator.length)];
}

// The core modules of the guest, compiled, with the nonce in its place.
function coreModules(folder, names, nonce) {
  const modules = new Map();
  let stamped = 0;
  for (const name of names) {
    const wasm = readFileSync(path.join(folder, name));
    if (nonce !== undefined) {
      for (let at = wasm.indexOf(PLACEHOLDER); at >= 0; at = wasm.indexOf(PLACEHOLDER, at + PLACEHOLDER.length)) {
        wasm.write(nonce, at, "hex");
        stamped += 1;
      }
    }
    modules.set(name, new WebAssembly.Module(wasm));
  }
  // A guest that reports nothing has none.
  if (stamped > 1) usage(`the guest holds the nonce placeholder ${stamped} times, not once`);
  return modules;
}

// Sets what the guest is given, through the functions that the shim has for it.
function configure(shim, name, options) {
  if (shim.cli) {
    shim.cli._setArgs([name, ...options.args]);
    shim.cli._setEnv(Object.fromEntries(options.env.map((item) => split("env", item, "="))));
    if (options.cwd !== undefined) shim.cli._setCwd(options.cwd);
  }
  if (shim.filesystem) {
    shim.filesystem._setPreopens({});
    for (const item of options.dir) {
      const [host, guest] = split("dir", item, "::");
      shim.filesystem._addPreopen(guest, host);
    }
  }
}

// jco's own map of imports: `wasi:cli/terminal-input` is `terminalInput` of the shim's module `cli`.
function importsObject(shim, interfaces) {
  const imports = {};
  for (const name of interfaces) {
    const [, module, item] = /^wasi:([a-z]+)\/([a-z0-9-]+)$/.exec(name) ?? [];
    imports[name] = shim[module]?.[item.replace(/-(.)/g, (_, letter) => letter.toUpperCase())];
    if (imports[name] === undefined) throw new Error(`preview3-shim has no ${name}`);
  }
  return imports;
}

async function importShim(install, interfaces) {
  const { resolve } = createRequire(path.resolve(install, "package.json"));
  const names = new Set(interfaces.map((name) => /^wasi:(cli|clocks|filesystem|http|random|sockets)\//.exec(name)?.[1]));
  names.delete(undefined);
  const modules = await Promise.all(
    Array.from(names, (name) => import(pathToFileURL(resolve(`@bytecodealliance/preview3-shim/${name}`)).href)),
  );
  return Object.fromEntries(Array.from(names, (name, index) => [name, modules[index]]));
}

function describe(error) {
  return error instanceof Error ? error.stack : String(error);
}

// Ends the process once what is under way to stdout and stderr is out. The shim writes through a worker, and holds a
// message port for each write; what the main thread has taken from it waits in its streams while a pipe is full. Timers
// and sockets of the guest's that are left over do not count.
async function finish(status) {
  const outputs = [process.stdout, process.stderr];
  const written = () => outputs.reduce((sum, output) => sum + (output.bytesWritten ?? 0) - (output.writableLength ?? 0), 0);
  const underWay = () =>
    process.getActiveResourcesInfo().includes("MessagePort") || outputs.some((output) => output.writableLength > 0);
  const end = performance.now() + FLUSH_LIMIT;
  let before = written();
  let limit = performance.now() + (before > 0 ? STANDSTILL_LIMIT : STARTING_LIMIT);
  do {
    await new Promise((resolve) => setTimeout(resolve));
    if (written() !== before) {
      before = written();
      limit = Math.min(end, performance.now() + STANDSTILL_LIMIT);
    }
  } while (underWay() && performance.now() < limit);
  process.exit(status);
}

// A port of 127.0.0.1 that nobody uses: the shim's server does not tell which one it got.
async function freePort() {
  // Most guests do without the network, and Node without loading it.
  const { createServer } = await import("node:net");
  return new Promise((resolve, reject) => {
    const server = createServer();
    const look = (attempts) => {
      server.removeAllListeners("error");
      server.once("error", attempts > 1 ? () => look(attempts - 1) : reject);
      server.listen(FIRST_PORT + Math.floor(Math.random() * PORTS), "127.0.0.1");
    };
    server.once("listening", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
    look(PORT_ATTEMPTS);
  });
}

// Serves until the process is killed. The shim wants the result as a variant; the transpiler's functions throw `err`.
async function serve(install, handler) {
  const { resolve } = createRequire(path.resolve(install, "package.json"));
  const { HttpServer } = await import(pathToFileURL(resolve("@bytecodealliance/preview3-shim/http")).href);
  const server = new HttpServer({
    async handle(request) {
      try {
        return { tag: "ok", val: await handler.handle(request) };
      } catch (error) {
        if (error?.payload === undefined) throw error;
        return { tag: "err", val: error.payload };
      }
    },
  });
  server.on("error", (error) => process.stderr.write(`error: the guest trapped: ${describe(error)}\n`));
  const port = await freePort();
  await server.listen(port, "127.0.0.1");
  process.stderr.write(`serving on 127.0.0.1:${port}\n`);
}

const options = readOptions();
const guest = JSON.parse(readFileSync(path.join(options.guest, "guest.json"), "utf8"));
const modules = coreModules(options.guest, guest.modules, options.nonce);
let instance;
try {
  const [shim, component] = await Promise.all([
    importShim(options.install, guest.imports),
    import(pathToFileURL(path.resolve(options.guest, "component.mjs")).href),
  ]);
  configure(shim, guest.name, options);
  instance = await component.instantiate((name) => modules.get(name), importsObject(shim, guest.imports));
} catch (error) {
  process.stderr.write(`error: the component does not link: ${describe(error)}\n`);
  process.exit(FAILURE);
}

if (options.serve) {
  await serve(options.install, instance[guest.entry]);
} else {
  let status = 0;
  try {
    await instance[guest.entry].run();
  } catch (error) {
    status = FAILURE;
    // The result `err`, without a payload, is thrown as undefined; whatever else is thrown ended the guest.
    if (error !== undefined) process.stderr.write(`error: the guest trapped: ${describe(error)}\n`);
  }
  await finish(status);
}
