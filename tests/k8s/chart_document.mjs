// SPDX-License-Identifier: Apache-2.0
// "With Helm" of docs/kubernetes.md, and the chart's notes: their values and commands are those of the chart.
import {writeFileSync} from "node:fs";
import yaml from "js-yaml";
import {merged, valuesOf} from "./chart.mjs";
import {commandErrors} from "./commands.mjs";

// The words of a documented command with the folder and the file that a test has. Only an installation can be tried
// without a cluster; of the others Helm knows the words.
function tried(chart, command) {
  const words = command.split(/\s+/).slice(1)
    .map((word) => ({"build/chart/synchub": chart.folder, "hub-values.yaml": chart.file})[word] ?? word);
  if (words[0] === "install") return () => chart.run(...words, "--dry-run=client");
  return () => {
    const help = chart.run(words[0], "--help");
    for (const option of words.filter((word) => word.startsWith("-")))
      if (!new RegExp(`^ +(-\\w, )?${option}[, ]`, "m").test(help)) throw new Error(`helm ${words[0]} has no ${option}`);
  };
}

function named(schema, path) {
  return path.reduce((at, name) => {
    const own = at?.properties?.[name];
    return own?.$ref ? {...schema.definitions[own.$ref.split("/").pop()], ...own} : own;
  }, schema);
}

// Returns the sentences about the section of the guide. chart: of a Helm that needs no cluster for --dry-run=client.
export function sectionErrors(guide, chart, schema) {
  const section = guide.split(/^## /m).find((one) => one.startsWith("With Helm\n")) ?? "";
  const wrong = [];
  const block = section.match(/^( {4}mode: .*\n(?: {4}.*\n)+)/m)?.[1] ?? "";
  const values = yaml.load(block.replace(/^ {4}/gm, "")) ?? {};
  for (const more of [{}, {mode: "scaled", postgresql: {password: "PASSWORD"}}]) {
    const said = chart.refusal(merged(values, more));
    if (said) wrong.push(`the values of the guide are refused: ${said}`);
  }
  writeFileSync(chart.file, JSON.stringify(values));
  const commands = [...section.matchAll(/^ {4}(helm .*)$/gm)].map(([, command]) => command);
  if (commands.length < 4) wrong.push(`only ${commands.length} commands of Helm were found`);
  for (const command of commands) {
    try {
      tried(chart, command)();
    } catch (error) {
      wrong.push(`${command}: ${error.stderr ?? error.message}`);
    }
  }
  const paths = [...section.matchAll(/`([a-z]\w*(?:\.[a-z]\w*)+)`/g)].map(([, path]) => path).filter((path) => !path.endsWith(".yaml"));
  if (paths.length < 10) wrong.push(`only ${paths.length} values were found`);
  return [...wrong, ...paths.filter((path) => !named(schema, path.split("."))).map((path) => `there is no value ${path}`)];
}

// The commands of the notes that Helm shows after an installation name objects of the release.
export function notesErrors(chart, root) {
  return [{overlay: "single", add: ["console"]}, {overlay: "scaled", add: ["redis-ha", "console"]}].flatMap((installation) => {
    const objects = chart.render(valuesOf(installation), "other");
    const shown = chart.run("install", "other", chart.folder, "-n", "synchub", "-f", chart.file, "--dry-run=client");
    return commandErrors(shown.slice(shown.indexOf("\nNOTES:")), objects, root, 5);
  });
}
