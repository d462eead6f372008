// Fills a folder with what run.mjs and transpile.mjs need: the npm packages, a Node with JSPI, and a line of versions.
//
//   node install.mjs DIR SHIM-VERSION
//
// The pinned version of preview3-shim is installed as package-lock.json says, checksums included; any other with the
// transpiler of its time, and the rest by npm's own choice.

import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";

const SHIM = "@bytecodealliance/preview3-shim";
const TRANSPILER = "@bytecodealliance/jco-transpile";
// The newest jco-transpile that was released for an older shim.
const TRANSPILERS = { "0.6.0": "0.13.0", "0.6.1": "0.14.0" };
const FLAG = "--wasm-staging";
const here = import.meta.dirname;

class InstallError extends Error {}

// npm comes with Node, in a folder beside it; some distributions keep it elsewhere and put a command in PATH.
function npmCommand() {
  const beside = path.resolve(realpathSync(process.execPath), "../../lib/node_modules/npm/bin/npm-cli.js");
  return existsSync(beside) ? [process.execPath, beside] : ["npm"];
}

// Installs what package.json asks for; where there is a package-lock.json its versions and checksums hold. (`npm ci` would
// refuse a registry that lacks an optional package of another platform.)
function npmInstall(folder) {
  const [command, ...first] = npmCommand();
  const flags = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];
  const done = spawnSync(command, [...first, "install", ...flags], { cwd: folder, encoding: "utf8" });
  if (done.error?.code === "ENOENT") {
    throw new InstallError(`npm is needed, and neither beside ${process.execPath} nor in PATH: install it, or put it in PATH`);
  }
  if (done.error) throw new InstallError(`npm could not be started: ${done.error.message}`);
  if (done.status !== 0) {
    const said = done.stderr.split("\n").filter((line) => /^npm (error|ERR!) (?!A complete log)\S/.test(line));
    const reason = said.slice(0, 3).map((line) => line.replace(/^npm (error|ERR!) /, "")).join("; ");
    const hint = /ENOTFOUND|ECONN|ETIMEDOUT|EAI_AGAIN/.test(reason) ? "; the package registry cannot be reached" : "";
    throw new InstallError(`npm install failed: ${reason || `status ${done.status}`}${hint}`);
  }
}

function copyPins(name, folder) {
  mkdirSync(folder, { recursive: true });
  for (const file of ["package.json", "package-lock.json"]) copyFileSync(path.join(here, name, file), path.join(folder, file));
}

function installPackages(folder, wanted) {
  const pins = JSON.parse(readFileSync(path.join(here, "packages", "package.json"), "utf8"));
  if (wanted === pins.dependencies[SHIM]) {
    copyPins("packages", folder);
    npmInstall(folder);
    return;
  }
  pins.dependencies[SHIM] = wanted;
  pins.dependencies[TRANSPILER] = TRANSPILERS[wanted] ?? pins.dependencies[TRANSPILER];
  writeFileSync(path.join(folder, "package.json"), JSON.stringify(pins));
  npmInstall(folder);
}

function answers(command, ...args) {
  const script = "process.exit(typeof WebAssembly.Suspending === 'function' ? 0 : 1)";
  return spawnSync(command, [...args, "-e", script], { stdio: "ignore" }).status === 0;
}

// A Node that has JSPI without a flag starts a guest in two thirds of the time: with any flag of V8's, Node has to compile
// its own modules anew. So that one is preferred, unless the user has named another.
function installNode(folder) {
  const link = path.join(folder, "node");
  if (answers(process.execPath)) {
    symlinkSync(process.execPath, link);
    return;
  }
  let reason = "WASICHECK_NODE names this one";
  if (!process.env.WASICHECK_NODE) {
    const runtime = path.join(folder, "runtime");
    try {
      copyPins("node", runtime);
      npmInstall(runtime);
      const name = process.platform === "darwin" && process.arch === "arm64" ? "node-bin" : "node";
      const node = path.join(runtime, "node_modules", `${name}-${process.platform}-${process.arch}`, "bin", "node");
      if (existsSync(node)) chmodSync(node, 0o755);
      if (answers(node)) {
        symlinkSync(node, link);
        return;
      }
      reason = "the registry's Node does not run here";
    } catch (error) {
      reason = error.message;
    }
  }
  if (!answers(process.execPath, FLAG)) {
    throw new InstallError(
      `${process.execPath} (${process.version}) has no JSPI, which jco needs (${reason}); put Node 26 in PATH, or name it in WASICHECK_NODE`,
    );
  }
  writeFileSync(link, `#!/bin/sh\nexec '${process.execPath.replaceAll("'", "'\\''")}' ${FLAG} "$@"\n`);
  chmodSync(link, 0o755);
}

function versions(folder) {
  const version = (name) => JSON.parse(readFileSync(path.join(folder, "node_modules", name, "package.json"), "utf8")).version;
  const node = spawnSync(path.join(folder, "node"), ["--version"], { encoding: "utf8" }).stdout.trim();
  return `preview3-shim ${version(SHIM)}, jco-transpile ${version(TRANSPILER)}, Node ${node}\n`;
}

const [folder, wanted] = process.argv.slice(2);
try {
  installPackages(folder, wanted);
  installNode(folder);
  writeFileSync(path.join(folder, "versions.txt"), versions(folder));
} catch (error) {
  if (!(error instanceof InstallError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
