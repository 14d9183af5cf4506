// SPDX-License-Identifier: Apache-2.0
// The kubectl commands of docs/kubernetes.md: the objects, containers, labels and folders that they name exist in
// what k8s/ renders. tests/k8s/cluster runs such commands on a cluster.
import {existsSync} from "node:fs";
import {join} from "node:path";
import {isDeepStrictEqual} from "node:util";
import {matches, podOf} from "./rules.mjs";

const KINDS = {cronjob: "CronJob", deploy: "Deployment", deployment: "Deployment", job: "Job", pod: "Pod",
  priorityclass: "PriorityClass", service: "Service", scaledobject: "ScaledObject", statefulset: "StatefulSet"};
const VERBS = ["annotate", "apply", "create", "delete", "diff", "exec", "get", "label", "logs", "patch", "port-forward",
  "rollout", "scale", "set", "wait"];
const VALUES = ["-n", "-c", "-k", "-f", "-l", "-o"]; // options whose value is the next word

// Commands in blocks and in sentences, each as one line.
export function documentedCommands(text) {
  const joined = text.replace(/\\\n\s*/g, "");
  const blocks = [...joined.matchAll(/^ {4,}(kubectl .*)$/gm)];
  const sentences = joined.replace(/^ {4,}.*$/gm, "").replace(/\s+/g, " ");
  const found = [...blocks, ...sentences.matchAll(/`(kubectl [^`]+)`/g)].map(([, command]) => command);
  return [...new Set(found)].map((command) => command.replace(/ #.*$/, "").trim());
}

const wordsOf = (command) => command.match(/(?:'[^']*'|"[^"]*"|[^\s'"]+)+/g).map((word) => word.replace(/['"]/g, ""));

// {options, words} of the part before "--", "<" and ">".
export function parse(command) {
  const options = {};
  const words = [];
  const all = wordsOf(command).slice(1);
  const end = all.findIndex((word) => /^(--|[<>|].*)$/.test(word));
  const own = end < 0 ? all : all.slice(0, end);
  for (let i = 0; i < own.length; i++) {
    if (VALUES.includes(own[i])) options[own[i]] = own[++i];
    else if (own[i].startsWith("-")) options[own[i].split("=")[0]] = own[i].split("=").slice(1).join("=") || true;
    else words.push(own[i]);
  }
  return {options, words};
}

// [kind, name] of each object that a command names.
function named(verb, words) {
  const found = words.filter((word) => /^[a-z]+\/[a-z]/.test(word)).map((word) => word.split("/"));
  const bare = words.filter((word) => !word.includes("/"));
  if (verb === "exec" && !found.length) return [["pod", bare[0]]];
  if (!["annotate", "delete", "patch"].includes(verb)) return found;
  const [kind, ...names] = bare;
  const others = names.filter((name) => KINDS[kind] && /^[a-z][a-z0-9-]*[a-z0-9]$/.test(name));
  return [...found, ...others.map((name) => [kind, name])];
}

// Returns the sentences about one command. created: names of objects that commands of the document create.
function errorsOf(command, objects, created, root) {
  const {options, words: [verb, ...words]} = parse(command);
  const wrong = [];
  if (!VERBS.includes(verb)) wrong.push(`kubectl has no ${verb}`);
  for (const name of ["-k", "-f"])
    if (options[name] && !existsSync(join(root, options[name]))) wrong.push(`there is no ${options[name]}`);
  const selector = Object.fromEntries((options["-l"] ?? "").split(",").filter(Boolean).map((pair) => pair.split("=")));
  const pods = objects.filter(podOf);
  if (options["-l"] && !pods.some((one) => matches({matchLabels: selector}, podOf(one).metadata?.labels)))
    wrong.push(`no pod has the labels ${options["-l"]}`);
  for (const [kind, name] of named(verb, verb === "rollout" ? words.slice(1) : words)) {
    if (name === "NAME" || created.includes(`${kind}/${name}`)) continue;
    const stateful = kind === "pod" && name.match(/^(.*)-(?:\d|\$pod)$/);
    const sought = stateful ? ["StatefulSet", stateful[1]] : [KINDS[kind], name];
    const existing = objects.filter((one) => one.kind === sought[0] && one.metadata.name === sought[1]);
    if (!existing.length) wrong.push(`there is no ${kind}/${name}`);
    const containers = existing.filter(podOf).flatMap((one) => [...(podOf(one).spec.containers ?? []),
      ...(podOf(one).spec.initContainers ?? [])]).map((one) => one.name);
    if (options["-c"] && existing.length && !containers.includes(options["-c"]))
      wrong.push(`${kind}/${name} has no container ${options["-c"]}`);
  }
  // The folder belongs to root on most volumes, and the pod's user cannot set its mode and times on restore.
  if (/\btar .*-cf - \.(?=['\s]|$)/.test(command)) wrong.push("the archive has the volume's own folder");
  // The overlay has the number of pods: what stops them ends with an apply.
  if (verb === "scale" && words.length && options["--replicas"] !== "0") wrong.push("the next apply would undo it");
  return wrong.map((sentence) => `${command}: ${sentence}`);
}

// What an apply with --prune must not delete, and what every overlay has.
const NEVER_PRUNED = ["Namespace", "PersistentVolumeClaim", "ServiceAccount"];
export const prunedKinds = (text) => new Set([...text.matchAll(/--prune-allowlist=([\w./-]+)/g)].map(([, kind]) => kind));
// A kind as --prune-allowlist names it.
export const allowlisted = ({apiVersion, kind}) =>
  `${apiVersion.includes("/") ? apiVersion : `core/${apiVersion}`}/${kind}`;

// Kinds that a dropped component leaves behind: the document names them, for --prune or to be deleted by hand.
// script: tests/k8s/cluster, which runs the command.
export function pruneErrors(text, objects, script) {
  const pruned = prunedKinds(text);
  const byHand = documentedCommands(text).map((command) => parse(command).words)
    .filter(([verb]) => verb === "delete").flatMap(([verb, ...words]) => named(verb, words))
    .map(([kind, name]) => `${KINDS[kind]}/${name}`);
  const command = prunedKinds(documentedCommands(text).find((one) => one.includes("--prune-allowlist")) ?? "");
  const left = objects.filter(({apiVersion, kind, metadata: {name}}) =>
    !NEVER_PRUNED.includes(kind) && !byHand.includes(`${kind}/${name}`) && !pruned.has(allowlisted({apiVersion, kind})))
    .map(({apiVersion, kind}) => `no command removes a ${kind} of ${apiVersion} that the overlay no longer has`);
  return [
    ...new Set(left),
    ...[...pruned].filter((kind) => kind.endsWith("/PersistentVolumeClaim")).map((kind) => `${kind} would be pruned`),
    ...(isDeepStrictEqual(command, prunedKinds(script)) ? [] : ["tests/k8s/cluster prunes other kinds"]),
  ];
}

// least: how many commands the text has at least.
export function commandErrors(text, objects, root, least = 40) {
  const commands = documentedCommands(text);
  const created = commands.flatMap((command) => [...command.matchAll(/ create job (\S+) /g)].map(([, name]) => `job/${name}`));
  if (commands.length < least) return [`only ${commands.length} commands were found`];
  return commands.flatMap((command) => errorsOf(command, objects, created, root));
}
