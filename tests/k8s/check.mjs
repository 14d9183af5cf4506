// SPDX-License-Identifier: Apache-2.0
// Usage: node check.mjs ROOT WORK KUSTOMIZE. Renders every installation that k8s/ offers, checks each
// of its objects, and then checks that deliberately broken manifests are found out.
import {execFileSync} from "node:child_process";
import {cpSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import yaml from "js-yaml";
import {brokenManifests} from "./broken.mjs";
import {networkErrors} from "./network.mjs";
import {knownMetrics, knownSettings, ruleErrors} from "./rules.mjs";
import {schemaErrors} from "./schemas.mjs";

const [root, work, kustomize] = process.argv.slice(2);
const HUB = ["ingest", "merge", "redis"];
const PULLING = [...HUB, "puller"];
const without = (list, ...names) => list.filter((name) => !names.includes(name));

// Every folder as it is, and the overlays with each component that their comments offer.
const INSTALLATIONS = [
  {overlay: "single", shape: {components: HUB}},
  {overlay: "single", add: ["puller"], shape: {components: PULLING}},
  {overlay: "single", add: ["puller-cronjob"], shape: {components: PULLING}},
  {overlay: "single", add: ["monitoring", "ingress-tls", "puller-cronjob", "external-redis"],
    shape: {components: without(PULLING, "redis"), monitoring: true, job: true}},
  {overlay: "scaled", shape: {components: [...HUB, "postgresql"], keda: true}},
  {overlay: "scaled", add: ["monitoring", "ingress-tls", "puller"],
    shape: {components: [...PULLING, "postgresql"], keda: true, monitoring: true}},
  {overlay: "scaled", add: ["puller", "external-redis", "external-postgresql"],
    shape: {components: without(PULLING, "redis"), keda: true}},
  {example: "pusher-deployment", shape: {components: ["pusher"]}},
  {example: "pusher-daemonset", shape: {components: ["pusher"]}},
];

const EXTERNAL = {
  "external-redis": "SYNC_redis_url=rediss://:x@redis.example.com:6379/0\n",
  "external-postgresql": "SYNC_db=postgresql://x:x@db.example.com/synchub\n",
};

function titleOf({overlay, example, add = []}) {
  return [overlay ?? example, ...add].join(" + ");
}

// Does by text what the comments in the overlay tell a person to do.
function chooseComponents(folder, add) {
  const file = join(folder, "kustomization.yaml");
  let text = readFileSync(file, "utf8");
  for (const name of add) {
    const offered = `#  - ../../components/${name}\n`;
    if (!text.includes(offered)) throw new Error(`${file} does not offer ${name}`);
    text = text.replace("components: []", "components:").replace(offered, offered.slice(1));
    const secret = join(folder, "secret.env");
    writeFileSync(secret, readFileSync(secret, "utf8") + (EXTERNAL[name] ?? ""));
  }
  writeFileSync(file, text);
}

function render(copy, installation) {
  const {overlay, example, add = []} = installation;
  rmSync(copy, {recursive: true, force: true});
  cpSync(join(root, "k8s"), copy, {recursive: true});
  const folder = join(copy, overlay ? `overlays/${overlay}` : `examples/${example}`);
  if (add.length) chooseComponents(folder, add);
  return yaml.loadAll(execFileSync(kustomize, ["build", folder], {encoding: "utf8"}));
}

// The Secret by generator must be replaceable by one that is there: without the generator every
// reference names it plainly.
function existingSecretErrors(copy, overlay) {
  cpSync(join(root, "k8s"), copy, {recursive: true});
  const folder = join(copy, "overlays", overlay);
  const file = join(folder, "kustomization.yaml");
  const text = readFileSync(file, "utf8");
  const cut = text.replace(/secretGenerator:\n(?: .*\n)+/, "");
  if (cut === text) return ["there is no secretGenerator to take out"];
  writeFileSync(file, cut);
  const objects = yaml.loadAll(execFileSync(kustomize, ["build", folder], {encoding: "utf8"}));
  const names = [...JSON.stringify(objects).matchAll(/"synchub-secret[^"]*"/g)].map(String);
  const odd = names.filter((name) => name !== '"synchub-secret"');
  return names.length && !odd.length ? [] : [`the Secret is named ${odd.join(", ") || "nowhere"}`];
}

let failed = 0;
function report(title, errors) {
  console.log(`${errors.length ? "FAIL" : "ok  "} ${title}`);
  for (const error of errors) console.log(`       ${error}`);
  failed += errors.length ? 1 : 0;
}

const known = {settings: knownSettings(root), metrics: knownMetrics(root)};
const copy = join(work, "copy");
const rendered = {};
const shapes = {};
for (const installation of INSTALLATIONS) {
  rendered[titleOf(installation)] = render(copy, installation);
  shapes[titleOf(installation)] = installation.shape;
}
// The mistakes are made in these two.
const BROKEN = {single: "single + puller", scaled: "scaled + monitoring + ingress-tls + puller"};
const broken = brokenManifests({single: rendered[BROKEN.single], scaled: rendered[BROKEN.scaled]});

const sets = {...rendered};
for (const {title, objects} of broken) sets[`broken: ${title}`] = objects;
const schema = await schemaErrors(sets, join(work, "types"));

const allErrors = (title, objects, shape) => {
  const unsound = schema[title];
  if (title.startsWith("broken: ") && unsound.length) return unsound;
  return [...unsound, ...ruleErrors(objects, known), ...networkErrors(objects, shape)];
};
for (const [title, objects] of Object.entries(rendered))
  report(`${title}: ${objects.length} objects`, allErrors(title, objects, shapes[title]));
for (const overlay of ["single", "scaled"])
  report(`${overlay} with a Secret that is there`, existingSecretErrors(copy, overlay));
for (const {title, objects, expect, of} of broken) {
  const errors = allErrors(`broken: ${title}`, objects, shapes[BROKEN[of]]);
  const found = errors.some((error) => expect.test(error));
  report(`found out: ${title}`, found ? [] : [`not found: ${expect}`, ...errors]);
}
console.log(failed ? `${failed} failed` : "all passed");
process.exit(failed ? 1 : 0);
