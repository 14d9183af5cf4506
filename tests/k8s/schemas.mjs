// SPDX-License-Identifier: Apache-2.0
// Checks objects against the published schemas of Kubernetes and of the operators that the manifests use. The
// packages check values (enums, formats, patterns) but ignore unknown fields, so their types are
// checked as well: a literal with a field that its interface does not have is a TypeScript error.
import {mkdirSync, rmSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import ts from "typescript";

const PACKAGES = {
  "cert-manager.io": "@kubernetes-models/cert-manager",
  "external-secrets.io": "@kubernetes-models/external-secrets",
  "gateway.networking.k8s.io": "@kubernetes-models/gateway-api",
  "keda.sh": "@kubernetes-models/keda",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
};

// No package has CloudNativePG's schema: the fields of a Cluster's spec that its reference lists and ours uses.
const CLUSTER_FIELDS = ["instances", "imageName", "postgresql", "bootstrap", "storage", "resources",
  "affinity", "backup", "monitoring"];

export function nameOf(object) {
  return `${object?.kind ?? "(no kind)"}/${object?.metadata?.name ?? "(no name)"}`;
}

function moduleOf(object) {
  const group = object.apiVersion.includes("/") ? object.apiVersion.split("/")[0] : "";
  return `${PACKAGES[group] ?? "kubernetes-models"}/${object.apiVersion}/${object.kind}`;
}

function clusterErrors(object) {
  return [
    ...(object.kind === "Cluster" ? [] : [`${nameOf(object)}: no such kind as ${object.kind}`]),
    ...Object.keys(object.spec ?? {}).filter((field) => !CLUSTER_FIELDS.includes(field))
      .map((field) => `${nameOf(object)}: ${field} does not exist in its spec`),
    ...["instances", "storage"].filter((field) => !(field in (object.spec ?? {})))
      .map((field) => `${nameOf(object)}: no ${field}`),
  ];
}

async function valueErrors(object) {
  let model;
  try {
    model = (await import(moduleOf(object)))[object.kind];
  } catch {
    return [`${nameOf(object)}: no such kind as ${object.kind} in ${object.apiVersion}`];
  }
  try {
    new model(structuredClone(object)).validate();
    return [];
  } catch (error) {
    return [`${nameOf(object)}: ${error.message}`];
  }
}

function source(object) {
  return `import type {I${object.kind}} from "${moduleOf(object)}";
export const object: I${object.kind} = ${JSON.stringify(object, null, 1)};
`;
}

const OPTIONS = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  types: [],
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
};

// Returns the errors of each set: {name: [objects]} becomes {name: [errors]}. One run of the type
// checker for all sets, because loading the types takes most of the time.
export async function schemaErrors(sets, folder) {
  rmSync(folder, {recursive: true, force: true});
  mkdirSync(folder, {recursive: true});
  const errors = {};
  const files = new Map();
  for (const [set, objects] of Object.entries(sets)) {
    errors[set] = [];
    for (const object of objects) {
      if (typeof object?.apiVersion !== "string" || typeof object?.kind !== "string") {
        errors[set].push(`${nameOf(object)}: no apiVersion or kind`);
        continue;
      }
      if (object.apiVersion === "postgresql.cnpg.io/v1") {
        errors[set].push(...clusterErrors(object));
        continue;
      }
      const wrong = await valueErrors(object);
      errors[set].push(...wrong);
      if (wrong.some((text) => text.includes("no such kind"))) continue;
      const file = join(folder, `object${files.size}.mts`);
      writeFileSync(file, source(object));
      files.set(file, {set, object});
    }
  }
  const program = ts.createProgram([...files.keys()], OPTIONS);
  for (const found of ts.getPreEmitDiagnostics(program)) {
    const text = ts.flattenDiagnosticMessageText(found.messageText, " ");
    const file = files.get(found.file?.fileName);
    if (!file) throw new Error(`the type checker itself failed: ${text}`);
    errors[file.set].push(`${nameOf(file.object)}: ${text}`);
  }
  return errors;
}
