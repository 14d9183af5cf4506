// SPDX-License-Identifier: Apache-2.0
// Rules for the hub's Redis: it keeps what it confirms, and several servers survive the loss of one.
import {matches, podOf} from "./rules.mjs";

const COMPONENT = "app.kubernetes.io/component";
const INDEX = "apps.kubernetes.io/pod-index";
const KEPT = ["appendonly yes", "appendfsync always", "maxmemory-policy noeviction"];

const isRedis = (object) => object.kind === "StatefulSet" &&
  podOf(object)?.metadata?.labels?.[COMPONENT] === "redis";

// The labels of each pod that an object creates; Kubernetes gives those of a StatefulSet their index.
export function podLabels(object) {
  const labels = podOf(object)?.metadata?.labels;
  if (object.kind !== "StatefulSet") return labels ? [labels] : [];
  return Array.from({length: object.spec.replicas ?? 1}, (_, index) => ({...labels, [INDEX]: String(index)}));
}

// The files that a container finds in a folder, by the ConfigMap that is mounted there.
function filesAt(pod, container, folder, objects) {
  const volume = container.volumeMounts?.find((one) => one.mountPath === folder)?.name;
  const name = pod.spec.volumes?.find((one) => one.name === volume)?.configMap?.name;
  return objects.find((one) => one.kind === "ConfigMap" && one.metadata.name === name)?.data ?? {};
}

function fileErrors(pod, objects) {
  return pod.spec.containers.flatMap((container) => {
    const commands = [container.command, container.readinessProbe?.exec?.command,
      container.lifecycle?.preStop?.exec?.command].flat().filter(Boolean);
    return [...commands.join("\n").matchAll(/(\/usr\/local\/etc\/[\w-]+)\/([\w.-]+)/g)]
      .filter(([, folder, file]) => !(file in filesAt(pod, container, folder, objects)))
      .map(([path]) => `container ${container.name}: nothing is mounted at ${path}`);
  });
}

function settingErrors(pod, objects) {
  const redis = pod.spec.containers.find((one) => one.name === "redis");
  const lines = (filesAt(pod, redis, "/usr/local/etc/redis", objects)["redis.conf"] ?? "").split("\n");
  return KEPT.filter((line) => !lines.includes(line)).map((line) => `redis.conf lacks "${line}"`);
}

function serviceErrors(object, objects) {
  return podLabels(object).filter((labels) => !objects.some((one) => one.kind === "Service" &&
    one.spec.selector?.[INDEX] === labels[INDEX] && matches({matchLabels: one.spec.selector}, labels) &&
    one.spec.clusterIP !== "None" && one.spec.publishNotReadyAddresses === true))
    .map((labels) => `server ${labels[INDEX]} has no address that stays and is there before it is ready`);
}

function sentinelErrors(pod, objects) {
  const sentinel = pod.spec.containers.find((one) => one.name === "sentinel");
  if (!sentinel) return ["has several servers and no sentinels"];
  const wrong = [];
  if (!sentinel.volumeMounts?.some((one) => one.mountPath === "/data" && one.name === "data"))
    wrong.push("its sentinels forget what they know: their state is on no volume");
  if (!/ 6379 2\b/.test(filesAt(pod, sentinel, "/usr/local/etc/redis-ha", objects)["start-sentinel.sh"] ?? ""))
    wrong.push("two sentinels must agree that the master is down");
  return wrong;
}

// What keeps one failure from taking more than one server.
function spreadErrors(object, pod, objects) {
  const wrong = [];
  const apart = pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  if (!apart.some((one) => one.topologyKey === "kubernetes.io/hostname" &&
      matches(one.labelSelector, pod.metadata.labels)))
    wrong.push("two of its servers may be on one machine");
  if (!objects.some((one) => one.kind === "PodDisruptionBudget" && one.spec.maxUnavailable === 1 &&
      matches(one.spec.selector, pod.metadata.labels)))
    wrong.push("a drain may take two of its servers: no PodDisruptionBudget of 1");
  const redis = pod.spec.containers.find((one) => one.name === "redis");
  if (!redis.lifecycle?.preStop) wrong.push("its master stops without a successor");
  return wrong;
}

// The programs must find the master by the sentinels, and wait for a replica.
function clientErrors(object, objects) {
  const servers = object.spec.replicas;
  const names = objects.filter((one) => one.kind === "Service" && one.spec.selector?.[INDEX])
    .map((one) => one.metadata.name);
  return objects.filter((one) => podOf(one)).flatMap((one) => podOf(one).spec.containers.flatMap((container) => {
    const value = (name) => container.env?.find((variable) => variable.name === name)?.value;
    const url = value("SYNC_redis_url");
    if (url === undefined) return [];
    const asked = url.replace(/\$\((\w+)\)/g, (_, name) => value(name) ?? name);
    const settings = Object.assign({}, ...(container.envFrom ?? []).map((from) =>
      objects.find((map) => map.kind === "ConfigMap" && map.metadata.name === from.configMapRef?.name)?.data));
    const replicas = Number(settings.SYNC_redis_replicas ?? 0);
    return [
      ...(/^redis\+sentinel:/.test(asked) && /sentinel_password=/.test(asked) ? [] : ["asks no sentinel"]),
      ...names.filter((name) => !asked.match(/@([^/]*)/)[1].split(",").includes(name))
        .map((name) => `does not know the sentinel at ${name}`),
      ...(replicas >= 1 && replicas < servers - 1 ? []
        : [`SYNC_redis_replicas is ${replicas} with ${servers} servers`]),
    ].map((text) => `${podOf(one).metadata.labels[COMPONENT]} ${text}`);
  }));
}

function scalerErrors(objects) {
  const parameters = objects.filter((one) => one.kind === "TriggerAuthentication")
    .flatMap((one) => one.spec.secretTargetRef.map((reference) => reference.parameter));
  return objects.filter((one) => one.kind === "ScaledObject").flatMap((one) => one.spec.triggers)
    .filter(({type, metadata}) => !(type === "redis-sentinel-streams" && metadata.sentinelMaster &&
      metadata.addresses && parameters.includes("sentinelPassword")))
    .map(({type}) => `its scaler ${type} does not ask the sentinels`);
}

// Returns the errors of the hub's own Redis.
export function redisErrors(object, objects) {
  if (!isRedis(object)) return [];
  const pod = podOf(object);
  const wrong = [...fileErrors(pod, objects), ...settingErrors(pod, objects)];
  if (!(object.spec.replicas > 1)) return wrong;
  return [...wrong, ...serviceErrors(object, objects), ...sentinelErrors(pod, objects),
    ...spreadErrors(object, pod, objects), ...clientErrors(object, objects), ...scalerErrors(objects)];
}
