// SPDX-License-Identifier: Apache-2.0
// Usage: node check.mjs ROOT WORK KUSTOMIZE. Renders every installation that k8s/ offers, checks each
// of its objects, and then checks that deliberately broken manifests are reported.
import {readFileSync, readdirSync} from "node:fs";
import {join} from "node:path";
import yaml from "js-yaml";
import {brokenManifests} from "./broken.mjs";
import {chartChecks, chartRenderings, fullErrors, openCharts} from "./chart.mjs";
import {notesErrors, sectionErrors} from "./chart_document.mjs";
import {commandErrors, pruneErrors} from "./commands.mjs";
import {INSTALLATIONS, offeredBy, render, titleOf} from "./installations.mjs";
import {networkErrors} from "./network.mjs";
import {headingsOf, secretKeys} from "./operation.mjs";
import {knownMetrics, knownSettings, podOf, ruleErrors} from "./rules.mjs";
import {schemaErrors} from "./schemas.mjs";
import {documentedReplacements, replacedObjects, unlabelledObjects, untriedCommands} from "./upgrade.mjs";

const [root, work] = process.argv.slice(2);
const RELEASES = join(root, "tests/k8s/releases");
const OVERLAYS = ["single", "scaled"];
const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

// Generated Secrets must be replaceable by existing ones: without the generator every reference has
// the plain name.
function existingSecretErrors(copy, overlay) {
  const cut = (text) => text.replace(/secretGenerator:\n(?: .*\n)+/, "");
  const text = readFileSync(join(root, "k8s/overlays", overlay, "kustomization.yaml"), "utf8");
  if (cut(text) === text) return ["there is no secretGenerator to take out"];
  const objects = render(copy, {overlay, edit: cut});
  const names = [...JSON.stringify(objects).matchAll(/"(synchub-(?:\w+-)?secret[^"]*)"/g)]
    .map(([, name]) => name);
  const odd = names.filter((name) => !/^synchub-((redis|postgresql)-)?secret$/.test(name));
  const made = externalSecrets(rendered["external-secrets"]);
  return [
    ...(names.length && !odd.length ? [] : [`a Secret is named ${odd.join(", ") || "nowhere"}`]),
    ...objects.map(podOf).filter(Boolean).flatMap((pod) => Object.entries(secretKeys(pod)))
      .flatMap(([name, keys]) => [...keys].filter((key) => !made[name]?.has(key))
        .map((key) => `external-secrets makes no ${key} of ${name}`)),
  ];
}

// The keys of each Secret that the External Secrets Operator would make.
function externalSecrets(objects) {
  return Object.fromEntries(objects.filter((one) => one.kind === "ExternalSecret")
    .map(({spec}) => [spec.target.name, new Set(spec.data.map((one) => one.secretKey))]));
}

// Each component is one line to uncomment, and says at its top what it is; replicas are a line of the overlay.
function overlayErrors(copy, overlay, spoil = (text) => text) {
  const text = spoil(readFileSync(join(root, "k8s/overlays", overlay, "kustomization.yaml"), "utf8"));
  const parsed = yaml.load(text);
  const wrong = [];
  if (!parsed.components?.length) wrong.push("`components:` has no entry, so that one more line breaks it");
  for (const name of offeredBy(text)) {
    try {
      render(copy, {overlay, add: [name], spoil});
    } catch (error) {
      wrong.push(`with ${name}: ${error.stderr ?? error.message}`);
    }
  }
  const objects = render(copy, {overlay, spoil});
  const named = (parsed.images ?? []).map((one) => one.newName);
  for (const object of objects.filter(podOf))
    for (const {image} of podOf(object).spec.containers)
      if (!named.some((name) => image.replace(/[@:][^/]*$/, "") === name))
        wrong.push(`images: has no entry for ${image}`);
  // `digest:` instead of newTag, as the comment above images: says.
  const pinned = text.replace(/^( +newName: .*)\n(?: +newTag: .*\n)?/gm, `$1\n    digest: ${DIGEST}\n`);
  for (const object of render(copy, {overlay, edit: () => pinned}).filter(podOf))
    for (const {image} of podOf(object).spec.containers)
      if (!image.endsWith(`@${DIGEST}`)) wrong.push(`digest: does not pin ${image}`);
  const scaled = objects.filter((one) => one.spec?.scaleTargetRef)
    .map((one) => one.spec.scaleTargetRef.name);
  for (const {kind, metadata: {name}} of objects.filter((one) => one.kind === "Deployment")) {
    if (scaled.includes(name)) continue;
    const more = text.replace(new RegExp(`(- name: ${name}\n +count: )\\d+`), "$15");
    const changed = render(copy, {overlay, edit: () => more})
      .find((one) => one.kind === kind && one.metadata.name === name);
    if (changed.spec.replicas !== 5) wrong.push(`replicas: does not set how many ${name} there are`);
  }
  return wrong;
}

// The documentation must mention everything that k8s/ offers.
function documentErrors(text) {
  return ["components", "overlays", "examples"].flatMap((kind) =>
    readdirSync(join(root, "k8s", kind)).filter((name) => !text.includes(`\`${name}\``))
      .map((name) => `${kind}/${name} is not in docs/kubernetes.md`));
}

function upgradeErrors(release, overlay, after, text) {
  const before = yaml.loadAll(readFileSync(join(RELEASES, release, `${overlay}.yaml`), "utf8"));
  const documented = documentedReplacements(text, release);
  return [
    ...replacedObjects(before, after).filter((name) => !documented.has(name))
      .map((name) => `${name} cannot be changed by apply, and "Upgrade from ${release}" does not delete it`),
    ...unlabelledObjects(before, after, text, release),
    ...untriedCommands(text, release, script),
  ];
}

// An existing hub gets or loses a component by an apply.
function inPlaceErrors(before, after) {
  return replacedObjects(before, after).map((name) => `${name} cannot be changed by apply`);
}

// The manifests of 0.1.0 had these faults: the rules must find them there.
const FAULTS = {
  single: ["is not Parallel", "its volumes are retained", "a headless Service", "only slows it down",
    "ephemeral-storage", "restarts with SYNC_api_token", "deleted with the hub", "pods of another hub",
    "its label app.kubernetes.io/version", "ingest -> node-dns UDP/53"],
  scaled: ["POSTGRES_PASSWORD never reaches", "restarts with POSTGRES_PASSWORD", "percentage of the request",
    "how fast to scaleUp", "connects to synchub-postgresql, a headless"],
};

function undetectedFaults(overlay, {shape}) {
  const objects = yaml.loadAll(readFileSync(join(RELEASES, "0.1.0", `${overlay}.yaml`), "utf8"));
  const errors = [...ruleErrors(objects, known), ...networkErrors(objects, shape)].join("\n");
  return FAULTS[overlay].filter((fault) => !errors.includes(fault)).map((fault) => `not found: ${fault}`);
}

let failed = 0;
function report(title, errors) {
  console.log(`${errors.length ? "FAIL" : "ok  "} ${title}`);
  for (const error of errors) console.log(`       ${error}`);
  failed += errors.length ? 1 : 0;
}

const guide = readFileSync(join(root, "docs/kubernetes.md"), "utf8");
const runbooks = readFileSync(join(root, "docs/troubleshooting.md"), "utf8");
const known = {settings: knownSettings(root), metrics: knownMetrics(root), headings: headingsOf(runbooks)};
const copy = join(work, "copy");
const rendered = {};
const chosen = {};
for (const installation of INSTALLATIONS) {
  const title = titleOf(installation);
  const beside = installation.beside ? rendered[installation.beside] : [];
  rendered[title] = [...beside, ...render(copy, installation)];
  chosen[title] = installation;
}
const charts = openCharts(join(work, "helm"), join(work, "chart/synchub"), work);
const byChart = chartRenderings(charts[0], INSTALLATIONS, rendered);
for (const {title, installation, objects} of byChart) {
  rendered[title] = objects;
  chosen[title] = installation;
}
// The mistakes are made in these two.
const BROKEN = {
  single: "single + puller-cronjob",
  scaled: "scaled + monitoring + gateway + ingress-traefik + console + console-ingress + puller + backup-postgresql",
  daemonset: "pusher-daemonset",
  ha: "scaled + puller + redis-ha",
  secured: "single + monitoring + ingress-traefik + console + console-ingress + tls + puller + image-pull-secret + "
    + "priority + openshift",
};
const broken = brokenManifests(Object.fromEntries(
  Object.entries(BROKEN).map(([name, title]) => [name, rendered[title]])));

const sets = {...rendered, "namespace.yaml": [yaml.load(readFileSync(join(root, "k8s/namespace.yaml"), "utf8"))]};
for (const {title, objects} of broken) sets[`broken: ${title}`] = objects;
const schema = await schemaErrors(sets, join(work, "types"));

const allErrors = (title, objects, {shape, anyUser, add}) => {
  const unsound = schema[title];
  if (title.startsWith("broken: ") && unsound.length) return unsound;
  return [...unsound, ...ruleErrors(objects, known, {anyUser, add}),
    ...networkErrors(objects, {...shape, openshift: anyUser})];
};
report("namespace.yaml", schema["namespace.yaml"]);
for (const [title, objects] of Object.entries(rendered))
  report(`${title}: ${objects.length} objects`, allErrors(title, objects, chosen[title]));
for (const overlay of OVERLAYS) {
  report(`${overlay} with Secrets that are there`, existingSecretErrors(copy, overlay));
  report(`${overlay}, each line of it`, overlayErrors(copy, overlay));
}
for (const [title, before, after, sentence] of [
  ["a list without an entry", /^components:\n|^  - ..\/..\/components\/version\n/gm,
    (line) => (line.startsWith("c") ? "components: []\n" : ""), "has no entry, so that one more line breaks it"],
  ["an image without an entry", "  - name: redis\n    newName: redis\n    newTag: \"8.0\"\n", "", "no entry for redis"],
  ["a number of pods that the overlay does not set", "  - name: synchub-ingest\n", "  - name: synchub-redis\n",
    "does not set how many synchub-ingest"],
])
  report(`found out: ${title}`, overlayErrors(copy, "single", (text) => text.replace(before, after))
    .some((error) => error.includes(sentence)) ? [] : ["not found"]);
report("docs/kubernetes.md", documentErrors(guide));
// Those of 0.1.0 are there for the upgrade.
const everything = [...Object.values(rendered).flat(), ...readdirSync(RELEASES).flatMap((release) =>
  OVERLAYS.flatMap((overlay) => yaml.loadAll(readFileSync(join(RELEASES, release, `${overlay}.yaml`), "utf8"))))];
report("docs/kubernetes.md, each command", commandErrors(guide, everything, root));
for (const [title, correct, wrong, sentence] of [
  ["a command for an object that does not exist", "statefulset/synchub-redis", "statefulset/synchub-reddis",
    "no statefulset/synchub-reddis"],
  ["pods that the next apply would stop", "statefulset/synchub-redis --replicas=0", "statefulset/synchub-redis --replicas=2",
    "the next apply would undo it"],
  ["a copy of a volume that cannot be restored", "-cf - $(ls -A)", "-cf - .", "the volume's own folder"],
])
  report(`found out: ${title}`, commandErrors(guide.replace(correct, () => wrong), everything, root)
    .some((error) => error.includes(sentence)) ? [] : ["not found"]);
const script = readFileSync(join(root, "tests/k8s/cluster"), "utf8");
const offered = INSTALLATIONS.filter(({overlay, edit}) => overlay && !edit).flatMap((one) => rendered[titleOf(one)]);
report("docs/kubernetes.md, objects that are no longer wanted", pruneErrors(guide, offered, script));
for (const [title, kind, sentence] of [
  ["a kind that stays behind", "core/v1/Service", "no command removes a Service of v1"],
  ["an alert that stays behind", "monitoring.coreos.com/v1/PrometheusRule", "no command removes a PrometheusRule"],
  ["a class that stays behind", "delete priorityclass synchub-data", "no command removes a PriorityClass"],
  ["a script with other kinds", "batch/v1/CronJob", "prunes other kinds"],
])
  report(`found out: ${title}`, pruneErrors(guide.replace(kind, "x"), offered, script)
    .some((error) => error.includes(sentence)) ? [] : ["not found"]);
for (const release of readdirSync(RELEASES))
  for (const overlay of OVERLAYS)
    report(`${overlay} over ${release}`, upgradeErrors(release, overlay, rendered[overlay], guide));
for (const [title, before, after, sentence] of [
  ["a Secret that an upgrade leaves behind", "label secrets,", "label ", "synchub-secret-fc4cfc29md stays"],
  ["ConfigMaps that an upgrade leaves behind", "core/v1/ConfigMap", "x", "synchub-redis-5c8kgc2gbf stays"],
  ["pods that an upgrade does not adopt", "label pods,", "label ", "the pods of"],
  ["a label that 0.1.0 has not", /(label secrets.*\n.*)part-of=synchub/, "$1part-of=hub", "synchub-secret-fc4cfc29md stays"],
  ["a command that no cluster ran", "delete service synchub-redis\n", "delete service synchub-redis synchub\n",
    "does not run: delete service synchub-redis synchub"],
])
  report(`found out: ${title}`, upgradeErrors("0.1.0", "single", rendered.single, guide.replace(before, after))
    .some((error) => error.includes(sentence)) ? [] : ["not found"]);
report("redis-ha in an existing hub", inPlaceErrors(rendered.scaled, rendered["scaled + puller + redis-ha"]));
const archive = readdirSync(join(work, "chart")).find((name) => name.endsWith(".tgz"));
for (const [title, errors] of chartChecks(charts, byChart, join(work, "chart", archive), work)) report(title, errors);
const schemaOfValues = JSON.parse(readFileSync(join(work, "chart/synchub/values.schema.json"), "utf8"));
report("docs/kubernetes.md, With Helm", sectionErrors(guide, charts[0], schemaOfValues));
report("found out: a value that does not exist",
  sectionErrors(guide.replace("`puller.nodes`", "`puller.hosts`"), charts[0], schemaOfValues).length === 1 ? [] : ["not found"]);
report("chart: its notes", notesErrors(charts[0], root));
report("chart: everything at once, as Kustomize", fullErrors(charts[0], root, copy));
for (const overlay of OVERLAYS)
  report(`found out: the faults of ${overlay} 0.1.0`, undetectedFaults(overlay, chosen[overlay]));
for (const {title, objects, expect, of} of broken) {
  const errors = allErrors(`broken: ${title}`, objects, chosen[BROKEN[of]]);
  const found = errors.some((error) => expect.test(error));
  report(`found out: ${title}`, found ? [] : [`not found: ${expect}`, ...errors]);
}
console.log(failed ? `${failed} failed` : "all passed");
process.exit(failed ? 1 : 0);
