# SPDX-License-Identifier: Apache-2.0
"""Which fields of the manifests are values of the chart. A binding whose field is not there, or has another value than the
schema's default, is an error: k8s/ has changed, and the binding must follow."""

import base64
import re

from templates import Code, Else, Insert, Optional, mark

NAME, RELEASE_NAMESPACE, RELEASE = "$name", ".Release.Namespace", ".Release.Name"
NAMESPACE_LABEL = "kubernetes.io/metadata.name"
VERSION_LABEL = "app.kubernetes.io/version"
COMPONENT_LABEL = "app.kubernetes.io/component"
SETTINGS = ("ConfigMap", "synchub-settings")
# Kept when the release is removed, as the volumes of StatefulSets are.
KEPT = {"helm.sh/resource-policy": "keep"}


def included(name):
    return Code(f'include "synchub.{name}" . | quote')


def value(name, last="quote"):
    return Code(f".Values.{name} | {last}")


def secret(name):
    return value(name, "b64enc | quote")


def encoded(text):
    return base64.b64encode(text.encode()).decode()


# (kind, name, path, what the manifest has there, what the template has). A number in a path is a place in a list.
FIELDS = [
    ("Deployment", "synchub-ingest", ("spec", "replicas"), 2, value("ingest.replicas", "int")),
    ("HorizontalPodAutoscaler", "synchub-ingest", ("spec", "minReplicas"), 2, value("ingest.minReplicas", "int")),
    ("HorizontalPodAutoscaler", "synchub-ingest", ("spec", "maxReplicas"), 10, value("ingest.maxReplicas", "int")),
    ("ScaledObject", "synchub-merge", ("spec", "minReplicaCount"), 2, value("merge.minReplicas", "int")),
    ("ScaledObject", "synchub-merge", ("spec", "maxReplicaCount"), 10, value("merge.maxReplicas", "int")),
    ("Secret", "synchub-secret", ("data", "SYNC_api_token"), "", secret("apiToken")),
    ("Secret", "synchub-secret", ("data", "SYNC_encryption_key"), "", secret("encryptionKey")),
    ("Secret", "synchub-redis-secret", ("data", "REDIS_PASSWORD"), "", secret("redis.password")),
    ("Secret", "synchub-redis-secret", ("data", "SYNC_redis_url"), encoded("zzredis"), secret("redis.url")),
    ("Secret", "synchub-postgresql-secret", ("data", "POSTGRES_PASSWORD"), "", secret("postgresql.password")),
    ("Secret", "synchub-postgresql-secret", ("data", "SYNC_db"), encoded("zzpostgresql"), secret("postgresql.url")),
    ("ConfigMap", "synchub-puller", ("data", "SYNC_nodes"), "",
     Code('ternary "" (toRawJson .Values.puller.nodes) (empty .Values.puller.nodes) | quote')),
    ("CronJob", "synchub-puller", ("spec", "schedule"), "*/15 * * * *", value("puller.schedule")),
    ("CronJob", "synchub-backup", ("spec", "schedule"), "30 2 * * *", value("postgresql.backup.schedule")),
    ("Gateway", "synchub", ("spec", "gatewayClassName"), "example", value("gateway.className")),
    ("Ingress", "synchub", ("spec", "ingressClassName"), "traefik", value("ingress.className")),
    ("Ingress", "synchub-console", ("spec", "ingressClassName"), "traefik", value("console.ingress.className")),
    ("Certificate", "synchub-tls", ("spec", "issuerRef", "kind"), "ClusterIssuer", value("certManager.issuer.kind")),
    ("Certificate", "synchub-tls", ("spec", "issuerRef", "name"), "letsencrypt", value("certManager.issuer.name")),
    ("Certificate", "synchub-internal-tls", ("spec", "issuerRef", "kind"), "ClusterIssuer", value("tls.issuer.kind")),
    ("Certificate", "synchub-internal-tls", ("spec", "issuerRef", "name"), "internal-ca", value("tls.issuer.name")),
]

# (kind, name, path of the claim's spec, its size, its values)
STORAGE = [
    ("StatefulSet", "synchub-redis", ("spec", "volumeClaimTemplates", 0, "spec"), "4Gi", "redis.storage"),
    ("StatefulSet", "synchub-merge", ("spec", "volumeClaimTemplates", 0, "spec"), "8Gi", "merge.storage"),
    ("StatefulSet", "synchub-postgresql", ("spec", "volumeClaimTemplates", 0, "spec"), "16Gi", "postgresql.storage"),
    ("PersistentVolumeClaim", "synchub-backup", ("spec",), "16Gi", "postgresql.backup.storage"),
]

# Texts of the manifests that have one meaning wherever they are.
TEXTS = {
    "hub.example.com": value("host"),
    "console.hub.example.com": value("console.ingress.host"),
    "['https://console.hub.example.com']": Code("""printf "['https://%s']" .Values.console.ingress.host | quote"""),
    "synchub-tls": included("tlsSecretName"),
    "synchub-console-tls": included("consoleTlsSecretName"),
    "synchub-internal-tls": mark(NAME) + "-internal-tls",
    "synchub-registry": value("images.pullSecret"),
    "redis.example.com:6379": value("redis.address"),
}
NAMESPACES = {"keda": "keda.namespace", "monitoring": "monitoring.namespace", "traefik": "console.proxyNamespace"}
RUNBOOKS = "https://docs.example.com/synchub/troubleshooting.md"
ENVIRONMENT = {"KEEP": ("7", value("postgresql.backup.keep", "int | quote"))}
IMAGES = {"synchub-receiver": "receiver", "synchub-puller": "puller", "redis": "redis", "postgres": "postgresql"}
# The values with the resources of a container, by the component of its pod.
RESOURCES = {("ingest", "synchub"): "ingest", ("merge", "synchub"): "merge", ("puller", "synchub"): "puller",
             ("redis", "redis"): "redis", ("postgresql", "postgresql"): "postgresql", ("postgresql", "password"): "postgresql"}
SECRETS = {"synchub-secret": ("secretName", "existingSecret"),
           "synchub-redis-secret": ("redisSecretName", "redis.existingSecret"),
           "synchub-postgresql-secret": ("postgresqlSecretName", "postgresql.existingSecret")}


def key_of(one, prefix):
    """(kind, name) of a rendered object, the name as in k8s/."""
    return one["kind"], one["metadata"]["name"].removeprefix(prefix)


def file_of(key):
    kind, name = key
    return f"{kind.lower()}-{re.sub('^synchub-?', '', name) or 'hub'}.yaml"


def condition_of(key):
    """What the presence of an object depends on beside the components."""
    kind, name = key
    return f"not .Values.{SECRETS[name][1]}" if kind == "Secret" else ""


def at(one, path):
    """(the container, its last key or index) if the path exists, otherwise (None, None)."""
    for step in path[:-1]:
        one = one[step] if isinstance(one, list) and len(one) > step else one.get(step) if isinstance(one, dict) else None
        if one is None:
            return None, None
    return (one, path[-1]) if path[-1] in one or isinstance(one, list) else (None, None)


def pod_of(one):
    """The pod template, or None."""
    spec = one.get("spec", {})
    return spec.get("jobTemplate", {}).get("spec", {}).get("template") or spec.get("template")


def containers_of(pod):
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def references(value):
    """(kind, name) of the ConfigMaps and Secrets that a pod names."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    if isinstance(value, dict):
        for field, item in value.items():
            if field in ("configMapRef", "configMapKeyRef", "configMap"):
                yield "ConfigMap", item["name"]
            elif field == "secretKeyRef":
                yield "Secret", item["name"]
            elif field == "secretName":
                yield "Secret", item
            else:
                yield from references(item)


class Bindings:
    """Applies the tables above to rendered objects, and notices which rows found nothing."""

    def __init__(self, prefix, namespace, instance, tags):
        """tags: of the images, by their names in the values."""
        self.prefix, self.tags = prefix, tags
        self.markers = re.compile(f"{prefix}(synchub(?![a-z]))?|{namespace}|{instance}|{re.escape(RUNBOOKS)}")
        self.texts = {prefix: mark(NAME) + "-", f"{prefix}synchub": mark(NAME), namespace: mark(RELEASE_NAMESPACE),
                      instance: mark(RELEASE), RUNBOOKS: mark(".Values.monitoring.runbooksUrl")}
        self.missing = {("field", *row[:3]) for row in FIELDS} | {("storage", *row[:2]) for row in STORAGE} | \
            {("text", text) for text in [*TEXTS, RUNBOOKS]} | {("namespace", name) for name in NAMESPACES} | \
            {("env", name) for name in ENVIRONMENT} | {("image", name) for name in IMAGES} | \
            {("resources", *row) for row in RESOURCES} | {("secret", name) for name in SECRETS}

    def check(self):
        if self.missing:
            raise ValueError("k8s/ no longer has what packaging/helm/bindings.py binds: " +
                             ", ".join(" ".join(map(str, row)) for row in sorted(self.missing, key=str)))

    def found(self, *row):
        self.missing.discard(row)

    def expect(self, where, is_, should):
        if is_ != should:
            raise ValueError(f"{where}: k8s/ has {is_!r} where packaging/helm/ expects {should!r}")

    def apply(self, key, one, objects):
        """The object as the template has it."""
        kind, name = key
        used = list(self.checksums(one, objects)) if kind in ("Deployment", "StatefulSet") else []
        one = self.text("", one)
        for row in FIELDS:
            holder, last = at(one, row[2]) if row[:2] == key else (None, None)
            if holder is not None:
                self.expect(f"{kind} {name} {row[2]}", holder[last], row[3])
                holder[last] = row[4]
                self.found("field", *row[:3])
        for row in STORAGE:
            holder, last = at(one, row[2]) if row[:2] == key else (None, None)
            if holder is not None:
                self.storage(holder[last], row)
        pod = pod_of(one)
        if pod:
            self.pod(pod, used)
        if key == SETTINGS:
            self.settings(one)
        if kind == "PriorityClass":
            one["metadata"]["name"] = f"{mark(RELEASE_NAMESPACE)}-{one['metadata']['name']}"
        if kind == "Certificate":  # its own name, not that of a Secret that exists
            one["metadata"]["name"] = mark(NAME) + name.removeprefix("synchub")
        if kind == "PersistentVolumeClaim":
            one["metadata"]["annotations"].update(KEPT)
        if kind == "Secret":  # its own name, not that of an existing one
            one["metadata"]["name"] = mark(NAME) + name.removeprefix("synchub")
            self.found("secret", name)
        one["metadata"].setdefault("labels", {})["helm"] = Insert('include "synchub.labels" .')
        return one

    def text(self, field, item):
        """Replaces texts and names everywhere."""
        if isinstance(item, dict):
            return {key: self.text(key, value) for key, value in item.items()}
        if isinstance(item, list):
            return [self.text(field, value) for value in item]
        if not isinstance(item, str):
            return item
        plain = item.removeprefix(self.prefix)  # the Secret of a Certificate has the prefix
        if plain in TEXTS:
            self.found("text", plain)
            return TEXTS[plain]
        if field == NAMESPACE_LABEL and item in NAMESPACES:
            self.found("namespace", item)
            return value(NAMESPACES[item])
        if item.removeprefix(self.prefix) in SECRETS and item.startswith(self.prefix):
            return included(SECRETS[item.removeprefix(self.prefix)][0])
        if item.startswith(RUNBOOKS):
            self.found("text", RUNBOOKS)
        replaced = self.markers.sub(lambda match: self.texts[match[0]], item)
        return f"{mark(RELEASE_NAMESPACE)}-{replaced}" if field == "priorityClassName" else replaced

    def storage(self, spec, row):
        requests = spec["resources"]["requests"]
        self.expect(f"{row[0]} {row[1]} storage", requests["storage"], row[3])
        requests["storage"] = value(f"{row[4]}.size")
        spec["storageClassName"] = Optional(f".Values.{row[4]}.className", "quote")
        self.found("storage", *row[:2])

    def checksums(self, one, objects):
        """(annotation, its value) for each ConfigMap and Secret of the chart that the pods use."""
        for kind, name in sorted(set(references(pod_of(one)))):
            key = kind, name.removeprefix(self.prefix)
            if key in objects:
                file = file_of(key)
                yield f"checksum/{file.removesuffix('.yaml')}", Code(f'include "synchub.checksum" (list . "{file}")')

    def pod(self, pod, checksums):
        component = pod["metadata"]["labels"][COMPONENT_LABEL]
        if checksums:
            pod["metadata"].setdefault("annotations", {}).update(checksums)
        image = ""
        for container in containers_of(pod):
            image = self.container(container, component)
        if VERSION_LABEL in pod["metadata"]["labels"]:
            self.expect(VERSION_LABEL, pod["metadata"]["labels"][VERSION_LABEL], self.tags[image])
            pod["metadata"]["labels"][VERSION_LABEL] = Code(f".Values.images.{image}.tag | default .Chart.AppVersion | quote")
        pod["spec"]["nodeSelector"] = Optional(".Values.nodeSelector")
        pod["spec"]["tolerations"] = Optional(".Values.tolerations")

    def container(self, container, component):
        """Returns the name of its image in the values."""
        repository, _, tag = container["image"].partition(":")
        if repository not in IMAGES:
            raise ValueError(f"packaging/helm/bindings.py has no image {repository}")
        image = IMAGES[repository]
        self.expect(f"the tag of {repository}", tag, self.tags[image])
        container["image"] = Code(f'include "synchub.image" (list . "{image}") | quote')
        self.found("image", repository)
        for variable in container.get("env", []):
            if variable["name"] in ENVIRONMENT:
                before, variable_value = ENVIRONMENT[variable["name"]]
                self.expect(variable["name"], variable["value"], before)
                variable["value"] = variable_value
                self.found("env", variable["name"])
        where = component, container["name"]
        if where in RESOURCES:
            container["resources"] = Else(f".Values.{RESOURCES[where]}.resources", container["resources"])
            self.found("resources", *where)
        return image

    @staticmethod
    def settings(one):
        known = sorted(one["data"])
        one["data"] = {name: Code(f'include "synchub.setting" (list . "{name}" "{text}")') for name, text in one["data"].items()}
        one["data"]["others"] = Insert('include "synchub.otherSettings" (list . (list ' +
                                       " ".join(f'"{name}"' for name in known) + "))")
