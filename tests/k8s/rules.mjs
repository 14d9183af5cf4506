// SPDX-License-Identifier: Apache-2.0
// Rules that schemas cannot express: pod security, that referenced objects exist, that each target has
// one scaler, and that each setting is known to the programs.
import {readdirSync, readFileSync} from "node:fs";
import {join} from "node:path";
import {operationErrors} from "./operation.mjs";
import {podLabels, redisErrors} from "./redis.mjs";
import {nameOf} from "./schemas.mjs";

const HUB_UID = 65532;
const NETALERTX_UID = 20211; // what a pusher beside a NetAlertX must be, to read its files

// The pod template of an object that creates pods, or undefined.
export function podOf(object) {
  if (object.kind === "Pod") return {metadata: object.metadata, spec: object.spec};
  if (object.kind === "CronJob") return object.spec?.jobTemplate?.spec?.template;
  return ["Deployment", "StatefulSet", "DaemonSet", "Job"].includes(object.kind)
    ? object.spec?.template
    : undefined;
}

export function matches(selector, labels = {}) {
  const has = Object.entries(selector?.matchLabels ?? {}).every(([k, v]) => labels[k] === v);
  return has && (selector?.matchExpressions ?? []).every(({key, operator, values = []}) => {
    if (operator === "In") return values.includes(labels[key]);
    if (operator === "NotIn") return !values.includes(labels[key]);
    if (operator === "Exists") return key in labels;
    if (operator === "DoesNotExist") return !(key in labels);
    throw new Error(`unknown operator ${operator}`);
  });
}

function containerErrors(container, isJob) {
  const role = container.env?.find((one) => one.name === "SYNC_receiver_role")?.value;
  const wrong = [];
  const must = (condition, text) => condition || wrong.push(`container ${container.name}: ${text}`);
  const context = container.securityContext ?? {};
  must(context.allowPrivilegeEscalation === false, "allowPrivilegeEscalation must be false");
  must(context.readOnlyRootFilesystem === true, "readOnlyRootFilesystem must be true");
  must(!context.privileged, "privileged must not be set");
  must(context.capabilities?.drop?.join() === "ALL", "capabilities must drop ALL");
  must(!context.capabilities?.add?.length, "capabilities must add none");
  must(context.runAsUser !== 0 && context.runAsNonRoot !== false, "must not run as root");
  must((context.seccompProfile?.type ?? "RuntimeDefault") === "RuntimeDefault",
    "seccompProfile must be RuntimeDefault");
  for (const what of ["requests", "limits"])
    for (const resource of what === "requests" ? ["cpu", "memory"] : ["memory"])
      must(container.resources?.[what]?.[resource], `no ${what} of ${resource}`);
  must((/:[\w][\w.-]*$/.test(container.image) && !container.image.endsWith(":latest")) ||
    /@sha256:[0-9a-f]{64}$/.test(container.image),
    `image ${container.image} has no fixed tag`);
  must(!container.ports?.some((port) => port.hostPort), "hostPort must not be set");
  if (isJob) return wrong;
  const ports = (container.ports ?? []).flatMap((port) => [port.name, port.containerPort]);
  for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
    must(container[probe], `no ${probe}`);
    const port = (container[probe]?.httpGet ?? container[probe]?.tcpSocket)?.port;
    must(port === undefined || ports.includes(port), `${probe} uses port ${port}, which does not exist`);
    const path = container[probe]?.httpGet?.path;
    // Ingest stays in its Service while Redis is down, to answer 503 with the reason.
    const ready = role === "ingest" ? "startupProbe" : "readinessProbe";
    must(path === undefined || path === (probe === ready ? "/readyz" : "/livez"),
      `${probe} asks ${path}`);
  }
  return wrong;
}

function podErrors(object, pod, anyUser) {
  const wrong = [];
  const must = (condition, text) => condition || wrong.push(text);
  const spec = pod.spec ?? {};
  const context = spec.securityContext ?? {};
  const pusher = pod.metadata?.labels?.["app.kubernetes.io/component"] === "pusher";
  const uid = anyUser ? undefined : pusher ? NETALERTX_UID : HUB_UID;
  must(context.runAsNonRoot === true, "runAsNonRoot must be true");
  must(context.runAsUser === uid, `runAsUser must be ${uid ?? "the cluster's choice"}`);
  must(context.seccompProfile?.type === "RuntimeDefault", "seccompProfile must be RuntimeDefault");
  must(spec.automountServiceAccountToken === false, "automountServiceAccountToken must be false");
  must(spec.terminationGracePeriodSeconds > 10, "terminationGracePeriodSeconds must be over 10");
  must(!spec.hostNetwork && !spec.hostPID && !spec.hostIPC, "must not share the host's namespaces");
  must(spec.containers?.length > 0, "no containers");
  for (const volume of spec.volumes ?? [])
    must(!volume.hostPath || (pusher && object.kind === "DaemonSet"),
      `volume ${volume.name}: hostPath must not be used`);
  const ends = ["Job", "CronJob", "Pod"].includes(object.kind);
  for (const container of spec.containers ?? []) wrong.push(...containerErrors(container, ends));
  for (const container of spec.initContainers ?? []) wrong.push(...containerErrors(container, true));
  return wrong;
}

function referenceErrors(object, pod, objects, privateImages) {
  const wrong = [];
  const find = (kind, name) =>
    objects.find((other) => other.kind === kind && other.metadata.name === name);
  const keyed = (kind, reference, name) => {
    const target = find(kind, name);
    if (!target) wrong.push(`${kind} ${name} does not exist`);
    else if (reference.key && !(reference.key in {...target.data, ...target.stringData}))
      wrong.push(`${kind} ${name} has no key ${reference.key}`);
  };
  const claims = (object.spec.volumeClaimTemplates ?? []).map((claim) => claim.metadata.name);
  const volumes = (pod.spec.volumes ?? []).map((volume) => volume.name);
  const certificates = objects.filter((other) => other.kind === "Certificate")
    .map((other) => other.spec.secretName);
  for (const volume of pod.spec.volumes ?? []) {
    if (volume.configMap) keyed("ConfigMap", {}, volume.configMap.name);
    if (!volume.secret || certificates.includes(volume.secret.secretName)) continue;
    for (const item of volume.secret.items ?? [{}]) keyed("Secret", item, volume.secret.secretName);
  }
  for (const container of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]) {
    for (const mount of container.volumeMounts ?? [])
      if (![...claims, ...volumes].includes(mount.name)) wrong.push(`no volume ${mount.name}`);
    for (const from of container.envFrom ?? [])
      if (from.configMapRef) keyed("ConfigMap", {}, from.configMapRef.name);
    const before = [];
    for (const {name, value, valueFrom} of container.env ?? []) {
      // CloudNativePG makes this one.
      if (valueFrom?.secretKeyRef && !(valueFrom.secretKeyRef.name === "synchub-db-app" &&
          objects.some((other) => other.apiVersion.startsWith("postgresql.cnpg.io/"))))
        keyed("Secret", valueFrom.secretKeyRef, valueFrom.secretKeyRef.name);
      if (valueFrom?.configMapKeyRef)
        keyed("ConfigMap", valueFrom.configMapKeyRef, valueFrom.configMapKeyRef.name);
      for (const [, used] of (value ?? "").matchAll(/\$\((\w+)\)/g))
        if (!before.includes(used)) wrong.push(`${name} uses ${used}, which is not set before it`);
      before.push(name);
    }
  }
  const account = find("ServiceAccount", pod.spec.serviceAccountName);
  if (!account) wrong.push(`ServiceAccount ${pod.spec.serviceAccountName} does not exist`);
  if (privateImages && !account?.imagePullSecrets?.length) wrong.push("has no secret for the private registry");
  const priority = pod.spec.priorityClassName;
  if (priority && !find("PriorityClass", priority)) wrong.push(`PriorityClass ${priority} does not exist`);
  if (!matches(object.spec.selector ?? object.spec.jobTemplate?.spec?.selector,
    pod.metadata?.labels)) wrong.push("its selector does not match its own pods");
  return wrong;
}

// Replicas that may be lost one at a time need a budget; a scaled target needs exactly one scaler.
function availabilityErrors(object, pod, objects) {
  if (!["Deployment", "StatefulSet"].includes(object.kind)) return [];
  const wrong = [];
  const scalers = objects.filter((other) =>
    ["HorizontalPodAutoscaler", "ScaledObject"].includes(other.kind) &&
    other.spec.scaleTargetRef.name === object.metadata.name);
  if (scalers.length > 1) wrong.push(`scaled by two: ${scalers.map(nameOf).join(", ")}`);
  if (scalers.length > 0 && object.spec.replicas !== undefined)
    wrong.push("has replicas beside a scaler, which every apply would reset");
  const least = scalers.length
    ? scalers[0].spec.minReplicas ?? scalers[0].spec.minReplicaCount
    : object.spec.replicas;
  if (least < 2) return wrong;
  const budget = objects.find((other) =>
    other.kind === "PodDisruptionBudget" && matches(other.spec.selector, pod.metadata.labels));
  if (!budget) wrong.push("has several replicas and no PodDisruptionBudget");
  if (!pod.spec.topologySpreadConstraints?.length)
    wrong.push("has several replicas and no topologySpreadConstraints");
  for (const constraint of pod.spec.topologySpreadConstraints ?? [])
    if (!matches(constraint.labelSelector, pod.metadata.labels))
      wrong.push("spreads pods that are not its own");
  return wrong;
}

function targetErrors(object, objects) {
  if (["HorizontalPodAutoscaler", "ScaledObject"].includes(object.kind)) {
    const {kind, name} = object.spec.scaleTargetRef;
    if (!objects.some((other) => other.kind === kind && other.metadata.name === name))
      return [`its target ${kind} ${name} does not exist`];
    return (object.spec.triggers ?? []).filter((trigger) => /^redis-(sentinel-)?streams$/.test(trigger.type))
      .flatMap((trigger) => [
        ...(trigger.metadata.stream === "synchub:ingest" ? [] : ["watches another stream"]),
        ...(trigger.metadata.streamLength ? [] : ["does not scale on streamLength"]),
        ...("lagCount" in trigger.metadata ? ["scales on lagCount, which Redis cannot tell"] : []),
      ]);
  }
  if (object.kind === "Service") {
    const selector = {matchLabels: object.spec.selector};
    const chosen = objects.filter((one) => podLabels(one).some((labels) => matches(selector, labels))).map(podOf);
    if (chosen.length === 0) return ["selects no pod"];
    const names = chosen.flatMap((pod) =>
      pod.spec.containers.flatMap((one) => (one.ports ?? []).map((port) => port.name)));
    return object.spec.ports.filter((port) => !names.includes(port.targetPort))
      .map((port) => `port ${port.name} leads to ${port.targetPort}, which no pod has`);
  }
  if (object.kind === "Ingress")
    return object.spec.rules.flatMap((rule) => rule.http.paths).flatMap(({backend, path}) => {
      const service = objects.find((other) =>
        other.kind === "Service" && other.metadata.name === backend.service.name);
      const port = service?.spec.ports.find((one) => one.name === backend.service.port.name);
      return [
        ...(port ? [] : [`leads to no port of a Service`]),
        // The console is a port of its own, on which nothing else answers.
        ...(path === "/sync" || port?.name === "console" ? [] : [`lets ${path} through`]),
        ...(object.spec.tls?.length ? [] : ["has no TLS"]),
      ];
    });
  if (object.kind === "ServiceMonitor") {
    const found = objects.some((other) => other.kind === "Service" &&
      matches(object.spec.selector, other.metadata.labels) &&
      other.spec.ports.some((port) => port.name === object.spec.endpoints[0].port));
    return found ? [] : ["finds no Service with that port"];
  }
  return [];
}

// Every metric in an alert must be exported by a program.
function alertErrors(object, metrics) {
  if (object.kind !== "PrometheusRule") return [];
  const asked = JSON.stringify(object.spec.groups).match(/synchub_\w+/g) ?? [];
  return asked.filter((name) => !metrics.has(name)).map((name) => `no program exports ${name}`);
}

function sourceText(folder, pattern) {
  return readdirSync(folder, { recursive: true }).filter((file) => pattern.test(file))
    .map((file) => readFileSync(join(folder, file), "utf8")).join("\n");
}

export function knownMetrics(root) {
  const text = ["libcommon", "pusher", "puller", "receiver"]
    .map((folder) => sourceText(join(root, folder), /\.[ch]$/)).join("\n");
  return new Set([...text.matchAll(/"(synchub_\w+)"/g)].map(([, name]) => name));
}

// Every setting in libcommon's table, in lower case.
export function knownSettings(root) {
  const text = sourceText(join(root, "libcommon/config"), /^settings.*\.[ch]$/);
  const names = [...text.matchAll(/"((?:SYNC_\w+)|API_TOKEN)"/g)].map(([, name]) => name);
  if (names.length < 20) throw new Error("the settings were not found in libcommon/config/settings*.c");
  return new Set(names.map((name) => name.toLowerCase()));
}

function settingErrors(object, pod, known) {
  const names = object.kind === "ConfigMap" ? Object.keys(object.data ?? {})
    : (pod?.spec?.containers ?? []).flatMap((one) => (one.env ?? []).map((env) => env.name));
  return names.filter((name) => /^SYNC_/i.test(name))
    .filter((name) => !known.has(name.replace(/_FILE$/, "").toLowerCase()))
    .map((name) => `${name} is not a setting of any program`);
}

// anyUser: the cluster chooses the user, as OpenShift does. add: the components of the installation.
export function ruleErrors(objects, {settings, metrics, headings}, {anyUser = false, add = []} = {}) {
  const privateImages = add.includes("image-pull-secret");
  const errors = [];
  const seen = new Set();
  for (const object of objects) {
    const pod = podOf(object);
    const found = [...targetErrors(object, objects), ...settingErrors(object, pod, settings),
      ...alertErrors(object, metrics), ...operationErrors(object, objects, headings),
      ...redisErrors(object, objects)];
    if (seen.has(nameOf(object))) found.push("is there twice");
    seen.add(nameOf(object));
    if (pod)
      found.push(...podErrors(object, pod, anyUser), ...referenceErrors(object, pod, objects, privateImages),
        ...availabilityErrors(object, pod, objects));
    errors.push(...found.map((text) => `${nameOf(object)}: ${text}`));
  }
  return errors;
}
