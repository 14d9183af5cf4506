// SPDX-License-Identifier: Apache-2.0
// Manifests with one mistake each, derived from the valid ones, and the expected error.

function change(objects, kind, name, edit) {
  const copy = structuredClone(objects);
  const object = copy.find((one) => one.kind === kind && one.metadata.name === name);
  if (!object) throw new Error(`there is no ${kind} ${name} to break`);
  edit(object, copy);
  return copy;
}

const pod = (edit) => (object) => edit(object.spec.template.spec);
const container = (edit) => (object) => edit(object.spec.template.spec.containers[0]);
const INGEST = ["single", "Deployment", "synchub-ingest"];
const MERGE = ["single", "StatefulSet", "synchub-merge"];
const REDIS = ["single", "StatefulSet", "synchub-redis"];
const SCALED = ["scaled", "Deployment", "synchub-merge"];
const SCALER = ["scaled", "ScaledObject", "synchub-merge"];
const JOB = ["single", "CronJob", "synchub-puller"];
const DATABASE = ["scaled", "StatefulSet", "synchub-postgresql"];
const ROUTE = ["scaled", "HTTPRoute", "synchub"];
const HA = ["ha", "StatefulSet", "synchub-redis"];
const HA_INGEST = ["ha", "Deployment", "synchub-ingest"];
const variable = (name, value) => container((c) => (c.env.find((one) => one.name === name).value = value));
const job = (edit) => (object) => edit(object.spec.jobTemplate.spec);

const MISTAKES = [
  // What the API server refuses, or silently ignores.
  ["an unknown field of a Deployment", INGEST,
    (o) => (o.spec.replica = 3), /replica\W+ does not exist/],
  ["an unknown field deep in a container", INGEST,
    container((c) => (c.securityContext.readOnlyRootFileSystem = true)), /readOnlyRootFileSystem/],
  ["an unknown field of a NetworkPolicy", ["single", "NetworkPolicy", "redis"],
    (o) => (o.spec.ingress[0].form = []), /form\W+ does not exist/],
  ["an unknown field of a ScaledObject", SCALER,
    (o) => (o.spec.minReplicas = 2), /minReplicas\W+ does not exist/],
  ["a number as text", MERGE, (o) => (o.spec.replicas = "1"), /not assignable to type 'number'|integer/],
  ["a number in the environment", INGEST, container((c) => (c.env[0].value = 1)), /string/],
  ["text where a list must be", INGEST, container((c) => (c.args = "--once")), /array|string\[\]/],
  ["a required field that is missing", MERGE, (o) => delete o.spec.selector, /selector/],
  ["a wrong choice of words", INGEST, container((c) => (c.imagePullPolicy = "Sometimes")), /imagePullPolicy|Sometimes/],
  ["a kind that does not exist", INGEST, (o) => (o.kind = "Deploymnet"), /no such kind/],
  ["a removed API version", INGEST, (o) => (o.apiVersion = "extensions/v1"), /no such kind/],
  ["no kind at all", INGEST, (o) => delete o.kind, /no apiVersion or kind/],
  // Pod security.
  ["a privileged container", INGEST,
    container((c) => (c.securityContext.privileged = true)), /privileged/],
  ["a pod without securityContext", MERGE, pod((p) => delete p.securityContext), /runAsNonRoot/],
  ["a container without securityContext", MERGE,
    container((c) => delete c.securityContext), /allowPrivilegeEscalation/],
  ["a pod that runs as root", MERGE, pod((p) => (p.securityContext.runAsUser = 0)), /runAsUser/],
  ["a container that runs as root", MERGE,
    container((c) => (c.securityContext.runAsUser = 0)), /must not run as root/],
  ["another user", REDIS, pod((p) => (p.securityContext.runAsUser = 999)), /runAsUser must be 65532/],
  ["no runAsNonRoot", REDIS, pod((p) => delete p.securityContext.runAsNonRoot), /runAsNonRoot/],
  ["an unconfined seccomp profile", REDIS,
    pod((p) => (p.securityContext.seccompProfile.type = "Unconfined")), /seccompProfile/],
  ["privilege escalation", REDIS,
    container((c) => delete c.securityContext.allowPrivilegeEscalation), /allowPrivilegeEscalation/],
  ["capabilities that stay", REDIS,
    container((c) => delete c.securityContext.capabilities), /drop ALL/],
  ["a capability that is added", REDIS,
    container((c) => (c.securityContext.capabilities.add = ["NET_ADMIN"])), /add none/],
  ["a writable root", INGEST,
    container((c) => (c.securityContext.readOnlyRootFilesystem = false)), /readOnlyRootFilesystem/],
  ["a token for the API", INGEST,
    pod((p) => delete p.automountServiceAccountToken), /automountServiceAccountToken/],
  ["a folder of the host", INGEST,
    pod((p) => p.volumes.push({name: "host", hostPath: {path: "/"}})), /hostPath/],
  ["the host's network", INGEST, pod((p) => (p.hostNetwork = true)), /host's namespaces/],
  ["a bad init container", INGEST,
    pod((p) => (p.initContainers = [{name: "init", image: "x:1"}])), /container init/],
  ["no limits", INGEST, container((c) => delete c.resources.limits), /no limits of memory/],
  ["a limit of cpu", INGEST, container((c) => (c.resources.limits.cpu = "2")), /only slows it down/],
  ["no ephemeral storage", REDIS,
    container((c) => delete c.resources.requests["ephemeral-storage"]), /no requests of ephemeral-storage/],
  ["no requests", INGEST, container((c) => delete c.resources.requests.cpu), /no requests of cpu/],
  ["no readiness probe", INGEST, container((c) => delete c.readinessProbe), /no readinessProbe/],
  ["an ingest that leaves its Service while Redis is down", INGEST,
    container((c) => (c.readinessProbe.httpGet.path = "/readyz")), /readinessProbe asks \/readyz/],
  ["an ingest that counts as started before it reached Redis", INGEST,
    container((c) => (c.startupProbe.httpGet.path = "/livez")), /startupProbe asks \/livez/],
  ["a probe at a port that does not exist", INGEST,
    container((c) => (c.livenessProbe.httpGet.port = "web")), /uses port web/],
  ["too short a time to end", INGEST,
    pod((p) => (p.terminationGracePeriodSeconds = 10)), /terminationGracePeriodSeconds/],
  ["an image without a tag", INGEST,
    container((c) => (c.image = "synchub-receiver")), /no fixed tag/],
  // Dangling names, and unknown settings.
  ["a Secret that does not exist", MERGE,
    pod((p) => (p.volumes[0].secret.secretName = "other")), /Secret other does not exist/],
  ["a key that the Secret has not", MERGE,
    pod((p) => (p.volumes[0].secret.items[0].key = "token")), /no key token/],
  ["a setting that is misspelt", MERGE,
    container((c) => c.env.push({name: "SYNC_databse", value: "x"})), /SYNC_databse is not a setting/],
  ["a value used before it is set", MERGE,
    container((c) => c.env.reverse()), /uses REDIS_PASSWORD/],
  ["a Service that finds no pod", ["single", "Service", "synchub"],
    (o) => (o.spec.selector["app.kubernetes.io/component"] = "hub"), /selects no pod/],
  // Operation.
  ["pods that are never replaced", REDIS,
    (o) => delete o.spec.podManagementPolicy, /never replaces a pod that a bad apply broke/],
  ["volumes without a retention policy", MERGE,
    (o) => delete o.spec.persistentVolumeClaimRetentionPolicy, /that its volumes are retained/],
  ["a headless Redis", ["single", "Service", "synchub-redis"],
    (o) => (o.spec.clusterIP = "None"), /ingest: connects to synchub-redis, a headless Service/],
  ["a headless PostgreSQL", ["scaled", "Service", "synchub-postgresql"],
    (o) => (o.spec.clusterIP = "None"), /merge: connects to synchub-postgresql, a headless/],
  ["a name that Kustomize did not follow", INGEST,
    container((c) => (c.env.find((one) => one.name === "SYNC_redis_url").value =
      "redis://:$(REDIS_PASSWORD)@redis:6379/0")), /redis leads to no Service/],
  ["a Job that does not try again in place", JOB,
    job((s) => (s.template.spec.restartPolicy = "Never")), /must restart OnFailure/],
  ["a Job that gives up at once", JOB, job((s) => (s.backoffLimit = 0)), /gives up too early/],
  ["a password that stays the old one", DATABASE,
    pod((p) => delete p.initContainers), /POSTGRES_PASSWORD never reaches the database/],
  ["the namespace in the overlay", INGEST,
    (o, all) => all.push({apiVersion: "v1", kind: "Namespace", metadata: {name: "synchub"}}),
    /deleted with the hub/],
  ["a selector that chooses another hub's pods", INGEST,
    (o) => delete o.spec.selector.matchLabels["app.kubernetes.io/instance"], /pods of another hub/],
  ["a Service for two hubs", ["single", "Service", "synchub"],
    (o) => delete o.spec.selector["app.kubernetes.io/instance"], /pods of another hub/],
  ["metrics of two hubs", ["scaled", "ServiceMonitor", "synchub"],
    (o) => delete o.spec.selector.matchLabels["app.kubernetes.io/instance"], /pods of another hub/],
  ["a policy for two hubs", ["single", "NetworkPolicy", "to-redis"],
    (o) => delete o.spec.podSelector.matchLabels, /pods of another hub/],
  ["the version in a selector", INGEST,
    (o) => (o.spec.selector.matchLabels["app.kubernetes.io/version"] = "0.2.0"), /which changes/],
  ["the version in a claim", MERGE, (o) => (o.spec.volumeClaimTemplates[0].metadata.labels[
    "app.kubernetes.io/version"] = "0.1.0"), /has the version, and cannot be changed/],
  ["the version on more than pods", INGEST,
    (o) => (o.metadata.labels["app.kubernetes.io/version"] = "0.2.0"), /which belongs to pods alone/],
  ["another version than the image's", INGEST,
    (o) => (o.spec.template.metadata.labels["app.kubernetes.io/version"] = "9.9"), /is 9\.9, its image/],
  ["a Secret whose other keys restart the pod", DATABASE, (o, all) => {
    const secret = all.find((one) => /^synchub-secret/.test(one.metadata.name));
    secret.data.POSTGRES_PASSWORD = "";
    o.spec.template.spec.volumes.find((one) => one.secret).secret.secretName = secret.metadata.name;
  }, /postgresql: restarts with SYNC_api_token of synchub-secret/],
  ["a scaler that asks another namespace", SCALER,
    (o) => (o.spec.triggers[0].metadata.address = "synchub-redis.default.svc:6379"), /no Service of synchub/],
  ["a scaler without credentials", SCALER,
    (o) => (o.spec.triggers[0].authenticationRef.name = "other"), /TriggerAuthentication other/],
  ["a scaler without limits to its speed", SCALER,
    (o) => delete o.spec.advanced, /how fast to scaleUp/],
  ["scaling on a percentage", ["scaled", "HorizontalPodAutoscaler", "synchub-ingest"],
    (o) => (o.spec.metrics[0].resource.target = {type: "Utilization", averageUtilization: 70}),
    /percentage of the request/],
  ["an alert without a runbook", ["scaled", "PrometheusRule", "synchub"],
    (o) => delete o.spec.groups[0].rules[0].annotations.runbook_url, /SyncHubDown has no runbook_url/],
  ["an alert whose runbook is not written", ["scaled", "PrometheusRule", "synchub"],
    (o) => (o.spec.groups[0].rules[0].annotations.runbook_url += "x"), /docs\/troubleshooting.md lacks/],
  ["a DaemonSet without tolerations", ["daemonset", "DaemonSet", "synchub-pusher"],
    pod((p) => delete p.tolerations), /no tolerations/],
  ["a private registry that the pods cannot log in to", ["secured", "ServiceAccount", "synchub"],
    (o) => delete o.imagePullSecrets, /synchub-ingest: has no secret for the private registry/],
  ["a priority class that is missing", ["secured", "PriorityClass", "synchub-data"],
    (o, all) => all.splice(all.indexOf(o), 1), /synchub-redis: PriorityClass synchub-data does not exist/],
  ["a probe without TLS", ["secured", "Deployment", "synchub-ingest"],
    container((c) => delete c.readinessProbe.httpGet.scheme), /readinessProbe does not use HTTPS/],
  ["a certificate that is not there", ["secured", "StatefulSet", "synchub-merge"],
    container((c) => (c.volumeMounts = c.volumeMounts.filter((one) => one.mountPath !== "/run/tls"))),
    /nothing is mounted at \/run\/tls/],
  ["a certificate for another namespace", ["secured", "Certificate", "synchub-internal-tls"],
    (o) => (o.spec.dnsNames[1] = "synchub.default.svc"), /synchub\.default\.svc is no Service/],
  ["two hubs with one certificate", ["secured", "Certificate", "synchub-internal-tls"],
    (o) => (o.metadata.name = "synchub-internal-tls-b"), /may be another hub's/],
  ["a certificate that Prometheus does not accept", ["secured", "ServiceMonitor", "synchub"],
    (o) => (o.spec.endpoints[0].tlsConfig.serverName = "synchub-b"), /Prometheus asks for synchub-b/],
  ["a Prometheus without TLS", ["secured", "ServiceMonitor", "synchub"],
    (o) => delete o.spec.endpoints[0].scheme, /asks by http, which the pods do not speak/],
  // Scaling.
  ["replicas beside a scaler", SCALED, (o) => (o.spec.replicas = 3), /replicas beside a scaler/],
  ["two scalers of one target", ["scaled", "HorizontalPodAutoscaler", "synchub-ingest"],
    (o) => (o.spec.scaleTargetRef.name = "synchub-merge"), /scaled by two/],
  ["a scaler of nothing", SCALER,
    (o) => (o.spec.scaleTargetRef.name = "merge"), /target Deployment merge does not exist/],
  ["scaling on the lag", SCALER,
    (o) => (o.spec.triggers[0].metadata = {stream: "synchub:ingest", lagCount: "5"}), /lagCount/],
  ["scaling on another stream", SCALER,
    (o) => (o.spec.triggers[0].metadata.stream = "ingest"), /watches another stream/],
  ["no disruption budget", ["single", "PodDisruptionBudget", "synchub-ingest"],
    (o) => (o.spec.selector.matchLabels = {app: "x"}), /no PodDisruptionBudget/],
  ["no spread over machines", INGEST,
    pod((p) => delete p.topologySpreadConstraints), /no topologySpreadConstraints/],
  // Several Redis.
  ["a Redis that loses what it confirmed", REDIS, (o, all) => {
    const map = all.find((one) => one.data?.["redis.conf"]);
    map.data["redis.conf"] = map.data["redis.conf"].replace("appendfsync always", "appendfsync everysec");
  }, /redis.conf lacks "appendfsync always"/],
  ["two servers on one machine", HA, pod((p) => delete p.affinity), /may be on one machine/],
  ["servers that are drained together", ["ha", "PodDisruptionBudget", "synchub-redis"],
    (o) => (o.spec.maxUnavailable = 2), /a drain may take two/],
  ["a master without a successor", HA, container((c) => delete c.lifecycle), /without a successor/],
  ["no sentinels", HA, pod((p) => p.containers.pop()), /no sentinels/],
  ["sentinels that forget", HA, pod((p) => p.containers[1].volumeMounts.shift()), /on no volume/],
  ["one sentinel that decides alone", HA, (o, all) => {
    const map = all.find((one) => one.data?.["start-sentinel.sh"]);
    map.data["start-sentinel.sh"] = map.data["start-sentinel.sh"].replace("6379 2}", "6379 1}");
  }, /two sentinels must agree/],
  ["a script that is not there", HA,
    container((c) => (c.command[1] = "/usr/local/etc/redis-ha/start.sh")), /nothing is mounted at .*start\.sh/],
  ["a server that is reached only once it is ready", ["ha", "Service", "synchub-redis-1"],
    (o) => delete o.spec.publishNotReadyAddresses, /server 1 has no address that stays/],
  ["a server without a name", ["ha", "Service", "synchub-redis-2"],
    (o) => (o.spec.selector["apps.kubernetes.io/pod-index"] = "3"), /selects no pod/],
  ["a program that asks no sentinel", HA_INGEST,
    variable("SYNC_redis_url", "redis://:$(REDIS_PASSWORD)@$(REDIS_0_HOST):6379/0"), /ingest asks no sentinel/],
  ["a program that knows two of three sentinels", HA_INGEST, variable("SYNC_redis_url",
    "redis+sentinel://:$(REDIS_PASSWORD)@$(REDIS_0_HOST),$(REDIS_2_HOST)/synchub?sentinel_password=x"),
    /does not know the sentinel at synchub-redis-1/],
  ["a push that no replica has", HA_INGEST, (o, all) => {
    delete all.find((one) => one.data?.SYNC_redis_replicas).data.SYNC_redis_replicas;
  }, /SYNC_redis_replicas is 0 with 3 servers/],
  ["pushes that fail with one replica", HA_INGEST, (o, all) => {
    all.find((one) => one.data?.SYNC_redis_replicas).data.SYNC_redis_replicas = "2";
  }, /SYNC_redis_replicas is 2 with 3 servers/],
  ["a scaler that asks one server", ["ha", "ScaledObject", "synchub-merge"],
    (o) => (o.spec.triggers[0].type = "redis-streams"), /scaler redis-streams does not ask the sentinels/],
  ["a scaler that the sentinels refuse", ["ha", "TriggerAuthentication", "synchub-redis"],
    (o) => o.spec.secretTargetRef.pop(), /does not ask the sentinels/],
  ["servers that cannot reach each other", ["ha", "NetworkPolicy", "redis-ha"],
    (o) => delete o.spec.egress, /meant, but closed: redis -> redis TCP\/6379/],
  ["sentinels open to the namespace", ["ha", "NetworkPolicy", "redis-ha"],
    (o) => delete o.spec.ingress[1].from, /not meant: stranger -> redis TCP\/26379/],
  ["sentinels closed to the programs", ["ha", "NetworkPolicy", "to-sentinel"],
    (o, all) => all.splice(all.indexOf(o), 1), /meant, but closed: ingest -> redis TCP\/26379/],
  // Ingress and monitoring.
  ["an alert on a metric that no program exports", ["scaled", "PrometheusRule", "synchub"],
    (o) => (o.spec.groups[0].rules[0].expr = "synchub_lag > 1"), /no program exports synchub_lag/],
  ["an unknown field of a ServiceMonitor", ["scaled", "ServiceMonitor", "synchub"],
    (o) => (o.spec.endpoints[0].every = "30s"), /every\W+ does not exist/],
  ["metrics let out by the Ingress", ["scaled", "Ingress", "synchub"],
    (o) => (o.spec.rules[0].http.paths[0].path = "/"), /lets \/ through/],
  ["an Ingress without TLS", ["scaled", "Ingress", "synchub"],
    (o) => delete o.spec.tls, /has no TLS/],
  ["an Ingress of a retired controller", ["scaled", "Ingress", "synchub"],
    (o) => (o.spec.ingressClassName = "nginx"), /which is retired/],
  ["metrics let out by the route", ROUTE,
    (o) => (o.spec.rules[0].matches[0].path.value = "/metrics"), /lets \/metrics through/],
  ["a route for every path", ROUTE, (o) => delete o.spec.rules[0].matches, /lets everything through/],
  ["a route that cuts large tables off", ROUTE,
    (o) => delete o.spec.rules[0].timeouts, /time-out request is under/],
  ["a route by a listener without TLS", ROUTE,
    (o) => (o.spec.parentRefs[0].sectionName = "http"), /no such listener with TLS/],
  ["a route to a port that does not exist", ROUTE,
    (o) => (o.spec.rules[0].backendRefs[0].port = 80), /leads to no port of synchub/],
  ["an unknown field of a HTTPRoute", ROUTE,
    (o) => (o.spec.rules[0].timeout = "5s"), /timeout\W+ does not exist/],
  ["an Ingress to a console that is not there", ["scaled", "Service", "synchub-console"],
    (o, all) => all.splice(all.indexOf(o), 1), /leads to no port of a Service/],
  // Flows that are wrongly allowed or denied.
  ["the console open to the cluster", ["scaled", "NetworkPolicy", "console"],
    (o) => delete o.spec.ingress[0].from, /not meant: stranger -> merge TCP\/20214/],
  ["the console behind the nodes' port", ["scaled", "Service", "synchub-console"],
    (o) => (o.spec.ports[0].targetPort = "nodes"), /leads to nodes, which no pod has/],
  ["Redis open to the namespace", ["single", "NetworkPolicy", "redis"],
    (o) => delete o.spec.ingress[0].from, /open, but not meant: stranger -> redis/],
  ["PostgreSQL open to the puller", ["scaled", "NetworkPolicy", "postgresql"],
    (o) => (o.spec.ingress[0].from[0].podSelector = {}), /not meant: puller -> postgresql/],
  ["no default deny", ["single", "NetworkPolicy", "default-deny"],
    (o, all) => all.splice(all.indexOf(o), 1), /open, but not meant: stranger -> merge/],
  ["no way to the name service", ["single", "NetworkPolicy", "allow-dns"],
    (o, all) => all.splice(all.indexOf(o), 1), /meant, but closed: ingest -> dns UDP\/53/],
  ["the machine's metadata open to the puller", ["single", "NetworkPolicy", "puller"],
    (o) => delete o.spec.egress[0].to[0].ipBlock.except, /not meant: puller -> metadata/],
  ["no way to a name cache of the machine", ["single", "NetworkPolicy", "allow-dns"],
    (o) => o.spec.egress[0].to.pop(), /meant, but closed: ingest -> node-dns UDP\/53/],
  ["no way to OpenShift's name service", ["secured", "NetworkPolicy", "allow-dns"],
    (o) => o.spec.egress.pop(), /meant, but closed: ingest -> openshift-dns UDP\/5353/],
  ["only an address block, which covers no pods in Cilium", ["single", "NetworkPolicy", "puller"],
    (o) => o.spec.egress[0].to.pop(), /meant, but closed by Cilium: puller -> stranger/],
  ["dumps that cannot be made", ["scaled", "NetworkPolicy", "postgresql-from-backup"],
    (o, all) => all.splice(all.indexOf(o), 1), /meant, but closed: backup -> postgresql/],
];

// base has the valid objects, by the names used above.
export function brokenManifests(base) {
  return MISTAKES.map(([title, [of, kind, name], edit, expect]) => ({
    title, of, expect, objects: change(base[of], kind, name, edit),
  }));
}
