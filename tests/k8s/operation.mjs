// SPDX-License-Identifier: Apache-2.0
// Rules for operating a hub: it recovers from a bad apply, names follow Kustomize, changed Secrets restart
// only the pods that use them, selectors are permanent, and alerts link to the documentation.
import {podOf} from "./rules.mjs";

const INSTANCE = "app.kubernetes.io/instance";
const VERSION = "app.kubernetes.io/version";
const COMPONENT = "app.kubernetes.io/component";
const EXCHANGE_MAX_S = 600; // SH_HTTP_EXCHANGE_MAX_S of libcommon/base/limits.h

const allContainers = (pod) => [...(pod.spec.initContainers ?? []), ...(pod.spec.containers ?? [])];

// The environment as in Kubernetes: $(NAME) is replaced by an earlier variable.
function plainEnvironment(container) {
  const known = {};
  for (const {name, value} of container.env ?? [])
    if (value !== undefined)
      known[name] = String(value).replace(/\$\((\w+)\)/g, (text, used) => known[used] ?? text);
  return known;
}

// The hosts that a container connects to, by its URLs and by variables that end in HOST.
function hostsOf(container) {
  return Object.entries(plainEnvironment(container)).flatMap(([name, value]) => {
    if (/HOST$/.test(name)) return [value];
    const url = value.match(/^[a-z+]+:\/\/(?:[^/]*@)?([^/@]+)/);
    return url ? url[1].split(",").map((host) => host.replace(/:\d+$/, "")) : [];
  });
}

// A client needs a stable address, of an existing Service.
function addressErrors(pod, objects, home) {
  return allContainers(pod).flatMap(hostsOf).flatMap((host) => {
    if (host.includes(".") && !host.endsWith(".svc")) return [];
    const service = objects.find((other) => other.kind === "Service" &&
      [other.metadata.name, `${other.metadata.name}.${home}.svc`].includes(host));
    if (!service) return [`${host} leads to no Service`];
    return service.spec.clusterIP === "None"
      ? [`connects to ${host}, a headless Service, whose address changes with its pod`] : [];
  });
}

function statefulErrors(object) {
  if (object.kind !== "StatefulSet") return [];
  const wrong = [];
  if (object.spec.podManagementPolicy !== "Parallel")
    wrong.push("is not Parallel: it never replaces a pod that a bad apply broke");
  const keep = object.spec.persistentVolumeClaimRetentionPolicy ?? {};
  if (keep.whenDeleted !== "Retain" || keep.whenScaled !== "Retain")
    wrong.push("does not say that its volumes are retained");
  for (const claim of object.spec.volumeClaimTemplates ?? [])
    if (VERSION in (claim.metadata.labels ?? {}))
      wrong.push(`the claim ${claim.metadata.name} has the version, and cannot be changed`);
  const image = object.spec.template.spec.containers[0].image;
  const sets = (object.spec.template.spec.initContainers ?? []).some((one) =>
    one.image === image && /ALTER ROLE/.test(JSON.stringify(one.command)));
  if (/(^|\/)postgres[:@]/.test(image) && !sets)
    wrong.push("a changed POSTGRES_PASSWORD never reaches the database");
  return wrong;
}

// The first moments of a pod may be without network: a Job tries again in place.
function jobErrors(object) {
  if (object.kind !== "CronJob" || object.spec.suspend) return [];
  const {spec} = object.spec.jobTemplate;
  return [
    ...(spec.template.spec.restartPolicy === "OnFailure" ? [] : ["must restart OnFailure"]),
    ...(spec.backoffLimit >= 3 ? [] : ["gives up too early: backoffLimit under 3"]),
  ];
}

function resourceErrors(pod) {
  return allContainers(pod).flatMap(({name, resources = {}}) => [
    ...(resources.limits?.cpu ? [`container ${name}: a limit of cpu only slows it down`] : []),
    ...["requests", "limits"].filter((what) => !resources[what]?.["ephemeral-storage"])
      .map((what) => `container ${name}: no ${what} of ephemeral-storage`),
  ]);
}

// Which keys of which Secret a pod template uses.
export function secretKeys(pod) {
  const uses = (pod.spec.volumes ?? []).filter((volume) => volume.secret)
    .flatMap(({secret}) => (secret.items ?? []).map((item) => [secret.secretName, item.key]));
  const fromEnv = allContainers(pod).flatMap((one) => one.env ?? [])
    .map((one) => one.valueFrom?.secretKeyRef).filter(Boolean)
    .map((reference) => [reference.name, reference.key]);
  const keys = {};
  for (const [name, key] of [...uses, ...fromEnv]) (keys[name] ??= new Set()).add(key);
  return keys;
}

// A generated Secret has a hash of its content in its name: pods that refer to it restart when any key changes.
function secretErrors(pod, objects) {
  const others = objects.map(podOf).filter(Boolean).map(secretKeys);
  return Object.entries(secretKeys(pod)).flatMap(([name, mine]) => {
    const all = new Set(others.flatMap((keys) => [...(keys[name] ?? [])]));
    return [...all].filter((key) => !mine.has(key))
      .map((key) => `restarts with ${key} of ${name}, which it does not use`);
  });
}

// Selectors by which Kubernetes chooses pods of this hub.
function selectorsOf(object) {
  const {kind, spec = {}} = object;
  if (kind === "Service") return [{matchLabels: spec.selector}];
  if (kind === "ServiceMonitor") return [spec.selector];
  if (kind === "NetworkPolicy") {
    const peers = [...(spec.ingress ?? []).flatMap((rule) => rule.from ?? []),
      ...(spec.egress ?? []).flatMap((rule) => rule.to ?? [])];
    return [spec.podSelector, ...peers.filter((peer) => !peer.namespaceSelector)
      .map((peer) => peer.podSelector)].filter((one) => one && Object.keys(one).length &&
        !JSON.stringify(one).includes("cnpg.io/"));
  }
  const spread = podOf(object)?.spec?.topologySpreadConstraints ?? [];
  const own = kind === "PodDisruptionBudget" || (podOf(object) && spec.selector) ? [spec.selector] : [];
  return [...own, ...spread.map((one) => one.labelSelector)];
}

// The probes of a program with a certificate, and Prometheus, must use HTTPS.
function tlsErrors(pod) {
  return pod.spec.containers.flatMap(({name, env = [], volumeMounts = [], ...probes}) => {
    const file = env.find((one) => one.name === "SYNC_tls_cert")?.value;
    const scheme = file === undefined ? "HTTP" : "HTTPS";
    return [
      ...["startupProbe", "livenessProbe", "readinessProbe"].filter((probe) =>
        probes[probe]?.httpGet && (probes[probe].httpGet.scheme ?? "HTTP") !== scheme)
        .map((probe) => `container ${name}: ${probe} does not use ${scheme}`),
      ...(file === undefined || volumeMounts.some((one) => file.startsWith(`${one.mountPath}/`))
        ? [] : [`container ${name}: nothing is mounted at ${file}`]),
    ];
  });
}

// A certificate that pods serve has the names of their Services. Its Secret has its name, so that two hubs share none.
function certificateErrors(object, objects) {
  const {secretName, dnsNames} = object.spec;
  const services = objects.filter((one) => one.kind === "Service")
    .flatMap(({metadata: {name}}) => [name, `${name}.${object.metadata.namespace}.svc`]);
  const served = objects.some((one) =>
    (podOf(one)?.spec.volumes ?? []).some((volume) => volume.secret?.secretName === secretName));
  const asked = objects.filter((one) => one.kind === "ServiceMonitor").flatMap((one) => one.spec.endpoints)
    .map((one) => one.tlsConfig?.serverName).filter(Boolean);
  return [
    ...(secretName === object.metadata.name ? [] : [`its Secret ${secretName} may be another hub's`]),
    ...(objects.some((one) => one !== object && JSON.stringify(one).includes(`"${secretName}"`))
      ? [] : [`nothing uses its Secret ${secretName}`]),
    ...(served ? dnsNames.filter((name) => !services.includes(name)) : []).map((name) => `${name} is no Service`),
    ...(served ? asked.filter((name) => !dnsNames.includes(name)) : [])
      .map((name) => `Prometheus asks for ${name}, which it is not for`),
  ];
}

function monitorErrors(object, objects) {
  const secured = objects.map(podOf).filter((pod) => pod?.metadata?.labels?.["synchub/metrics"])
    .some((pod) => pod.spec.containers[0].env.some((one) => one.name === "SYNC_tls_cert"));
  return object.spec.endpoints.filter(({scheme = "http"}) => scheme.toLowerCase() !== (secured ? "https" : "http"))
    .map(({scheme = "http"}) => `asks by ${scheme}, which the pods do not speak`);
}

function labelErrors(object, objects) {
  const instances = new Set(objects.map(podOf).filter((pod) => pod?.metadata?.labels?.[COMPONENT])
    .map((pod) => pod.metadata.labels[INSTANCE]));
  return selectorsOf(object).flatMap((selector) => [
    ...(selector.matchLabels?.[INSTANCE] && instances.has(selector.matchLabels[INSTANCE])
      ? [] : [`a selector without ${INSTANCE} chooses the pods of another hub, too`]),
    ...(VERSION in (selector.matchLabels ?? {}) ? [`a selector has ${VERSION}, which changes`] : []),
  ]);
}

function versionErrors(pod) {
  const image = pod.spec.containers[0].image;
  if (!/(^|\/)synchub-\w+[:@]/.test(image)) return [];
  const label = pod.metadata.labels?.[VERSION];
  const tag = image.match(/:([\w.-]+)$/)?.[1];
  return label && (!tag || image.includes("@") || label === tag)
    ? [] : [`its label ${VERSION} is ${label}, its image ${image}`];
}

function scalerErrors(object, objects) {
  const wrong = [];
  const named = (kind, name) =>
    objects.some((other) => other.kind === kind && other.metadata.name === name);
  const behaviour = object.kind === "HorizontalPodAutoscaler" ? object.spec.behavior
    : object.spec.advanced?.horizontalPodAutoscalerConfig?.behavior;
  for (const direction of ["scaleUp", "scaleDown"])
    if (!behaviour?.[direction]?.policies?.length) wrong.push(`does not say how fast to ${direction}`);
  for (const metric of object.spec.metrics ?? [])
    if (metric.resource?.target.type === "Utilization")
      wrong.push("scales on a percentage of the request, which has another purpose");
  for (const {metadata, authenticationRef} of object.spec.triggers ?? []) {
    if (authenticationRef && !named("TriggerAuthentication", authenticationRef.name))
      wrong.push(`TriggerAuthentication ${authenticationRef.name} does not exist`);
    const [, service, namespace] = (metadata.address ?? metadata.addresses)?.match(/^([^.:]+)\.([^.:]+)\.svc:\d+$/) ?? [];
    if (object.metadata.labels?.["synchub/redis"] === "external") continue;
    if (!named("Service", service) || namespace !== object.metadata.namespace)
      wrong.push(`asks ${metadata.address ?? metadata.addresses}, which is no Service of ${object.metadata.namespace}`);
  }
  return wrong;
}

const seconds = (text = "0s") => Number(text.match(/^(\d+)s$/)?.[1] ?? 0);

function routeErrors(object, objects) {
  const named = (kind, name) =>
    objects.find((other) => other.kind === kind && other.metadata.name === name);
  return [
    ...object.spec.parentRefs.filter(({name, sectionName}) => !named("Gateway", name)?.spec.listeners
      .some((one) => one.name === sectionName && one.protocol === "HTTPS" && one.tls.certificateRefs))
      .map(({name}) => `${name} has no such listener with TLS`),
    ...object.spec.rules.flatMap(({matches: chosen = [{}], timeouts = {}, backendRefs}) => [
      ...chosen.filter(({path}) => path?.type !== "Exact" || path.value !== "/sync")
        .map(({path}) => `lets ${path?.value ?? "everything"} through`),
      ...["request", "backendRequest"].filter((one) => seconds(timeouts[one]) < EXCHANGE_MAX_S)
        .map((one) => `its time-out ${one} is under the hub's ${EXCHANGE_MAX_S} s`),
      ...backendRefs.filter(({name, port}) => !named("Service", name)?.spec.ports
        .some((one) => one.port === port)).map(({name}) => `leads to no port of ${name}`),
    ]),
  ];
}

// An alert links to the section of the documentation with its name.
function alertErrors(object, headings) {
  return object.spec.groups.flatMap((group) => group.rules).flatMap(({alert, annotations = {}}) => {
    const [address, anchor] = (annotations.runbook_url ?? "").split("#");
    if (!/^https:\/\/.*\/troubleshooting\.md$/.test(address)) return [`${alert} has no runbook_url`];
    return headings.has(anchor) ? [] : [`${alert} leads to #${anchor}, which docs/troubleshooting.md lacks`];
  });
}

function kindErrors(object, objects, headings) {
  switch (object.kind) {
  case "Namespace": return ["is deleted with the hub by `delete -k`, and all volumes with it"];
  case "HorizontalPodAutoscaler":
  case "ScaledObject": return scalerErrors(object, objects);
  case "HTTPRoute": return routeErrors(object, objects);
  case "Ingress": return JSON.stringify(object).includes("nginx")
    ? ["is for ingress-nginx, which is retired"] : [];
  case "Certificate": return certificateErrors(object, objects);
  case "PrometheusRule": return alertErrors(object, headings);
  case "ServiceMonitor": return monitorErrors(object, objects);
  case "DaemonSet": return object.spec.template.spec.tolerations?.length
    ? [] : ["has no tolerations: machines with a taint get no pod"];
  default: return [];
  }
}

// Returns the errors of one object of a set; headings are the anchors of docs/troubleshooting.md.
export function operationErrors(object, objects, headings) {
  const pod = podOf(object);
  const errors = [...statefulErrors(object), ...jobErrors(object), ...labelErrors(object, objects),
    ...kindErrors(object, objects, headings)];
  if (object.kind !== "Pod" && VERSION in (object.metadata?.labels ?? {}))
    errors.push(`has ${VERSION}, which belongs to pods alone`);
  if (!pod) return errors;
  return [...errors, ...tlsErrors(pod), ...addressErrors(pod, objects, object.metadata.namespace),
    ...resourceErrors(pod), ...secretErrors(pod, objects), ...versionErrors(pod)];
}

// The anchors of a Markdown file, as GitHub generates them.
export function headingsOf(text) {
  return new Set([...text.matchAll(/^#+ +(.+)$/gm)].map(([, title]) =>
    title.toLowerCase().replace(/[^\w\s-]/g, "").trim().replace(/\s/g, "-")));
}
