// SPDX-License-Identifier: Apache-2.0
// Evaluates the NetworkPolicies for every pair of endpoints and port, and compares the result with the
// intended flows, so that it finds both missing and superfluous permissions.
import {BlockList} from "node:net";
import {matches, podOf} from "./rules.mjs";

const PORTS = ["UDP/53", "TCP/53", "UDP/5353", "TCP/5353", "TCP/443", "TCP/5432", "TCP/6379", "TCP/26379", "TCP/20212", "TCP/20214"];

// Other endpoints in and outside the cluster. Addresses: 10.0.0.0/8 are pods;
// node-dns is NodeLocal DNSCache, which listens at an address of the machine.
const OUTSIDERS = [
  {name: "dns", namespace: "kube-system", labels: {"k8s-app": "kube-dns"}, address: "10.9.0.1"},
  {name: "openshift-dns", namespace: "openshift-dns", labels: {}, address: "10.9.0.6"},
  {name: "keda", namespace: "keda", labels: {app: "keda-operator"}, address: "10.9.0.2"},
  {name: "prometheus", namespace: "monitoring", labels: {}, address: "10.9.0.3"},
  {name: "traefik", namespace: "traefik", labels: {}, address: "10.9.0.5"},
  {name: "stranger", namespace: "default", labels: {}, address: "10.9.0.4"},
  {name: "internet", address: "203.0.113.7"},
  {name: "node-dns", address: "169.254.20.10"},
  {name: "metadata", address: "169.254.169.254"},
  {name: "metadata6", address: "fd00:ec2::254"},
];

function inBlock({cidr, except = []}, address) {
  const family = (text) => (text.includes(":") ? "ipv6" : "ipv4");
  const covers = (block) => {
    if (family(block) !== family(address)) return false;
    const [base, bits] = block.split("/");
    const list = new BlockList();
    list.addSubnet(base, Number(bits), family(block));
    return list.check(address, family(address));
  };
  return covers(cidr) && !except.some(covers);
}

// Cilium's ipBlocks cover no pods of the cluster, whatever their addresses.
function peerMatches(peer, end, home, cilium) {
  if (peer.ipBlock) return !(cilium && end.namespace) && inBlock(peer.ipBlock, end.address);
  if (!end.namespace) return false;
  const namespaceLabels = {"kubernetes.io/metadata.name": end.namespace};
  const namespace = peer.namespaceSelector
    ? matches(peer.namespaceSelector, namespaceLabels)
    : end.namespace === home;
  return namespace && matches(peer.podSelector, end.labels);
}

function portMatches(ports, wanted) {
  const [protocol, number] = [wanted.split("/")[0], Number(wanted.split("/")[1])];
  return !ports?.length || ports.some((port) => (port.protocol ?? "TCP") === protocol &&
    number >= port.port && number <= (port.endPort ?? port.port));
}

// One direction at one pod: everything without a policy for it, otherwise what some policy allows.
function allows(policies, direction, pod, peer, port, cilium) {
  if (!pod.hub) return true;
  const holding = policies.filter((policy) => policy.spec.policyTypes.includes(direction) &&
    policy.metadata.namespace === pod.namespace && matches(policy.spec.podSelector, pod.labels));
  if (holding.length === 0) return true;
  const [rules, side] = direction === "Ingress" ? ["ingress", "from"] : ["egress", "to"];
  return holding.some((policy) => (policy.spec[rules] ?? []).some((rule) =>
    portMatches(rule.ports, port) && (!rule[side]?.length ||
      rule[side].some((one) => peerMatches(one, peer, policy.metadata.namespace, cilium)))));
}

// Every flow that a hub's pod takes part in, as `from -> to TCP/1`.
export function flows(objects, cilium = false) {
  const policies = objects.filter((object) => object.kind === "NetworkPolicy");
  const pods = objects.filter(podOf).map((object, index) => ({
    name: podOf(object).metadata.labels["app.kubernetes.io/component"],
    namespace: object.metadata.namespace,
    labels: podOf(object).metadata.labels,
    address: `10.1.0.${index + 1}`,
    hub: true,
    several: object.kind === "StatefulSet" && object.spec.replicas > 1, // which may connect to each other
  }));
  const found = [];
  for (const from of [...pods, ...OUTSIDERS])
    for (const to of [...pods, ...OUTSIDERS]) {
      if ((from.name === to.name && !from.several) || !(from.hub || to.hub)) continue;
      const open = PORTS.filter((port) => allows(policies, "Egress", from, to, port, cilium) &&
        allows(policies, "Ingress", to, from, port, cilium));
      found.push(...open.map((port) => `${from.name} -> ${to.name} ${port}`));
    }
  return found;
}

const ALL_OUT = PORTS.filter((port) => port.startsWith("TCP"));
const OTHERS = ["dns", "openshift-dns", "keda", "prometheus", "traefik", "stranger", "internet"];

function outward(from, ports = ALL_OUT) {
  return OTHERS.flatMap((to) => ports.map((port) => `${from} -> ${to} ${port}`));
}

// The intended flows for the given components, scalers, Prometheus and the console.
export function meantFlows(
  {components, keda = false, monitoring = false, job = false, sentinel = false, console = false, openshift = false}) {
  const has = (name) => components.includes(name);
  const hub = ["ingest", "merge", "puller"].filter(has);
  const list = components.flatMap((from) => ["dns", "node-dns"].flatMap((to) =>
    [`${from} -> ${to} UDP/53`, `${from} -> ${to} TCP/53`]));
  for (const from of openshift ? components : [])
    list.push(`${from} -> openshift-dns UDP/5353`, `${from} -> openshift-dns TCP/5353`);
  if (has("puller")) list.push(...outward("puller"));
  if (has("pusher")) list.push(...outward("pusher", ["TCP/443", "TCP/20212"]));
  for (const from of hub)
    list.push(...(has("redis") ? [`${from} -> redis TCP/6379`] : outward(from, ["TCP/6379"])));
  if (has("backup")) list.push("backup -> postgresql TCP/5432");
  if (has("postgresql")) list.push("merge -> postgresql TCP/5432");
  else if (keda) list.push(...outward("merge", ["TCP/5432"]));
  if (keda && has("redis")) list.push("keda -> redis TCP/6379");
  for (const from of sentinel ? [...hub, "redis", ...(keda ? ["keda"] : [])] : [])
    list.push(`${from} -> redis TCP/26379`);
  if (sentinel) list.push("redis -> redis TCP/6379");
  // Anyone may connect to ingest, but of the hub's own pods only the puller.
  if (has("ingest"))
    for (const from of [...OTHERS, "node-dns", "metadata", "metadata6", ...(has("puller") ? ["puller"] : [])])
      list.push(`${from} -> ingest TCP/20212`);
  for (const to of monitoring ? hub.filter((name) => !(job && name === "puller")) : [])
    list.push(`prometheus -> ${to} TCP/20212`);
  if (console) list.push("traefik -> merge TCP/20214");
  return new Set(list);
}

export function networkErrors(objects, shape) {
  const should = meantFlows(shape);
  return [false, true].flatMap((cilium) => {
    const is = new Set(flows(objects, cilium));
    const where = cilium ? " by Cilium" : "";
    return [
      ...[...is].filter((flow) => !should.has(flow)).map((flow) => `open, but not meant${where}: ${flow}`),
      ...[...should].filter((flow) => !is.has(flow)).map((flow) => `meant, but closed${where}: ${flow}`),
    ];
  });
}
