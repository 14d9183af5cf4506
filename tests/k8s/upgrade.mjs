// SPDX-License-Identifier: Apache-2.0
// Objects that an apply over an older release cannot change: docs/kubernetes.md must say how to replace them.
import {isDeepStrictEqual} from "node:util";
import {allowlisted, documentedCommands, parse, prunedKinds} from "./commands.mjs";
import {matches, podOf} from "./rules.mjs";
import {nameOf} from "./schemas.mjs";

// The rest of a StatefulSet's spec is immutable.
const STATEFUL_MUTABLE = ["replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy", "minReadySeconds"];

const headless = (service) => service.spec.clusterIP === "None";

function fixedPart(object) {
  const {kind, spec = {}} = object;
  if (kind === "StatefulSet")
    return {podManagementPolicy: "OrderedReady", ...Object.fromEntries(
      Object.entries(spec).filter(([field]) => !STATEFUL_MUTABLE.includes(field)))};
  if (kind === "Deployment" || kind === "DaemonSet") return spec.selector;
  if (kind === "Service") return headless(object);
  if (kind === "PersistentVolumeClaim") return spec;
  return undefined;
}

// The objects of both releases that have to be deleted first, as `Kind/name`.
export function replacedObjects(before, after) {
  return before.filter((old) => {
    const now = after.find((one) => nameOf(one) === nameOf(old));
    return now && !isDeepStrictEqual(fixedPart(old), fixedPart(now));
  }).map(nameOf).sort();
}

const sectionOf = (text, release) =>
  text.split(/^## /m).find((one) => one.startsWith(`Upgrade from ${release}`)) ?? "";

// The objects that the section of a release says to delete: its lines with `kubectl … delete KIND NAME…`.
export function documentedReplacements(text, release) {
  const section = sectionOf(text, release);
  const kinds = {statefulset: "StatefulSet", deployment: "Deployment", service: "Service",
    daemonset: "DaemonSet"};
  return new Set([...section.matchAll(/^ {4,}kubectl .*\bdelete (\w+) (.*)$/gm)].flatMap(([, kind, rest]) =>
    rest.split(/\s+/).filter((word) => word.startsWith("synchub")).map((name) => `${kinds[kind]}/${name}`)));
}

const INSTANCE = "app.kubernetes.io/instance=synchub";
const pluralOf = (kind) => kind.toLowerCase().replace(/y$/, "ie").replace(/s$/, "se") + "s";

// The documented --prune selects by a label that the release's objects may lack, and pods are adopted by it: the
// section of the release has to give it to what the overlay no longer has, and to the pods.
export function unlabelledObjects(before, after, text, release) {
  const labelled = documentedCommands(sectionOf(text, release)).map(parse)
    .filter(({words}) => words[0] === "label" && words.includes(INSTANCE));
  const found = (plural, labels = {}) => labels["app.kubernetes.io/instance"] ||
    labelled.some(({options, words: [, kinds]}) => kinds.split(",").includes(plural) &&
      matches({matchLabels: Object.fromEntries(options["-l"].split(",").map((pair) => pair.split("=")))}, labels));
  const pruned = prunedKinds(text);
  const gone = before.filter((old) => old.kind !== "Namespace" && !after.some((one) => nameOf(one) === nameOf(old)));
  return [
    ...gone.filter((one) => !found(pluralOf(one.kind), one.metadata.labels) || !pruned.has(allowlisted(one)))
      .map((one) => `${nameOf(one)} stays, because --prune does not find it`),
    ...before.filter((one) => podOf(one) && !found("pods", podOf(one).metadata.labels))
      .map((one) => `the pods of ${nameOf(one)} are not adopted`),
  ];
}

// script: tests/k8s/cluster, which runs the commands of the section.
export function untriedCommands(text, release, script) {
  const run = script.replace(/\\\n\s*/g, "");
  return documentedCommands(sectionOf(text, release)).filter((command) => /^kubectl -n synchub (?!.* NAME )/.test(command))
    .map((command) => command.replace(/^kubectl -n synchub /, ""))
    .filter((command) => !run.includes(`k ${command} `)).map((command) => `tests/k8s/cluster does not run: ${command}`);
}
