// SPDX-License-Identifier: Apache-2.0
// The Helm chart against the manifests that it is made from: each installation of the overlays is rendered by both, and
// must have the same objects, but for what makes releases distinct.
import {execFileSync} from "node:child_process";
import {cpSync, readFileSync, readdirSync, rmSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {isDeepStrictEqual} from "node:util";
import yaml from "js-yaml";
import {offeredBy, render, titleOf} from "./installations.mjs";
import {podOf} from "./rules.mjs";
import {nameOf} from "./schemas.mjs";

const NEEDED = {apiToken: "token", encryptionKey: "key", redis: {password: "redispassword"},
  postgresql: {password: "dbpassword"}};
// The values that take the place of each component; with hosts and classes of its manifests.
const COMPONENTS = {
  "redis-ha": {redis: {mode: "sentinel"}},
  "external-redis": {redis: {mode: "external", url: "rediss://:x@redis.example.com:6379/0", address: "redis.example.com:6379"}},
  "external-postgresql": {postgresql: {external: true, url: "postgresql://x:x@db.example.com/synchub"}},
  "backup-postgresql": {postgresql: {backup: {enabled: true}}},
  puller: {puller: {mode: "deployment"}},
  "puller-cronjob": {puller: {mode: "cronjob"}},
  gateway: {gateway: {enabled: true, className: "example"}, host: "hub.example.com"},
  "ingress-traefik": {ingress: {enabled: true}, host: "hub.example.com"},
  "cert-manager": {certManager: {enabled: true}, host: "hub.example.com"},
  console: {console: {enabled: true}},
  "console-ingress": {console: {ingress: {enabled: true, host: "console.hub.example.com"}}},
  tls: {tls: {enabled: true}},
  monitoring: {monitoring: {enabled: true}},
  "image-pull-secret": {images: {pullSecret: "synchub-registry"}},
  priority: {priorityClasses: {enabled: true}},
  openshift: {openshift: {enabled: true}},
};
const HELM_LABELS = ["helm.sh/chart", "app.kubernetes.io/managed-by"];

export function merged(...all) {
  const plain = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  return all.reduce((result, values) => {
    for (const [key, value] of Object.entries(values))
      result[key] = plain(value) ? merged(plain(result[key]) ? result[key] : {}, value) : value;
    return result;
  }, {});
}

export function valuesOf({overlay, add = []}) {
  for (const name of add) if (!COMPONENTS[name]) throw new Error(`the chart has no value for the component ${name}`);
  return merged({mode: overlay}, NEEDED, ...add.map((name) => COMPONENTS[name]));
}

// Helm with a chart. Its output, or the error that it ends with.
export class Chart {
  constructor(helm, folder, work) {
    Object.assign(this, {helm, folder, file: join(work, "values.yaml")});
  }

  run(...words) {
    return execFileSync(this.helm, words, {encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1 << 26});
  }

  render(values, release = "synchub", namespace = "synchub") {
    writeFileSync(this.file, JSON.stringify(values));
    const text = this.run("template", release, this.folder, "-n", namespace, "-f", this.file);
    return yaml.loadAll(text).filter(Boolean);
  }

  // What Helm says where it refuses the values; empty where it does not.
  refusal(values) {
    try {
      this.render(values);
      return "";
    } catch (error) {
      if (error.stderr === undefined) throw error;
      return error.stderr;
    }
  }
}

function changeTexts(value, change) {
  if (Array.isArray(value)) return value.map((item) => changeTexts(item, change));
  if (value === null || typeof value !== "object") return typeof value === "string" ? change(value) : value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, changeTexts(item, change)]));
}

// Names of ConfigMaps and Secrets without the hash of their content, whose part the chart's annotations play, and those
// of policies and priority classes as the chart has them: unique for each release.
function fromKustomize(objects) {
  const hashed = new Map(objects.filter((one) => ["ConfigMap", "Secret"].includes(one.kind))
    .map((one) => [one.metadata.name, one.metadata.name.replace(/-[0-9a-z]{10}$/, "")]));
  return changeTexts(objects, (text) => hashed.get(text) ?? text).map((one) => {
    const {kind, metadata} = one;
    if (kind === "NetworkPolicy") metadata.name = `synchub-${metadata.name.replace(/^synchub-/, "")}`;
    if (kind === "PriorityClass") metadata.name = `synchub-${metadata.name}`;
    const pod = podOf(one);
    sortEnvironment(pod);
    if (pod?.spec.priorityClassName) pod.spec.priorityClassName = `synchub-${pod.spec.priorityClassName}`;
    return one;
  }).map(withoutSecrets);
}

// The order of variables is checked by rules.mjs: one that uses another comes later.
function sortEnvironment(pod) {
  for (const container of [...(pod?.spec.containers ?? []), ...(pod?.spec.initContainers ?? [])])
    container.env?.sort((one, other) => one.name.localeCompare(other.name));
}

function withoutSecrets(object) {
  if (object.kind !== "Secret") return object;
  return {...object, data: Object.fromEntries(Object.keys(object.data).map((key) => [key, ""]))};
}

function dropKeys(object, field, unwanted) {
  for (const key of Object.keys(object?.[field] ?? {})) if (unwanted(key)) delete object[field][key];
  if (object?.[field] && !Object.keys(object[field]).length) delete object[field];
}

function fromHelm(objects) {
  return structuredClone(objects).map((object) => {
    dropKeys(object.metadata, "labels", (key) => HELM_LABELS.includes(key));
    dropKeys(object.metadata, "annotations", (key) => key === "helm.sh/resource-policy");
    sortEnvironment(podOf(object));
    dropKeys(podOf(object)?.metadata, "annotations", (key) => key.startsWith("checksum/"));
    return withoutSecrets(object);
  });
}

// Where two values differ first, as a path with both.
function difference(one, other, path = "") {
  if (isDeepStrictEqual(one, other)) return undefined;
  const both = [one, other].every((value) => value !== null && typeof value === "object");
  if (!both || Array.isArray(one) !== Array.isArray(other))
    return `${path}: Kustomize ${JSON.stringify(one)}, Helm ${JSON.stringify(other)}`;
  return [...new Set([...Object.keys(one), ...Object.keys(other)])]
    .map((key) => difference(one[key], other[key], `${path}/${key}`)).find(Boolean);
}

// The sentences about what the chart renders otherwise than Kustomize.
export function differences(byKustomize, byHelm) {
  const [one, other] = [fromKustomize(structuredClone(byKustomize)), fromHelm(byHelm)]
    .map((objects) => new Map(objects.map((object) => [nameOf(object), object])));
  return [...new Set([...one.keys(), ...other.keys()])].sort().flatMap((name) => {
    if (!other.has(name)) return [`the chart has no ${name}`];
    if (!one.has(name)) return [`the manifests have no ${name}`];
    const found = difference(one.get(name), other.get(name));
    return found ? [`${name} ${found}`] : [];
  });
}

// Helm's own labels change with each version of the chart: pods would restart, and claims and selectors cannot change.
function labelErrors(objects) {
  return objects.flatMap((object) => {
    const wrong = HELM_LABELS.filter((label) => !object.metadata.labels?.[label]).map((label) => `no label ${label}`);
    const spec = JSON.stringify(object.spec ?? {});
    return [...wrong, ...HELM_LABELS.filter((label) => spec.includes(label)).map((label) => `${label} inside its spec`)]
      .map((text) => `${nameOf(object)}: ${text}`);
  });
}

// Everything that an overlay offers at once, with each Redis and each puller: compared, and not checked further.
function fullInstallations(root) {
  const either = ["redis-ha", "external-redis", "puller", "puller-cronjob", "external-postgresql", "backup-postgresql"];
  return ["single", "scaled"].flatMap((overlay) => {
    const offered = offeredBy(readFileSync(join(root, "k8s/overlays", overlay, "kustomization.yaml"), "utf8"));
    const common = offered.filter((name) => !either.includes(name));
    return ["redis-ha", "external-redis"].flatMap((redis) => ["puller", "puller-cronjob"].map((puller) => ({
      overlay, add: [...common, redis, puller, ...offered.filter((name) =>
        name === (puller === "puller" ? "external-postgresql" : "backup-postgresql"))],
    })));
  });
}

export function fullErrors(chart, root, copy) {
  return fullInstallations(root).flatMap((installation) =>
    differences(render(copy, installation), chart.render(valuesOf(installation)))
      .map((text) => `${titleOf(installation)}: ${text}`));
}

// The same installation by the chart: {title, installation, objects, byKustomize} for each of the overlays.
export function chartRenderings(chart, installations, rendered) {
  return installations.filter(({overlay, edit}) => overlay && !edit).map((installation) => ({
    title: `chart: ${titleOf(installation)}`, installation, objects: chart.render(valuesOf(installation)),
    byKustomize: rendered[titleOf(installation)],
  }));
}

// Another release in another namespace is the same with other names; two in one namespace have no object in common.
function releaseErrors(chart) {
  const values = merged(valuesOf({overlay: "scaled", add: Object.keys(COMPONENTS).filter((name) =>
    !/^external|^puller-cronjob$/.test(name))}));
  const one = chart.render(values);
  const other = chart.render(values, "other", "elsewhere");
  const back = changeTexts(other, (text) => text.replaceAll("elsewhere-other-synchub", "synchub-synchub")
    .replaceAll("other-synchub", "synchub").replaceAll("elsewhere", "synchub").replace(/^other$/, "synchub"));
  // Annotations with the sum of a content that has names.
  const plain = (objects) => fromHelm(objects).sort((a, b) => nameOf(a).localeCompare(nameOf(b)));
  const found = difference(plain(one), plain(back));
  const names = new Set(one.map(nameOf));
  return [...(found ? [`another release differs: ${found}`] : []), ...chart.render(values, "other").map(nameOf)
    .filter((name) => names.has(name)).map((name) => `two releases in one namespace both have ${name}`)];
}

function existingSecretErrors(chart) {
  const existing = {existingSecret: "mine"};
  const objects = chart.render(merged({mode: "scaled", postgresql: {...existing, backup: {enabled: true}}, redis: existing,
    puller: {mode: "deployment"}}, existing));
  const names = [...JSON.stringify(objects).matchAll(/"(?:secretName|secretKeyRef|secretTargetRef)":(?:"([^"]*)"|\W*{[^}]*"name":"([^"]*)")/g)]
    .map(([, name, other]) => name ?? other);
  return [
    ...objects.filter((one) => one.kind === "Secret").map((one) => `${nameOf(one)} beside an existing one`),
    ...(names.length > 10 ? [] : [`only ${names.length} references were found`]),
    ...names.filter((name) => name !== "mine").map((name) => `refers to the Secret ${name}`),
  ];
}

// A changed value restarts the pods that use it, and no others.
function restartErrors(chart, values, change, expected) {
  const pods = (objects) => new Map(objects.filter(podOf).map((one) => [nameOf(one), JSON.stringify(podOf(one))]));
  const [before, after] = [pods(chart.render(values)), pods(chart.render(merged(values, change)))];
  const restarted = [...before.keys()].filter((name) => before.get(name) !== after.get(name)).sort();
  return isDeepStrictEqual(restarted, [...expected].sort()) ? []
    : [`${JSON.stringify(change)} restarts ${restarted.join(", ")}; expected ${expected.join(", ")}`];
}

const SCALED = {mode: "scaled", puller: {mode: "deployment"}};
const RESTARTS = [
  [{redis: {password: "other"}}, ["Deployment/synchub-ingest", "Deployment/synchub-merge", "Deployment/synchub-puller",
    "StatefulSet/synchub-redis"]],
  [{postgresql: {password: "other"}}, ["Deployment/synchub-merge", "StatefulSet/synchub-postgresql"]],
  [{encryptionKey: "other"}, ["Deployment/synchub-ingest", "Deployment/synchub-merge", "Deployment/synchub-puller"]],
  [{puller: {nodes: ["http://192.0.2.7:20212"]}}, ["Deployment/synchub-puller"]],
  [{settings: {SYNC_log_level: "debug"}},
    ["Deployment/synchub-ingest", "Deployment/synchub-merge", "Deployment/synchub-puller"]],
  [{ingest: {maxReplicas: 20}}, []],
];

// Values that are refused, and what is said of them.
const REFUSED = [
  [{apiToken: ""}, /apiToken is empty: set it to the output of `openssl rand -hex 32`/],
  [{encryptionKey: ""}, /encryptionKey is empty/],
  [{redis: {password: ""}}, /redis\.password is empty/],
  [{redis: {password: "a/b@c"}}, /redis.password[\s\S]*(pattern|match)/],
  [{mode: "scaled", postgresql: {password: ""}}, /postgresql\.password is empty/],
  [{redis: {mode: "external"}}, /redis\.url is empty/],
  [{mode: "scaled", redis: {mode: "external", url: "redis://x"}}, /redis\.address is empty: KEDA/],
  [{mode: "scaled", postgresql: {external: true}}, /postgresql\.url is empty/],
  [{mode: "scaled", postgresql: {external: true, url: "postgresql://x", backup: {enabled: true}}}, /not for an external one/],
  [{postgresql: {external: true, url: "postgresql://x"}}, /postgresql\.external needs mode scaled/],
  [{postgresql: {backup: {enabled: true}}}, /backup\.enabled needs mode scaled/],
  [{gateway: {enabled: true, className: "x"}}, /host is empty/],
  [{ingress: {enabled: true}}, /host is empty/],
  [{gateway: {enabled: true}, host: "hub.example.com"}, /gateway\.className is empty/],
  [{console: {ingress: {enabled: true, host: "x.example.com"}}}, /needs console\.enabled/],
  [{console: {enabled: true, ingress: {enabled: true}}}, /console\.ingress\.host is empty/],
  [{mode: "double"}, /mode[\s\S]*(one of|must be)/],
  [{ingest: {replicas: "two"}}, /ingest.replicas[\s\S]*(integer|got string)/],
  [{ingest: {replicas: 0}}, /ingest.replicas[\s\S]*(minimum|greater|least)/],
  [{replicas: 3}, /additional[\s\S]*replicas/i],
  [{puller: {node: ["http://192.0.2.7"]}}, /additional[\s\S]*node/i],
  [{settings: {SYNC_api_token: "x"}}, /SYNC_api_token|propert/],
  [{settings: {SYNC_log_level: 3}}, /settings.SYNC_log_level[\s\S]*string/],
  [{fullnameOverride: "Hub"}, /fullnameOverride/],
  [{redis: {storage: {size: "4 GB"}}}, /redis.storage.size/],
];

function refusalErrors(chart) {
  return REFUSED.flatMap(([change, expected]) => {
    const said = chart.refusal(merged({mode: "single"}, NEEDED, change));
    return expected.test(said) ? [] : [`${JSON.stringify(change)}: ${said || "not refused"}`];
  });
}

// [path, schema] of each value that has no values of its own.
function leaves(schema, definitions, path = []) {
  return Object.entries(schema.properties).filter(([name]) => name !== "global").flatMap(([name, own]) => {
    const is = own.$ref ? {...definitions[own.$ref.split("/").pop()], ...own} : own;
    const here = [...path, name];
    return is.properties && !here.includes("resources") ? leaves(is, definitions, here) : [[here, is]];
  });
}

function undescribed(schema, definitions, path = "") {
  return Object.entries(schema.properties ?? {}).flatMap(([name, own]) => {
    const is = own.$ref ? {...definitions[own.$ref.split("/").pop()], ...own} : own;
    const here = path ? `${path}.${name}` : name;
    const inner = here.endsWith("resources") ? [] : undescribed(is, definitions, here);
    return [...(is.description ? [] : [`${here} has no description`]),
      ...(is.type === "object" && is.additionalProperties === undefined && name !== "global"
        ? [`${here} allows unknown values`] : []), ...inner];
  });
}

const nested = (path, value) => path.reduceRight((inner, name) => ({[name]: inner}), value);

// Another value that the schema allows.
function otherValue([path, schema]) {
  const [last, whole] = [path.at(-1), path.join(".")];
  const known = {"redis.url": "redis://other", "postgresql.url": "postgresql://other", "redis.address": "other:6380", digest:
    `sha256:${"0".repeat(64)}`, size: "17Gi", nodes: ["b=https://b.example.com"], schedule: "5 5 * * *", runbooksUrl: "https://x.example",
  tolerations: [{operator: "Exists"}], nodeSelector: {disk: "fast"}, settings: {SYNC_log_level: "debug"},
  resources: {requests: {cpu: "1"}}, kind: "Issuer"};
  if (known[whole] ?? known[last]) return known[whole] ?? known[last];
  if (schema.enum) return schema.enum.at(-1);
  if (schema.type === "integer") return (schema.default ?? 1) + 3;
  return schema.type === "boolean" ? true : "other";
}

// Each value changes something in one of these installations, which have what other values need.
function effectErrors(chart, schema) {
  const hosts = {host: "hub.example.com", gateway: {className: "example"}, console: {ingress: {host: "console.hub.example.com"}}};
  const servers = {redis: {url: "rediss://x", address: "redis.example.com:6379"}, postgresql: {url: "postgresql://x"}};
  const common = ["monitoring", "gateway", "ingress-traefik", "console", "console-ingress", "cert-manager", "tls"];
  const bases = [["single", ["puller-cronjob", ...common]], ["scaled", ["puller", "backup-postgresql", ...common]],
    ["scaled", ["external-redis", "external-postgresql", "console"]], ["scaled", ["console"]], ["single", []]].map(([overlay, add]) => {
    const values = merged(hosts, servers, valuesOf({overlay, add}));
    return {values, before: JSON.stringify(chart.render(values))};
  });
  const changes = ({values, before}, change) => {
    try {
      return JSON.stringify(chart.render(merged(values, change))) !== before;
    } catch (error) {
      if (error.stderr === undefined) throw error;
      return false; // refused here
    }
  };
  return leaves(schema, schema.definitions)
    .filter(([path, is]) => !bases.some((base) => changes(base, nested(path, otherValue([path, is])))))
    .map(([path]) => `${path.join(".")} changes nothing`);
}

// Changes of a chart's files that must be found out: title, file, its change, and the check's sentence.
const BROKEN = [
  ["a field of another value", "statefulset-redis.yaml", (text) => text.replace("Parallel", "OrderedReady"),
    /StatefulSet\/synchub-redis \/spec\/podManagementPolicy: Kustomize "Parallel", Helm "OrderedReady"/],
  ["a field that is not there", "deployment-ingest.yaml", (text) => text.replace(/ +enableServiceLinks.*\n/, ""),
    /Deployment\/synchub-ingest \/spec\/template\/spec\/enableServiceLinks/],
  ["a field of nobody", "service-hub.yaml", (text) => text.replace("spec:", "spec:\n  type: NodePort"), /Service\/synchub \/spec\/type/],
  ["an object that is not there", "networkpolicy-default-deny.yaml", () => "", /no NetworkPolicy\/synchub-default-deny/],
  ["a component that is always there", "networkpolicy-puller.yaml", (text) => text.replace(/{{- if .*}}/, "{{- if true }}"),
    /the manifests have no NetworkPolicy\/synchub-puller/],
];

function brokenErrors(chart, byKustomize, work) {
  const folder = join(work, "broken-chart");
  return BROKEN.flatMap(([title, file, edit, expected]) => {
    rmSync(folder, {recursive: true, force: true});
    cpSync(chart.folder, folder, {recursive: true});
    const path = join(folder, "templates", file);
    const text = readFileSync(path, "utf8");
    if (edit(text) === text) return [`${title}: nothing was changed in ${file}`];
    writeFileSync(path, edit(text));
    const found = differences(byKustomize, new Chart(chart.helm, folder, work).render(valuesOf({overlay: "single"})));
    return found.some((sentence) => expected.test(sentence)) ? [] : [`not found: ${title}: ${found.join("; ")}`];
  });
}

// A manifest that changes without the chart.
function staleErrors(chart, byKustomize) {
  const changed = structuredClone(byKustomize);
  changed.find((one) => nameOf(one) === "Deployment/synchub-ingest").spec.template.spec.terminationGracePeriodSeconds += 1;
  const found = differences(changed, chart.render(valuesOf({overlay: "single"})));
  return found.some((sentence) => sentence.includes("terminationGracePeriodSeconds")) ? [] : ["not found"];
}

// The archive that `./dev chart` writes is what Helm makes of the folder, and is a chart.
function packageErrors(chart, archive, work) {
  const list = (file) => execFileSync("tar", ["-tzf", file], {encoding: "utf8"}).trim().split("\n").sort();
  chart.run("package", chart.folder, "-d", work);
  const made = list(join(work, archive.split("/").at(-1)));
  const ours = list(archive);
  return isDeepStrictEqual(ours, made) ? [] : [`Helm packs ${made.join(" ")}; ${archive} has ${ours.join(" ")}`];
}

function lintErrors(chart) {
  writeFileSync(chart.file, JSON.stringify(valuesOf({overlay: "single"})));
  try {
    chart.run("lint", "--strict", chart.folder, "-f", chart.file);
    return [];
  } catch (error) {
    return [error.stdout ?? error.message];
  }
}

// [title, errors] of each check of the chart itself. charts: by each release of Helm, the newest first.
export function chartChecks(charts, renderings, archive, work) {
  const [chart] = charts;
  const schema = JSON.parse(readFileSync(join(chart.folder, "values.schema.json"), "utf8"));
  const single = renderings[0].byKustomize;
  const checks = [
    ...renderings.map(({title, objects, byKustomize}) =>
      [`${title}: as Kustomize`, [...differences(byKustomize, objects), ...labelErrors(objects)]]),
    ...charts.map((one) => [`chart: lint of Helm ${one.version}`, lintErrors(one)]),
    ...charts.slice(1).map((one) => [`chart: Helm ${one.version} renders the same`, renderings.flatMap(({installation, objects}) =>
      difference(objects, one.render(valuesOf(installation))) ?? [])]),
    ["chart: its archive", packageErrors(chart, archive, work)],
    ["chart: other releases", releaseErrors(chart)],
    ["chart: Secrets that are there", existingSecretErrors(chart)],
    ...RESTARTS.map(([change, expected]) => [`chart: ${JSON.stringify(change)} restarts what uses it`,
      restartErrors(chart, merged(NEEDED, SCALED), change, expected)]),
    ["chart: values are described", undescribed(schema, schema.definitions)],
    ["chart: each value has an effect", effectErrors(chart, schema)],
    ...charts.map((one) => [`chart: Helm ${one.version} refuses wrong values`, refusalErrors(one)]),
    ["found out: a broken chart", brokenErrors(chart, single, work)],
    ["found out: a manifest that the chart does not follow", staleErrors(chart, single)],
  ];
  return checks;
}

// The charts in a folder, by each Helm below another one.
export function openCharts(helms, folder, work) {
  return readdirSync(helms).sort().reverse().map((name) => {
    const chart = new Chart(join(helms, name), folder, work);
    chart.version = chart.run("version", "--template", "{{.Version}}");
    return chart;
  });
}
