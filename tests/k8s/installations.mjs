// SPDX-License-Identifier: Apache-2.0
// What k8s/ offers to install, and its renderings by Kustomize.
import {execFileSync} from "node:child_process";
import {cpSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import yaml from "js-yaml";

const [root, , kustomize] = process.argv.slice(2);
const HUB = ["ingest", "merge", "redis"];
const PULLING = [...HUB, "puller"];
const without = (list, ...names) => list.filter((name) => !names.includes(name));

// Another hub in the same cluster: the edits of the overlay that the documentation names.
function renameHub(text) {
  return text.replace(/^namespace: synchub$/m, "namespace: other\nnameSuffix: -b")
    .replace("app.kubernetes.io/instance: synchub", "app.kubernetes.io/instance: synchub-b");
}

// Every folder as it is, and the overlays with the components that their comments offer.
export const INSTALLATIONS = [
  {overlay: "single", shape: {components: HUB}},
  {overlay: "single", add: ["puller"], shape: {components: PULLING}},
  {overlay: "single", add: ["puller-cronjob"], shape: {components: PULLING}},
  {overlay: "single", add: ["monitoring", "gateway", "cert-manager", "puller-cronjob", "external-redis"],
    shape: {components: without(PULLING, "redis"), monitoring: true, job: true}},
  {overlay: "single",
    add: ["monitoring", "ingress-traefik", "console", "console-ingress", "tls", "puller", "image-pull-secret",
      "priority", "openshift"],
    anyUser: true, shape: {components: PULLING, monitoring: true, console: true}},
  {overlay: "single", add: ["monitoring", "gateway", "cert-manager", "tls", "puller-cronjob", "priority"], edit: renameHub,
    shape: {components: PULLING, monitoring: true, job: true}},
  {overlay: "scaled", shape: {components: [...HUB, "postgresql"], keda: true}},
  {overlay: "scaled",
    add: ["monitoring", "gateway", "ingress-traefik", "console", "console-ingress", "puller", "backup-postgresql"],
    shape: {components: [...PULLING, "postgresql", "backup"], keda: true, monitoring: true, console: true}},
  {overlay: "scaled", add: ["puller", "external-redis", "external-postgresql"],
    shape: {components: without(PULLING, "redis"), keda: true}},
  {overlay: "scaled", add: ["monitoring", "gateway", "puller", "backup-postgresql"], edit: renameHub,
    shape: {components: [...PULLING, "postgresql", "backup"], keda: true, monitoring: true}},
  {overlay: "scaled", add: ["tls", "puller-cronjob", "backup-postgresql", "priority", "openshift"],
    anyUser: true, shape: {components: [...PULLING, "postgresql", "backup"], keda: true, job: true}},
  {overlay: "single", add: ["puller-cronjob", "redis-ha"], shape: {components: PULLING, sentinel: true}},
  {overlay: "single", add: ["puller", "redis-ha", "priority", "openshift"], anyUser: true,
    shape: {components: PULLING, sentinel: true}},
  {overlay: "scaled", add: ["puller", "redis-ha"],
    shape: {components: [...PULLING, "postgresql"], keda: true, sentinel: true}},
  {overlay: "scaled", add: ["puller", "redis-ha"], edit: renameHub,
    shape: {components: [...PULLING, "postgresql"], keda: true, sentinel: true}},
  {example: "pusher-deployment", shape: {components: ["pusher"]}},
  {example: "pusher-daemonset", shape: {components: ["pusher"]}},
  {example: "cloudnative-pg", shape: {components: HUB, keda: true}},
  {example: "external-secrets", shape: {components: []}},
  {example: "volume-access", beside: "single", shape: {components: [...HUB, "volume-access"]}},
];

const EXTERNAL = {
  "external-redis": ["redis.env", "SYNC_redis_url=rediss://:x@redis.example.com:6379/0\n"],
  "external-postgresql": ["postgresql.env", "SYNC_db=postgresql://x:x@db.example.com/synchub\n"],
};

export function titleOf({overlay, example, add = [], edit}) {
  return [overlay ?? example, ...add].join(" + ") + (edit ? ", renamed" : "");
}

function build(folder) {
  return yaml.loadAll(execFileSync(kustomize, ["build", folder], {encoding: "utf8", stdio: ["ignore", "pipe", "pipe"]}));
}

export const offeredBy = (text) => [...text.matchAll(/^#  - \.\.\/\.\.\/components\/(.+)$/gm)].map(([, name]) => name);

// Edits the overlay's text as its comments tell users to do.
function chooseComponents(folder, add) {
  const file = join(folder, "kustomization.yaml");
  let text = readFileSync(file, "utf8");
  for (const name of add) {
    const offered = `#  - ../../components/${name}\n`;
    if (!text.includes(offered)) throw new Error(`${file} does not offer ${name}`);
    text = text.replace(offered, offered.slice(1));
    if (!EXTERNAL[name]) continue;
    const secret = join(folder, EXTERNAL[name][0]);
    writeFileSync(secret, readFileSync(secret, "utf8") + EXTERNAL[name][1]);
  }
  writeFileSync(file, text);
}

// spoil: a change of the overlay's text before the components are chosen.
export function render(copy, {overlay, example, add = [], edit, spoil}) {
  rmSync(copy, {recursive: true, force: true});
  cpSync(join(root, "k8s"), copy, {recursive: true});
  const folder = join(copy, overlay ? `overlays/${overlay}` : `examples/${example}`);
  const file = join(folder, "kustomization.yaml");
  if (spoil) writeFileSync(file, spoil(readFileSync(file, "utf8")));
  if (add.length) chooseComponents(folder, add);
  if (edit) writeFileSync(file, edit(readFileSync(file, "utf8")));
  return build(folder);
}
