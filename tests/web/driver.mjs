// Runs the booth's modules for the tests in Python: one JSON line in, {case, args}; one line out, {value} or {error}.
//
// The cases are what the files in cases/ export; each takes the arguments as one object of plain JSON.
import { readdirSync } from "node:fs";
import { createInterface } from "node:readline";

const folder = new URL("cases/", import.meta.url);
const cases = {};
for (const name of readdirSync(folder)) Object.assign(cases, await import(new URL(name, folder)));

for await (const line of createInterface({ input: process.stdin })) {
  const { case: name, args } = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await cases[name](args)) ?? null };
  } catch (error) {
    answer = { error: { family: error.name, rule: error.rule ?? null, message: error.message, stack: error.stack } };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
// Nobody waits for the ends of requests that a module has limited.
process.exit();
