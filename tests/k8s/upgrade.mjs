// SPDX-License-Identifier: Apache-2.0
// Objects that an apply over an older release cannot change: docs/kubernetes.md must say how to replace them.
import {isDeepStrictEqual} from "node:util";
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

// The objects that the section of a release says to delete: its lines with `kubectl … delete KIND NAME…`.
export function documentedReplacements(text, release) {
  const section = text.split(/^## /m).find((one) => one.startsWith(`Upgrade from ${release}`)) ?? "";
  const kinds = {statefulset: "StatefulSet", deployment: "Deployment", service: "Service",
    daemonset: "DaemonSet"};
  return new Set([...section.matchAll(/^ {4,}kubectl .*\bdelete (\w+) (.*)$/gm)].flatMap(([, kind, rest]) =>
    rest.split(/\s+/).filter((word) => word.startsWith("synchub")).map((name) => `${kinds[kind]}/${name}`)));
}
